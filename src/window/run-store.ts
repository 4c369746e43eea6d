/**
 * Typed memory for many small, time-sorted logs.
 *
 * A store owns a set of parallel typed columns; a `Run` is one log's contiguous block in them, sorted by
 * time, ties in order of arrival. Blocks are powers of two and recycled through free lists, so a million
 * logs are a handful of typed arrays, not a million objects. Appending in time order and dropping from the
 * front are O(1) amortised; inserting out of order costs a move of what is newer.
 *
 * Invariant: entries of a run are `[offset + head, offset + head + length)`, `head + length <= capacity`.
 */

/** One log's place in a store. */
export class Run {
  offset = 0;
  /** 0 before the first entry. */
  capacity = 0;
  head = 0;
  length = 0;
}

const SMALLEST = 4;

export abstract class RunStore {
  /** Event time of each entry, ms since the epoch. */
  time = new Float64Array(1024);
  #used = 0;
  readonly #free = new Map<number, number[]>();

  /** The 32-bit columns; every one has the length of `time`. */
  protected abstract columns(): Uint32Array<ArrayBuffer>[];
  /** Takes back longer columns, in the order of `columns()`. */
  protected abstract replaceColumns(columns: Uint32Array<ArrayBuffer>[]): void;
  /** Further 64-bit columns. */
  protected doubles(): Float64Array<ArrayBuffer>[] {
    return [];
  }
  protected replaceDoubles(_columns: Float64Array<ArrayBuffer>[]): void {}

  /** Bytes reserved by all columns. */
  get bytes(): number {
    return this.#all().reduce((sum, column) => sum + column.byteLength, 0);
  }

  /** Absolute position of a run's first entry. */
  static first(run: Run): number {
    return run.offset + run.head;
  }

  /** Number of entries with time <= t, by binary search from the newest end (where look-ups fall). */
  countUpTo(run: Run, t: number): number {
    const first = run.offset + run.head;
    const { time } = this;
    let low = 0;
    let high = run.length;
    if (high > 0 && time[first + high - 1]! <= t) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (time[first + middle]! <= t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes room for an entry at index `at` (0 = oldest) and returns its absolute position. */
  insert(run: Run, at: number): number {
    if (run.head + run.length === run.capacity) this.#makeRoom(run);
    const position = run.offset + run.head + at;
    const end = run.offset + run.head + run.length;
    if (position < end) {
      for (const column of this.#all()) column.copyWithin(position + 1, position, end);
    }
    run.length += 1;
    return position;
  }

  /** Forgets the `count` oldest entries. */
  dropFront(run: Run, count: number): void {
    run.head += count;
    run.length -= count;
    if (run.length === 0) this.release(run);
  }

  /** Keeps only the entries whose index `keep` accepts, in order. */
  compact(run: Run, keep: (position: number, index: number) => boolean): void {
    const first = run.offset + run.head;
    const columns = this.#all();
    let write = first;
    for (let i = 0; i < run.length; i += 1) {
      const read = first + i;
      if (!keep(read, i)) continue;
      if (write !== read) {
        for (const column of columns) column[write] = column[read]!;
      }
      write += 1;
    }
    run.length = write - first;
    if (run.length === 0) this.release(run);
  }

  /** Gives the block back; the run is empty afterwards. */
  release(run: Run): void {
    this.recycle(run.offset, run.capacity);
    run.offset = 0;
    run.capacity = 0;
    run.head = 0;
    run.length = 0;
  }

  /** Takes a block back for reuse. */
  protected recycle(offset: number, capacity: number): void {
    if (capacity === 0) return;
    const list = this.#free.get(capacity);
    if (list === undefined) this.#free.set(capacity, [offset]);
    else list.push(offset);
  }

  #makeRoom(run: Run): void {
    const { length } = run;
    if (run.capacity > 0 && length <= run.capacity >>> 1) {
      // Half the block lies behind the head: slide the entries to its start.
      this.#copy(run.offset + run.head, run.offset, length);
      run.head = 0;
      return;
    }
    const capacity = run.capacity === 0 ? SMALLEST : run.capacity * 2;
    const offset = this.allocate(capacity);
    if (length > 0) this.#copy(run.offset + run.head, offset, length);
    this.recycle(run.offset, run.capacity);
    run.offset = offset;
    run.capacity = capacity;
    run.head = 0;
  }

  #copy(from: number, to: number, length: number): void {
    for (const column of this.#all()) column.copyWithin(to, from, from + length);
  }

  /** Offset of a block of this many entries (a power of two); its content is undefined. */
  protected allocate(capacity: number): number {
    const recycled = this.#free.get(capacity)?.pop();
    if (recycled !== undefined) return recycled;
    const offset = this.#used;
    this.#used += capacity;
    if (this.#used > this.time.length) {
      const length = Math.max(this.#used, this.time.length * 2);
      this.time = longer(this.time, Float64Array, length);
      this.replaceColumns(this.columns().map((column) => longer(column, Uint32Array, length)));
      this.replaceDoubles(this.doubles().map((column) => longer(column, Float64Array, length)));
    }
    return offset;
  }

  #all(): (Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>)[] {
    return [this.time, ...this.columns(), ...this.doubles()];
  }
}

function longer<T extends Float64Array | Uint32Array>(
  column: T,
  type: new (length: number) => T,
  length: number,
): T {
  const result = new type(length);
  result.set(column);
  return result;
}
