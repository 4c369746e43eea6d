/**
 * Wall time as far as anybody listened to the source. While a process waits for its database, or for its saved state,
 * nothing is fetched: what was not heard of a partition then is no silence of it.
 */

import type { Clock } from '../clock.ts';

/** Shorter waits are part of any round: a source that is never waited for otherwise would keep silent partitions for ever. */
const SHORT_MS = 1000;

export class Listening {
  readonly #clock: Clock;
  #deafMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms from an arbitrary origin. */
  get time(): number {
    return this.#clock.elapsed() - this.#deafMs;
  }

  /** Waits for work during which nothing is taken from the source. */
  async through(work: Promise<void>): Promise<void> {
    const since = this.#clock.elapsed();
    await work;
    this.#deafMs += Math.max(0, this.#clock.elapsed() - since - SHORT_MS);
  }
}
