/**
 * The only reader of wall time. Everything else takes a `Clock`, so that tests control time and a replay is no special
 * mode. Lint forbids `Date.now`, `performance.now` and `process.hrtime` elsewhere.
 */

export interface Clock {
  /** Wall time, ms since the epoch. May jump. */
  now(): number;
  /** Monotonic time in ms from an arbitrary origin, for durations. */
  elapsed(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
};
