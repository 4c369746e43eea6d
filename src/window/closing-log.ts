/**
 * Windows that more events can make false (upper bounds, `eq` and `neq`, averages, percentiles, conditions with `not`):
 * each is judged once, when the watermark is past its end, in event-time order.
 *
 * Entries pass through in order: an entry enters the measure when its end is judged and leaves it when it is a timespan
 * old. A late event enters at once and counts in the windows still to be judged.
 *
 * For some measures it is known how much a window must hold before it can be true (`Sleeper`). While the entries hold
 * less, they lie in a `SleepingLog`, and nothing is judged. When they wake, the log enters what was passed while asleep
 * and goes on as if it had always been awake: the windows it missed were false.
 *
 * Kept: the entries newer than the watermark − timespan, at most `maxEntries` that have entered and those that wait for
 * the watermark. Beyond that, entries that make no difference go (`coverage`); if these are few, the oldest leave
 * early, and windows that reach back to them have lost entries: their values are no longer exact.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { TimeQueue } from './time-queue.ts';

export interface IdRun {
  /** Number of ids, counted up to the wanted length. */
  readonly ids: number;
  /** Time of the first of them, ms since the epoch. */
  readonly sinceMs: number;
}

export interface Judgement {
  readonly holds: boolean;
  readonly value: number;
  /** For rules on runs of ids: the longest run that ends with the window; 0 ids if none does. */
  readonly run?: IdRun;
  /** False if the events at the window's end do not count, so that no window ends there. */
  readonly ends?: boolean;
}

export interface Coverage<T> {
  /**
   * To be called once per entry, newest first. Returns whether no window that ends later would differ without the
   * entry, because newer ones hold the same.
   */
  covers(held: T): boolean;
}

/** A running value over the entries that have entered and not yet left. */
export interface SlidingMeasure<T> {
  enter(held: T, timeMs: number): void;
  leave(held: T): void;
  /**
   * Judges the window that ends at `endMs`; never called for an empty window. `lost`: some of its entries left early.
   */
  judge(endMs: number, lost?: boolean): Judgement;
  /** Starts a look at all entries that have entered. Absent if each of them counts. */
  coverage?(): Coverage<T>;
  /** How much the measure had to forget so far to stay bounded. */
  readonly forgotten?: number;
  /** Saves what does not follow from the entries that have entered and not left; absent if there is nothing. */
  save?(to: SectionWriter): void;
  /** Called instead of `enter` for each of those entries. */
  load?(from: SectionReader, entered: readonly Entered<T>[]): void;
}

/** What must be known of a measure so that its logs can sleep. */
export interface Sleeper<T> {
  /** No window whose entries weigh less than this in total is true. */
  readonly needed: number;
  /**
   * A closer look at the numbers of all entries once they weigh enough; `rows`: number of rows. Returns how much more
   * must come at least before a window can be true; 0 if one may be true now. Absent if the weight says it all.
   */
  missing?(numbers: Float64Array, rows: number): number;
  /**
   * Of neighbouring entries that hold the same, the latest is enough once no window that ends at them is still to be
   * judged. Only for entries of a single row that hold nothing else.
   */
  readonly latestIsEnough?: boolean;
  /** 0, or the number of rows of the entry. */
  weigh(held: T): number;
  /** Numbers per row. */
  readonly stride: number;
  /** The entry's numbers: a multiple of `stride`, or none. */
  numbersOf(held: T): ArrayLike<number>;
  /** What else an entry holds; null costs nothing. */
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
  /** Entries [0, entered) have entered the measure. */
  #entered = 0;
  /** Weight of all entries. */
  #held = 0;
  /** Time of the newest entry that left early. */
  #lostUpTo = -Infinity;
  /** Entries added since the last closer look at whether the log may rest. */
  #sinceLooked = 0;

  /** `sleeper`: given if the log need not always be awake. */
  constructor(timespanMs: number, maxEntries: number, measure: SlidingMeasure<T>, sleeper?: Sleeper<T>) {
    this.#timespanMs = timespanMs;
    this.#maxEntries = maxEntries;
    this.#measure = measure;
    this.#sleeper = sleeper;
  }

  /** End of the first window still to be judged; Infinity if there is none. */
  get nextEnd(): number {
    return this.#entries.at(this.#entered)?.time ?? Infinity;
  }

  /** Adds an event; windows that end before `watermark` have been judged. Returns how many entries had to go. */
  add(time: number, held: T, watermark: number): number {
    // Late: every window in which the event could still count ends at or after the watermark.
    if (time < watermark && time <= watermark - this.#timespanMs) return 0;
    const entries = this.#entries;
    this.#held += this.#weigh(held);
    this.#sinceLooked += 1;
    if (time < watermark) {
      entries.add({ time, held }, 0, this.#entered);
      this.#entered += 1;
      this.#measure.enter(held, time);
    } else {
      entries.add({ time, held }, this.#entered);
    }
    return this.bound();
  }

  /** Adds an event, in time order; windows that ended with it are known to be false. */
  enterAsleep(time: number, held: T): void {
    this.#held += this.#weigh(held);
    this.#entries.add({ time, held });
  }

  /** From here on windows that end at the watermark or later are judged. */
  wake(watermark: number): void {
    while (this.nextEnd < watermark) this.#enterNext();
  }

  /**
   * Whether no window can be true for a while. Not as soon as none can, because a group near the limit would be woken
   * again and again. The closer look is only taken after as many new entries as it looks at.
   */
  mayRest(): boolean {
    const sleeper = this.#sleeper;
    // Asleep, it could not say which windows have lost entries, and would have to drop what it has no room for.
    if (sleeper === undefined || this.#lostUpTo > -Infinity) return false;
    if (this.#held + this.#entries.length > this.#maxEntries) return false;
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

  /** Visits all entries, oldest first. */
  each(visit: (time: number, held: T) => void): void {
    for (let i = 0; i < this.#entries.length; i += 1) {
      const { time, held } = this.#entries.at(i)!;
      visit(time, held);
    }
  }

  /**
   * Judges every window that ends before the watermark. Reports those that are true, and whether they have lost entries.
   * Returns how much the measure had to forget.
   */
  judge(watermark: number, report: (endMs: number, value: number, lost: boolean) => void): number {
    const before = this.#measure.forgotten ?? 0;
    for (let end = this.nextEnd; end < watermark; end = this.nextEnd) {
      while (this.nextEnd === end) this.#enterNext();
      this.#leave(this.#expired(end, this.#entered));
      const lost = this.#lostUpTo > end - this.#timespanMs;
      const { holds, value } = this.#measure.judge(end, lost);
      if (holds) report(end, value, lost);
    }
    this.#leave(this.#expired(watermark, this.#entered));
    if (this.#lostUpTo <= watermark - this.#timespanMs) this.#lostUpTo = -Infinity;
    return (this.#measure.forgotten ?? 0) - before;
  }

  save(to: SectionWriter): void {
    this.#entries.save(to, ({ time, held }) => {
      to.f64(time);
      to.plain(held);
    });
    to.u32(this.#entered);
    to.f64(this.#lostUpTo);
    this.#measure.save?.(to);
  }

  load(from: SectionReader): void {
    const entries = this.#entries;
    entries.load(from, () => ({ time: from.f64(), held: from.plain() as T }));
    this.#entered = from.u32();
    this.#lostUpTo = from.f64();
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

  /** Beyond the bound, drops entries, but none at which an unjudged window ends. Returns how many left early. */
  bound(): number {
    if (this.#entered <= this.#maxEntries) return 0;
    this.#dropCovered();
    const excess = this.#entered - this.#maxEntries + Math.max(1, this.#maxEntries >>> 3);
    if (excess <= 0) return 0;
    this.#lostUpTo = Math.max(this.#lostUpTo, this.#entries.at(excess - 1)!.time);
    this.#leave(excess);
    return excess;
  }

  #dropCovered(): void {
    const coverage = this.#measure.coverage?.();
    if (coverage === undefined) return;
    const covered: boolean[] = [];
    for (let i = this.#entered - 1; i >= 0; i -= 1) covered.push(coverage.covers(this.#entries.at(i)!.held));
    const before = this.#entries.length;
    this.#entries.filterFront(this.#entered, ({ held }) => {
      if (covered.pop() === false) return true;
      this.#measure.leave(held);
      this.#held -= this.#weigh(held);
      return false;
    });
    this.#entered -= before - this.#entries.length;
  }

  /** How many of the `among` oldest entries are at least a timespan old at `end`. */
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
