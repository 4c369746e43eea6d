/**
 * Tells from keyed hashes which ids follow each other, so that an enumeration of ids can be recognised by code
 * that must not know the ids.
 *
 * An id is a text with a number in it: its last run of digits (`p-00340127`, `0012345678A`). Two ids are
 * neighbours only if the text before the number is the same; the text after it (a check letter, the rest of a
 * path) does not count, nor do leading zeros. Each id gets a *link*, a hash of prefix and number, and beside it
 * the links of the ids up to `steps` below and above. Whoever holds the links of ids seen before finds out with
 * one look-up whether the predecessor of this id was among them.
 *
 * A link is no pseudonym, though it is made under the same key: its message starts with a byte that no text has,
 * so no pseudonym in an alert or a table can be compared with a link. 53 bits of the hash are kept, which a number
 * holds exactly: among n ids that are held together, the chance that any two are confused is about n²/2⁵⁴.
 *
 * Guarantee: the same links for the same id as text and as bytes.
 */

import { SipHash } from './siphash.ts';

/** Stands for a neighbour that does not exist: no number lies below 0. */
export const NO_LINK = -1;

/** The largest number of steps for which neighbours are hashed: each costs two hashes per id. */
export const MAX_LINK_STEPS = 4;

/** Longer ids have no links. */
const MAX_ID_BYTES = 256;

/** A byte that is in no UTF-8 text. */
const MARK = 0xff;

/** The links of the ids of one field of one event. */
export class IdLinks {
  readonly steps: number;
  /** Per id: its own link, then those of id − 1, id + 1, id − 2, id + 2, … */
  values = new Float64Array(0);
  /** Number of ids that have links; ids without a digit and overlong ones are left out. */
  length = 0;

  constructor(steps: number) {
    this.steps = steps;
  }

  /** Values per id. */
  get stride(): number {
    return 1 + 2 * this.steps;
  }
}

export class IdLinker {
  readonly #hash: SipHash;
  /** The mark, the prefix, then the digits of the id or of a neighbour. */
  readonly #message = new Uint8Array(1 + MAX_ID_BYTES + 1);
  /** Digits of the number, right-aligned, and a place for a carry. */
  readonly #digits = new Uint8Array(MAX_ID_BYTES + 1);
  readonly #encoded = new Uint8Array(3 * MAX_ID_BYTES);
  readonly #encoder = new TextEncoder();

  /** @param key 16 bytes. Throws `PSEUDONYM_KEY_INVALID` for any other length. */
  constructor(key: Uint8Array) {
    this.#hash = new SipHash(key);
    this.#message[0] = MARK;
  }

  addText(id: string, into: IdLinks): void {
    if (id.length > MAX_ID_BYTES) return;
    this.addBytes(this.#encoded, 0, this.#encoder.encodeInto(id, this.#encoded).written, into);
  }

  /** Appends the links of the id whose UTF-8 bytes are `data[start, end)`, if it holds a number. */
  addBytes(data: Uint8Array, start: number, end: number, into: IdLinks): void {
    if (end - start > MAX_ID_BYTES) return;
    let to = end;
    while (to > start && !isDigit(data[to - 1]!)) to -= 1;
    if (to === start) return;
    let from = to - 1;
    while (from > start && isDigit(data[from - 1]!)) from -= 1;
    const message = this.#message;
    for (let i = start; i < from; i += 1) message[1 + i - start] = data[i]!;
    const prefix = 1 + from - start;
    const { stride, steps } = into;
    const at = stride * into.length;
    if (at + stride > into.values.length) {
      const longer = new Float64Array(Math.max(16 * stride, 2 * into.values.length));
      longer.set(into.values);
      into.values = longer;
    }
    let first = this.#read(data, from, to);
    into.values[at] = this.#link(prefix, first);
    for (let k = 1; k <= steps; k += 1) {
      if (first !== BELOW_ZERO) first = this.#down(first);
      into.values[at + 2 * k - 1] = first === BELOW_ZERO ? NO_LINK : this.#link(prefix, first);
    }
    first = this.#read(data, from, to);
    for (let k = 1; k <= steps; k += 1) {
      first = this.#up(first);
      into.values[at + 2 * k] = this.#link(prefix, first);
    }
    into.length += 1;
  }

  /** Takes the digits of a number without its leading zeros; returns the index of the first. */
  #read(data: Uint8Array, start: number, end: number): number {
    const digits = this.#digits;
    let from = start;
    while (from < end - 1 && data[from] === ZERO) from += 1;
    const first = digits.length - (end - from);
    for (let i = from; i < end; i += 1) digits[first + i - from] = data[i]!;
    return first;
  }

  /** Decrements the number; returns the index of its first digit, or BELOW_ZERO. */
  #down(first: number): number {
    const digits = this.#digits;
    let at = digits.length - 1;
    while (at >= first && digits[at] === ZERO) at -= 1;
    if (at < first) return BELOW_ZERO;
    digits[at]! -= 1;
    digits.fill(NINE, at + 1);
    return at === first && digits[at] === ZERO && first < digits.length - 1 ? first + 1 : first;
  }

  /** Increments the number; returns the index of its first digit. */
  #up(first: number): number {
    const digits = this.#digits;
    let at = digits.length - 1;
    while (at >= first && digits[at] === NINE) at -= 1;
    digits.fill(ZERO, at + 1);
    if (at < first) digits[at] = ZERO + 1;
    else digits[at]! += 1;
    return Math.min(at, first);
  }

  #link(prefix: number, first: number): number {
    const message = this.#message;
    const digits = this.#digits;
    const length = digits.length - first;
    for (let i = 0; i < length; i += 1) message[prefix + i] = digits[first + i]!;
    this.#hash.hashBytes(message, 0, prefix + length);
    const { out } = this.#hash;
    return (out[0]! & 0x1f_ffff) * 2 ** 32 + out[1]!;
  }
}

const BELOW_ZERO = -1;
const ZERO = 0x30;
const NINE = 0x39;

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
