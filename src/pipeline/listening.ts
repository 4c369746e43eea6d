/**
 * Wall time as far as anybody listened to the source. While a process waits for its database or for its saved state, or
 * stands still altogether (a machine that is moved or copied), nothing is fetched: what was not heard of a partition
 * then is no silence of it.
 */

import type { Clock } from '../clock.ts';

/** A source that has nothing says so twice a second. From one thing to the next, more is no silence. */
const LONGEST_MS = 1000;

export class Listening {
  readonly #clock: Clock;
  #time = 0;
  #heardAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = clock.elapsed();
  }

  /** Ms from an arbitrary origin, when the source was heard last. */
  get time(): number {
    return this.#time;
  }

  /** To be called with each thing that the source says, before anything else. */
  heard(): void {
    const now = this.#clock.elapsed();
    this.#time += Math.min(now - this.#heardAt, LONGEST_MS);
    this.#heardAt = now;
  }
}
