/**
 * The measured amounts of a group in event-time order: the window of `value_sum` rules. Amounts are not negative (a
 * negative amount counts as no value: a lower bound on a falling sum could not be judged on arrival).
 *
 * Whole amounts are summed incrementally, which is exact below 2^53. Once a group holds a fractional or larger amount,
 * its windows are summed anew and rounded once, so that reported values neither drift nor depend on the order of
 * arrival.
 */

import type { Run } from './run-store.ts';
import { TotalsLog } from './totals-log.ts';

/** Row: time, amount. */
const F = 2;
const AMOUNT = 1;

export class SumLog extends TotalsLog {
  constructor() {
    super(8 * F);
  }

  /** Inserts the amount at its place in time and returns its index (0 = oldest). */
  add(run: Run, t: number, amount: number): number {
    const index = this.countUpTo(run, t);
    const row = this.insert(run, index);
    this.f64[row * F] = t;
    this.f64[row * F + AMOUNT] = amount;
    return index;
  }

  override amountAt(row: number): number {
    return this.f64[row * F + AMOUNT]!;
  }

  /** Like `EventLog.coalesce`; zeros before the watermark end no window any more and are removed. */
  coalesce(run: Run, paneOf: (index: number) => number, watermark: number): number {
    const before = run.length;
    const { first } = run;
    const joined = new Uint8Array(before);
    let into = -1;
    let pane = NaN;
    for (let i = before - 1; i >= 0; i -= 1) {
      const own = paneOf(i);
      const amount = this.amountAt(first + i);
      if (own === pane) {
        joined[i] = 1;
        this.f64[into * F + AMOUNT] = this.amountAt(into) + amount;
      } else if (amount === 0 && this.timeAt(first + i) < watermark && i < before - 1) {
        joined[i] = 1;
      } else {
        pane = own;
        into = first + i;
      }
    }
    this.compact(run, (_, i) => joined[i] === 0);
    return before - run.length;
  }
}
