/** Decides when to rejoin a group after a failure to join or read, and whether joining proves that reading works. */

import { backoffMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';

const BACKOFF = { baseMs: 500, maxMs: 5000 };

/**
 * A problem that shows only at the first fetch (a missing right, a damaged batch) would let a member join twice a
 * second, and the whole group rebalance as often. Only a join that lasts this long counts as a success.
 */
export const LASTING_MS = 10_000;

export class JoinAttempts {
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  /** When the current attempt got an assignment. */
  #joinedAt: number | undefined;
  /** The last attempt joined but soon failed, not for the first time: joining again proves nothing about reading. */
  isDoubtful = false;

  /** `random`: in [0, 1), for the jitter. */
  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  joined(): void {
    this.#joinedAt ??= this.#clock.elapsed();
  }

  /** Ends the current attempt; returns the delay before the next, ms. */
  failed(): number {
    const joinedAt = this.#joinedAt;
    const lasted = joinedAt !== undefined && this.#clock.elapsed() - joinedAt >= LASTING_MS;
    this.#failures = lasted ? 1 : this.#failures + 1;
    this.isDoubtful = joinedAt !== undefined && this.#failures > 1;
    this.#joinedAt = undefined;
    return backoffMs(this.#failures, { ...BACKOFF, random: this.#random });
  }
}
