/**
 * Windows that can become false with more events (upper bounds, `eq` and `neq`, averages, percentiles,
 * conditions with `not`): each is judged once, when the watermark is past its end, in event-time order.
 *
 * Entries slide through in order: an entry enters the measure when its end is judged and leaves it when it
 * is a timespan old. A late event enters at once and counts in the windows still to be judged.
 *
 * Kept: the entries newer than the watermark − timespan, at most `maxEntries`; beyond that the oldest leave
 * early and the values are no longer exact.
 */

import { TimeQueue } from './time-queue.ts';

export interface Run {
  /** Number of ids, counted up to the length that is wanted. */
  readonly ids: number;
  /** Time of the first of them, ms since the epoch. */
  readonly sinceMs: number;
}

export interface Judgement {
  readonly holds: boolean;
  readonly value: number;
  /** Where runs of ids are looked for: the longest that ends with the window; no ids when none does. */
  readonly run?: Run;
  /** False where the events at the window's end do not count, so that none ends there. */
  readonly ends?: boolean;
}

/** A running value over the entries that entered and did not leave yet. */
export interface SlidingMeasure<T> {
  enter(held: T, timeMs: number): void;
  leave(held: T): void;
  /** Of the window that ends at `endMs`; never asked of an empty one. */
  judge(endMs: number): Judgement;
  /** How much it had to forget so far to stay bounded. */
  readonly forgotten?: number;
}

interface Entry<T> {
  readonly time: number;
  readonly held: T;
}

export class ClosingLog<T> {
  readonly #timespanMs: number;
  readonly #maxEntries: number;
  readonly #measure: SlidingMeasure<T>;
  readonly #entries = new TimeQueue<Entry<T>>();
  /** Entries that have entered the measure are [0, entered). */
  #entered = 0;

  constructor(timespanMs: number, maxEntries: number, measure: SlidingMeasure<T>) {
    this.#timespanMs = timespanMs;
    this.#maxEntries = maxEntries;
    this.#measure = measure;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** End of the first window still to be judged; Infinity when there is none. */
  get nextEnd(): number {
    return this.#entries.at(this.#entered)?.time ?? Infinity;
  }

  /** Adds an event; `watermark`: windows that end before it were judged. Returns how many entries had to go. */
  add(time: number, held: T, watermark: number): number {
    const entries = this.#entries;
    if (time < watermark) {
      // Late: whatever window it could still count in ends at or after the watermark.
      if (time <= watermark - this.#timespanMs) return 0;
      entries.add({ time, held }, 0, this.#entered);
      this.#entered += 1;
      this.#measure.enter(held, time);
      return 0;
    }
    entries.add({ time, held }, this.#entered);
    if (entries.length <= this.#maxEntries) return 0;
    const excess = Math.min(this.#entered, Math.max(1, this.#maxEntries >>> 3));
    this.#leave(excess);
    return excess;
  }

  /** Judges every window that ends before the watermark. Returns how much the measure had to forget. */
  judge(watermark: number, report: (endMs: number, value: number) => void): number {
    const entries = this.#entries;
    const before = this.#measure.forgotten ?? 0;
    for (let end = this.nextEnd; end < watermark; end = this.nextEnd) {
      while (this.nextEnd === end) {
        this.#measure.enter(entries.at(this.#entered)!.held, end);
        this.#entered += 1;
      }
      this.#leave(this.#expired(end));
      const { holds, value } = this.#measure.judge(end);
      if (holds) report(end, value);
    }
    this.#leave(this.#expired(watermark));
    return (this.#measure.forgotten ?? 0) - before;
  }

  /** How many of the entries that entered are a timespan old at `end`. */
  #expired(end: number): number {
    let count = 0;
    while (count < this.#entered && this.#entries.at(count)!.time <= end - this.#timespanMs) count += 1;
    return count;
  }

  #leave(count: number): void {
    if (count === 0) return;
    for (let i = 0; i < count; i += 1) this.#measure.leave(this.#entries.at(i)!.held);
    this.#entries.dropFront(count);
    this.#entered -= count;
  }
}
