/** Free blocks of a typed memory: none is given twice, and none is lost. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FreeBlocks } from '../../../src/window/free-blocks.ts';

interface Held {
  readonly first: number;
  readonly length: number;
}

type Step = { readonly take: number } | { readonly give: number };

/** Takes blocks as a store does, at the end where no free one is long enough. */
class Memory {
  readonly u32 = new Uint32Array(4 * 100_000);
  readonly free = new FreeBlocks(this, 4);
  readonly held: Held[] = [];
  end = 0;

  play(step: Step): void {
    if ('take' in step) this.take(step.take);
    else if (this.held.length > 0) this.give(step.give);
  }

  take(length: number): void {
    let first = this.free.take(length);
    if (first < 0) {
      expect(this.longestFree(), `rows in one block, though none of ${length} was found`).toBeLessThan(
        2 * length,
      );
      first = this.free.takeLast(this.end);
      this.end = first + length;
    }
    this.held.push({ first, length });
  }

  /** Rows of the longest block that nobody holds. */
  longestFree(): number {
    let longest = 0;
    let end = 0;
    for (const { first, length } of this.inOrder()) {
      longest = Math.max(longest, first - end);
      end = first + length;
    }
    return Math.max(longest, this.end - end);
  }

  inOrder(): Held[] {
    return this.held.toSorted((a, b) => a.first - b.first);
  }

  give(which: number): void {
    const [{ first, length }] = this.held.splice(which % this.held.length, 1) as [Held];
    this.free.give(first, length);
  }
}

/** Often the same ones: a block that is taken whole leaves nothing. */
const lengths = fc.oneof(
  fc.constantFrom(1, 2, 3, 100),
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 1, max: 500 }),
);
const steps = fc.array(
  fc.oneof(
    fc.record({ take: lengths }),
    fc.record({ take: lengths }),
    fc.record({ give: fc.nat() }),
    fc.record({ give: fc.nat() }),
  ),
  { maxLength: 200 },
);

test('no two blocks that are held at once share a row, and none goes unseen, whatever was given back before', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const memory = new Memory();
      for (const step of all) {
        memory.play(step);
        // What is held is its holder's to write to.
        for (const { first, length } of memory.held)
          memory.u32.fill(0xdead_beef, 4 * first, 4 * (first + length));
        let end = 0;
        for (const { first, length } of memory.inOrder()) {
          expect(first).toBeGreaterThanOrEqual(end);
          end = first + length;
        }
        expect(end).toBeLessThanOrEqual(memory.end);
      }
    }),
    { numRuns: 400 },
  );
});

test('blocks that were given back, in whatever order, are one again', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const memory = new Memory();
      for (const step of all) {
        memory.play(step);
      }
      const { end } = memory;
      while (memory.held.length > 0) memory.give(7919);
      if (end > 0) memory.take(end);
      expect(memory.end).toBe(end);
    }),
  );
});

test('a length that was given back is found again, though a longer block is there, too', () => {
  const memory = new Memory();
  for (const length of [5, 1, 100, 1, 7, 1]) memory.take(length);
  for (const which of [4, 2, 0]) memory.give(which);
  const { end } = memory;
  for (const length of [7, 5, 100]) memory.take(length);
  expect(memory.end).toBe(end);
});

test('a block that joins its neighbours leaves others of its length to be found', () => {
  const memory = new Memory();
  for (const length of [100, 1, 100, 1, 100, 1]) memory.take(length);
  // The last of these is the row between the first two blocks.
  for (const which of [0, 1, 2, 0]) memory.give(which);
  const { end } = memory;
  for (let i = 0; i < 3; i += 1) memory.take(100);
  expect(memory.end).toBe(end);
});
