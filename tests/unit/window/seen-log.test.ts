/** Persons of an alert's range, where no rule counts them: against all that were seen. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeenLog } from '../../../src/window/seen-log.ts';
import { Run } from '../../../src/window/run-store.ts';

const hashesOf = (persons: readonly number[]) => ({
  words: Uint32Array.from(persons.flatMap((person) => [person % 3, person])),
  length: persons.length,
});

function personsIn(log: SeenLog, run: Run, from: number, to: number): number[] {
  const found = new Set<number>();
  log.addPersonsTo({ add: (_, lo) => found.add(lo) }, run, from, to);
  return [...found].toSorted((a, b) => a - b);
}

test('whoever was seen in a range that ends with a window still to be judged is in it, whatever was dropped', () => {
  const step = fc.record({
    gap: fc.nat(3),
    back: fc.constantFrom(0, 0, 0, 2, 7),
    persons: fc.array(fc.nat(12), { maxLength: 5, size: 'max' }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.constantFrom(0, 4), (steps, lateness) => {
      const log = new SeenLog();
      const run = new Run();
      const seen: { t: number; person: number }[] = [];
      let clock = 0;
      let watermark = -Infinity;
      for (const { gap, back, persons } of steps) {
        clock += gap;
        const t = clock - back;
        const newest = seen.every((one) => one.t <= t);
        expect(log.add(run, t, hashesOf(persons), watermark)).toBe(newest && persons.length > 0);
        seen.push(...persons.map((person) => ({ t, person })));
        watermark = Math.max(watermark, t - lateness);
        for (const from of [-Infinity, clock - 9, clock - 4]) {
          const within = seen.filter((one) => one.t > from).map(({ person }) => person);
          expect(personsIn(log, run, from, clock)).toEqual([...new Set(within)].toSorted((a, b) => a - b));
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('who reads the same few persons for ever holds few', () => {
  const log = new SeenLog();
  const run = new Run();
  for (let t = 0; t < 10_000; t += 1) log.add(run, t, hashesOf([1, 2, 3]), t - 5);
  expect(run.capacity).toBeLessThanOrEqual(64);
});
