/**
 * What saving and restoring state costs: keys with three events and two persons each, counted by a threshold on events
 * and one on persons.
 */

import { Engine } from '../src/detect/engine.ts';
import { Pseudonyms } from '../src/event/pseudonyms.ts';
import { FieldTable } from '../src/event/record.ts';
import { parseRules } from '../src/sigma/parse-rules.ts';
import { StateReader } from '../src/state/state-reader.ts';
import { atOnce } from '../src/state/steps.ts';
import { StateWriter } from '../src/state/state-writer.ts';
import type { Section } from './section.ts';

const ruleSet = parseRules([
  {
    file: 'bench.yml',
    text: `
title: read
name: read
logsource: {category: portal}
detection: {read: {action: read}, condition: read}
---
title: events
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 28d, condition: {gte: 50}}
---
title: persons
correlation: {type: value_count, rules: [read], group-by: [user.id], timespan: 28d, condition: {gte: 50, field: portal.records.ids}}
`,
  },
]);

function newEngine(fields = new FieldTable()): Engine {
  return new Engine({ ruleSet, fields, hashKey: new Uint8Array(16).fill(7), latenessMs: 60_000 });
}

function filled(keys: number): Engine {
  const fields = new FieldTable();
  const engine = newEngine(fields);
  const record = fields.newRecord();
  const persons = new Pseudonyms(new Uint32Array(2), 1);
  record.slots[fields.slot('action')] = 'read';
  record.slots[fields.slot('portal.records.ids')] = persons;
  for (let i = 0; i < 3 * keys; i += 1) {
    record.time = 1.75e12 + i;
    record.slots[fields.slot('event.id')] = `event-${i}`;
    record.slots[fields.slot('user.id')] = `account-${i % keys}`;
    persons.words[0] = i % 2;
    persons.words[1] = i % keys;
    engine.process(record, 0);
  }
  return engine;
}

/** CPU seconds. */
function timed<T>(work: () => T): { result: T; seconds: number } {
  globalThis.gc?.();
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (user + system) / 1e6 };
}

function saved(engine: Engine): readonly Uint8Array[] {
  const writer = new StateWriter();
  atOnce(engine.saving(writer));
  return writer.finish();
}

export const state: Section = {
  name: 'state',
  about: 'saving all state and restoring it',
  run({ quick }) {
    const keys = quick ? 100_000 : 1_000_000;
    const fill = timed(() => filled(keys));
    const save = timed(() => saved(fill.result));
    const bytes = Buffer.concat(save.result);
    const load = timed(() => {
      const engine = newEngine();
      atOnce(engine.loading(StateReader.of(bytes)));
      return engine;
    });
    const { groups } = load.result.size();
    if (groups !== keys)
      throw new Error(`${groups} of ${keys} keys were restored: the benchmark measures nothing`);
    if (!Buffer.concat(saved(load.result)).equals(bytes))
      throw new Error('what was restored is saved as other bytes');
    const row = (name: string, seconds: number) => ({
      name,
      figures: { 'CPU µs/key': (seconds * 1e6) / keys },
    });
    return {
      tables: [
        {
          title: `${keys.toLocaleString('en-GB')} keys with three events each, saved as ${Math.round(bytes.length / keys)} bytes a key`,
          rows: [
            row('processing the events', fill.seconds),
            row('saving', save.seconds),
            row('restoring', load.seconds),
          ],
        },
      ],
      goals: [],
    };
  },
};
