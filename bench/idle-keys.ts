/**
 * One case of the memory section, in its own process so that leftovers of others do not count: a rule, keys, events per
 * key. Prints what is held once all events have been taken, as JSON.
 *
 * `node --expose-gc bench/idle-keys.ts <count|persons> <keys> <events per key> <gte>`
 */

import { mix32 } from '../replay/random.ts';
import { Engine } from '../src/detect/engine.ts';
import { Pseudonyms } from '../src/event/pseudonyms.ts';
import { FieldTable } from '../src/event/record.ts';
import { parseRules } from '../src/sigma/parse-rules.ts';

export interface Held {
  readonly groups: number;
  /** Typed memory of the logs. */
  readonly stateBytes: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
}

const [measure = 'count', keys = '1000000', each = '3', gte = '50'] = process.argv.slice(2);
const persons = measure === 'persons';

const ruleSet = parseRules([
  {
    file: 'idle-keys',
    text: `
title: read
name: read
logsource: {category: application}
detection: {selection: {event.action: record-view}, condition: selection}
---
title: window
correlation:
  type: ${persons ? 'value_count' : 'event_count'}
  rules: [read]
  group-by: [user.id]
  timespan: 28d
  condition: {gte: ${gte}${persons ? ', field: portal.records.ids' : ''}}
vigie.max_groups: ${keys}
`,
  },
]);
if (ruleSet.faults.length > 0) throw new Error(ruleSet.faults[0]!.message);
const fields = new FieldTable();
const engine = new Engine({ ruleSet, fields, hashKey: new Uint8Array(16).fill(7), latenessMs: 60_000 });
const record = fields.newRecord();
const ids = new Pseudonyms(new Uint32Array(2), 1);
record.slots[fields.slot('event.action')] = 'record-view';
// Without a rule on persons the events show none, as alerts would have to list them.
if (persons) record.slots[fields.slot('portal.records.ids')] = ids;

const before = usage();
const total = Number(keys) * Number(each);
for (let i = 0; i < total; i += 1) {
  record.time = 1.75e12 + Math.floor((i / total) * 86_400_000);
  record.slots[fields.slot('user.id')] = `account-${i % Number(keys)}`;
  ids.words[0] = mix32(i);
  ids.words[1] = mix32(i ^ 0x5bd1_e995);
  engine.process(record, 0);
  if (i % 1000 === 0) engine.tracker.changed.clear();
}
engine.tracker.changed.clear();
const after = usage();
const { groups, bytes } = engine.size();
const held: Held = {
  groups,
  stateBytes: bytes,
  heapBytes: after.heapUsed - before.heapUsed,
  residentBytes: after.rss - before.rss,
};
process.stdout.write(JSON.stringify(held));

function usage(): NodeJS.MemoryUsage {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage();
}
