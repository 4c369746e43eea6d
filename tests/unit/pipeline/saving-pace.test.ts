/** How much of the time goes into saving, by a clock that moves as steps and pauses do. */

import { expect, test } from 'vitest';
import { SavingPace } from '../../../src/pipeline/saving-pace.ts';

/** Share of the time in which somebody saved: so many at once take steps of some ms until the time is over. */
function shareOf(savers: number, stepMs: number): number {
  let elapsedMs = 0;
  const pace = new SavingPace({ now: () => 0, elapsed: () => elapsedMs });
  const nextAt = Array.from({ length: savers }, () => 0);
  let busyMs = 0;
  while (elapsedMs < 60_000) {
    const saver = nextAt.indexOf(Math.min(...nextAt));
    elapsedMs = Math.max(elapsedMs, nextAt[saver]!) + stepMs;
    busyMs += stepMs;
    nextAt[saver] = elapsedMs + pace.after(stepMs);
  }
  return busyMs / elapsedMs;
}

test('a tenth of the time goes into saving, whether one pipeline of a process saves or twelve do', () => {
  expect(shareOf(1, 3)).toBeCloseTo(0.1, 2);
  expect(shareOf(12, 3)).toBeCloseTo(0.1, 2);
});

test('a long step has a pause of a tenth of a second: what changes meanwhile waits in memory', () => {
  const pace = new SavingPace({ now: () => 0, elapsed: () => 0 });
  expect(pace.after(500)).toBe(100);
});
