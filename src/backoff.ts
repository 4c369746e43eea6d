/** Wait before the next attempt: grows exponentially, with jitter, so that many clients do not return at once. */

export interface Backoff {
  /** In [0, 1). */
  readonly random: () => number;
  /** First delay, ms. Default 200. */
  readonly baseMs?: number;
  /** Largest delay, ms. Default 30,000. */
  readonly maxMs?: number;
}

/** Between half and all of min(maxMs, baseMs · 2^(attempt−1)); attempts count from 1. */
export function backoffMs(attempt: number, { random, baseMs = 200, maxMs = 30_000 }: Backoff): number {
  const ceilingMs = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceilingMs * (0.5 + random() / 2));
}
