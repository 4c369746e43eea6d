/**
 * Value hash → its newest sighting, one open-addressing table per group in shared typed memory.
 *
 * Entries are never deleted: one whose sighting is older than every window is stale, answers no question
 * wrongly, and goes at the next rebuild. So look-ups, updates and expiry are O(1) amortised.
 */

import { type Run, RunStore } from './run-store.ts';

const SMALLEST = 32;

export class LatestTable extends RunStore {
  hi = new Uint32Array(1024);
  lo = new Uint32Array(1024);

  protected override columns() {
    return [this.hi, this.lo];
  }

  protected override replaceColumns(next: ReturnType<LatestTable['columns']>): void {
    this.hi = next[0]!;
    this.lo = next[1]!;
  }

  /** Time of the newest sighting, or NaN. */
  get(table: Run, hi: number, lo: number): number {
    return table.capacity === 0 ? NaN : this.time[this.#slot(table, hi, lo)]!;
  }

  /** Remembers a newest sighting. Sightings at or before `staleUpTo` may be forgotten. */
  set(table: Run, hi: number, lo: number, t: number, staleUpTo: number): void {
    if (table.length >= table.capacity * 0.6) this.#rebuild(table, staleUpTo);
    const slot = this.#slot(table, hi, lo);
    if (Number.isNaN(this.time[slot])) {
      table.length += 1;
      this.hi[slot] = hi;
      this.lo[slot] = lo;
    }
    this.time[slot] = t;
  }

  /** The slot that holds the value, or the empty one where it would go. */
  #slot(table: Run, hi: number, lo: number): number {
    const mask = table.capacity - 1;
    const { time } = this;
    let i = (hi ^ lo) & mask;
    for (;;) {
      const slot = table.offset + i;
      if (Number.isNaN(time[slot]) || (this.lo[slot] === lo && this.hi[slot] === hi)) return slot;
      i = (i + 1) & mask;
    }
  }

  #rebuild(table: Run, staleUpTo: number): void {
    const { offset, capacity } = table;
    let live = 0;
    for (let i = offset; i < offset + capacity; i += 1) if (this.time[i]! > staleUpTo) live += 1;
    let wanted = SMALLEST;
    while (live >= wanted * 0.4) wanted *= 2;
    table.offset = this.allocate(wanted);
    table.capacity = wanted;
    table.length = 0;
    this.time.fill(NaN, table.offset, table.offset + wanted);
    for (let i = offset; i < offset + capacity; i += 1) {
      const t = this.time[i]!;
      if (!(t > staleUpTo)) continue;
      const slot = this.#slot(table, this.hi[i]!, this.lo[i]!);
      this.hi[slot] = this.hi[i]!;
      this.lo[slot] = this.lo[i]!;
      this.time[slot] = t;
      table.length += 1;
    }
    this.recycle(offset, capacity);
  }
}
