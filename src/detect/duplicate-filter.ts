/**
 * Which event ids were seen: the first arrival counts. One open-addressing table of 64-bit id hashes with
 * their event times; ids whose time is at or before the horizon are forgotten at the next rebuild.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

export type Sighting = 'first' | 'duplicate' | 'conflict';

const SMALLEST = 1024;

export class DuplicateFilter {
  #hi = new Uint32Array(SMALLEST);
  #lo = new Uint32Array(SMALLEST);
  /** NaN marks an empty slot. */
  #time = new Float64Array(SMALLEST).fill(NaN);
  #used = 0;

  get bytes(): number {
    return this.#time.length * 16;
  }

  /**
   * Records the id. `conflict`: the same id was seen with another event time. Ids with a time at or before
   * `forgetUpTo` may be forgotten.
   */
  see(hi: number, lo: number, t: number, forgetUpTo: number): Sighting {
    const mask = this.#time.length - 1;
    for (let i = (hi ^ lo) & mask; ; i = (i + 1) & mask) {
      const known = this.#time[i]!;
      if (Number.isNaN(known)) {
        this.#hi[i] = hi;
        this.#lo[i] = lo;
        this.#time[i] = t;
        this.#used += 1;
        if (this.#used > this.#time.length * 0.6) this.#rebuild(forgetUpTo);
        return 'first';
      }
      if (this.#lo[i] === lo && this.#hi[i] === hi) return known === t ? 'duplicate' : 'conflict';
    }
  }

  save(to: SectionWriter): void {
    to.u32(this.#time.length);
    to.u32(this.#used);
    for (const column of [this.#hi, this.#lo, this.#time]) to.memory(column);
  }

  load(from: SectionReader): void {
    this.#resize(from.u32());
    this.#used = from.u32();
    for (const column of [this.#hi, this.#lo, this.#time]) from.memory(column);
  }

  #resize(size: number): void {
    this.#hi = new Uint32Array(size);
    this.#lo = new Uint32Array(size);
    this.#time = new Float64Array(size).fill(NaN);
  }

  #rebuild(forgetUpTo: number): void {
    const [hi, lo, time] = [this.#hi, this.#lo, this.#time];
    let live = 0;
    for (const t of time) if (t > forgetUpTo) live += 1;
    let size = SMALLEST;
    while (live > size * 0.3) size *= 2;
    this.#resize(size);
    this.#used = live;
    const mask = size - 1;
    for (let from = 0; from < time.length; from += 1) {
      if (!(time[from]! > forgetUpTo)) continue;
      let i = (hi[from]! ^ lo[from]!) & mask;
      while (!Number.isNaN(this.#time[i])) i = (i + 1) & mask;
      this.#hi[i] = hi[from]!;
      this.#lo[i] = lo[from]!;
      this.#time[i] = time[from]!;
    }
  }
}
