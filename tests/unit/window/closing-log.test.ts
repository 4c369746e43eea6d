import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClosingLog } from '../../../src/window/closing-log.ts';
import { CountMeasure } from '../../../src/window/measures.ts';
import { type SequenceHeld, SequenceMeasure } from '../../../src/window/sequence-measure.ts';

const TIMESPAN = 12;
const LATENESS = 6;

function measure(): SequenceMeasure {
  return new SequenceMeasure(
    { timespanMs: TIMESPAN, minRun: 3, steps: 1, maxIds: 1_000 },
    new CountMeasure(() => true),
  );
}

test('a sleeping closing log says what one that is always awake says', () => {
  const step = fc.record({
    wait: fc.oneof(fc.nat(4), fc.constantFrom(0, 15, 40)),
    delay: fc.oneof(fc.constant(0), fc.nat(TIMESPAN + LATENESS)),
    ids: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
    judged: fc.boolean(),
  });
  let told = 0;
  let slept = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
      const own = measure();
      // What does not say how much it needs cannot sleep.
      const awake = new ClosingLog<SequenceHeld>(TIMESPAN, 1_000, {
        enter: (held, time) => own.enter(held, time),
        leave: (held) => own.leave(held),
        judge: (end) => own.judge(end),
      });
      const sleeping = new ClosingLog<SequenceHeld>(TIMESPAN, 1_000, measure());
      const reports = new Map([awake, sleeping].map((log) => [log, [] as [number, number][]]));
      const judge = (watermark: number, always: boolean): void => {
        for (const [log, windows] of reports) {
          if (always || log.nextEnd < watermark) {
            log.judge(watermark, (end, value) => windows.push([end, value]));
          }
        }
        slept += Number(sleeping.length > 0 && sleeping.nextEnd > awake.nextEnd);
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
    { numRuns: 300 },
  );
  // Neither was idle.
  expect(told).toBeGreaterThan(50);
  expect(slept).toBeGreaterThan(100);
});
