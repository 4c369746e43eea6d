import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClosingLog, type Sleeper } from '../../../src/window/closing-log.ts';
import { CountMeasure } from '../../../src/window/measures.ts';
import { Asleep, SleepingLog } from '../../../src/window/sleeping-log.ts';

interface Held {
  readonly numbers: readonly number[];
  readonly other: readonly string[] | null;
}

/** Two numbers a row; each row counts. */
const sleeper = (needed: number): Sleeper<Held> => ({
  needed,
  stride: 2,
  weigh: ({ numbers }) => numbers.length / 2,
  numbersOf: ({ numbers }) => numbers,
  otherOf: ({ other }) => other,
  heldOf: (numbers, other) => ({ numbers, other: other as Held['other'] }),
});

const TIMESPAN = 50;

const entries = fc.array(
  fc.record({
    group: fc.nat(2),
    gap: fc.constantFrom(0, 0, 1, 3, 20, 70),
    back: fc.constantFrom(0, 0, 0, 2, 30),
    rows: fc.nat(3),
    other: fc.option(fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 })),
  }),
  { maxLength: 120, size: 'max' },
);

test('entries come back as they were added, in time order, without those that every window has left', () => {
  fc.assert(
    fc.property(entries, (steps) => {
      const sleeping = new SleepingLog(TIMESPAN, 1_000, sleeper(Infinity));
      const groups = [0, 1, 2].map(() => ({
        asleep: new Asleep(),
        put: [] as { time: number; held: Held }[],
      }));
      let now = 1000;
      for (const [i, { group, gap, back, rows, other }] of steps.entries()) {
        now += gap;
        const { asleep, put } = groups[group]!;
        const held = { numbers: Array.from({ length: 2 * rows }, (_, k) => i + k / 10), other };
        sleeping.add(asleep, now - back, held, now - 30);
        put.push({ time: now - back, held });
      }
      for (const { asleep, put } of groups) {
        const back: { time: number; held: Held }[] = [];
        const log = new ClosingLog<Held>(TIMESPAN, 1_000, new CountMeasure(() => true), sleeper(Infinity));
        sleeping.wake(asleep, log, -Infinity);
        log.each((time, held) => back.push({ time, held }));
        const live = (each: { time: number }) => each.time > now - 30 - TIMESPAN;
        const expected = put.toSorted((a, b) => a.time - b.time);
        expect(back.filter(live)).toEqual(expected.filter(live));
        expect(expected).toEqual(expect.arrayContaining(back));
        expect(asleep).toEqual(new Asleep());
      }
    }),
    { numRuns: 300 },
  );
});

test('entries that every window has left do not wake a log', () => {
  const sleeping = new SleepingLog(TIMESPAN, 1_000, sleeper(3));
  const asleep = new Asleep();
  const held = { numbers: [1, 2], other: null };
  for (let i = 0; i < 10; i += 1) {
    sleeping.add(asleep, 100 * i, held, 100 * i);
    expect(sleeping.mustWake(asleep, 100 * i)).toBe(false);
  }
  sleeping.add(asleep, 901, held, 901);
  sleeping.add(asleep, 902, held, 902);
  expect(sleeping.mustWake(asleep, 902)).toBe(true);
});

test('a log wakes as soon as windows hold more rows than there is room for', () => {
  const sleeping = new SleepingLog(TIMESPAN, 8, sleeper(Infinity));
  const asleep = new Asleep();
  const add = (time: number): boolean => {
    sleeping.add(asleep, time, { numbers: [1, 2, 3, 4, 5, 6], other: ['x'] }, time);
    return sleeping.mustWake(asleep, time);
  };
  expect([add(0), add(1), add(TIMESPAN + 1)]).toEqual([false, false, false]);
  expect([add(TIMESPAN + 2), add(TIMESPAN + 3)]).toEqual([false, true]);
});

test('if the latest is enough, equal entries are merged once every window that ends with them was judged', () => {
  const log = new SleepingLog(TIMESPAN, 1_000, { ...sleeper(1), weigh: () => 0, latestIsEnough: true });
  const asleep = new Asleep();
  const times = (): number[] => {
    const { first, length } = asleep.run;
    return Array.from({ length }, (_, i) => log.timeAt(first + i));
  };
  const add = (time: number, value: number, watermark: number): void =>
    log.add(asleep, time, { numbers: [value, 0], other: null }, watermark);
  add(1, 7, 0);
  add(2, 7, 0);
  add(3, 7, 0);
  // Windows that end at 3 are still to be judged.
  add(4, 8, 3);
  expect(times()).toEqual([1, 2, 3, 4]);
  add(5, 8, 0);
  add(6, 7, 6);
  expect(times()).toEqual([1, 2, 3, 5, 6]);
  // Others lie between.
  add(9, 7, 9);
  expect(times()).toEqual([1, 2, 3, 5, 6, 9]);
  log.clear(asleep);
  add(1, 7, 0);
  add(2, 7, 0);
  log.add(asleep, 3, { numbers: [7, 0], other: ['x'] }, 3);
  log.add(asleep, 4, { numbers: [7, 0], other: ['x'] }, 4);
  add(5, 7, 5);
  expect(times()).toEqual([2, 3, 4, 5]);
});
