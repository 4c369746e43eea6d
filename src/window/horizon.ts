/**
 * A horizon is one timespan over one log: the window (t − timespan, t] that ends at each entry's time t. Rules that
 * measure the same thing over the same timespan share a horizon and differ only in thresholds.
 */

export interface Horizon {
  readonly timespanMs: number;
  /** No window with a smaller value is reported: the one comparison that most updates pay for. */
  readonly leastThreshold: number;
  /**
   * No window with a smaller value satisfies any watcher. If it is more than the least threshold (then 0), every window
   * is reported for its value; those below the bound may be reported when the watermark has passed them.
   */
  readonly leastBound: number;
}

/** Where a horizon stands for one group, as seen from the group's newest entry. */
export class HorizonState {
  readonly horizon: Horizon;
  /** Index of the oldest entry inside the window that ends at the newest entry; for sums, it may have left it. */
  tail = 0;
  /** Value of the entries from there on: the value of that window, or more. */
  value = 0;

  constructor(horizon: Horizon) {
    this.horizon = horizon;
  }
}

/**
 * Receives every window (by its end) whose value an arrival may have raised to at least the horizon's least threshold.
 * The same end may be reported again, never with a smaller value while it is exact.
 */
export interface WindowVisitor {
  window(horizon: Horizon, endMs: number, value: number): void;
  /**
   * Windows that end in [fromMs, toMs] with a smaller value than this need not be reported: they are known to be true,
   * and their value was as large before. −Infinity if that is unknown. A late event lies in all windows that newer
   * events end, which are thousands in a long theft.
   */
  quietBelow(horizon: Horizon, fromMs: number, toMs: number): number;
}
