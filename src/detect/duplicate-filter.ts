/**
 * Which event ids were seen: the first arrival counts. One open-addressing table of 64-bit id hashes with their event
 * times; ids with a time at or before the horizon are forgotten at the next rebuild.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

export type Sighting = 'first' | 'duplicate' | 'conflict';

const SMALLEST = 1024;
/** Words of one frame (`state-writer.ts`), whose memory is reused. */
const WORDS_A_STEP = 1 << 15;

/** Row: time (NaN when empty), hi, lo; side by side, because each look-up is a cache miss. */
const F = 2;
const W = 2 * F;
const HI = 2;
const LO = 3;

export class DuplicateFilter {
  #f64 = new Float64Array(0);
  #u32 = new Uint32Array(0);
  #used = 0;
  /** Rows filled since saving began; undefined while nothing is saved. */
  #since: number[] | undefined;

  constructor() {
    this.#resize(SMALLEST);
  }

  get bytes(): number {
    return this.#f64.byteLength;
  }

  /**
   * Records the id. `conflict`: the same id was seen with another event time. Ids with a time at or before `forgetUpTo`
   * may be forgotten.
   */
  see(hi: number, lo: number, t: number, forgetUpTo: number): Sighting {
    const row = this.#rowOf(hi, lo);
    const known = this.#f64[row * F]!;
    if (!Number.isNaN(known)) return known === t ? 'duplicate' : 'conflict';
    this.#put(row, hi, lo, t);
    if (this.#used > this.#rows * 0.6) this.#rebuild(forgetUpTo);
    return 'first';
  }

  /**
   * Saves the table as of the first step. A row filled meanwhile may be saved filled, so such rows are listed at the
   * end. That is enough: ids only fill empty rows, and a rebuild leaves the table that is being saved as it is.
   */
  *saving(to: SectionWriter): Generator<void> {
    const u32 = this.#u32;
    to.u32(this.#rows);
    to.u32(this.#used);
    const since: number[] = [];
    this.#since = since;
    try {
      yield;
      for (let at = 0; at < u32.length; at += WORDS_A_STEP) {
        to.words(u32, at, Math.min(WORDS_A_STEP, u32.length - at));
        yield;
      }
    } finally {
      if (this.#since === since) this.#since = undefined;
    }
    to.list(since, (row) => to.u32(row));
  }

  *loading(from: SectionReader): Generator<void> {
    this.#resize(from.u32());
    const used = from.u32();
    const u32 = this.#u32;
    for (let at = 0; at < u32.length; at += WORDS_A_STEP) {
      from.words(u32, at, Math.min(WORDS_A_STEP, u32.length - at));
      yield;
    }
    from.each(() => {
      const row = from.u32();
      this.#f64.fill(NaN, row * F, (row + 1) * F);
    });
    this.#used = used;
  }

  get #rows(): number {
    return this.#f64.length / F;
  }

  /** The id's row, or the empty row for it. */
  #rowOf(hi: number, lo: number): number {
    const [f64, u32] = [this.#f64, this.#u32];
    const mask = this.#rows - 1;
    for (let row = (hi ^ lo) & mask; ; row = (row + 1) & mask) {
      if (u32[row * W + LO] === lo && u32[row * W + HI] === hi) return row;
      if (Number.isNaN(f64[row * F])) return row;
    }
  }

  #put(row: number, hi: number, lo: number, t: number): void {
    this.#f64[row * F] = t;
    this.#u32[row * W + HI] = hi;
    this.#u32[row * W + LO] = lo;
    this.#used += 1;
    this.#since?.push(row);
  }

  #resize(rows: number): void {
    this.#f64 = new Float64Array(rows * F).fill(NaN);
    this.#u32 = new Uint32Array(this.#f64.buffer);
    this.#used = 0;
    this.#since = undefined;
  }

  #rebuild(forgetUpTo: number): void {
    const [f64, u32] = [this.#f64, this.#u32];
    let live = 0;
    for (let at = 0; at < f64.length; at += F) if (f64[at]! > forgetUpTo) live += 1;
    let rows = SMALLEST;
    while (live > rows * 0.3) rows *= 2;
    this.#resize(rows);
    for (let row = 0; row * F < f64.length; row += 1) {
      const t = f64[row * F]!;
      if (!(t > forgetUpTo)) continue;
      const [hi, lo] = [u32[row * W + HI]!, u32[row * W + LO]!];
      this.#put(this.#rowOf(hi, lo), hi, lo, t);
    }
  }
}
