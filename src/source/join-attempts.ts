/** When a group that could not be joined, or read, is to be joined again, and whether a join says that reading works. */

import { backoffMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';

const BACKOFF = { baseMs: 500, maxMs: 5000 };

/**
 * What lets a member join and then fail at its first fetch (a right that is missing, a damaged batch) would have it join
 * twice a second, and the whole group rebalance as often: a join that lasts so long was one.
 */
export const LASTING_MS = 10_000;

export class JoinAttempts {
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  /** When the present attempt got as far as an assignment. */
  #joinedAt: number | undefined;
  /** The attempt before got there, and failed right after: one more assignment does not say that reading works. */
  isDoubtful = false;

  /** `random`: in [0, 1), for the jitter. */
  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  joined(): void {
    this.#joinedAt ??= this.#clock.elapsed();
  }

  /** The present attempt is over; returns ms until the next. */
  failed(): number {
    const joinedAt = this.#joinedAt;
    const lasted = joinedAt !== undefined && this.#clock.elapsed() - joinedAt >= LASTING_MS;
    this.#failures = lasted ? 1 : this.#failures + 1;
    this.isDoubtful = joinedAt !== undefined && this.#failures > 1;
    this.#joinedAt = undefined;
    return backoffMs(this.#failures, { ...BACKOFF, random: this.#random });
  }
}
