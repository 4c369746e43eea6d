/**
 * Strings by their bytes: most values of a log were seen a moment ago, and finding them costs less than making
 * them. Of bounded size: a miss replaces another string. Equality is checked on all bytes.
 *
 * One cell holds length and bytes side by side, so that a look-up touches one place in memory. Fields whose
 * values hardly ever come back (event ids) are left out for a while and then tried again, so that they do not
 * push out the others.
 */

import { decodeString } from './json-text.ts';
import { lastWordMask, wordsFor } from './words.ts';

const TRIAL = 512;
const PAUSE = 16 * TRIAL;
/** Hits of a trial below which a field is left out: one in eight. */
const WORTHWHILE_HITS = TRIAL / 8;

/** Tables start small, as most decoders of tests and checks see few events, and grow fourfold. */
const FIRST_SETS_LOG2 = 4;

const MULTIPLIER = 0x9e3779b1;

/**
 * Sets of two cells. A cell is one word of length and then the bytes, four to a word, the last one padded with
 * zeros; two short cells share a cache line.
 */
class CellTable {
  readonly maxBytes: number;
  readonly #cellWords: number;
  readonly #maxSetsLog2: number;
  #cells = new Int32Array(0);
  #strings: string[] = [];
  #shift = 0;
  /** Misses since the last growth. */
  #misses = 0;
  /** Which cell of a set is replaced next. */
  #victim = 0;

  constructor(maxSetsLog2: number, cellWords: number) {
    this.maxBytes = 4 * (cellWords - 1);
    this.#cellWords = cellWords;
    this.#maxSetsLog2 = maxSetsLog2;
    this.#resize(FIRST_SETS_LOG2);
  }

  /** Forgets everything: what comes back is soon found again. */
  #resize(setsLog2: number): void {
    this.#cells = new Int32Array((2 * this.#cellWords) << setsLog2);
    this.#strings = Array.from({ length: 2 << setsLog2 }, () => '');
    this.#shift = 32 - setsLog2;
    this.#misses = 0;
  }

  /** Index of the string with these bytes, or the complement of where to put it. */
  find(view: DataView, start: number, length: number): number {
    const last = start + ((length - 1) & ~3);
    let hash = length;
    for (let at = start; at < last; at += 4) hash = Math.imul(hash ^ view.getInt32(at, true), MULTIPLIER);
    const lastWord = view.getInt32(last, true) & lastWordMask(length);
    hash = Math.imul(hash ^ lastWord, MULTIPLIER);
    // Only the upper bits of a product depend on all bits of the factors.
    const set = (hash ^ (hash << 15)) >>> this.#shift;
    if (this.#isIn(2 * set, view, start, last, lastWord, length)) return 2 * set;
    if (this.#isIn(2 * set + 1, view, start, last, lastWord, length)) return 2 * set + 1;
    this.#victim ^= 1;
    return ~(2 * set + this.#victim);
  }

  #isIn(
    index: number,
    view: DataView,
    start: number,
    last: number,
    lastWord: number,
    length: number,
  ): boolean {
    const cells = this.#cells;
    let cell = index * this.#cellWords;
    if (cells[cell] !== length) return false;
    for (let at = start; at < last; at += 4) if (cells[++cell] !== view.getInt32(at, true)) return false;
    return cells[cell + 1] === lastWord;
  }

  at(index: number): string {
    return this.#strings[index]!;
  }

  put(index: number, view: DataView, start: number, length: number, text: string): void {
    const setsLog2 = 32 - this.#shift;
    if (++this.#misses > this.#strings.length && setsLog2 < this.#maxSetsLog2) {
      this.#resize(setsLog2 + 2);
      return;
    }
    const cells = this.#cells;
    let cell = index * this.#cellWords;
    const last = start + ((length - 1) & ~3);
    cells[cell] = length;
    for (let at = start; at < last; at += 4) cells[++cell] = view.getInt32(at, true);
    cells[cell + 1] = view.getInt32(last, true) & lastWordMask(length);
    this.#strings[index] = text;
  }
}

export class StringCache {
  readonly #short = new CellTable(12, 8);
  readonly #long = new CellTable(8, 128);
  /** By field: look-ups left in the trial (positive) or to be left out (negative). */
  readonly #left: Int32Array;
  readonly #hits: Int32Array;

  /** @param fields how many fields share the cache; each is tried for itself. */
  constructor(fields: number) {
    this.#left = new Int32Array(fields).fill(TRIAL);
    this.#hits = new Int32Array(fields);
  }

  /**
   * The string that the valid JSON string with the bytes `data[start, end)` between its quotes means; `view` is
   * over the same bytes. `plain`: all of them are ASCII and none is a backslash.
   */
  get(data: Buffer, view: DataView, start: number, end: number, field: number, plain: boolean): string {
    const length = end - start;
    if (length === 0) return '';
    const table = length <= this.#short.maxBytes ? this.#short : this.#long;
    if (length > table.maxBytes || start + 4 * wordsFor(length) > view.byteLength || this.#isLeftOut(field)) {
      return decodeString(data, start, end, plain);
    }
    const index = table.find(view, start, length);
    if (index >= 0) {
      this.#hits[field]!++;
      return table.at(index);
    }
    const text = decodeString(data, start, end, plain);
    table.put(~index, view, start, length, text);
    return text;
  }

  #isLeftOut(field: number): boolean {
    const left = this.#left[field]!;
    if (left < 0) {
      this.#left[field] = left === -1 ? TRIAL : left + 1;
      return true;
    }
    if (left > 1) {
      this.#left[field] = left - 1;
      return false;
    }
    this.#left[field] = this.#hits[field]! < WORTHWHILE_HITS ? -PAUSE : TRIAL;
    this.#hits[field] = 0;
    return false;
  }
}
