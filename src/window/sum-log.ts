/**
 * The measured amounts of a group in event-time order: the window of `value_sum` rules. Amounts are not
 * negative (a negative one holds no value: a lower bound on a falling sum could not be judged on arrival).
 *
 * Whole amounts are summed incrementally, which is exact below 2^53. Once a group holds a fractional
 * amount its windows are summed anew in time order, so that what is reported never drifts.
 */

import { type Horizon, type HorizonState, type WindowVisitor } from './horizon.ts';
import { type Run, RunStore } from './run-store.ts';

export class SumLog extends RunStore {
  amount = new Float64Array(1024);

  protected override columns() {
    return [];
  }

  protected override replaceColumns(): void {}

  protected override doubles() {
    return [this.amount];
  }

  protected override replaceDoubles(next: Float64Array<ArrayBuffer>[]): void {
    this.amount = next[0]!;
  }

  /** Puts the amount in its place in time and returns its index (0 = oldest). */
  add(run: Run, t: number, amount: number): number {
    const index = this.countUpTo(run, t);
    const at = this.insert(run, index);
    this.time[at] = t;
    this.amount[at] = amount;
    return index;
  }

  /** As `EventLog.count`, for sums. `fractional`: the group holds an amount that is not whole. */
  sum(
    run: Run,
    state: HorizonState,
    horizon: Horizon,
    index: number,
    judgedFrom: number,
    fractional: boolean,
    visitor: WindowVisitor,
  ): void {
    const first = RunStore.first(run);
    const { time, amount } = this;
    const t = time[first + index]!;
    const added = amount[first + index]!;
    const { timespanMs, leastThreshold } = horizon;
    const newest = run.length - 1;
    if (index === newest) {
      let { tail, value } = state;
      while (time[first + tail]! <= t - timespanMs) {
        value -= amount[first + tail]!;
        tail += 1;
      }
      value += added;
      if (fractional) value = this.#total(first, tail, newest);
      state.tail = tail;
      state.value = value;
      if (value >= leastThreshold && t >= judgedFrom) visitor.window(horizon, t, value);
      return;
    }
    if (t > time[first + newest]! - timespanMs) state.value += added;
    else state.tail += 1;

    let low = this.countUpTo(run, t - timespanMs);
    let high = low;
    let inWindow = 0;
    for (let end = index; end <= newest; end += 1) {
      const s = time[first + end]!;
      if (s >= t + timespanMs) break;
      if (end < newest && time[first + end + 1] === s) continue;
      for (; high <= end; high += 1) inWindow += amount[first + high]!;
      for (; time[first + low]! <= s - timespanMs; low += 1) inWindow -= amount[first + low]!;
      const value = fractional ? this.#total(first, low, end) : inWindow;
      if (value >= leastThreshold && s >= judgedFrom) visitor.window(horizon, s, value);
    }
  }

  /** To be called before `dropFront(run, dropped)`, for every horizon of the group. */
  dropped(run: Run, state: HorizonState, dropped: number): void {
    const first = RunStore.first(run);
    for (let i = state.tail; i < dropped; i += 1) state.value -= this.amount[first + i]!;
    state.tail = Math.max(0, state.tail - dropped);
  }

  /** As `EventLog.coalesce`. */
  coalesce(run: Run, joinsNext: (index: number) => boolean): number {
    const before = run.length;
    const first = RunStore.first(run);
    const merges = new Uint8Array(before);
    for (let i = 0; i + 1 < before; i += 1) {
      if (!joinsNext(i)) continue;
      merges[i] = 1;
      this.amount[first + i + 1] = this.amount[first + i + 1]! + this.amount[first + i]!;
    }
    this.compact(run, (_, i) => merges[i] === 0);
    return before - run.length;
  }

  /** Recomputes a horizon's state after `coalesce`. */
  settle(run: Run, state: HorizonState, horizon: Horizon): void {
    const first = RunStore.first(run);
    state.tail = this.countUpTo(run, this.time[first + run.length - 1]! - horizon.timespanMs);
    state.value = this.#total(first, state.tail, run.length - 1);
  }

  #total(first: number, low: number, high: number): number {
    let total = 0;
    for (let i = low; i <= high; i += 1) total += this.amount[first + i]!;
    return total;
  }
}
