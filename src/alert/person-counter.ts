/**
 * Distinct persons of an alert: an exact set up to `EXACT_PERSONS`, then a HyperLogLog sketch. Both merge by union, so
 * duplicates and order do not matter.
 *
 * Sketch: 2^14 registers, standard error 1.04 / sqrt(2^14) = 0.81 %. Flajolet et al., "HyperLogLog: the analysis of a
 * near-optimal cardinality estimation algorithm" (2007), with the estimator of Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (arXiv:1702.01284, algorithm 6), which needs no bias correction at any
 * cardinality.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

/** Beyond this many distinct persons the count is an estimate. */
export const EXACT_PERSONS = 10_000;

const PRECISION = 14;
const REGISTERS = 1 << PRECISION;
/** Bits of the hash from which a register's rank is read. */
const RANK_BITS = 64 - PRECISION;

const NOBODY = new Uint32Array(0);
/** Words of the smallest table, a power of two. */
const SMALLEST = 16;

export class PersonCounter {
  /** Exact phase: hi, lo, hi, lo, … by open addressing; 0, 0 is empty. An account under an alert has many counters. */
  #exact: Uint32Array = NOBODY;
  #size = 0;
  /** The pseudonym 0, 0 was added. */
  #zero = false;
  #registers: Uint8Array | undefined;

  get estimated(): boolean {
    return this.#registers !== undefined;
  }

  /** Adds a 64-bit pseudonym; returns false if that changes nothing. */
  add(hi: number, lo: number): boolean {
    if (this.#registers !== undefined) return this.#addToSketch(this.#registers, hi, lo);
    if ((hi | lo) === 0) {
      if (this.#zero) return false;
      this.#zero = true;
    } else {
      if (8 * this.#size >= 3 * this.#exact.length) this.#grow();
      if (!place(this.#exact, hi, lo)) return false;
    }
    this.#size += 1;
    if (this.#size > EXACT_PERSONS) this.#toSketch();
    return true;
  }

  merge(other: PersonCounter): void {
    if (other.#registers !== undefined) {
      this.#toSketch();
      const mine = this.#registers!;
      for (let i = 0; i < REGISTERS; i += 1) mine[i] = Math.max(mine[i]!, other.#registers[i]!);
      return;
    }
    other.#forEach((hi, lo) => this.add(hi, lo));
  }

  count(): number {
    return this.#registers === undefined ? this.#size : Math.round(estimate(this.#registers));
  }

  save(to: SectionWriter): void {
    to.flag(this.estimated);
    if (this.#registers !== undefined) {
      to.memory(this.#registers);
      return;
    }
    const exact: (readonly [hi: number, lo: number])[] = [];
    this.#forEach((hi, lo) => exact.push([hi, lo]));
    // The table's order depends on the order of arrival.
    exact.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    to.list(exact, ([hi, lo]) => {
      to.u32(hi);
      to.u32(lo);
    });
  }

  load(from: SectionReader): void {
    if (from.flag()) from.memory((this.#registers = new Uint8Array(REGISTERS)));
    else from.each(() => this.add(from.u32(), from.u32()));
  }

  #forEach(visit: (hi: number, lo: number) => void): void {
    if (this.#zero) visit(0, 0);
    const exact = this.#exact;
    for (let at = 0; at < exact.length; at += 2) {
      if ((exact[at]! | exact[at + 1]!) !== 0) visit(exact[at]!, exact[at + 1]!);
    }
  }

  #grow(): void {
    const larger = new Uint32Array(Math.max(SMALLEST, 2 * this.#exact.length));
    const exact = this.#exact;
    for (let at = 0; at < exact.length; at += 2) {
      if ((exact[at]! | exact[at + 1]!) !== 0) place(larger, exact[at]!, exact[at + 1]!);
    }
    this.#exact = larger;
  }

  #toSketch(): void {
    if (this.#registers !== undefined) return;
    const registers = new Uint8Array(REGISTERS);
    this.#forEach((hi, lo) => this.#addToSketch(registers, hi, lo));
    this.#registers = registers;
    this.#exact = NOBODY;
  }

  #addToSketch(registers: Uint8Array, hi: number, lo: number): boolean {
    const index = hi >>> (32 - PRECISION);
    const high = (hi << PRECISION) >>> PRECISION;
    // Rank: position of the first 1 in the remaining 50 bits, from 1.
    const rank = high !== 0 ? Math.clz32(high) - PRECISION + 1 : 32 - PRECISION + Math.clz32(lo >>> 0) + 1;
    if (registers[index]! >= rank) return false;
    registers[index] = rank;
    return true;
  }
}

/** Inserts a pseudonym; returns false if it is there already. */
function place(exact: Uint32Array, hi: number, lo: number): boolean {
  const mask = exact.length / 2 - 1;
  for (let i = (hi ^ lo) & mask; ; i = (i + 1) & mask) {
    const heldHi = exact[2 * i]!;
    const heldLo = exact[2 * i + 1]!;
    if (heldHi === hi && heldLo === lo) return false;
    if ((heldHi | heldLo) !== 0) continue;
    exact[2 * i] = hi;
    exact[2 * i + 1] = lo;
    return true;
  }
}

function estimate(registers: Uint8Array): number {
  const histogram = new Float64Array(RANK_BITS + 2);
  for (const register of registers) histogram[register]! += 1;
  let z = REGISTERS * tau((REGISTERS - histogram[RANK_BITS + 1]!) / REGISTERS);
  for (let k = RANK_BITS; k >= 1; k -= 1) z = 0.5 * (z + histogram[k]!);
  z += REGISTERS * sigma(histogram[0]! / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

function sigma(share: number): number {
  if (share === 1) return Infinity;
  let x = share;
  let y = 1;
  let z = share;
  for (let before = NaN; z !== before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - share;
  for (let before = NaN; z !== before;) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
