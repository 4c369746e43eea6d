/**
 * What saving and restoring state costs: keys with three events and two persons each, counted by a threshold on
 * events and one on persons. Run: `node --expose-gc bench/state.ts --keys 1000000`.
 */

import { parseArgs } from 'node:util';

import { Engine } from '../src/detect/engine.ts';
import { Pseudonyms } from '../src/event/pseudonyms.ts';
import { FieldTable } from '../src/event/record.ts';
import { parseRules } from '../src/sigma/parse-rules.ts';
import { StateReader } from '../src/state/state-reader.ts';
import { StateWriter } from '../src/state/state-writer.ts';

const { values } = parseArgs({ options: { keys: { type: 'string', default: '1000000' } } });
const keys = Number(values.keys);

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

function filled(): Engine {
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
  engine.save(writer);
  return writer.finish();
}

const fill = timed(filled);
const save = timed(() => saved(fill.result));
const bytes = Buffer.concat(save.result);
const load = timed(() => {
  const engine = newEngine();
  engine.load(new StateReader(bytes));
  return engine;
});
const { groups } = load.result.size();
if (groups !== keys)
  throw new Error(`${groups} of ${keys} keys were restored: the benchmark measures nothing`);
const again = timed(() => saved(load.result));
if (!Buffer.concat(again.result).equals(bytes)) throw new Error('what was restored is saved as other bytes');
process.stdout.write(
  `${keys} keys with 3 events each: processed in ${fill.seconds.toFixed(1)} s, saved in ${save.seconds.toFixed(1)} s, restored in ${load.seconds.toFixed(1)} s (CPU), ${Math.round(bytes.length / keys)} bytes a key\n`,
);
