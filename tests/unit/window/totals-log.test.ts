import { expect, test } from 'vitest';
import { HorizonState } from '../../../src/window/horizon.ts';
import { Run } from '../../../src/window/run-store.ts';
import { SumLog } from '../../../src/window/sum-log.ts';

class CountingLog extends SumLog {
  looks = 0;

  override amountAt(row: number): number {
    this.looks += 1;
    return super.amountAt(row);
  }
}

test('a late amount looks at what is newer than it, not at all that its windows hold', () => {
  const log = new CountingLog();
  const run = new Run();
  const state = new HorizonState({ timespanMs: 1_000_000, leastThreshold: 20_001, leastBound: 20_001 });
  const seen: number[] = [];
  const visitor = {
    window: (_: unknown, end: number, value: number) => seen.push(end, value),
    quietBelow: () => -Infinity,
  };
  const slide = (t: number, amount: number) =>
    log.slide(run, state, log.add(run, t, amount), 0, false, visitor);
  for (let t = 1; t <= 20_000; t += 1) slide(t, 1);
  log.looks = 0;
  slide(19_990, 1);
  // The window that ends with the newest entry is the only one that holds as much.
  expect(seen).toEqual([20_000, 20_001]);
  expect(log.looks).toBeLessThan(40);
});
