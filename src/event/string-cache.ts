/**
 * Strings by their bytes: most values of a log were seen a moment ago, and finding them costs less than making
 * them. Direct-mapped and of fixed size; a miss replaces what stood there. Equality is checked on the bytes.
 *
 * One cell holds hash, length and bytes side by side, so that a look-up touches one place in memory. Fields
 * whose values hardly ever come back (event ids) are left out for a while and then tried again, so that they
 * do not push out the others.
 */

import { decodeString } from './json-text.ts';

const TRIAL = 512;
const PAUSE = 16 * TRIAL;
/** Hits of a trial below which a field is left out: one in eight. */
const WORTHWHILE_HITS = TRIAL / 8;

const HEADER_BYTES = 4;

class CellTable {
  readonly maxBytes: number;
  readonly #cellBytes: number;
  readonly #cells: Uint8Array;
  readonly #strings: (string | undefined)[];
  readonly #mask: number;

  /** Both are powers of two. */
  constructor(cells: number, cellBytes: number) {
    this.maxBytes = cellBytes - HEADER_BYTES;
    this.#cellBytes = cellBytes;
    this.#cells = new Uint8Array(cells * cellBytes);
    this.#strings = Array.from({ length: cells });
    this.#mask = cells - 1;
  }

  find(data: Uint8Array, start: number, end: number, hash: number): string | undefined {
    const cell = hash & this.#mask;
    const cells = this.#cells;
    let at = cell * this.#cellBytes;
    const length = end - start;
    if (cells[at] !== (length & 0xff) || cells[at + 1] !== length >> 8) return undefined;
    at += HEADER_BYTES;
    for (let i = 0; i < length; i++) if (cells[at + i] !== data[start + i]) return undefined;
    return this.#strings[cell];
  }

  put(data: Uint8Array, start: number, end: number, hash: number, text: string): void {
    const cell = hash & this.#mask;
    const at = cell * this.#cellBytes;
    const length = end - start;
    this.#cells[at] = length;
    this.#cells[at + 1] = length >> 8;
    for (let i = 0; i < length; i++) this.#cells[at + HEADER_BYTES + i] = data[start + i]!;
    this.#strings[cell] = text;
  }
}

export class StringCache {
  readonly #short = new CellTable(16_384, 32);
  readonly #long = new CellTable(1024, 512);
  /** By field: look-ups left in the trial (positive) or to be left out (negative). */
  readonly #left: Int32Array;
  readonly #hits: Int32Array;

  /** @param fields how many fields share the cache; each is tried for itself. */
  constructor(fields: number) {
    this.#left = new Int32Array(fields).fill(TRIAL);
    this.#hits = new Int32Array(fields);
  }

  /** The string that the valid JSON string with the bytes `data[start, end)` between its quotes means. */
  get(data: Uint8Array, start: number, end: number, field: number): string {
    const length = end - start;
    if (length === 0) return '';
    const table = length <= this.#short.maxBytes ? this.#short : this.#long;
    if (length > table.maxBytes || this.#isLeftOut(field)) return decodeString(data, start, end);
    const hash = sampleHash(data, start, end);
    const known = table.find(data, start, end, hash);
    if (known !== undefined) {
      this.#hits[field]!++;
      return known;
    }
    const text = decodeString(data, start, end);
    table.put(data, start, end, hash, text);
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

/** Of the length and up to twelve bytes, most from the end, where ids differ. Equality is checked on all. */
function sampleHash(data: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  const tail = Math.max(start, end - 8);
  for (let i = tail; i < end; i++) hash = Math.imul(hash, 31) + data[i]!;
  const head = Math.min(tail, start + 4);
  for (let i = start; i < head; i++) hash = Math.imul(hash, 31) + data[i]!;
  return (hash ^ (hash >>> 15)) | 0;
}
