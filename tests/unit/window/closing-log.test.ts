import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClosingLog } from '../../../src/window/closing-log.ts';
import { CountMeasure } from '../../../src/window/measures.ts';
import { type SequenceHeld, SequenceMeasure, sequenceSleeper } from '../../../src/window/sequence-measure.ts';
import { Asleep, SleepingLog } from '../../../src/window/sleeping-log.ts';

const TIMESPAN = 12;
const LATENESS = 6;

const SPEC = { timespanMs: TIMESPAN, minRun: 4, steps: 1, maxIds: 1_000 };

function measure(): SequenceMeasure {
  return new SequenceMeasure(SPEC, new CountMeasure(() => true));
}

/** A log that sleeps while it can, as a group has it. */
class MostlyAsleep {
  readonly #sleeper = sequenceSleeper(SPEC);
  readonly #sleeping = new SleepingLog(TIMESPAN, 1_000, this.#sleeper);
  readonly #asleep = new Asleep();
  #awake: ClosingLog<SequenceHeld> | undefined;

  get isAsleep(): boolean {
    return this.#asleep.run.length > 0;
  }

  /** Ids that sleep. */
  get asleep(): number {
    return this.#asleep.weight;
  }

  get nextEnd(): number {
    return this.#awake?.nextEnd ?? Infinity;
  }

  add(time: number, held: SequenceHeld, watermark: number): void {
    if (this.#awake !== undefined) {
      this.#awake.add(time, held, watermark);
      return;
    }
    this.#sleeping.add(this.#asleep, time, held, watermark);
    if (!this.#sleeping.mustWake(this.#asleep, watermark)) return;
    this.#awake = new ClosingLog(TIMESPAN, 1_000, measure(), this.#sleeper);
    this.#sleeping.wake(this.#asleep, this.#awake, watermark);
    expect(this.#asleep).toEqual(new Asleep());
  }

  judge(watermark: number, report: (end: number, value: number) => void): void {
    this.#awake?.judge(watermark, report);
    if (this.#awake?.mayRest() !== true) return;
    this.#sleeping.rest(this.#asleep, this.#awake);
    this.#awake = undefined;
  }
}

test('a sleeping closing log says what one that is always awake says', () => {
  const step = fc.record({
    wait: fc.oneof(fc.nat(4), fc.constantFrom(0, 15, 40)),
    delay: fc.oneof(fc.constant(0), fc.nat(TIMESPAN + LATENESS)),
    // Few numbers next to each other, so that runs are long enough; and far ones that never make one.
    ids: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }) },
        { weight: 1, arbitrary: fc.integer({ min: 10, max: 200 }) },
      ),
      { maxLength: 4 },
    ),
    judged: fc.boolean(),
  });
  let told = 0;
  let slept = 0;
  let manySlept = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
      const awake = new ClosingLog<SequenceHeld>(TIMESPAN, 1_000, measure());
      const sleeping = new MostlyAsleep();
      const reports = new Map([awake, sleeping].map((log) => [log, [] as [number, number][]]));
      const judge = (watermark: number, always: boolean): void => {
        for (const [log, windows] of reports) {
          if (always || log.nextEnd < watermark) {
            log.judge(watermark, (end, value) => windows.push([end, value]));
          }
        }
        slept += Number(sleeping.isAsleep && awake.nextEnd < Infinity);
        manySlept += Number(sleeping.asleep >= SPEC.minRun);
        expect(reports.get(sleeping)).toEqual(reports.get(awake));
      };
      let now = 100;
      let watermark = -Infinity;
      for (const { wait, delay, ids, judged } of steps) {
        now += wait;
        const held = { own: null, links: ids.flatMap((id) => [id, id - 1, id + 1]) };

        for (const log of reports.keys()) log.add(now - delay, held, watermark);
        watermark = Math.max(watermark, now - delay - LATENESS);
        judge(watermark, judged);
      }
      judge(Infinity, true);
      told += reports.get(awake)!.length;
    }),
    { numRuns: 1500 },
  );
  // Neither was idle.
  expect(told).toBeGreaterThan(100);
  expect(slept).toBeGreaterThan(100);
  expect(manySlept).toBeGreaterThan(100);
});
