import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeQueue } from '../../../src/window/time-queue.ts';

interface Item {
  readonly time: number;
  readonly n: number;
}

test('a queue holds what a list would that is sorted by time and then by arrival', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 20 }), fixed: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ drop: fc.nat(4) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new TimeQueue<Item>();
      let expected: Item[] = [];
      steps.forEach((each, n) => {
        if ('add' in each) {
          const from = Math.min(each.fixed, expected.length);
          const item = { time: each.add, n };
          queue.add(item, from);
          let at = expected.length;
          while (at > from && expected[at - 1]!.time > item.time) at -= 1;
          expected = expected.toSpliced(at, 0, item);
        } else {
          const count = Math.min(each.drop, expected.length);
          queue.dropFront(count);
          expected = expected.slice(count);
        }
        expect(Array.from({ length: queue.length }, (_, i) => queue.at(i))).toEqual(expected);
        expect(queue.at(queue.length)).toBeUndefined();
      });
    }),
  );
});

test('a late item goes no further than the index it may have at most', () => {
  const queue = new TimeQueue<Item>();
  for (let n = 0; n < 4; n += 1) queue.add({ time: 10 * n, n });
  queue.add({ time: 99, n: 9 }, 0, 2);
  expect([0, 1, 2, 3, 4].map((i) => queue.at(i)!.n)).toEqual([0, 1, 9, 2, 3]);
});
