/** When a window with a baseline is judged, and what of a group's history outlives its windows. */

import { expect, test } from 'vitest';
import { EngineBench, type RuleSketch, rulesOf, type Sent } from './harness.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';

/** In the unit of sketches: 40 seconds of history in buckets of 10 seconds. */
const BASELINE = 'vigie.baseline: {history: 40000s, bucket: 10000s, factor: 0, min_samples: 1}';
const narrowed = (gte: number, root = BASELINE): RuleSketch => ({
  type: 'event_count',
  timespanMs: 1000,
  gte,
  root,
});
const reads = (user: string, count: number, time: number): Sent[] =>
  Array.from({ length: count }, () => ({ time, fields: { user } }));

const seen = (user: string, time: number, docs: number): Sent => ({
  time,
  fields: { user, doc: Array.from({ length: docs }, (_, i) => `d${i}`) },
});

function sent(rules: RuleSet, events: readonly Sent[], latenessMs = 0, exactEntries?: number): EngineBench {
  const bench = new EngineBench(rules, { latenessMs, ...(exactEntries && { exactEntries }) });
  for (const event of events) bench.take(event);
  return bench;
}

const crossings = (bench: EngineBench): number[] => bench.episodes.map(({ crossedAt }) => crossedAt);

/** Many groups, so that the hand that forgets passes over all. */
const others = (from: number, to: number): Sent[] =>
  Array.from({ length: 1000 }, (_, i) => ({
    time: from + ((to - from) * i) / 1000,
    fields: { user: `u${i}` },
  }));

test('an alert comes on the event that crosses, without waiting for the watermark', () => {
  const bench = sent(
    rulesOf(narrowed(2)),
    [...reads('a', 2, 0), ...reads('b', 1, 20_000), ...reads('a', 3, 20_000)],
    5000,
  );
  expect(crossings(bench)).toEqual([0, 20_000]);
});

test('a window waits until the watermark is past the history that it is compared with', () => {
  const bench = sent(rulesOf(narrowed(2)), [...reads('a', 1, 0), ...reads('a', 3, 11_500)], 5000);
  // The bucket that ends at 10,000 may still get events from 6,500 on.
  expect(crossings(bench)).toEqual([]);
  bench.take({ time: 14_999, fields: { user: 'b' } });
  expect(crossings(bench)).toEqual([]);
  bench.take({ time: 15_000, fields: { user: 'c' } });
  expect(crossings(bench)).toEqual([11_500]);
});

test('what waits for the bucket that the watermark has just reached the end of goes on waiting', () => {
  const bench = sent(rulesOf(narrowed(2)), [...reads('a', 3, 11_500), ...reads('a', 2, 0)], 30_000);
  // The watermark is at 9,999, and another five may come.
  bench.take({ time: 39_999, fields: { user: 'b' } });
  for (const event of [...reads('a', 5, 9_999), ...reads('b', 1, 80_000)]) bench.take(event);
  expect(crossings(bench)).toEqual([0, 9_999]);
});

test('a window that waits is judged at the end of the input', () => {
  const bench = sent(rulesOf(narrowed(2)), [...reads('a', 1, 0), ...reads('a', 3, 11_500)], 5000);
  bench.finish();
  expect(crossings(bench)).toEqual([11_500]);
});

test('a group is held until its history is out of reach, and then forgotten', () => {
  const bench = sent(rulesOf(narrowed(2)), [...reads('a', 5, 0), ...others(10_000, 25_000)]);
  for (const event of reads('a', 2, 25_000)) bench.take(event);
  // Of 5 and 0 the median is 2.5. Forgotten, it would have fired again.
  expect(crossings(bench)).toEqual([0]);
  for (const event of others(100_000, 100_000)) bench.take(event);
  expect(bench.engine.size().groups).toBeLessThan(1000 + 10);
});

test('a group of few persons is held until its windows are part of its history', () => {
  const rule: RuleSketch = { ...narrowed(10), type: 'value_count', field: 'doc' };
  const users = Array.from({ length: 50 }, (_, i) => `a${i}`);
  const bench = sent(rulesOf(rule), [
    ...users.map((user) => seen(user, 0, 5)),
    ...others(1_001, 1_249),
    ...users.map((user) => seen(user, 25_000, 12)),
  ]);
  // Of 5 and 0 the median.
  expect(bench.episodes.map((episode) => bench.render(episode).usualUpTo)).toEqual(users.map(() => 2.5));
});

test('an alert says up to how much is usual in its group, as far as anything is known of it', () => {
  const bench = sent(rulesOf(narrowed(2), { ...narrowed(3), root: '' }), [
    ...reads('a', 5, 0),
    ...reads('a', 3, 25_000),
  ]);
  const told = bench.episodes.map((episode) => [episode.of.rule.key, bench.render(episode).usualUpTo]);
  // Of 5 and 0 the median.
  expect(told).toEqual([
    ['c0', null],
    ['c0', 2.5],
    ['c1', null],
    ['c1', null],
  ]);
});

test('thresholds with the same baseline share one history, and rules without one are told as before', () => {
  const sketches = [2, 3, 4, 5].flatMap((gte) => [narrowed(gte), { ...narrowed(gte), root: '' }]);
  const bench = sent(rulesOf(...sketches), [...reads('a', 4, 0), ...reads('a', 4, 20_000)]);
  const fired = bench.episodes.map(({ of, crossedAt }) => `${of.rule.key} ${crossedAt}`);
  const floor = ['c0 0', 'c2 0', 'c4 0'];
  const plain = ['c1 0', 'c1 20000', 'c3 0', 'c3 20000', 'c5 0', 'c5 20000'];
  expect(fired.sort()).toEqual([...floor, ...plain].sort());
});

test('an alert that rests on an estimated history is marked as an estimate', () => {
  const busy = Array.from({ length: 100_000 }, (_, i) => ({ time: i / 25, fields: { user: 'a' } }));
  const rules = rulesOf({ ...narrowed(2), timespanMs: 2000 });
  const bench = sent(rules, [...busy, ...reads('a', 3000, 20_000)]);
  expect(bench.engine.counts.coalesced).toBeGreaterThan(0);
  const quiet = sent(rules, [...busy.slice(0, 1000), ...reads('a', 3000, 20_000)]);
  expect(quiet.episodes.at(-1)).toMatchObject({ crossedAt: 20_000, valueEstimated: false });
  expect(bench.episodes.every(({ crossedAt, valueEstimated }) => crossedAt < 20_000 || valueEstimated)).toBe(
    true,
  );
});
