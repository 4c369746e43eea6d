/**
 * Value hash → its newest sighting; one open-addressing table per group in shared typed memory.
 *
 * An entry whose sighting is older than every window is stale: it makes no answer wrong and goes at the next rebuild.
 * So look-ups, updates and expiry are O(1) amortised.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { type Run, RunStore } from './run-store.ts';

const SMALLEST = 32;

/** Row: time (NaN when empty), hi, lo. */
const F = 2;
const W = 4;
const HI = 2;
const LO = 3;

/** 64-bit hashes as hi, lo, hi, lo, …; only the first `2 * length` words are valid. */
export interface Hashes {
  readonly words: Uint32Array;
  readonly length: number;
}

export class LatestTable extends RunStore {
  constructor() {
    super(4 * W);
  }

  override saveRun(to: SectionWriter, { capacity, length, offset }: Run): void {
    to.u32(capacity);
    if (capacity === 0) return;
    to.u32(length);
    to.words(this.u32, offset * W, capacity * W);
  }

  override loadRun(from: SectionReader, table: Run): void {
    const capacity = from.u32();
    if (capacity === 0) return;
    table.offset = this.allocate(capacity);
    table.capacity = capacity;
    table.length = from.u32();
    from.words(this.u32, table.offset * W, capacity * W);
  }

  /** Time of the newest sighting, or NaN. */
  get(table: Run, hi: number, lo: number): number {
    return table.capacity === 0 ? NaN : this.timeAt(this.#slot(table, hi, lo));
  }

  /** Remembers a newest sighting. Sightings at or before `staleUpTo` may be forgotten. */
  set(table: Run, hi: number, lo: number, t: number, staleUpTo: number): void {
    this.makeRoom(table, 1, staleUpTo);
    this.exchange(table, hi, lo, t);
  }

  /** Like `get`, then `set` to `t`, for many values: `before[i]` becomes what `get` returns for value i. */
  renew(table: Run, { words, length }: Hashes, t: number, staleUpTo: number, before: Float64Array): void {
    this.makeRoom(table, length, staleUpTo);
    for (let i = 0; i < length; i += 1) {
      before[i] = this.exchange(table, words[2 * i]!, words[2 * i + 1]!, t);
    }
  }

  /** Remembers a newest sighting, for which there must be room, and returns what `get` returned before. */
  exchange(table: Run, hi: number, lo: number, t: number): number {
    const slot = this.#slot(table, hi, lo);
    const before = this.f64[slot * F]!;
    if (Number.isNaN(before)) {
      table.length += 1;
      this.u32[slot * W + HI] = hi;
      this.u32[slot * W + LO] = lo;
    }
    this.f64[slot * F] = t;
    return before;
  }

  /** The slot with the value, or the empty slot for it. */
  #slot(table: Run, hi: number, lo: number): number {
    const mask = table.capacity - 1;
    const { f64, u32 } = this;
    let i = (hi ^ lo) & mask;
    for (;;) {
      const slot = table.offset + i;
      if (Number.isNaN(f64[slot * F]!) || (u32[slot * W + LO] === lo && u32[slot * W + HI] === hi))
        return slot;
      i = (i + 1) & mask;
    }
  }

  /** Makes room for `count` more values. */
  makeRoom(table: Run, count: number, staleUpTo: number): void {
    if (table.length + count > table.capacity * 0.6) this.#rebuild(table, count, staleUpTo);
  }

  #rebuild(table: Run, count: number, staleUpTo: number): void {
    const { offset, capacity } = table;
    let live = count;
    for (let slot = offset; slot < offset + capacity; slot += 1) if (this.timeAt(slot) > staleUpTo) live += 1;
    let wanted = SMALLEST;
    while (live > wanted * 0.4) wanted *= 2;
    table.offset = this.allocate(wanted);
    table.capacity = wanted;
    table.length = 0;
    this.f64.fill(NaN, table.offset * F, (table.offset + wanted) * F);
    for (let from = offset; from < offset + capacity; from += 1) {
      const t = this.timeAt(from);
      if (!(t > staleUpTo)) continue;
      this.exchange(table, this.u32[from * W + HI]!, this.u32[from * W + LO]!, t);
    }
    this.recycle(offset, capacity);
  }
}
