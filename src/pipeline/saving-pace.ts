/**
 * How fast a process saves state. The rest of its time is for events, however many savings run at once: the pipelines
 * of all shards save when they are due together.
 */

import type { Clock } from '../clock.ts';

/** Share of the time for steps of saving: at this rate a saving takes half of the least interval between two. */
const SHARE = 0.1;
/** Most after one step. Groups that change meanwhile are saved at once, and wait in memory for the next step. */
const LONGEST_PAUSE_MS = 100;

export class SavingPace {
  readonly #clock: Clock;
  /** When the next step may be taken. */
  #freeAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns how long to wait, ms, after a step that took `stepMs`. */
  after(stepMs: number): number {
    const now = this.#clock.elapsed();
    const pauseMs = Math.min(LONGEST_PAUSE_MS, (stepMs * (1 - SHARE)) / SHARE);
    this.#freeAt = Math.max(this.#freeAt, now - stepMs) + stepMs + pauseMs;
    return this.#freeAt - now;
  }
}
