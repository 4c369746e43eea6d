/**
 * Wall time during which the source was listened to. While a process waits for its database or its saved state, or
 * stands still altogether (a machine that is moved or copied), nothing is fetched: a partition not heard from then is
 * not silent.
 */

import type { Clock } from '../clock.ts';

/** A source that has nothing says so twice a second, so a longer gap between two items is no silence. */
const LONGEST_MS = 1000;

export class Listening {
  readonly #clock: Clock;
  #time = 0;
  #heardAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = clock.elapsed();
  }

  /** Ms from an arbitrary origin, at the time the source was last heard. */
  get time(): number {
    return this.#time;
  }

  /** Call with each item of the source, before anything else. */
  heard(): void {
    const now = this.#clock.elapsed();
    this.#time += Math.min(now - this.#heardAt, LONGEST_MS);
    this.#heardAt = now;
  }
}
