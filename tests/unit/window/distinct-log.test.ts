/** Distinct counts against counting anew: in order, out of order and late, with sightings that were forgotten. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DistinctLog, Sightings } from '../../../src/window/distinct-log.ts';
import type { Horizon } from '../../../src/window/horizon.ts';

interface Seen {
  readonly t: number;
  /** Of one event. */
  readonly values: readonly number[];
  readonly watermark: number;
}

/** Feeds a log as a group does and returns the largest value reported for each (timespan, window end). */
function reported(
  timespans: readonly number[],
  seen: readonly Seen[],
  leastThreshold = 1,
  leastBound = leastThreshold,
): Map<string, number> {
  const horizons = timespans.map((timespanMs) => ({ timespanMs, leastThreshold, leastBound }));
  const longest = Math.max(...timespans);
  const log = new DistinctLog(horizons, longest);
  const sightings = new Sightings(horizons);
  const largest = new Map<string, number>();
  const visitor = {
    window(horizon: Horizon, end: number, value: number) {
      const key = `${horizon.timespanMs} ${end}`;
      largest.set(key, Math.max(value, largest.get(key) ?? 0));
    },
    quietBelow: () => -Infinity,
  };
  for (const { t, values, watermark } of seen) {
    log.trim(sightings, watermark - longest, watermark, visitor);
    if (log.add(sightings, t, hashesOf(values), watermark, visitor)) {
      log.judgeNewest(sightings, watermark, visitor);
    }
    // Nobody has both: what is not given back is never used again.
    expect(Math.min(sightings.few.capacity, sightings.run.capacity)).toBe(0);
  }
  log.trim(sightings, Infinity, Infinity, visitor);
  expect([sightings.few, sightings.run, sightings.table].map(({ capacity }) => capacity)).toEqual([0, 0, 0]);
  return largest;
}

const hashesOf = (values: readonly number[]) => ({
  words: Uint32Array.from(values.flatMap((value) => [~value, Math.imul(value, 0x9e3779b1)])),
  length: values.length,
});

/** The same by definition: a sighting counts in windows that end at or after the watermark it met. */
function recounted(timespans: readonly number[], seen: readonly Seen[]): Map<string, number> {
  const largest = new Map<string, number>();
  for (const timespan of timespans) {
    const counted = seen.filter(({ values }) => values.length > 0);
    for (const end of new Set(counted.filter((one) => one.t >= one.watermark).map(({ t }) => t))) {
      const held = seen.filter(
        (one) => one.t > end - timespan && one.t <= end && (one.watermark <= end || one.t >= one.watermark),
      );
      largest.set(`${timespan} ${end}`, new Set(held.flatMap(({ values }) => values)).size);
    }
  }
  return largest;
}

/** Logs of one group. */
const logs = fc.record({
  timespans: fc.constantFrom([10], [10, 3], [7, 10, 30], [7, 90]),
  lateness: fc.constantFrom(0, 3, 20),
  least: fc.constantFrom(0, 1, 2, 5, 12, 19, 60),
  steps: fc.array(
    fc.record({
      gap: fc.constantFrom(0, 0, 1, 1, 2, 5, 11),
      back: fc.constantFrom(0, 0, 0, 1, 3, 9, 14),
      values: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 4, size: 'max' }),
      // An event of another group, which only moves the watermark.
      elsewhere: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 150, size: 'max' },
  ),
});

interface Step {
  readonly gap: number;
  readonly back: number;
  readonly values: readonly number[];
  readonly elsewhere: boolean;
}

function logOf(steps: readonly Step[], lateness: number): Seen[] {
  const seen: Seen[] = [];
  let clock = 1000;
  let watermark = -Infinity;
  for (const { gap, back, values, elsewhere } of steps) {
    clock += gap;
    if (!elsewhere) seen.push({ t: clock - back, values, watermark });
    watermark = Math.max(watermark, (elsewhere ? clock : clock - back) - lateness);
  }
  return seen;
}

/** Bytes a value, of a thousand groups with sixteen each. */
function bytesWith(leastThreshold: number): number {
  const horizons = [{ timespanMs: 10, leastThreshold, leastBound: leastThreshold }];
  const log = new DistinctLog(horizons, 10);
  const visitor = { window: () => undefined, quietBelow: () => -Infinity };
  for (let group = 0; group < 1000; group += 1) {
    const sightings = new Sightings(horizons);
    for (let i = 0; i < 16; i += 1) log.add(sightings, i, hashesOf([i]), -Infinity, visitor);
  }
  return log.bytes / 16_000;
}

const sorted = (map: Map<string, number>): [string, number][] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('the distinct count of a window', () => {
  test('is exact for sightings in any order, late ones included', () => {
    fc.assert(
      fc.property(logs, ({ timespans, lateness, least, steps }) => {
        const seen = logOf(steps, lateness);
        const due = [...recounted(timespans, seen)].filter(([, value]) => value >= least);
        expect(sorted(reported(timespans, seen, least))).toEqual(sorted(new Map(due)));
      }),
      { numRuns: 500 },
    );
  });

  test('is exact for events of hundreds of values, at few times, in any order', () => {
    const steps = fc.array(
      fc.record({
        gap: fc.constantFrom(0, 1, 5),
        back: fc.constantFrom(0, 0, 3, 9),
        values: fc
          .record({
            from: fc.nat(399),
            by: fc.constantFrom(1, 3, 7),
            count: fc.constantFrom(1, 70, 150, 300),
          })
          .map(({ from, by, count }) => Array.from({ length: count }, (_, i) => (from + by * i) % 400)),
        elsewhere: fc.constant(false),
      }),
      { maxLength: 12, size: 'max' },
    );
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 3, 20), (events, lateness) => {
        const seen = logOf(events, lateness);
        expect(sorted(reported([10, 3], seen))).toEqual(sorted(recounted([10, 3], seen)));
      }),
      { numRuns: 200 },
    );
  });

  test('is found in reasonable time for events of a hundred thousand values, repeated and late ones too', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => i);
    const seen = [0, 5, 3, 3].map((t) => ({ t, values: many, watermark: -Infinity }));
    expect(reported([10, 3], seen).get('10 5')).toBe(100_000);
  });

  test('is reported exactly for every window that the watermark has passed, if a horizon needs all', () => {
    fc.assert(
      fc.property(logs, ({ timespans, lateness, least, steps }) => {
        const seen = logOf(steps, lateness);
        const told = reported(timespans, seen, 0, least);
        expect(sorted(told)).toEqual(sorted(recounted(timespans, seen)));
      }),
      { numRuns: 500 },
    );
  });

  test('costs sixteen bytes a value while there are fewer than any rule waits for', () => {
    expect(bytesWith(17)).toBeLessThan(20);
    expect(bytesWith(16)).toBeGreaterThan(60);
  });

  test('costs as little again once most values have left every window', () => {
    const horizons = [{ timespanMs: 10, leastThreshold: 20, leastBound: 20 }];
    const log = new DistinctLog(horizons, 10);
    const sightings = new Sightings(horizons);
    const visitor = { window: () => undefined, quietBelow: () => -Infinity };
    const values = Array.from({ length: 24 }, (_, i) => i);
    values.forEach((value, t) => log.add(sightings, t, hashesOf([value]), t - 10, visitor));
    expect(sightings.isCounted).toBe(true);
    log.trim(sightings, 20, 30, visitor);
    expect([sightings.isCounted, sightings.few.length, log.mostIn(sightings, 0)]).toEqual([false, 3, 3]);
  });

  test('of an uncounted list is at most the number of entries in the newest window', () => {
    const horizons = [100, 10].map((timespanMs) => ({ timespanMs, leastThreshold: 20, leastBound: 20 }));
    const log = new DistinctLog(horizons, 100);
    const sightings = new Sightings(horizons);
    const visitor = { window: () => undefined, quietBelow: () => -Infinity };
    [0, 1, 2, 50, 51].forEach((t) => log.add(sightings, t, hashesOf([t]), -Infinity, visitor));
    expect(horizons.map((_, h) => log.mostIn(sightings, h))).toEqual([5, 2]);
  });

  test('counts a late value anew when its sighting before was forgotten', () => {
    // 0 is forgotten when the watermark reaches 10.5; the late 5 is a first sighting again. The crowd at 9
    // makes the log look values up in its table, which outlives what it points to.
    const crowd = { t: 9, values: Array.from({ length: 20 }, (_, i) => 100 + i), watermark: 0 };
    const seen = [
      { t: 0, values: [1], watermark: -Infinity },
      crowd,
      { t: 5, values: [1], watermark: 10.5 },
      { t: 11, values: [3], watermark: 10.5 },
    ];
    expect(reported([10], seen).get('10 11')).toBe(22);
  });

  test('keeps the name of a value that came again when its earlier sighting is coalesced', () => {
    const horizons = [{ timespanMs: 10, leastThreshold: 1, leastBound: 1 }];
    const log = new DistinctLog(horizons, 10);
    const sightings = new Sightings(horizons);
    const counts: number[] = [];
    const see = (t: number, watermark: number, ...values: number[]): void => {
      const visitor = {
        window: (_: Horizon, __: number, value: number) => counts.push(value),
        quietBelow: () => -Infinity,
      };
      if (log.add(sightings, t, hashesOf(values), watermark, visitor)) {
        log.judgeNewest(sightings, watermark, visitor);
      }
    };
    const crowd = Array.from({ length: 20 }, (_, i) => 100 + i);
    see(0, -Infinity, 1, 2, ...crowd);
    see(20, 15, 1);
    expect(log.counted.coalesce(sightings, (index) => (index < 22 ? 0 : NaN))).toBe(21);
    see(21, 15, 1);
    expect(counts).toEqual([22, 1, 1]);
  });
});
