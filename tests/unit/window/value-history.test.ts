/** Of what a group's windows were worth before, what is held and for how long. */

import { expect, test } from 'vitest';
import type { Baseline } from '../../../src/sigma/rule.ts';
import { ValueHistories, ValueHistory } from '../../../src/window/value-history.ts';

/** That of the only group of a store, or of one of several. */
function historyOf(
  baseline: Baseline,
  timespanMs: number,
  histories = new ValueHistories(baseline, timespanMs),
) {
  const history = new ValueHistory();
  return {
    get length() {
      return history.run.length;
    },
    note: (endMs: number, value: number, estimated: boolean, watermark: number) =>
      histories.note(history, endMs, value, estimated, watermark),
    usualAt: (endMs: number) => histories.usualAt(history, endMs),
    finalAfter: (endMs: number) => histories.finalAfter(endMs),
    get outOfReachFrom() {
      return histories.outOfReachFrom(history);
    },
    forget: () => histories.release(history.run),
  };
}

const baseline = { historyMs: 280, bucketMs: 10, seasonMs: 10, factor: 3, minSamples: 5 };

test('holds one number per bucket, and none that no window can still be compared with', () => {
  const history = historyOf(baseline, 5);
  for (let t = 0; t < 100_000; t += 1) history.note(t, t % 7, false, t - 20);
  // 28 buckets of history, the one of the watermark, and those that are newer.
  expect(history.length).toBeLessThanOrEqual(28 + 1 + 3);
});

test('holds nothing for buckets without a window', () => {
  const history = historyOf(baseline, 5);
  for (let t = 0; t < 1000; t += 100) history.note(t, 1, false, 0);
  expect(history.length).toBe(10);
});

test('is out of reach a history after the end of its newest bucket', () => {
  const history = historyOf({ ...baseline, minSamples: 1 }, 5);
  expect(history.outOfReachFrom).toBe(-Infinity);
  history.note(1_003, 4, false, 0);
  expect(history.outOfReachFrom).toBe(1_010 + 280);
  expect(history.usualAt(1_289)).toMatchObject({ samples: 28, median: 0 });
  expect(history.usualAt(1_290)).toMatchObject({ samples: 0, upTo: -Infinity });
});

test('is final once the watermark is past the last bucket that was over before the window began', () => {
  const history = historyOf(baseline, 5);
  expect([103, 104, 113, 114].map((end) => history.finalAfter(end))).toEqual([89, 99, 99, 109]);
});

test('takes windows in any order', () => {
  const [one, other] = [historyOf(baseline, 5), historyOf(baseline, 5)];
  const windows = [3, 9, 1, 7, 4, 12, 2].map((value, i) => ({ end: 10 * i + (i % 3), value }));
  for (const { end, value } of windows) one.note(end, value, false, -Infinity);
  for (const { end, value } of windows.toReversed()) {
    for (const part of [1, value]) other.note(end, part, false, -Infinity);
  }
  expect(other.usualAt(95)).toEqual(one.usualAt(95));
  // 1, 2, 3, 4, 7, 9, 12 and, after those, buckets 7 and 8 with nothing.
  expect(one.usualAt(95)).toEqual({
    samples: 9,
    median: 3,
    deviation: 1.4826 * 3,
    upTo: 3 + 3 * (1.4826 * 3),
  });
});

test('a history does not inherit what was usual in the group whose memory it reuses', () => {
  const histories = new ValueHistories(baseline, 5);
  const gone = historyOf(baseline, 5, histories);
  for (let bucket = 0; bucket < 9; bucket += 1) gone.note(10 * bucket, 7, false, -Infinity);
  expect(gone.usualAt(95).median).toBe(7);
  gone.forget();
  const other = historyOf(baseline, 5, histories);
  for (let bucket = 0; bucket < 9; bucket += 1) other.note(10 * bucket, 2, false, -Infinity);
  expect(other.usualAt(95).median).toBe(2);
});

test('each group has its own history', () => {
  const histories = new ValueHistories(baseline, 5);
  const all = [1, 2, 3].map((value) => ({ value, history: historyOf(baseline, 5, histories) }));
  for (let bucket = 0; bucket < 9; bucket += 1) {
    for (const { value, history } of all)
      history.note(10 * bucket, value * (1 + (bucket % 2)), false, -Infinity);
  }
  expect(all.map(({ history }) => history.usualAt(95).median)).toEqual([1, 2, 3]);
});

test('nothing is usual in a group without windows, wherever others have theirs', () => {
  const histories = new ValueHistories(baseline, 5);
  const [first, empty] = [historyOf(baseline, 5, histories), historyOf(baseline, 5, histories)];
  for (let bucket = 6; bucket < 9; bucket += 1) first.note(10 * bucket, 7, false, -Infinity);
  expect(first.usualAt(95).median).toBe(7);
  expect(empty.usualAt(95)).toEqual({ samples: 0, median: 0, deviation: 0, upTo: -Infinity });
  expect(first.usualAt(95).median).toBe(7);
});

test('an estimate is noted even if an exact window had the same value', () => {
  const histories = new ValueHistories(baseline, 5);
  const history = new ValueHistory();
  for (const end of [3, 13]) histories.note(history, end, 4, false, -Infinity);
  expect(histories.leastIn(history, 3, 15, false)).toBe(4);
  expect(histories.leastIn(history, 3, 15, true)).toBe(-Infinity);
  // A bucket of which no window is known yet.
  expect(histories.leastIn(history, 3, 25, false)).toBe(-Infinity);
  histories.note(history, 14, 2, true, -Infinity);
  expect(histories.leastIn(history, 3, 15, true)).toBe(4);
  expect(histories.leastIn(history, 3, 25, true)).toBe(-Infinity);
});
