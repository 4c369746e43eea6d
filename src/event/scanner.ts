/**
 * The projecting decoder: walks over the bytes once, checks all of them, and makes values of the wanted fields
 * only.
 *
 * Guarantee: for every input the same slots, time and fault as the reference decoder. It accepts only what it
 * fully understands; faults, and shapes that are legal but unusual (a wanted key twice, an escaped key, a list
 * or an object where a path goes on, a byte-order mark), are decoded again by the reference. So nothing here
 * names a fault: a negative position means "leave it to the reference".
 *
 * Reads beyond `end` may steer the walk but never the result: positions only grow, and an event is accepted
 * only when the walk ends exactly at `end`.
 */

import { DEFAULT_MAX_EVENT_BYTES, MAX_DEPTH, type DecoderOptions } from './decoder-options.ts';
import type { DecodeFault, Decoder } from './decoder.ts';
import type { JsonParseDecoder } from './json-parse-decoder.ts';
import { decodeString, isOwnText, numberOf } from './json-text.ts';
import { plainEnd, skipLiteral, skipNumber, skipSpace, skipString, skipValue } from './json-skip.ts';
import type { KeyEntry, KeyNode } from './key-tree.ts';
import { PersonHasher, pseudonymsOf } from './person-ids.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import type { EventRecord, FieldValue } from './record.ts';
import { StringCache } from './string-cache.ts';
import { parseTimeBytes, parseTime } from './time.ts';

type Slots = (FieldValue | undefined)[];

const MAX_EPOCH = 0x7fff_ffff;

export class Scanner implements Decoder {
  readonly #reference: JsonParseDecoder;
  readonly #root: KeyNode;
  readonly #maxEventBytes: number;
  readonly #timeRequired: boolean;
  readonly #strings: StringCache;
  readonly #hasher: PersonHasher;
  readonly #pseudonyms: readonly Pseudonyms[];
  /** By mark: the number of the event in which it was met last. */
  readonly #met: Int32Array;
  #epoch = 0;
  /** All bytes around the events at hand, and the same for reading words. Many events share one buffer. */
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer);
  /** Time of this event; NaN while unknown, and when the event holds null. */
  #time = NaN;

  constructor(options: DecoderOptions, reference: JsonParseDecoder, root: KeyNode, marks: number) {
    this.#reference = reference;
    this.#root = root;
    this.#maxEventBytes = options.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES;
    this.#timeRequired = options.timeRequired;
    this.#strings = new StringCache(options.fields.size);
    this.#hasher = new PersonHasher(options.pseudonymKey);
    this.#pseudonyms = options.fields.paths.map((_, slot) => pseudonymsOf(options.fields, slot));
    this.#met = new Int32Array(marks);
  }

  decode(data: Uint8Array, start: number, end: number, record: EventRecord): DecodeFault | undefined {
    if (end - start <= this.#maxEventBytes) {
      if (this.#epoch === MAX_EPOCH) {
        this.#met.fill(0);
        this.#epoch = 0;
      }
      this.#epoch++;
      this.#time = NaN;
      const slots = record.slots;
      for (let i = 0; i < slots.length; i++) slots[i] = undefined;
      if (data.buffer !== this.#bytes.buffer) this.#adopt(data.buffer);
      const bytes = this.#bytes;
      const to = data.byteOffset + end;
      const at = skipSpace(bytes, data.byteOffset + start, to);
      if (at < to && bytes[at] === 0x7b) {
        const after = this.#object(bytes, this.#view, at + 1, to, this.#root, slots, 1);
        if (after > 0 && skipSpace(bytes, after, to) === to) {
          if (!this.#timeRequired || !Number.isNaN(this.#time)) {
            record.time = this.#time;
            record.size = end - start;
            record.whole = undefined;
            return undefined;
          }
        }
      }
    }
    return this.#reference.decode(data, start, end, record);
  }

  #adopt(buffer: ArrayBufferLike): void {
    this.#bytes = Buffer.from(buffer);
    this.#view = new DataView(buffer);
  }

  /** From after the opening brace to after the closing one. */
  #object(
    data: Buffer,
    view: DataView,
    from: number,
    end: number,
    node: KeyNode,
    slots: Slots,
    depth: number,
  ): number {
    let at = from;
    let previous = node.start;
    for (;;) {
      let entry: KeyEntry;
      const link = previous.link;
      if (link !== undefined && link.isAt(view, at)) {
        if (previous.misses !== 0) previous.misses = 0;
        entry = link.entry;
        at += link.length;
      } else {
        const after = at;
        at = skipSpace(data, at, end);
        if (data[at] === 0x7d) return at + 1;
        if (previous !== node.start) {
          if (data[at] !== 0x2c) return -1;
          at = skipSpace(data, at + 1, end);
        }
        if (data[at] !== 0x22) return -1;
        const key = at + 1;
        let close = plainEnd(data, key, end);
        if (data[close] !== 0x22) close = skipString(data, close, end) - 1;
        // An escaped key may mean a wanted one.
        if (close < key || holdsBackslash(data, key, close)) return -1;
        at = skipSpace(data, close + 1, end);
        if (data[at] !== 0x3a) return -1;
        at = skipSpace(data, at + 1, end);
        entry = node.find(data, key, close);
        if (entry !== node.other && previous !== node.other) previous.missed(entry, data, after, at);
      }
      at =
        entry.mark < 0
          ? skipValue(data, at, end, depth)
          : this.#wanted(data, view, at, end, entry, slots, depth);
      if (at < 0) return -1;
      previous = entry;
    }
  }

  /** The value of a key that is wanted or leads to something wanted. */
  #wanted(
    data: Buffer,
    view: DataView,
    at: number,
    end: number,
    entry: KeyEntry,
    slots: Slots,
    depth: number,
  ): number {
    if (this.#met[entry.mark] === this.#epoch) return -1;
    this.#met[entry.mark] = this.#epoch;
    const first = data[at];
    const terminal = entry.terminal;
    if (terminal === undefined) {
      if (first === 0x7b) {
        return depth === MAX_DEPTH
          ? -1
          : this.#object(data, view, at + 1, end, entry.child!, slots, depth + 1);
      }
      return first === 0x5b ? -1 : skipValue(data, at, end, depth);
    }
    if (first === 0x7b) return -1;
    if (terminal.isPerson) return this.#persons(data, at, end, terminal.slot, slots);
    if (first === 0x5b)
      return terminal.isTime ? -1 : this.#list(data, view, at + 1, end, terminal.slot, slots);
    if (terminal.isTime) return this.#timeValue(data, view, at, end, terminal.slot, slots);
    return this.#scalar(data, view, at, end, terminal.slot, slots, terminal.slot);
  }

  #timeValue(data: Buffer, view: DataView, at: number, end: number, slot: number, slots: Slots): number {
    if (data[at] === 0x22) {
      const close = plainEnd(data, at + 1, end);
      if (data[close] !== 0x22) return -1;
      this.#time = parseTimeBytes(data, at + 1, close);
      if (slot >= 0) slots[slot] = this.#strings.get(data, view, at + 1, close, slot, true);
      return Number.isNaN(this.#time) ? -1 : close + 1;
    }
    const value: Slots = [];
    const after = this.#scalar(data, view, at, end, slot, value, 0);
    if (after < 0) return -1;
    if (slot >= 0) slots[slot] = value[0];
    this.#time = parseTime(value[0]);
    return Number.isNaN(this.#time) && value[0] !== null ? -1 : after;
  }

  /** A string, number or literal, put into `into[index]`. */
  #scalar(
    data: Buffer,
    view: DataView,
    at: number,
    end: number,
    field: number,
    into: Slots,
    index: number,
  ): number {
    const first = data[at]!;
    if (first === 0x22) {
      const close = plainEnd(data, at + 1, end);
      const plain = data[close] === 0x22;
      const after = plain ? close + 1 : skipString(data, close, end);
      if (after < 0 || after > end) return -1;
      into[index] = this.#strings.get(data, view, at + 1, after - 1, field, plain);
      return after;
    }
    if (first === 0x2d || (first - 0x30) >>> 0 <= 9) {
      const after = skipNumber(data, at, end);
      if (after > 0) into[index] = numberOf(data, at, after);
      return after;
    }
    into[index] = first === 0x6e ? null : first === 0x74;
    return skipLiteral(data, at, end);
  }

  /** A list of scalars, from after the bracket. */
  #list(data: Buffer, view: DataView, from: number, end: number, slot: number, slots: Slots): number {
    const list: FieldValue[] = [];
    let at = skipSpace(data, from, end);
    if (data[at] === 0x5d) at++;
    else {
      for (;;) {
        if (data[at] === 0x7b || data[at] === 0x5b) return -1;
        at = this.#scalar(data, view, at, end, slot, list, list.length);
        if (at < 0) return -1;
        at = skipSpace(data, at, end);
        const byte = data[at++];
        if (byte === 0x5d) break;
        if (byte !== 0x2c) return -1;
        at = skipSpace(data, at, end);
      }
    }
    slots[slot] = list;
    return at;
  }

  /** One person's id, or a list of them; hashed, never made a string when the bytes say all. */
  #persons(data: Buffer, from: number, end: number, slot: number, slots: Slots): number {
    const pseudonyms = this.#pseudonyms[slot]!;
    pseudonyms.clear();
    let at = from;
    if (data[at] !== 0x5b) {
      slots[slot] = data[at] === 0x6e ? null : pseudonyms;
      return this.#person(data, at, end, pseudonyms);
    }
    slots[slot] = pseudonyms;
    at = skipSpace(data, at + 1, end);
    if (data[at] === 0x5d) return at + 1;
    for (;;) {
      at = this.#person(data, at, end, pseudonyms);
      if (at < 0) return -1;
      if (data[at]! <= 0x20) at = skipSpace(data, at, end);
      const byte = data[at++];
      if (byte === 0x5d) return at;
      if (byte !== 0x2c) return -1;
      if (data[at]! <= 0x20) at = skipSpace(data, at, end);
    }
  }

  #person(data: Buffer, at: number, end: number, pseudonyms: Pseudonyms): number {
    const first = data[at]!;
    if (first === 0x22) {
      const close = plainEnd(data, at + 1, end);
      if (data[close] === 0x22) {
        this.#hasher.addBytes(data, at + 1, close, pseudonyms);
        return close + 1;
      }
      // Escapes, or letters beyond ASCII.
      const after = skipString(data, close, end);
      if (after > 0) this.#hasher.addText(decodeString(data, at + 1, after - 1, false), pseudonyms);
      return after;
    }
    if (first === 0x2d || (first - 0x30) >>> 0 <= 9) {
      const after = skipNumber(data, at, end);
      if (after < 0) return -1;
      if (isOwnText(data, at, after)) this.#hasher.addBytes(data, at, after, pseudonyms);
      else this.#hasher.addText(String(numberOf(data, at, after)), pseudonyms);
      return after;
    }
    const after = skipLiteral(data, at, end);
    if (after > 0 && first !== 0x6e) this.#hasher.addText(String(first === 0x74), pseudonyms);
    return after;
  }
}

function holdsBackslash(data: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (data[i] === 0x5c) return true;
  return false;
}
