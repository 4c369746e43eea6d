/**
 * What alerts list of an event (application, organisation, network, category, accounts), as one number: events that
 * agree in all of it share a row here, so a log stores four bytes per event instead of five numbers.
 *
 * Bounded like the dictionaries whose numbers it holds: when it is full, rows that are no longer held are reused
 * (`forget`).
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

/** Largest numbers: an application shares a word with an organisation, a category with a network. */
export const LIMITS = {
  application: 2 ** 12 - 1,
  organisation: 2 ** 20 - 1,
  network: 2 ** 20 - 1,
  category: 2 ** 12 - 1,
  account: 1_000_000,
} as const;

/** Numbers of the evidence's dictionaries; 0 for none. */
export interface Dimensions {
  application: number;
  organisation: number;
  network: number;
  category: number;
  account: number;
}

/** Something that the dimensions of a row can be added to. */
export interface DimensionTotals {
  addDimensions(dimensions: Dimensions): void;
}

/** Words per row. */
const W = 3;
const LOW_BITS = 20;
const LOW = 2 ** LOW_BITS - 1;
/** Rows of one frame of saved state, whose memory is reused. */
const ROWS_A_STEP = 10_000;

export class DimensionTable {
  readonly #limit: number;
  /** Row 0 means nothing and is all zeros, as is a free row. */
  #rows = new Uint32Array(64 * W);
  #length = 1;
  readonly #free: number[] = [];
  /** Row numbers by the hash of the row, 0 if empty; the length is a power of two, at most half of it filled. */
  #slots = new Uint32Array(128);
  #savings = 0;
  readonly #told: Dimensions = { application: 0, organisation: 0, network: 0, category: 0, account: 0 };

  /** `limit`: the largest row number. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** One more than the largest number. */
  get length(): number {
    return this.#length;
  }

  /** The number of this combination; −1 if the table is full and does not hold it. */
  numberOf({ application, organisation, network, category, account }: Dimensions): number {
    const a = (organisation | (application << LOW_BITS)) >>> 0;
    const b = (network | (category << LOW_BITS)) >>> 0;
    if (a === 0 && b === 0 && account === 0) return 0;
    let slot = this.#slotOf(a, b, account);
    const known = this.#slots[slot]!;
    if (known !== 0) return known;
    const recycled = this.#free.pop();
    if (recycled === undefined && this.#length > this.#limit) return -1;
    const number = recycled ?? this.#length;
    if (recycled === undefined) {
      this.#length += 1;
      if (this.#makeRoom()) slot = this.#slotOf(a, b, account);
    }
    this.#rows[number * W] = a;
    this.#rows[number * W + 1] = b;
    this.#rows[number * W + 2] = account;
    this.#slots[slot] = number;
    return number;
  }

  addTo(totals: DimensionTotals, number: number): void {
    const told = this.#told;
    const a = this.#rows[number * W]!;
    const b = this.#rows[number * W + 1]!;
    told.application = a >>> LOW_BITS;
    told.organisation = a & LOW;
    told.category = b >>> LOW_BITS;
    told.network = b & LOW;
    told.account = this.#rows[number * W + 2]!;
    totals.addDimensions(told);
  }

  /** Whether new combinations get no number and `forget` may help. */
  get isFull(): boolean {
    // Rows being saved must keep their meaning meanwhile.
    return this.#length > this.#limit && this.#free.length === 0 && this.#savings === 0;
  }

  /** Frees the rows that nobody holds. `isHeld`: by number, 0 if nobody holds the row. */
  forget(isHeld: Uint8Array): void {
    for (let number = 1; number < this.#length; number += 1) {
      if (isHeld[number] !== 0 || this.#isFree(number)) continue;
      this.#rows.fill(0, number * W, (number + 1) * W);
      this.#free.push(number);
    }
    this.#index();
  }

  /** Saves the rows as of the first step. */
  *saving(to: SectionWriter): Generator<void> {
    const length = this.#length;
    this.#savings += 1;
    try {
      yield;
      to.u32(length);
      for (let from = 0; from < length; from += ROWS_A_STEP) {
        to.words(this.#rows, from * W, (Math.min(length, from + ROWS_A_STEP) - from) * W);
        yield;
      }
    } finally {
      this.#savings -= 1;
    }
  }

  /** Call on a new table only; its few rows are among the saved ones. */
  *loading(from: SectionReader): Generator<void> {
    const length = from.u32();
    this.#length = length;
    this.#makeRoom();
    for (let at = 0; at < length; at += ROWS_A_STEP) {
      from.words(this.#rows, at * W, (Math.min(length, at + ROWS_A_STEP) - at) * W);
      yield;
    }
    for (let number = length - 1; number > 0; number -= 1) if (this.#isFree(number)) this.#free.push(number);
    this.#index();
  }

  #isFree(number: number): boolean {
    const at = number * W;
    return this.#rows[at] === 0 && this.#rows[at + 1] === 0 && this.#rows[at + 2] === 0;
  }

  /** The slot with the row's number, or the empty slot for it. */
  #slotOf(a: number, b: number, account: number): number {
    const mask = this.#slots.length - 1;
    let hash = Math.imul(a ^ Math.imul(b, 0x9e37_79b1), 0x85eb_ca6b) ^ Math.imul(account, 0xc2b2_ae35);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
    for (let slot = (hash ^ (hash >>> 13)) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]!;
      if (number === 0) return slot;
      const at = number * W;
      if (this.#rows[at] === a && this.#rows[at + 1] === b && this.#rows[at + 2] === account) return slot;
    }
  }

  /** Makes room for `#length` rows. Returns whether slots moved. */
  #makeRoom(): boolean {
    if (this.#length * W > this.#rows.length) {
      const longer = new Uint32Array(Math.max(2 * this.#rows.length, this.#length * W));
      longer.set(this.#rows);
      this.#rows = longer;
    }
    if (2 * this.#length <= this.#slots.length) return false;
    this.#index();
    return true;
  }

  #index(): void {
    let slots = this.#slots.length;
    while (slots < 2 * this.#length) slots *= 2;
    this.#slots = new Uint32Array(slots);
    for (let number = 1; number < this.#length; number += 1) {
      if (this.#isFree(number)) continue;
      const at = number * W;
      this.#slots[this.#slotOf(this.#rows[at]!, this.#rows[at + 1]!, this.#rows[at + 2]!)] = number;
    }
  }
}
