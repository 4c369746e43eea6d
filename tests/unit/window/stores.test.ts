/** The typed memory under the logs, against plain arrays and maps. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatestTable } from '../../../src/window/latest-table.ts';
import { Run } from '../../../src/window/run-store.ts';
import { SumLog } from '../../../src/window/sum-log.ts';

describe('runs in one store', () => {
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ run: fc.nat(3), add: fc.nat(60), amount: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ run: fc.nat(3), drop: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ run: fc.nat(3), keepEvery: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ run: fc.nat(3), release: fc.constant(true) }) },
  );

  test('hold what was put in, in order of time, ties in order of arrival, apart from each other', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), (operations) => {
        const log = new SumLog();
        const runs = Array.from({ length: 4 }, () => new Run());
        const model: { t: number; amount: number }[][] = [[], [], [], []];
        for (const one of operations) {
          const run = runs[one.run]!;
          const expected = model[one.run]!;
          if ('add' in one) {
            const index = log.add(run, one.add, one.amount);
            expect(index).toBe(expected.filter(({ t }) => t <= one.add).length);
            expected.splice(index, 0, { t: one.add, amount: one.amount });
          } else if ('drop' in one) {
            const count = Math.min(one.drop, run.length);
            if (count > 0) log.dropFront(run, count);
            expected.splice(0, count);
          } else if ('keepEvery' in one) {
            log.compact(run, (_, index) => index % one.keepEvery === 0);
            model[one.run] = expected.filter((_, index) => index % one.keepEvery === 0);
          } else {
            log.release(run);
            model[one.run] = [];
          }
          expect(log.countUpTo(run, 30)).toBe(model[one.run]!.filter(({ t }) => t <= 30).length);
          for (const [i, each] of runs.entries()) {
            expect(each.head + each.length).toBeLessThanOrEqual(each.capacity);
            const held = Array.from({ length: each.length }, (_, k) => ({
              t: log.timeAt(each.first + k),
              amount: log.amountAt(each.first + k),
            }));
            expect(held).toEqual(model[i]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('reuse the memory of runs that were given back', () => {
    const log = new SumLog();
    for (let round = 0; round < 1000; round += 1) {
      const run = new Run();
      for (let t = 0; t < 100; t += 1) log.add(run, t, 1);
      log.release(run);
    }
    expect(log.bytes).toBeLessThan(16 * 1024);
  });

  test('slide along with time in one block when the old leaves as the new comes', () => {
    const log = new SumLog();
    const run = new Run();
    for (let t = 0; t < 100_000; t += 1) {
      log.add(run, t, 1);
      log.dropFront(run, log.countUpTo(run, t - 50));
    }
    expect(run.length).toBe(50);
    expect(run.capacity).toBeLessThanOrEqual(128);
  });
});

describe('the table of newest sightings', () => {
  test('answers like a map for everything that is not stale', () => {
    const operation = fc.record({
      value: fc.nat(300),
      advance: fc.nat(3),
      how: fc.constantFrom('set', 'renew'),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 1500, size: 'max' }), (operations) => {
        const table = new LatestTable();
        const runs = [new Run(), new Run()];
        const models = [new Map<number, number>(), new Map<number, number>()];
        let clock = 0;
        for (const { value, advance, how } of operations) {
          clock += advance;
          const which = value & 1;
          // Half of the values differ in one half of the hash only.
          const run = runs[which]!;
          const model = models[which]!;
          if (how === 'set') {
            table.set(run, value % 7, value, clock, clock - 200);
            model.set(value, clock);
          } else if (how === 'renew') {
            const two = [value, value ^ 2];
            const known = two.map((each) => table.get(run, each % 7, each));
            const words = Uint32Array.from(two.flatMap((each) => [each % 7, each]));
            const before = new Float64Array(2);
            table.renew(run, { words, length: 2 }, clock, clock - 200, before);
            // What went with a rebuild was stale.
            for (const [i, time] of before.entries()) {
              if (known[i]! > clock - 200 || !Number.isNaN(time)) expect(time).toBe(known[i]);
              model.set(two[i]!, clock);
            }
          }
        }
        for (const [which, model] of models.entries()) {
          for (let value = which; value <= 302; value += 2) {
            const known = model.get(value);
            const answer = table.get(runs[which]!, value % 7, value);
            if (known === undefined) expect(answer).toBe(NaN);
            else if (known > clock - 200) expect(answer).toBe(known);
            else expect(Number.isNaN(answer) || answer === known).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('stays as small as what is not stale', () => {
    const table = new LatestTable();
    const run = new Run();
    for (let i = 0; i < 300_000; i += 1) table.set(run, i, Math.imul(i, 0x9e3779b1) >>> 0, i, i - 1000);
    expect(run.capacity).toBeLessThanOrEqual(8192);
  });
});
