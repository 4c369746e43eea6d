/** Saved state of a shard is taken only by the same shard, and only for rules that are routed as they were. */

import { expect, test } from 'vitest';
import { Engine } from '../../../src/detect/engine.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { savedLineage } from '../../../src/detect/engine-state.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { StateReader } from '../../../src/state/state-reader.ts';
import { atOnce } from '../../../src/state/steps.ts';
import { savedBytes } from '../../support/state-bench.ts';

const READ = `title: read
name: read
logsource: {category: portal}
detection: {sel: {action: read}, condition: sel}`;

function correlation(name: string, of: string, by: string): string {
  return `title: ${name}
name: ${name}
correlation:
  type: event_count
  rules: [${of}]
  group-by: [${by}]
  timespan: 1h
  condition: {gte: 2}
level: high`;
}

function engineOf(documents: readonly string[], index: number, of: number, state?: StateReader): Engine {
  const ruleSet = parseRules([{ file: 'rules.yml', text: [READ, ...documents].join('\n---\n') }]);
  const shard = { index, of };
  const former = state === undefined ? undefined : savedLineage(state);
  return new Engine({
    ruleSet,
    fields: new FieldTable(),
    hashKey: new Uint8Array(16),
    latenessMs: 0,
    shard,
    former,
  });
}

const ALONE = [correlation('both', 'read', 'user, org'), correlation('other', 'read', 'user')];
/** The same rule, and one above it that has only the organisation in common. */
const CHAINED = [...ALONE, correlation('above', 'both', 'org')];

test('a rule that is routed otherwise now begins empty, the others go on', () => {
  const state = StateReader.of(savedBytes(engineOf(ALONE, 1, 4)));
  expect(atOnce(engineOf(ALONE, 1, 4, state).loading(state))).toEqual([]);
  const without = atOnce(engineOf(CHAINED, 1, 4, state).loading(state));
  expect(without.map(({ key }) => key).toSorted()).toEqual(['above', 'both']);
});

test('a rule goes on when those that it was measured together with are gone, or others have come', () => {
  const pair = [correlation('a', 'read', 'user'), correlation('b', 'read', 'user')];
  const state = StateReader.of(savedBytes(engineOf(pair, 1, 4)));
  expect(atOnce(engineOf(pair.slice(1), 1, 4, state).loading(state))).toEqual([]);
  const more = atOnce(engineOf([correlation('Z', 'read', 'user'), ...pair], 1, 4, state).loading(state));
  expect(more.map(({ key }) => key)).toEqual(['Z']);
});

test.each([
  [2, 4],
  [1, 5],
])('the state of shard 1 of 4 is none of shard %d of %d', (index, of) => {
  const state = StateReader.of(savedBytes(engineOf(ALONE, 1, 4)));
  expect(() => atOnce(engineOf(ALONE, index, of, state).loading(state))).toThrow(
    expect.objectContaining({ code: 'STATE_SETTINGS' }),
  );
});
