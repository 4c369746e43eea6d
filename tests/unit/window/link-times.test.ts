/** The flat map of links, against a map. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinkTimes } from '../../../src/window/link-times.ts';

/** Some want the same cell, and some the last ones of the array. */
const linkOf = (i: number): number => (i % 30) * 2 ** 20 + (i < 45 ? i % 4 : 2 ** 20 - 1 - (i % 3));

test('answers like a map, whatever was forgotten in between', () => {
  const operation = fc.record({ link: fc.nat(90), time: fc.nat(20), what: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), (operations) => {
      const times = new LinkTimes();
      const model = new Map<number, number>();
      for (const { link: i, time, what } of operations) {
        const link = linkOf(i);
        if (what < 5) {
          times.set(link, time);
          model.set(link, time);
        } else if (what < 9) {
          const goes = (model.get(link) ?? Infinity) <= time;
          expect(times.deleteUpTo(link, time)).toBe(goes);
          if (goes) model.delete(link);
        } else if (time === 0) {
          times.clear();
          model.clear();
        }
        expect(times.size).toBe(model.size);
      }
      for (let i = 0; i <= 90; i += 1) expect(times.get(linkOf(i))).toBe(model.get(linkOf(i)) ?? NaN);
      expect(times.get(-1)).toBe(NaN);
    }),
    { numRuns: 200 },
  );
});
