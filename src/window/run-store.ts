/**
 * Typed memory for many small, time-sorted logs.
 *
 * A store is one buffer of fixed-size rows, seen as 64-bit floats and as 32-bit words; the first float of a row is its
 * event time, ms since the epoch. A `Run` is one log's contiguous block of rows, sorted by time, ties in order of
 * arrival. Rows, not columns: an arrival touches one log of one group, and a row is one or two cache lines. Blocks of
 * any length are split and merged (`FreeBlocks`), so a million logs are one buffer, not a million objects. Appending in
 * time order and dropping from the front are O(1) amortised; inserting out of order costs a move of all newer rows.
 *
 * Invariant: rows of a run are `[offset + head, offset + head + length)`, `head + length <= capacity`.
 */

import { GrowingMemory } from './growing-memory.ts';
import { FreeBlocks } from './free-blocks.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

/** A time, ms since the epoch, that no entry of the logs sharing it exceeds; Infinity if unknown. */
export class NewestTime {
  ms = Infinity;
}

/** One log's place in a store. */
export class Run {
  /** Nearly every entry comes in order; then the log itself, which is in no cache, need not be read. */
  readonly newest: NewestTime;
  offset = 0;
  /** 0 before the first entry. */
  capacity = 0;
  head = 0;
  length = 0;

  constructor(newest = new NewestTime()) {
    this.newest = newest;
  }

  /** Row of the oldest entry. */
  get first(): number {
    return this.offset + this.head;
  }
}

/** Blocks are a multiple of this many rows; longer ones a multiple of a quarter of the power of two below. */
const SMALLEST_BLOCK = 4;
/** Free share of a block after its entries were moved. A smaller share means more moves, a larger one more waste. */
const SLACK = 1 / 6;
/** A block without room is given back for a smaller one if less than this share of it is used. */
const LEAST_USED = 1 / 2;
/** In words. */
const SMALL_MOVE = 128;
const FIRST_ROWS = 256;

export abstract class RunStore {
  f64: Float64Array<ArrayBuffer>;
  u32: Uint32Array;
  /** 64-bit floats per row. */
  readonly #floats: number;
  readonly #memory: GrowingMemory;
  #used = 0;
  readonly #free: FreeBlocks;

  /** `rowBytes`: a multiple of 8, at least 16. */
  protected constructor(rowBytes: number) {
    this.#floats = rowBytes / 8;
    this.#memory = new GrowingMemory(FIRST_ROWS * rowBytes);
    this.f64 = new Float64Array(this.#memory.buffer);
    this.u32 = new Uint32Array(this.#memory.buffer);
    this.#free = new FreeBlocks(this, 2 * this.#floats);
  }

  /** Bytes in use, or free between others in use. */
  get bytes(): number {
    return this.#used * 8 * this.#floats;
  }

  /** Saves a log: its entries as they lie in memory. */
  saveRun(to: SectionWriter, run: Run): void {
    const { capacity, head, length, first } = run;
    to.u32(capacity);
    if (capacity === 0) return;
    to.u32(head);
    to.u32(length);
    this.saveRows(to, first, length);
  }

  protected loadRows(from: SectionReader, first: number, count: number): void {
    from.words(this.u32, first * this.words, count * this.words);
  }

  protected saveRows(to: SectionWriter, first: number, count: number): void {
    to.words(this.u32, first * this.words, count * this.words);
  }

  /** Loads into an empty run. */
  loadRun(from: SectionReader, run: Run): void {
    const capacity = from.u32();
    if (capacity === 0) return;
    run.offset = this.allocate(capacity);
    run.capacity = capacity;
    run.head = from.u32();
    run.length = from.u32();
    this.loadRows(from, run.first, run.length);
  }

  /** 32-bit words per row. */
  protected get words(): number {
    return 2 * this.#floats;
  }

  /** Event time of a row, ms since the epoch. */
  timeAt(row: number): number {
    return this.f64[row * this.#floats]!;
  }

  /**
   * Number of entries with time <= t. Strides back from the newest, each stride twice as long as the one before, then
   * bisects the last: what is sought is mostly among the newest, which are in the cache.
   */
  countUpTo(run: Run, t: number): number {
    if (t >= run.newest.ms) return run.length;
    const { f64 } = this;
    const floats = this.#floats;
    const first = (run.offset + run.head) * floats;
    let high = run.length;
    let low = high;
    for (let stride = 1; low > 0; stride *= 2) {
      low = high > stride ? high - stride : 0;
      if (f64[first + low * floats]! <= t) {
        low += 1;
        break;
      }
      high = low;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (f64[first + middle * floats]! <= t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether inserting `count` more entries moves no block. */
  hasRoom({ head, length, capacity }: Run, count: number): boolean {
    return head + length + count <= capacity;
  }

  /** Makes room, so that `insert` moves no block. */
  protected reserve(run: Run, count: number): void {
    if (!this.hasRoom(run, count)) this.#makeRoom(run, count);
  }

  /** Makes room for `count` entries from index `at` on (0 = oldest) and returns the first row. */
  insert(run: Run, at: number, count = 1): number {
    this.reserve(run, count);
    const row = run.offset + run.head + at;
    if (at < run.length) this.#move(row, row + count, run.length - at);
    run.length += count;
    return row;
  }

  /** Forgets the `count` oldest entries. */
  dropFront(run: Run, count: number): void {
    run.head += count;
    run.length -= count;
    if (run.length === 0) this.release(run);
  }

  /** Keeps only the entries that `keep` accepts, in order. */
  compact(run: Run, keep: (row: number, index: number) => boolean): void {
    const { first, length } = run;
    let write = first;
    // Neighbours that stay are moved together.
    for (let from = 0, to = 0; from < length; from = to + 1) {
      for (to = from; to < length && keep(first + to, to);) to += 1;
      if (to > from && write !== first + from) this.#move(first + from, write, to - from);
      write += to - from;
    }
    run.length = write - first;
    if (run.length === 0) this.release(run);
  }

  /** Frees the block; the run is empty afterwards. */
  release(run: Run): void {
    this.recycle(run.offset, run.capacity);
    run.offset = 0;
    run.capacity = 0;
    run.head = 0;
    run.length = 0;
  }

  /** Takes a block back for reuse. */
  protected recycle(offset: number, capacity: number): void {
    if (capacity > 0) this.#free.give(offset, capacity);
  }

  /** First row of a block of `capacity` rows; its content is undefined. */
  protected allocate(capacity: number): number {
    const recycled = this.#free.take(capacity);
    if (recycled >= 0) return recycled;
    const offset = this.#free.takeLast(this.#used);
    this.#used = offset + capacity;
    if (this.#used * this.#floats > this.f64.length) {
      this.#memory.growTo(8 * this.#used * this.#floats);
      this.f64 = new Float64Array(this.#memory.buffer);
      this.u32 = new Uint32Array(this.#memory.buffer);
    }
    return offset;
  }

  #makeRoom(run: Run, count: number): void {
    const { length } = run;
    const needed = length + count;
    if (needed <= run.capacity * (1 - SLACK) && needed >= run.capacity * LEAST_USED) {
      // The free rows lie before the head: slide the entries to the block's start.
      this.#move(run.offset + run.head, run.offset, length);
      run.head = 0;
      return;
    }
    const capacity = blockFor(needed);
    const offset = this.allocate(capacity);
    if (length > 0) this.#move(run.offset + run.head, offset, length);
    this.recycle(run.offset, run.capacity);
    run.offset = offset;
    run.capacity = capacity;
    run.head = 0;
  }

  #move(from: number, to: number, rows: number): void {
    const { u32, words } = this;
    const length = rows * words;
    const source = from * words;
    const target = to * words;
    // Most moves are a few rows, where calling copyWithin costs more than the copy. Copied as words, because a word
    // pair that looks like a NaN need not survive as a float.
    if (length <= SMALL_MOVE && (target <= source || target >= source + length)) {
      for (let i = 0; i < length; i += 1) u32[target + i] = u32[source + i]!;
    } else {
      u32.copyWithin(target, source, source + length);
    }
  }
}

/** Rows of the block for `needed` entries and some more. */
function blockFor(needed: number): number {
  const least = Math.ceil(needed / (1 - SLACK));
  const part = Math.max(SMALLEST_BLOCK, 2 ** (29 - Math.clz32(least)));
  return Math.ceil(least / part) * part;
}
