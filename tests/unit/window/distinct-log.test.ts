/** Distinct counts against counting anew: in order, out of order and late, with sightings that were forgotten. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DistinctLog, Sightings } from '../../../src/window/distinct-log.ts';
import type { Horizon } from '../../../src/window/horizon.ts';

interface Seen {
  readonly t: number;
  readonly value: number;
  readonly watermark: number;
}

/** Feeds a log as a group does and returns the largest value reported for each (timespan, window end). */
function reported(timespans: readonly number[], seen: readonly Seen[]): Map<string, number> {
  const horizons = timespans.map((timespanMs) => ({ timespanMs, leastThreshold: 1 }));
  const longest = Math.max(...timespans);
  const log = new DistinctLog(horizons, longest);
  const sightings = new Sightings(horizons.length);
  const largest = new Map<string, number>();
  const visitor = {
    window(horizon: Horizon, end: number, value: number) {
      const key = `${horizon.timespanMs} ${end}`;
      largest.set(key, Math.max(value, largest.get(key) ?? 0));
    },
  };
  for (const { t, value, watermark } of seen) {
    log.trim(sightings, watermark - longest);
    if (log.add(sightings, t, value, value, watermark, visitor))
      log.judgeNewest(sightings, watermark, visitor);
  }
  return largest;
}

/** The same by definition: a sighting counts in windows that end at or after the watermark it met. */
function recounted(timespans: readonly number[], seen: readonly Seen[]): Map<string, number> {
  const largest = new Map<string, number>();
  for (const timespan of timespans) {
    for (const end of new Set(seen.filter((one) => one.t >= one.watermark).map(({ t }) => t))) {
      const held = seen.filter(
        (one) => one.t > end - timespan && one.t <= end && (one.watermark <= end || one.t >= one.watermark),
      );
      largest.set(`${timespan} ${end}`, new Set(held.map(({ value }) => value)).size);
    }
  }
  return largest;
}

const sorted = (map: Map<string, number>): [string, number][] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('the distinct count of a window', () => {
  test('is exact for sightings in any order, late ones included', () => {
    const logs = fc.record({
      timespans: fc.constantFrom([10], [10, 3], [7, 10, 30]),
      lateness: fc.constantFrom(0, 3, 20),
      steps: fc.array(
        fc.record({
          gap: fc.constantFrom(0, 0, 1, 1, 2, 5, 11),
          back: fc.constantFrom(0, 0, 0, 1, 3, 9, 14),
          value: fc.integer({ min: 0, max: 20 }),
          // An event of another group, which only moves the watermark.
          elsewhere: fc.constantFrom(false, false, false, true),
        }),
        { maxLength: 150, size: 'max' },
      ),
    });
    fc.assert(
      fc.property(logs, ({ timespans, lateness, steps }) => {
        const seen: Seen[] = [];
        let clock = 1000;
        let watermark = -Infinity;
        for (const { gap, back, value, elsewhere } of steps) {
          clock += gap;
          if (!elsewhere) seen.push({ t: clock - back, value, watermark });
          watermark = Math.max(watermark, (elsewhere ? clock : clock - back) - lateness);
        }
        expect(sorted(reported(timespans, seen))).toEqual(sorted(recounted(timespans, seen)));
      }),
      { numRuns: 500 },
    );
  });

  test('counts a late value anew when its sighting before was forgotten', () => {
    // 0 is forgotten when the watermark reaches 10.5; the late 5 is a first sighting again. The crowd at 9
    // makes the log look values up in its table, which outlives what it points to.
    const crowd = Array.from({ length: 20 }, (_, i) => ({ t: 9, value: 100 + i, watermark: 0 }));
    const seen = [
      { t: 0, value: 1, watermark: -Infinity },
      ...crowd,
      { t: 5, value: 1, watermark: 10.5 },
      { t: 11, value: 3, watermark: 10.5 },
    ];
    expect(reported([10], seen).get('10 11')).toBe(22);
  });
});
