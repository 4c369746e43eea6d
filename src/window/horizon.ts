/**
 * A horizon is one timespan over one log: the window (t − timespan, t] that ends at each entry's time t.
 * Rules that measure the same thing over the same timespan share a horizon and differ only in thresholds.
 */

export interface Horizon {
  readonly timespanMs: number;
  /** No window with a smaller value is told of: the one comparison most updates pay. */
  readonly leastThreshold: number;
  /**
   * No window with a smaller value satisfies any watcher. Where it is more than the least threshold (0 then), every
   * window is told of, because of what it was worth; those below may be told of when the watermark has passed them.
   */
  readonly leastBound: number;
}

/** Where a horizon stands for one group, as seen from the group's newest entry. */
export class HorizonState {
  readonly horizon: Horizon;
  /** Index of the oldest entry inside the window that ends at the newest entry; of sums, that may have left it. */
  tail = 0;
  /** What the entries from there on are worth: the value of that window, or more. */
  value = 0;

  constructor(horizon: Horizon) {
    this.horizon = horizon;
  }
}

/**
 * Receives every window (by its end) whose value an arrival may have raised to at least the horizon's
 * least threshold. The same end may be reported again, never with a smaller value while it is exact.
 */
export interface WindowVisitor {
  window(horizon: Horizon, endMs: number, value: number): void;
  /**
   * Windows that end in [fromMs, toMs] and are worth less than this need not be reported: they are known to be true,
   * and were worth as much before. −Infinity where that cannot be said. A late event lies in all that newer events
   * end, which in a long theft is thousands.
   */
  quietBelow(horizon: Horizon, fromMs: number, toMs: number): number;
}
