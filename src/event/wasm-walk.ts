/**
 * One walk in WebAssembly (`wasm/scanner/`) with its memory: bytes go in, tags come out, and this file turns them
 * into values. Most tags are places in a table of values that exist already, so most fields cost one look-up.
 * Parts that the walk leaves as JSON are parsed here, one by one.
 *
 * Guarantee: exactly the slots, the time or the fault of the reference decoder, or no answer.
 */

import {
  DEFAULT_MAX_EVENT_BYTES,
  DEFAULT_PERSON_FIELDS,
  DEFAULT_TIMESTAMP_FIELD,
  type DecoderOptions,
} from './decoder-options.ts';
import type { DecodeFault } from './decoder.ts';
import { brokenFault } from './event-reader.ts';
import { resolvePath } from './field-path.ts';
import { decodeString, numberOf, withLongIntegersAsText } from './json-text.ts';
import type { KeyNode, Passing } from './key-tree.ts';
import { PersonHasher, pseudonymsOf } from './person-ids.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { badPersonFault, badTimeFault, noTimeFault } from './record-filler.ts';
import type { EventRecord, FieldValue } from './record.ts';
import type { ScannerExports } from './scanner-module.ts';
import { SipHash } from './siphash.ts';
import { parseTime, parseTimeBytes } from './time.ts';

// As in wasm/scanner/keys.ts and layout.ts.
const INNER = 1;
const VALUE = 2;
const TIME = 3;
const PERSONS = 4;
const VALUE_ABOVE = 5;
const TAG_NUMBER = -1;
const TAG_NUMBER_TEXT = -2;
const TAG_PLAIN_TEXT = -3;
const TAG_TEXT = -4;
const TAG_LIST = -5;
const TAG_JSON_VALUE = -7;
const TAG_GATHERED = -8;
const TIME_NONE = 0;
const TIME_READ = 1;
const TIME_TEXT = 2;
/** Header fields, as indexes of 32-bit words from its start. */
const TIME_FORM = 2;
const TIME_FROM = 3;
const TIME_TO = 4;
const NEW_COUNT = 5;
const PART_COUNT = 6;
const FIXED: readonly (FieldValue | undefined)[] = [undefined, null, false, true, ''];

const PAGE = 65_536;
/** Ids of one event for which there is room; fewer with links. Events with more are left to the reference. */
const MAX_PERSONS = 1 << 19;
const MAX_LINKED_PERSONS = 1 << 16;
/** Events between two checks whether the walk has learned too much. */
const CHECK_EVERY = 1 << 14;

/** The tree of wanted keys is too large for the walk. */
export class TreeTooLarge extends Error {}

export class WasmWalk {
  readonly #wasm: ScannerExports;
  readonly #root: KeyNode;
  readonly #slots: number;
  readonly #paths: readonly string[];
  readonly #timeField: string;
  readonly #timeRequired: boolean;
  readonly #maxEventBytes: number;
  readonly #memory: Buffer;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #input: number;
  // Indexes of 32-bit words and of 64-bit floats.
  readonly #header: number;
  readonly #tags: number;
  readonly #data: number;
  readonly #new: number;
  readonly #parts: number;
  /** By mark of a key: the fields that may be found in a part that is its value. */
  readonly #passing = new Map<number, readonly Passing[]>();
  readonly #hasher: PersonHasher;
  /** By slot: a person field's pseudonyms if they come from such a part. */
  readonly #gathered: readonly Pseudonyms[];
  /** From the parts of the current event: its time, and the first slot with an object for an id, or −1. */
  #partTime: FieldValue | undefined;
  #badSlot = -1;
  /** By tag; cells hold the strings whose bytes the walk knows. */
  readonly #values: (FieldValue | undefined)[];
  /** By slot: a person field's pseudonyms and links, which the walk writes. */
  readonly #pseudonyms: { readonly own: Pseudonyms; readonly rooms: Rooms }[] = [];
  /** The array of the current event, its offset in its buffer, and the whole buffer: many events share one. */
  #last: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #source: Buffer = Buffer.from(this.#last.buffer);
  #untilCheck = CHECK_EVERY;

  /** Throws TreeTooLarge, or RangeError if there is no memory. */
  constructor(module: WebAssembly.Module, options: DecoderOptions, root: KeyNode) {
    const { fields, personFields = DEFAULT_PERSON_FIELDS, pseudonymKey } = options;
    const memory = new WebAssembly.Memory({ initial: 1 });
    const wasm = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as ScannerExports;
    this.#wasm = wasm;
    this.#root = root;
    this.#slots = fields.size;
    this.#paths = fields.paths;
    this.#timeField = options.timestampField ?? DEFAULT_TIMESTAMP_FIELD;
    this.#timeRequired = options.timeRequired;
    this.#maxEventBytes = Math.min(options.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES, wasm.maxEventBytes());
    let end = wasm.endAt();
    const rooms = new Map<number, Rooms>();
    for (const [slot, path] of fields.paths.entries()) {
      if (!personFields.includes(path)) continue;
      const steps = fields.linkSteps(slot);
      const room = steps === 0 ? MAX_PERSONS : MAX_LINKED_PERSONS;
      const links = end + 8 * room;
      rooms.set(slot, { hashes: end, room, links, steps });
      end = links + (steps === 0 ? 0 : 8 * (1 + 2 * steps) * room);
    }
    memory.grow(Math.ceil(end / PAGE) - 1);
    this.#memory = Buffer.from(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    this.#floats = new Float64Array(memory.buffer);
    this.#input = wasm.inputAt();
    this.#header = wasm.headerAt() / 4;
    this.#tags = wasm.tagsAt() / 4;
    this.#data = wasm.dataAt() / 8;
    this.#new = wasm.newAt() / 4;
    this.#parts = wasm.partsAt() / 4;
    this.#hasher = new PersonHasher(pseudonymKey);
    this.#gathered = fields.paths.map((_, slot) => pseudonymsOf(fields, slot));
    this.#values = Array.from({ length: wasm.tableSize() }, (_, i) => FIXED[i]);
    for (const [slot, room] of rooms) {
      const own = pseudonymsOf(fields, slot);
      own.words = new Uint32Array(memory.buffer, room.hashes, 2 * room.room);
      if (own.links !== undefined) {
        own.links.values = new Float64Array(memory.buffer, room.links, own.links.stride * room.room);
      }
      this.#pseudonyms[slot] = { own, rooms: room };
    }
    const key = new DataView(pseudonymKey.buffer, pseudonymKey.byteOffset, 16);
    wasm.setKey(key.getBigUint64(0, true), key.getBigUint64(8, true));
    const hash = new SipHash(pseudonymKey);
    const secret = (name: string) => {
      hash.hashString(`\0${name}`);
      return (BigInt(hash.out[0]!) << 32n) | BigInt(hash.out[1]!);
    };
    wasm.seed(secret('a'), secret('b'), secret('c'), secret('d'));
    this.#begin();
  }

  /** Decodes `data[start, end)` like any decoder, or leaves it to another one. */
  read(
    data: Uint8Array,
    start: number,
    end: number,
    record: EventRecord,
  ): DecodeFault | 'left to others' | undefined {
    const length = end - start;
    if (length > this.#maxEventBytes) return 'left to others';
    // Before the event is copied in, because beginning anew writes to the same place.
    if (--this.#untilCheck === 0) this.#check();
    if (data !== this.#last) this.#adopt(data);
    const from = this.#offset + start;
    this.#source.copy(this.#memory, this.#input, from, from + length);
    const understood = this.#wasm.scan(length);
    const words = this.#words;
    const header = this.#header;
    if (words[header + NEW_COUNT] !== 0) this.#takeStrings();
    if (understood === 0) {
      return this.#wasm.isBroken(length) === 0 ? 'left to others' : brokenFault(data, start, end);
    }
    const slots = record.slots;
    const values = this.#values;
    const tags = this.#tags;
    for (let i = 0; i < slots.length; i++) {
      const tag = words[tags + i]!;
      slots[i] = tag >= 0 ? values[tag] : this.#value(i, tag);
    }
    record.size = length;
    record.whole = undefined;
    const hasParts = words[header + PART_COUNT] !== 0;
    if (hasParts) this.#takeParts(slots);
    if (words[header + TIME_FORM] === TIME_READ) record.time = this.#floats[header >> 1]!;
    else {
      const fault = this.#otherTime(hasParts ? this.#partTime : undefined, record);
      if (fault !== undefined) return fault;
    }
    return hasParts && this.#badSlot >= 0 ? badPersonFault(this.#paths[this.#badSlot]!) : undefined;
  }

  /** Reads the time if it is not in the usual form; `found` is what a part holds of it. */
  #otherTime(found: FieldValue | undefined, record: EventRecord): DecodeFault | undefined {
    const words = this.#words;
    const header = this.#header;
    const form = words[header + TIME_FORM];
    const from = words[header + TIME_FROM]!;
    const to = words[header + TIME_TO]!;
    record.time = NaN;
    let value = found;
    if (form === TIME_TEXT) record.time = parseTimeBytes(this.#memory, from, to);
    else {
      if (form !== TIME_NONE) value = this.#floats[header >> 1]!;
      if (value === undefined || value === null) {
        return this.#timeRequired ? noTimeFault(this.#timeField) : undefined;
      }
      record.time = parseTime(value);
    }
    if (!Number.isNaN(record.time)) return undefined;
    return badTimeFault(this.#timeField, value ?? decodeString(this.#memory, from, to, true));
  }

  #adopt(data: Uint8Array): void {
    this.#last = data;
    this.#offset = data.byteOffset;
    if (data.buffer !== this.#source.buffer) this.#source = Buffer.from(data.buffer);
  }

  /** The value at a place whose tag is negative. */
  #value(at: number, tag: number): FieldValue {
    if (tag === TAG_NUMBER) return this.#floats[this.#data + at]!;
    const words = this.#words;
    const data = 2 * (this.#data + at);
    const first = words[data]!;
    const second = words[data + 1]!;
    switch (tag) {
      case TAG_NUMBER_TEXT:
        return numberOf(this.#memory, first, second);
      case TAG_PLAIN_TEXT:
      case TAG_TEXT:
        return decodeString(this.#memory, first, second, tag === TAG_PLAIN_TEXT);
      case TAG_JSON_VALUE:
        return this.#parse(first, second);
      case TAG_LIST: {
        // A list that grows takes room for seventeen.
        if (second === 1) return [this.#element(first)];
        const list: FieldValue[] = [];
        for (let i = first; i < first + second; i++) list.push(this.#element(i));
        return list;
      }
      case TAG_GATHERED: {
        const list: FieldValue[] = [];
        for (let i = first; i !== 0; i = words[2 * (this.#data + i + 1)]!) list.push(this.#element(i));
        return list;
      }
      default: {
        const { own } = this.#pseudonyms[at]!;
        own.length = first;
        if (own.links !== undefined) own.links.length = second;
        return own;
      }
    }
  }

  #element(at: number): FieldValue {
    const tag = this.#words[this.#tags + at]!;
    return tag >= 0 ? this.#values[tag]! : this.#value(at, tag);
  }

  /** Makes the strings of cells whose bytes have changed. */
  #takeStrings(): void {
    const words = this.#words;
    const last = this.#new + 4 * words[this.#header + NEW_COUNT]!;
    for (let at = this.#new; at < last; at += 4) {
      const plain = words[at + 3] === TAG_PLAIN_TEXT;
      this.#values[words[at]!] = decodeString(this.#memory, words[at + 1]!, words[at + 2]!, plain);
    }
  }

  /** Takes the fields of the parts that the walk left as JSON. */
  #takeParts(slots: (FieldValue | undefined)[]): void {
    this.#partTime = undefined;
    this.#badSlot = -1;
    const words = this.#words;
    const last = this.#parts + 4 * words[this.#header + PART_COUNT]!;
    for (let at = this.#parts; at < last; at += 4) {
      if (words[at] === 0) continue;
      const part = this.#parse(words[at + 1]!, words[at + 2]!);
      for (const { terminal, path, next } of this.#passing.get(words[at + 3]!)!) {
        const value = resolvePath(part, path, next);
        if (value === undefined) continue;
        const { slot, isTime, isPerson } = terminal;
        if (isTime) this.#partTime = value;
        if (slot >= 0) slots[slot] = isPerson && value !== null ? this.#pseudonymsOf(value, slot) : value;
      }
    }
  }

  #pseudonymsOf(value: FieldValue, slot: number): Pseudonyms {
    const pseudonyms = this.#gathered[slot]!;
    pseudonyms.clear();
    const isGood = this.#hasher.addValue(value, pseudonyms);
    if (!isGood && (this.#badSlot < 0 || slot < this.#badSlot)) this.#badSlot = slot;
    return pseudonyms;
  }

  #parse(from: number, to: number): FieldValue {
    return JSON.parse(withLongIntegersAsText(this.#memory.toString('utf8', from, to))) as FieldValue;
  }

  #check(): void {
    this.#untilCheck = CHECK_EVERY;
    if (this.#wasm.isExhausted() !== 0) this.#begin();
  }

  #begin(): void {
    const object = this.#wasm.begin(this.#slots);
    if (object === 0) throw new TreeTooLarge();
    this.#want(object, this.#root);
  }

  #want(object: number, node: KeyNode): void {
    for (const [text, { terminal, below, passing, mark, rank }] of node) {
      const length = this.#memory.write(text, this.#input);
      const kind =
        terminal === undefined
          ? INNER
          : terminal.isTime
            ? TIME
            : terminal.isPerson
              ? PERSONS
              : below === undefined
                ? VALUE
                : VALUE_ABOVE;
      const slot = terminal?.slot ?? -1;
      const key = this.#wasm.wantKey(object, length, kind, mark, rank, slot);
      if (key === 0) throw new TreeTooLarge();
      this.#passing.set(mark, passing);
      if (below !== undefined) {
        const inner = this.#wasm.wantBelow(key);
        if (inner === 0) throw new TreeTooLarge();
        this.#want(inner, below);
      }
      if (kind === PERSONS) {
        const { hashes, room, links, steps } = this.#pseudonyms[slot]!.rooms;
        this.#wasm.setRooms(key, hashes, room, links, steps);
      }
    }
  }
}

/** Where in memory the walk puts the hashes and links of a field's ids, and for how many ids. */
interface Rooms {
  readonly hashes: number;
  readonly room: number;
  readonly links: number;
  readonly steps: number;
}
