/**
 * Windows that can become false with more events (upper bounds, `eq` and `neq`, averages, percentiles,
 * conditions with `not`): each is judged once, when the watermark is past its end, in event-time order.
 *
 * Entries slide through in order: an entry enters the measure when its end is judged and leaves it when it
 * is a timespan old. A late event enters at once and counts in the windows still to be judged.
 *
 * Of some measures is known how much a window must hold before it can be true (`Sleeper`). While the entries hold
 * less, they lie in a `SleepingLog`, and there is nothing to judge. What wakes them makes a log enter what was
 * passed asleep, so that from there on it stands as if it had always been: the windows it missed were false.
 *
 * Kept: the entries newer than the watermark − timespan, at most `maxEntries`; beyond that the oldest leave
 * early and the values are no longer exact.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
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
  /** Saves what does not follow from the entries that entered and did not leave; nothing when absent. */
  save?(to: SectionWriter): void;
  /** In place of `enter` for each of those entries. */
  load?(from: SectionReader, entered: readonly Entered<T>[]): void;
}

/** What is to be known of a measure so that logs can sleep. */
export interface Sleeper<T> {
  /** No window is true whose entries weigh less than this in all. */
  readonly needed: number;
  /**
   * Looks closer at all numbers of entries that weigh enough, `rows` rows: how much more must come at least before a
   * window can be true; 0 when one may be. Absent where weight says it all.
   */
  missing?(numbers: Float64Array, rows: number): number;
  /**
   * Of entries next to each other that hold the same, the latest is enough once no window is to be judged any more that
   * ends with them. Of a row each, with nothing else.
   */
  readonly latestIsEnough?: boolean;
  /** 0, or the number of its rows. */
  weigh(held: T): number;
  /** Numbers of a row. */
  readonly stride: number;
  /** A multiple of so many, or none. */
  numbersOf(held: T): ArrayLike<number>;
  /** What else an entry holds; null is free. */
  otherOf(held: T): unknown;
  heldOf(numbers: readonly number[], other: unknown): T;
}

/** An entry and its time, ms since the epoch. */
export interface Entered<T> {
  readonly time: number;
  readonly held: T;
}

export class ClosingLog<T> {
  readonly #timespanMs: number;
  readonly #maxEntries: number;
  readonly #measure: SlidingMeasure<T>;
  readonly #sleeper: Sleeper<T> | undefined;
  readonly #entries = new TimeQueue<Entered<T>>();
  /** Entries that have entered the measure are [0, entered). */
  #entered = 0;
  /** Weight of all entries. */
  #held = 0;
  /** Entries that came since it was looked closer whether the log may rest. */
  #sinceLooked = 0;

  /** `sleeper`: where the log need not always be awake. */
  constructor(timespanMs: number, maxEntries: number, measure: SlidingMeasure<T>, sleeper?: Sleeper<T>) {
    this.#timespanMs = timespanMs;
    this.#maxEntries = maxEntries;
    this.#measure = measure;
    this.#sleeper = sleeper;
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
    // Late: whatever window it could still count in ends at or after the watermark.
    if (time < watermark && time <= watermark - this.#timespanMs) return 0;
    const entries = this.#entries;
    this.#held += this.#weigh(held);
    this.#sinceLooked += 1;
    if (time < watermark) {
      entries.add({ time, held }, 0, this.#entered);
      this.#entered += 1;
      this.#measure.enter(held, time);
      return 0;
    }
    entries.add({ time, held }, this.#entered);
    return this.bound(watermark);
  }

  /** Adds an event, in order of time, of which windows that ended with it are known to be false. */
  enterAsleep(time: number, held: T): void {
    this.#held += this.#weigh(held);
    this.#entries.add({ time, held });
  }

  /** From here on windows that end at the watermark or later are judged. */
  wake(watermark: number): void {
    while (this.nextEnd < watermark) this.#enterNext();
  }

  /**
   * Whether no window can be true for a while. Not as soon as none can: who hovers about what is needed would be woken
   * again and again. A closer look is taken once as many entries came as are looked at.
   */
  mayRest(): boolean {
    const sleeper = this.#sleeper;
    if (sleeper === undefined) return false;
    const { needed } = sleeper;
    if (2 * this.#held < needed) return true;
    const { length } = this.#entries;
    if (sleeper.missing === undefined || this.#sinceLooked < Math.max(needed, length)) return false;
    this.#sinceLooked = 0;
    const numbers: number[] = [];
    this.each((_, held) => {
      for (const number of Array.from(sleeper.numbersOf(held))) numbers.push(number);
    });
    return 4 * sleeper.missing(Float64Array.from(numbers), numbers.length / sleeper.stride) >= needed;
  }

  /** All entries, the oldest first. */
  each(visit: (time: number, held: T) => void): void {
    for (let i = 0; i < this.#entries.length; i += 1) {
      const { time, held } = this.#entries.at(i)!;
      visit(time, held);
    }
  }

  /** Judges every window that ends before the watermark. Returns how much the measure had to forget. */
  judge(watermark: number, report: (endMs: number, value: number) => void): number {
    const before = this.#measure.forgotten ?? 0;
    for (let end = this.nextEnd; end < watermark; end = this.nextEnd) {
      while (this.nextEnd === end) this.#enterNext();
      this.#leave(this.#expired(end, this.#entered));
      const { holds, value } = this.#measure.judge(end);
      if (holds) report(end, value);
    }
    this.#leave(this.#expired(watermark, this.#entered));
    return (this.#measure.forgotten ?? 0) - before;
  }

  save(to: SectionWriter): void {
    this.#entries.save(to, ({ time, held }) => {
      to.f64(time);
      to.plain(held);
    });
    to.u32(this.#entered);
    this.#measure.save?.(to);
  }

  load(from: SectionReader): void {
    const entries = this.#entries;
    entries.load(from, () => ({ time: from.f64(), held: from.plain() as T }));
    this.#entered = from.u32();
    for (let i = 0; i < entries.length; i += 1) this.#held += this.#weigh(entries.at(i)!.held);
    const entered = Array.from({ length: this.#entered }, (_, i) => entries.at(i)!);
    if (this.#measure.load !== undefined) this.#measure.load(from, entered);
    else for (const { held, time } of entered) this.#measure.enter(held, time);
  }

  #weigh(held: T): number {
    return this.#sleeper?.weigh(held) ?? 0;
  }

  #enterNext(): void {
    const { time, held } = this.#entries.at(this.#entered)!;
    this.#measure.enter(held, time);
    this.#entered += 1;
  }

  /**
   * Of the entries over the bound the oldest leave, as far as no window still to be judged ends at them. Returns how
   * many.
   */
  bound(watermark: number): number {
    const entries = this.#entries;
    if (entries.length <= this.#maxEntries) return 0;
    const most = Math.max(1, this.#maxEntries >>> 3);
    let excess = 0;
    while (excess < most && entries.at(excess)!.time < watermark) excess += 1;
    this.#leave(excess);
    return excess;
  }

  /** How many of the `among` oldest entries are a timespan old at `end`. */
  #expired(end: number, among: number): number {
    let count = 0;
    while (count < among && this.#entries.at(count)!.time <= end - this.#timespanMs) count += 1;
    return count;
  }

  #leave(count: number): void {
    if (count === 0) return;
    for (let i = 0; i < count; i += 1) {
      const { held } = this.#entries.at(i)!;
      this.#measure.leave(held);
      this.#held -= this.#weigh(held);
    }
    this.#entries.dropFront(count);
    this.#entered -= count;
  }
}
