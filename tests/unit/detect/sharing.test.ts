/** Rules that measure the same share what is held and looked at, however many there are. */

import { describe, expect, test } from 'vitest';
import { planCorrelations } from '../../../src/detect/plan.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import { MEASURES } from '../../../src/window/event-log.ts';
import { EngineBench, randomOf, type Sent } from './harness.ts';

/** One correlation each over the events of a user in ten seconds. */
function rulesWith(correlations: readonly { type: string; condition: string }[]): RuleSet {
  const text = [
    'title: read\nname: read\nlogsource: {category: portal}\ndetection: {s: {action: read}, condition: s}',
    ...correlations.map(
      ({ type, condition }, i) =>
        `title: c${i}\nname: c${i}\ncorrelation: {type: ${type}, rules: [read], group-by: [user], timespan: 10s, condition: {${condition}}}`,
    ),
  ].join('\n---\n');
  const set = parseRules([{ file: 'rules.yml', text }]);
  expect(set.faults).toEqual([]);
  return set;
}

const streamsOf = (set: RuleSet) => planCorrelations(set, new FieldTable()).streams;

function randomLog(seed: number): Sent[] {
  const random = randomOf(seed);
  let time = 0;
  return Array.from({ length: 400 }, () => {
    time += random(4) * 500;
    return {
      time: Math.max(0, time - random(3000)),
      fields: { user: `u${random(2)}`, person: `p${random(30)}`, bytes: random(6) },
    };
  });
}

function firingsOf(set: RuleSet, log: readonly Sent[]): string[] {
  const bench = new EngineBench(set, { latenessMs: 3000 });
  for (const event of log) bench.take(event);
  bench.finish();
  return bench.episodes
    .map(
      ({ of, group, crossedAt, valueAtCrossing, value, totals }) =>
        `${of.rule.key} ${group.fields['user']} ${crossedAt} ${valueAtCrossing} ${value} ${totals.events}`,
    )
    .sort();
}

/** Bounds in no order, with ties of `gt` and `gte` and several bounds in one condition. */
const SWEEP = [12, 3, 7, 7, 1, 20, 5].flatMap((n, i) => [
  ...['event_count', 'value_count', 'value_sum'].map((type) => ({
    type,
    condition: `${i % 2 === 0 ? 'gte' : 'gt'}: ${n}${type === 'event_count' ? '' : `, field: ${type === 'value_sum' ? 'bytes' : 'person'}`}`,
  })),
  { type: 'event_count', condition: `gt: ${n}, gte: ${n}` },
  { type: 'value_avg', condition: `field: bytes, gte: ${n / 4}` },
  { type: 'value_count', condition: `field: person, lte: ${n}` },
]);

describe('a sweep of thresholds', () => {
  test('on six measures is one stream with one horizon, or one closing log, for each', () => {
    const streams = streamsOf(rulesWith(SWEEP));
    expect(streams).toHaveLength(1);
    const [{ counts, distincts, sums, closings }] = streams as [(typeof streams)[number]];
    expect(counts).toHaveLength(1);
    expect(distincts.map(({ horizons }) => horizons.length)).toEqual([1]);
    expect(sums.map(({ horizons }) => horizons.length)).toEqual([1]);
    expect(closings).toHaveLength(2);
  });

  test('looks at the thresholds from the least on', () => {
    const [stream] = streamsOf(rulesWith(SWEEP));
    const bounds = stream!.counts[0]!.watchers.map(({ rule }) =>
      rule.bounds.map(({ op, value }) => `${op} ${value}`).join(' and '),
    );
    expect(bounds.slice(0, 4)).toEqual(['gte 1', 'gt 1 and gte 1', 'gt 3', 'gt 3 and gte 3']);
    expect(bounds.at(-1)).toBe('gt 20 and gte 20');
  });

  test.each([1, 2, 3, 4, 5])('fires as each of its rules does alone, random log %i', (seed) => {
    const log = randomLog(seed);
    const alone = SWEEP.flatMap((rule, i) =>
      firingsOf(rulesWith([rule]), log).map((row) => row.replace('c0', `c${i}`)),
    );
    expect(alone.length).toBeGreaterThan(50);
    expect(firingsOf(rulesWith(SWEEP), log)).toEqual(alone.sort());
  });
});

test('rules on more fields than an event can mark go to several streams, and all of them fire', () => {
  const fields = Array.from({ length: 70 }, (_, i) => `f${i}`);
  const twice = [...fields, ...fields];
  const set = rulesWith(
    twice.map((field) => ({ type: 'value_count', condition: `field: ${field}, gte: 1` })),
  );
  const measures = streamsOf(set).map(({ rules }) => rules.length / 2);
  expect(measures.reduce((sum, count) => sum + count)).toBe(fields.length);
  expect(Math.max(...measures)).toBe(MEASURES);
  const bench = new EngineBench(set);
  bench.take({ time: 0, fields: { user: 'u', ...Object.fromEntries(fields.map((field) => [field, 'x'])) } });
  expect(bench.episodes).toHaveLength(140);
});
