/** How shards are divided over processes that come and go. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { divided } from '../../../src/source/sticky-assigner.ts';

const partitions = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('shards are divided', () => {
  test('so that each is in one place and no process has two more than another', () => {
    const members = fc.uniqueArray(
      fc.record({ id: fc.string({ minLength: 1 }), held: fc.array(fc.nat({ max: 30 })) }),
      { selector: ({ id }) => id, minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(members, fc.nat({ max: 24 }), (asked, count) => {
        const own = [...divided(asked, partitions(count)).values()];
        expect(own.flat().toSorted((a, b) => a - b)).toEqual(partitions(count));
        const sizes = own.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('so that a process that stays keeps what it has when another one goes', () => {
    const members = [
      { id: 'a', held: [0, 3, 6, 9] },
      { id: 'b', held: [1, 4, 7, 10] },
    ];
    const own = divided(members, partitions(12));
    for (const { id, held } of members) expect(own.get(id)).toEqual(expect.arrayContaining(held));
  });

  test('so that a process that comes takes only its share', () => {
    const members = [
      { id: 'a', held: [0, 2, 4, 6, 8, 10] },
      { id: 'b', held: [1, 3, 5, 7, 9, 11] },
      { id: 'c', held: [] },
    ];
    const own = divided(members, partitions(12));
    expect(own.get('a')).toEqual([0, 2, 4, 6]);
    expect(own.get('b')).toEqual([1, 3, 5, 7]);
  });

  test('so that one of two that both hold a shard has it', () => {
    const own = divided(
      [
        { id: 'b', held: [0, 1] },
        { id: 'a', held: [0] },
      ],
      partitions(2),
    );
    expect(own.get('a')).toEqual([0]);
    expect(own.get('b')).toEqual([1]);
  });

  test('so that a process that was restarted gets back what it has saved, where others have to give', () => {
    const members = [
      { id: 'a', held: [0, 1, 2, 3, 4, 5, 6, 7] },
      { id: 'b', held: [1, 3, 5, 7] },
    ];
    expect(divided(members, partitions(8))).toEqual(
      new Map([
        ['a', [0, 2, 4, 6]],
        ['b', [1, 3, 5, 7]],
      ]),
    );
  });
});
