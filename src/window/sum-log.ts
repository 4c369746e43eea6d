/**
 * The measured amounts of a group in event-time order: the window of `value_sum` rules. Amounts are not
 * negative (a negative one holds no value: a lower bound on a falling sum could not be judged on arrival).
 *
 * Whole amounts are summed incrementally, which is exact below 2^53. Once a group holds a fractional or
 * larger amount its windows are summed anew in time order, so that what is reported never drifts.
 */

import { type Horizon, type HorizonState, type WindowVisitor } from './horizon.ts';
import { type Run, RunStore } from './run-store.ts';

/** Row: time, amount. */
const F = 2;
const AMOUNT = 1;

export class SumLog extends RunStore {
  constructor() {
    super(8 * F);
  }

  /** Puts the amount in its place in time and returns its index (0 = oldest). */
  add(run: Run, t: number, amount: number): number {
    const index = this.countUpTo(run, t);
    const row = this.insert(run, index);
    this.f64[row * F] = t;
    this.f64[row * F + AMOUNT] = amount;
    return index;
  }

  amountAt(row: number): number {
    return this.f64[row * F + AMOUNT]!;
  }

  /** As `EventLog.count`, for sums. `inexact`: adding and taking away would round. */
  sum(
    run: Run,
    state: HorizonState,
    horizon: Horizon,
    index: number,
    judgedFrom: number,
    inexact: boolean,
    visitor: WindowVisitor,
  ): void {
    const { first } = run;
    const t = this.timeAt(first + index);
    const added = this.amountAt(first + index);
    const { timespanMs, leastThreshold } = horizon;
    const newest = run.length - 1;
    if (index === newest) {
      let { tail, value } = state;
      while (this.timeAt(first + tail) <= t - timespanMs) {
        value -= this.amountAt(first + tail);
        tail += 1;
      }
      value += added;
      if (inexact) value = this.#total(first, tail, newest);
      state.tail = tail;
      state.value = value;
      if (value >= leastThreshold && t >= judgedFrom) visitor.window(horizon, t, value);
      return;
    }
    if (t > this.timeAt(first + newest) - timespanMs) state.value += added;
    else state.tail += 1;

    let low = this.countUpTo(run, t - timespanMs);
    let high = low;
    let inWindow = 0;
    for (let end = index; end <= newest; end += 1) {
      const s = this.timeAt(first + end);
      if (s >= t + timespanMs) break;
      if (end < newest && this.timeAt(first + end + 1) === s) continue;
      for (; high <= end; high += 1) inWindow += this.amountAt(first + high);
      for (; this.timeAt(first + low) <= s - timespanMs; low += 1) inWindow -= this.amountAt(first + low);
      const value = inexact ? this.#total(first, low, end) : inWindow;
      if (value >= leastThreshold && s >= judgedFrom) visitor.window(horizon, s, value);
    }
  }

  /** To be called before `dropFront(run, dropped)`, for every horizon of the group. */
  dropped(run: Run, state: HorizonState, dropped: number): void {
    const { first } = run;
    for (let i = state.tail; i < dropped; i += 1) state.value -= this.amountAt(first + i);
    state.tail = Math.max(0, state.tail - dropped);
  }

  /** As `EventLog.coalesce`; zeros before the watermark end no window any more and go altogether. */
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
        pane = NaN;
      } else {
        pane = own;
        into = first + i;
      }
    }
    this.compact(run, (_, i) => joined[i] === 0);
    return before - run.length;
  }

  /** Recomputes a horizon's state after `coalesce`. */
  settle(run: Run, state: HorizonState, horizon: Horizon): void {
    const { first } = run;
    state.tail = this.countUpTo(run, this.timeAt(first + run.length - 1) - horizon.timespanMs);
    state.value = this.#total(first, state.tail, run.length - 1);
  }

  #total(first: number, low: number, high: number): number {
    let total = 0;
    for (let i = low; i <= high; i += 1) total += this.amountAt(first + i);
    return total;
  }
}
