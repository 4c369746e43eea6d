import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { missingIds } from '../../../src/window/missing-ids.ts';

/** Ids for links; id 0 has none below. */
function linksOf(ids: readonly number[], steps: number): Float64Array {
  const each = (id: number): number[] =>
    Array.from({ length: steps }, (_, k) => [Math.max(-1, id - k - 1), id + k + 1]).flat();
  return Float64Array.from(ids.flatMap((id) => [id, ...each(id)]));
}

/** The fewest others that make a run, over all runs there can be. */
function fewest(ids: readonly number[], steps: number, wanted: number): number {
  const known = new Set(ids);
  const newest = Math.max(0, ...ids) + wanted * steps;
  let others: number[] = Array.from({ length: newest + 1 }, (_, id) => Number(!known.has(id)));
  for (let length = 2; length <= wanted; length += 1) {
    const before = others;
    others = before.map(
      (_, id) => Number(!known.has(id)) + Math.min(Infinity, ...before.slice(Math.max(0, id - steps), id)),
    );
  }
  return Math.min(...others);
}

test('no run can come about with fewer ids than are said to be missing, and none is missing only where one stands', () => {
  let apart = 0;
  fc.assert(
    fc.property(
      fc.array(fc.nat(60), { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 2, max: 12 }),
      (ids, steps, wanted) => {
        const missing = missingIds(linksOf(ids, steps), ids.length, steps, wanted);
        const least = fewest(ids, steps, wanted);
        expect(missing).toBeLessThanOrEqual(least);
        expect(missing === 0).toBe(least === 0);
        apart += Number(missing > 1);
      },
    ),
    { numRuns: 2000 },
  );
  expect(apart).toBeGreaterThan(200);
});

test('ids that nobody has counted in order are far from a run, however many they are', () => {
  const ids = Array.from({ length: 1000 }, (_, i) => 7 * i);
  expect(missingIds(linksOf(ids, 1), ids.length, 1, 30)).toBe(15);
  // The same read again and again.
  const twice = [...ids, ...ids];
  expect(missingIds(linksOf(twice, 1), twice.length, 1, 30)).toBe(15);
});

test('the order in which ids came makes no difference', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(30)), (ids) => {
      const [forth, back] = [ids, ids.toReversed()].map((each) => linksOf(each, 1));
      expect(missingIds(back!, ids.length, 1, 8)).toBe(missingIds(forth!, ids.length, 1, 8));
    }),
  );
});
