/**
 * A log whose windows add up an amount per entry: events, or what `value_sum` rules measure.
 *
 * In-order arrival is O(1) amortised per horizon. An entry that arrives out of order walks back from the newest one
 * over all newer entries, and re-judges the windows that hold it.
 */

import type { HorizonState, WindowVisitor } from './horizon.ts';
import { RoundedOnce } from './rounded-once.ts';
import { type Run, RunStore } from './run-store.ts';

export abstract class TotalsLog extends RunStore {
  /** Ends and values of the windows that an arrival may have raised, newest first. */
  readonly #raised: number[] = [];

  /** What the entry at a row adds to its windows; not negative. */
  abstract amountAt(row: number): number;

  /**
   * Adds the entry just inserted at `index` to one horizon and reports the windows it may have raised, in order.
   * Windows that end before `judgedFrom` (the watermark) have been judged and stay as they are. `inexact`: adding and
   * subtracting would round, so windows are summed anew.
   */
  slide(
    run: Run,
    state: HorizonState,
    index: number,
    judgedFrom: number,
    inexact: boolean,
    visitor: WindowVisitor,
  ): void {
    const { first } = run;
    const t = this.timeAt(first + index);
    const added = this.amountAt(first + index);
    const { horizon } = state;
    const { leastThreshold } = horizon;
    const newest = run.length - 1;
    if (index < state.tail) state.tail += 1;
    else state.value += added;
    if (index < newest) {
      this.#expire(run, state);
      this.#judgeBack(run, state, index, judgedFrom, inexact, visitor);
      return;
    }
    // What left the window need not be subtracted while the value is below the threshold even so.
    if (state.value < leastThreshold && !inexact) return;
    this.#expire(run, state);
    if (inexact) state.value = this.#total(first, state.tail, newest);
    if (state.value >= leastThreshold && t >= judgedFrom) visitor.window(horizon, t, state.value);
  }

  /** Moves the window's start on to its place for the newest entry. */
  #expire({ first, length }: Run, state: HorizonState): void {
    const from = this.timeAt(first + length - 1) - state.horizon.timespanMs;
    for (; this.timeAt(first + state.tail) <= from; state.tail += 1) {
      state.value -= this.amountAt(first + state.tail);
    }
  }

  /** Like `slide`, for a horizon that was not kept up with its log. */
  catchUp(run: Run, state: HorizonState, index: number, judgedFrom: number, visitor: WindowVisitor): void {
    this.settle(run, state);
    const t = this.timeAt(run.first + index);
    const { horizon, value } = state;
    if (index < run.length - 1) this.#judgeBack(run, state, index, judgedFrom, false, visitor);
    else if (value >= horizon.leastThreshold && t >= judgedFrom) visitor.window(horizon, t, value);
  }

  /** Call before `dropFront(run, dropped)`, for every horizon of the group. */
  dropped(run: Run, state: HorizonState, dropped: number): void {
    const { first } = run;
    for (let i = state.tail; i < dropped; i += 1) state.value -= this.amountAt(first + i);
    state.tail = Math.max(0, state.tail - dropped);
  }

  /** Recomputes a horizon's state from the entries. */
  settle(run: Run, state: HorizonState): void {
    const { first } = run;
    state.tail = this.countUpTo(run, this.timeAt(first + run.length - 1) - state.horizon.timespanMs);
    state.value = this.#total(first, state.tail, run.length - 1);
  }

  /** Judges the windows that hold the entry at `index`, which is not the newest. */
  #judgeBack(
    run: Run,
    state: HorizonState,
    index: number,
    judgedFrom: number,
    inexact: boolean,
    visitor: WindowVisitor,
  ): void {
    const { first } = run;
    const { horizon } = state;
    const { timespanMs, leastThreshold } = horizon;
    const t = this.timeAt(first + index);
    const raised = this.#raised;
    let { tail, value } = state;
    const from = Math.max(t, judgedFrom);
    const told = Math.max(
      leastThreshold,
      visitor.quietBelow(horizon, from, this.timeAt(first + run.length - 1)),
    );
    for (let end = run.length - 1; end >= index;) {
      const s = this.timeAt(first + end);
      if (s < from) break;
      const total = inexact ? this.#total(first, tail, end) : value;
      if (s < t + timespanMs && total >= told) raised.push(s, total);
      for (; end >= index && this.timeAt(first + end) === s; end -= 1) value -= this.amountAt(first + end);
      if (end < index) break;
      const before = this.timeAt(first + end) - timespanMs;
      for (; tail > 0 && this.timeAt(first + tail - 1) > before; tail -= 1) {
        value += this.amountAt(first + tail - 1);
      }
    }
    for (let i = raised.length - 2; i >= 0; i -= 2) visitor.window(horizon, raised[i]!, raised[i + 1]!);
    raised.length = 0;
  }

  #total(first: number, low: number, high: number): number {
    const total = new RoundedOnce();
    for (let i = low; i <= high; i += 1) total.add(this.amountAt(first + i));
    return total.value;
  }
}
