/**
 * Closing logs that hold too little for any of their windows to be true, as those of a benign group nearly always do:
 * nothing is measured, and the entries of many groups lie side by side in typed rows. When a log wakes, its entries go
 * into a `ClosingLog`.
 *
 * An entry takes one row per `Sleeper.stride` numbers that it holds, at least one row.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { ClosingLog, Sleeper } from './closing-log.ts';
import { type NewestTime, Run, RunStore } from './run-store.ts';

/** One group's entries. */
export class Asleep {
  readonly run: Run;
  /** Weight of all entries, including some that no window holds any more. */
  weight = 0;
  /** Weight that may still come before a window could be true and `mustWake` must look again. */
  spare = 0;

  constructor(newest?: NewestTime) {
    this.run = new Run(newest);
  }
}

/** Row: time; in an entry's first row its row count with flags, and where its other content is kept; numbers. */
const HEAD = 2;
const OTHER = 3;
const NUMBERS = 2;
const FILLED = 1;
const WEIGHS = 2;
const ROWS = 4;

/** Scratch memory for the numbers of one log at a time. */
let scratch = new Float64Array(256);

function scratchFor(length: number): Float64Array {
  if (scratch.length < length) scratch = new Float64Array(2 * length);
  return scratch;
}

export class SleepingLog<T> extends RunStore {
  readonly sleeper: Sleeper<T>;
  readonly #timespanMs: number;
  readonly #maxRows: number;
  readonly #floats: number;
  /** What entries hold besides numbers; [0] stays free. */
  readonly #others: unknown[] = [undefined];
  readonly #freeOthers: number[] = [];

  constructor(timespanMs: number, maxRows: number, sleeper: Sleeper<T>) {
    const floats = NUMBERS + sleeper.stride;
    super(8 * floats);
    this.sleeper = sleeper;
    this.#timespanMs = timespanMs;
    this.#maxRows = maxRows;
    this.#floats = floats;
  }

  /** Adds an event, like `ClosingLog.add`. */
  add(asleep: Asleep, time: number, held: T, watermark: number): void {
    if (time < watermark && time <= watermark - this.#timespanMs) return;
    const { run } = asleep;
    const { stride } = this.sleeper;
    const numbers = this.sleeper.numbersOf(held);
    const rows = Math.max(1, numbers.length / stride);
    const weight = this.sleeper.weigh(held);
    if (this.sleeper.latestIsEnough === true && weight === 0) this.#mergeNewest(asleep, watermark);
    if (!this.hasRoom(run, rows)) this.trim(asleep, watermark);
    const first = this.insert(run, this.countUpTo(run, time), rows);
    const { f64, u32 } = this;
    const floats = this.#floats;
    for (let i = 0; i < rows; i += 1) {
      const at = (first + i) * floats;
      f64[at] = time;
      u32[2 * at + HEAD] = 0;
      u32[2 * at + OTHER] = 0;
      for (let k = 0; k < stride && numbers.length > 0; k += 1)
        f64[at + NUMBERS + k] = numbers[i * stride + k]!;
    }
    const flags = (numbers.length > 0 ? FILLED : 0) + (weight > 0 ? WEIGHS : 0);
    u32[2 * first * floats + HEAD] = rows * ROWS + flags;
    u32[2 * first * floats + OTHER] = this.#keep(this.sleeper.otherOf(held));
    asleep.weight += weight;
    asleep.spare = Math.max(0, asleep.spare - weight);
  }

  /** If the newest entries hold the same and are older than the watermark, keeps only the latest. */
  #mergeNewest({ run }: Asleep, watermark: number): void {
    const newest = run.first + run.length - 1;
    if (run.length < 2 || this.timeAt(newest) >= watermark) return;
    let first = newest;
    while (first > run.first && this.#holdsTheSame(first - 1, newest)) first -= 1;
    if (first === newest) return;
    this.f64[first * this.#floats] = this.timeAt(newest);
    run.length -= newest - first;
  }

  /** Whether two rows, each a whole entry, differ only in their times. */
  #holdsTheSame(row: number, other: number): boolean {
    const { u32, words } = this;
    if (this.#rowsAt(row) !== 1 || this.#word(row, OTHER) !== 0) return false;
    let word = HEAD;
    while (word < words && u32[row * words + word] === u32[other * words + word]) word += 1;
    return word === words;
  }

  /** Forgets what no window that ends at the watermark or later can hold. */
  trim(asleep: Asleep, watermark: number): void {
    this.#drop(asleep, this.countUpTo(asleep.run, watermark - this.#timespanMs));
  }

  /** Whether a window that ends at the watermark or later may be true, or there is no room for the entries. */
  mustWake(asleep: Asleep, watermark: number): boolean {
    if (asleep.run.length > this.#maxRows) {
      this.trim(asleep, watermark);
      if (asleep.run.length > this.#maxRows) return true;
    }
    if (asleep.spare > 0) return false;
    this.trim(asleep, watermark);
    asleep.spare = this.#missing(asleep);
    return asleep.spare === 0;
  }

  #missing({ run, weight }: Asleep): number {
    const { sleeper, f64 } = this;
    const { needed, stride } = sleeper;
    if (weight < needed) return needed - weight;
    if (sleeper.missing === undefined) return 0;
    const numbers = scratchFor(stride * run.length);
    let rows = 0;
    for (let row = run.first; row < run.first + run.length; row += this.#rowsAt(row)) {
      if ((this.#word(row, HEAD) & FILLED) === 0) continue;
      for (let i = row; i < row + this.#rowsAt(row); i += 1) {
        const from = i * this.#floats + NUMBERS;
        for (let k = 0; k < stride; k += 1) numbers[rows * stride + k] = f64[from + k]!;
        rows += 1;
      }
    }
    return sleeper.missing(numbers, rows);
  }

  /** Makes the empty `log` go on with the entries as if it had always been awake. */
  wake(asleep: Asleep, log: ClosingLog<T>, watermark: number): void {
    this.#handOver(asleep, (time, held) => log.enterAsleep(time, held));
    log.wake(watermark);
  }

  /** Takes the entries of a log that is not needed any more. */
  rest(asleep: Asleep, log: ClosingLog<T>): void {
    log.each((time, held) => this.add(asleep, time, held, -Infinity));
  }

  #handOver(asleep: Asleep, visit: (time: number, held: T) => void): void {
    const { run } = asleep;
    const { stride } = this.sleeper;
    for (let row = run.first; row < run.first + run.length; row += this.#rowsAt(row)) {
      const numbers: number[] = [];
      if ((this.#word(row, HEAD) & FILLED) !== 0) {
        for (let i = 0; i < this.#rowsAt(row); i += 1) {
          for (let k = 0; k < stride; k += 1) numbers.push(this.f64[(row + i) * this.#floats + NUMBERS + k]!);
        }
      }
      const other = this.#word(row, OTHER);
      visit(this.timeAt(row), this.sleeper.heldOf(numbers, other === 0 ? null : this.#others[other]));
    }
    this.#drop(asleep, run.length);
  }

  /** Frees all memory. */
  clear(asleep: Asleep): void {
    this.#drop(asleep, asleep.run.length);
  }

  /** Saves the entries, then their other content, because its place means nothing elsewhere. */
  override saveRun(to: SectionWriter, run: Run): void {
    super.saveRun(to, run);
    const { first, length } = run;
    for (let row = first; row < first + length; row += 1) {
      const other = this.#word(row, OTHER);
      if (other !== 0) to.plain(this.#others[other]);
    }
  }

  protected override saveRows(to: SectionWriter, first: number, count: number): void {
    const { u32, words } = this;
    for (let at = first * words; at < (first + count) * words; at += words) {
      to.words(u32, at, OTHER);
      to.u32(u32[at + OTHER] === 0 ? 0 : 1);
      to.words(u32, at + OTHER + 1, words - OTHER - 1);
    }
  }

  override loadRun(from: SectionReader, run: Run): void {
    super.loadRun(from, run);
    const { first, length } = run;
    for (let row = first; row < first + length; row += 1) {
      if (this.#word(row, OTHER) !== 0) this.u32[row * this.words + OTHER] = this.#keep(from.plain());
    }
  }

  protected override loadRows(from: SectionReader, first: number, count: number): void {
    const { u32, words } = this;
    for (let at = first * words; at < (first + count) * words; at += words) {
      from.words(u32, at, OTHER);
      u32[at + OTHER] = from.u32();
      from.words(u32, at + OTHER + 1, words - OTHER - 1);
    }
  }

  /** Forgets the oldest `rows` rows, which must be whole entries. */
  #drop(asleep: Asleep, rows: number): void {
    if (rows === 0) return;
    const { run } = asleep;
    for (let row = run.first; row < run.first + rows; row += 1) {
      if ((this.#word(row, HEAD) & WEIGHS) !== 0) asleep.weight -= this.#rowsAt(row);
      const other = this.#word(row, OTHER);
      if (other === 0) continue;
      this.#others[other] = undefined;
      this.#freeOthers.push(other);
    }
    this.dropFront(run, rows);
  }

  #keep(other: unknown): number {
    if (other === null) return 0;
    const at = this.#freeOthers.pop() ?? this.#others.length;
    this.#others[at] = other;
    return at;
  }

  #rowsAt(row: number): number {
    return Math.floor(this.#word(row, HEAD) / ROWS);
  }

  #word(row: number, word: number): number {
    return this.u32[2 * row * this.#floats + word]!;
  }
}
