/**
 * Value hash → its newest sighting, one open-addressing table per group in shared typed memory.
 *
 * Entries are never deleted: one whose sighting is older than every window is stale, answers no question
 * wrongly, and goes at the next rebuild. So look-ups, updates and expiry are O(1) amortised.
 */

import { type Run, RunStore } from './run-store.ts';

const SMALLEST = 32;

/** Row: time (NaN when empty), hi, lo. */
const F = 2;
const W = 4;
const HI = 2;
const LO = 3;

export class LatestTable extends RunStore {
  constructor() {
    super(16);
  }

  /** Time of the newest sighting, or NaN. */
  get(table: Run, hi: number, lo: number): number {
    return table.capacity === 0 ? NaN : this.timeAt(this.#slot(table, hi, lo));
  }

  /** Remembers a newest sighting. Sightings at or before `staleUpTo` may be forgotten. */
  set(table: Run, hi: number, lo: number, t: number, staleUpTo: number): void {
    if (table.length >= table.capacity * 0.6) this.#rebuild(table, staleUpTo);
    const slot = this.#slot(table, hi, lo);
    if (Number.isNaN(this.timeAt(slot))) table.length += 1;
    this.#write(slot, hi, lo, t);
  }

  /** The slot that holds the value, or the empty one where it would go. */
  #slot(table: Run, hi: number, lo: number): number {
    const mask = table.capacity - 1;
    const { f64, u32 } = this;
    let i = (hi ^ lo) & mask;
    for (;;) {
      const slot = table.offset + i;
      if ((u32[slot * W + LO] === lo && u32[slot * W + HI] === hi) || Number.isNaN(f64[slot * F]))
        return slot;
      i = (i + 1) & mask;
    }
  }

  #write(slot: number, hi: number, lo: number, t: number): void {
    this.f64[slot * F] = t;
    this.u32[slot * W + HI] = hi;
    this.u32[slot * W + LO] = lo;
  }

  #rebuild(table: Run, staleUpTo: number): void {
    const { offset, capacity } = table;
    let live = 0;
    for (let slot = offset; slot < offset + capacity; slot += 1) if (this.timeAt(slot) > staleUpTo) live += 1;
    let wanted = SMALLEST;
    while (live >= wanted * 0.4) wanted *= 2;
    table.offset = this.allocate(wanted);
    table.capacity = wanted;
    table.length = 0;
    for (let slot = table.offset; slot < table.offset + wanted; slot += 1) this.#write(slot, 0, 0, NaN);
    for (let slot = offset; slot < offset + capacity; slot += 1) {
      const t = this.timeAt(slot);
      if (!(t > staleUpTo)) continue;
      const hi = this.u32[slot * W + HI]!;
      const lo = this.u32[slot * W + LO]!;
      this.#write(this.#slot(table, hi, lo), hi, lo, t);
      table.length += 1;
    }
    this.recycle(offset, capacity);
  }
}
