/** The most that fits under limits on windows, held to plans that use it up and to windows that refuse one more. */

import { array, assert, integer, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { mostWithin, type Limit } from '../../../src/budget/most-within.ts';

const S = 1000;
const HOUR = 3600 * S;
const DAY = 24 * HOUR;

test.each<[string, Limit[], number, number]>([
  ['nothing limits it', [], DAY, Infinity],
  ['one window is as long', [{ timespanMs: HOUR, most: 149 }], HOUR, 149],
  ['a window is longer', [{ timespanMs: DAY, most: 399 }], HOUR, 399],
  ['windows fit in one after the other', [{ timespanMs: HOUR, most: 149 }], DAY, 24 * 149],
  ['a window and a part of the next', [{ timespanMs: 28 * DAY, most: 999 }], 30 * DAY, 2 * 999],
  [
    'the rest is limited by shorter windows',
    [
      { timespanMs: HOUR, most: 149 },
      { timespanMs: DAY, most: 399 },
      { timespanMs: 28 * DAY, most: 999 },
    ],
    30 * DAY,
    999 + 2 * 399,
  ],
  [
    'a short window allows more than a long one',
    [
      { timespanMs: HOUR, most: 500 },
      { timespanMs: 2 * HOUR, most: 100 },
    ],
    HOUR,
    100,
  ],
  ['any at all is too much', [{ timespanMs: HOUR, most: 0 }], DAY, 0],
])('%s', (_, limits, durationMs, most) => {
  expect(mostWithin(limits, durationMs).most).toBe(most);
});

test('the limits that bring it about are named, and no others', () => {
  const hour = { timespanMs: HOUR, most: 149 };
  const day = { timespanMs: DAY, most: 399 };
  const loose = { timespanMs: HOUR, most: 499 };
  expect(mostWithin([loose, day, hour], HOUR).by).toEqual([hour]);
  expect(mostWithin([loose, day, hour], DAY).by).toEqual([day]);
  expect(mostWithin([loose, day, hour], DAY + HOUR).by).toEqual([hour, day]);
});

test('a plan takes that much with no window over its limit, and none can take more', () => {
  const limit = record({ timespanMs: integer({ min: 1, max: 6 }).map((n) => n * S), most: nat(4) });
  assert(
    property(array(limit, { minLength: 1, maxLength: 4 }), integer({ min: 1, max: 7 }), (limits, seconds) => {
      expect(mostWithin(limits, seconds * S).most).toBe(bySearch(limits, seconds));
    }),
    { numRuns: 300 },
  );
});

/** Tries every number of persons in every second. */
function bySearch(limits: readonly Limit[], seconds: number): number {
  const plan: number[] = [];
  let best = 0;
  const next = (sum: number): void => {
    best = Math.max(best, sum);
    if (plan.length === seconds) return;
    const room = Math.min(
      ...limits.map(({ timespanMs, most }) => {
        const others = timespanMs / S - 1;
        return most - (others === 0 ? 0 : plan.slice(-others).reduce((held, n) => held + n, 0));
      }),
    );
    for (let n = 0; n <= room; n += 1) {
      plan.push(n);
      next(sum + n);
      plan.pop();
    }
  };
  next(0);
  return best;
}
