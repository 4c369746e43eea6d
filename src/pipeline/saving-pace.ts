/**
 * How fast a process saves state. The rest of its time is for events, however many save at once: the pipelines of all
 * its shards do when they are due together.
 */

import type { Clock } from '../clock.ts';

/** Of the time, for steps of saving: half of the least interval between two savings goes by with one, then. */
const SHARE = 0.1;
/** After one step. Groups that change meanwhile are saved at once, and wait in memory for the next one. */
const LONGEST_PAUSE_MS = 100;

export class SavingPace {
  readonly #clock: Clock;
  /** When the next step may be taken. */
  #freeAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long to wait, ms, after a step that took `stepMs`. */
  after(stepMs: number): number {
    const now = this.#clock.elapsed();
    const pauseMs = Math.min(LONGEST_PAUSE_MS, (stepMs * (1 - SHARE)) / SHARE);
    this.#freeAt = Math.max(this.#freeAt, now - stepMs) + stepMs + pauseMs;
    return this.#freeAt - now;
  }
}
