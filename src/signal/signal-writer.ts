/** Writes the messages of one shard. What it is given is copied. */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldValue } from '../event/record.ts';
import { ByteWriter } from './bytes.ts';
import { BEGIN, END, SIGNAL, SIGNAL_VERSION, VALUE } from './format.ts';

/** What signals are made of. */
export interface SignalSchema {
  /** Fields that shards need, with their slots here. */
  readonly fields: readonly (readonly [path: string, slot: number])[];
  /** Names of the base rules, by index; undefined for those that no correlation refers to. */
  readonly rules: readonly (string | undefined)[];
  /** Slot of the id, which differs in every event. */
  readonly idSlot: number;
}

export interface SignalHead {
  readonly shards: number;
  /** Partitions of the source. */
  readonly partitions: number;
  readonly keyCheck: number;
}

/** Longer texts get no number, and are written out each time. */
const LONGEST_KNOWN = 64;

export class SignalWriter {
  readonly #schema: SignalSchema;
  readonly #to = new ByteWriter();
  /** Numbers told in this message: of rules and fields by their index in the schema, and of texts. */
  readonly #rules = new Map<number, number>();
  readonly #fields = new Map<number, number>();
  readonly #texts = new Map<string, number>();
  #offset = 0;
  #time = 0;

  constructor(schema: SignalSchema) {
    this.#schema = schema;
  }

  /** Bytes of the message so far. */
  get size(): number {
    return this.#to.length;
  }

  /** Returns the message, undefined if there is none, and begins the next one. */
  take(): Buffer | undefined {
    if (this.#to.length === 0) return undefined;
    for (const known of [this.#rules, this.#fields, this.#texts]) known.clear();
    this.#time = 0;
    return this.#to.take();
  }

  begin({ shards, partitions, keyCheck }: SignalHead, partition: number, epoch: number, from: number): void {
    const to = this.#to;
    if (to.length === 0) {
      to.byte(SIGNAL_VERSION);
      to.uint(shards);
      to.uint(partitions);
      to.u32(keyCheck);
    }
    to.byte(BEGIN);
    to.uint(partition);
    to.uint(epoch);
    to.uint(from);
    this.#offset = from;
  }

  /**
   * `matched`: the first `count` are the rules that matched. `newest`: newest event time of the partition before
   * this.
   */
  add(offset: number, newest: number, record: EventRecord, matched: ArrayLike<number>, count: number): void {
    const to = this.#to;
    const { rules, fields, idSlot } = this.#schema;
    const { time, slots } = record;
    to.byte(SIGNAL);
    to.uint(offset - this.#offset);
    to.int(time - this.#time);
    if (newest === -Infinity) to.byte(0);
    else {
      to.byte(1);
      to.int(newest - time);
    }
    this.#offset = offset;
    this.#time = time;
    for (let i = 0; i < count; i += 1) {
      const hash = rules[matched[i]!];
      if (hash !== undefined) this.#name(this.#rules, matched[i]!, hash);
    }
    to.uint(0);
    for (let i = 0; i < fields.length; i += 1) {
      const [path, slot] = fields[i]!;
      const value = slots[slot];
      if (value === undefined) continue;
      this.#name(this.#fields, i, path);
      this.#value(value, slot === idSlot);
    }
    to.uint(0);
  }

  /** `newest`: newest event time of the partition before `nextOffset`. */
  end(nextOffset: number, newest: number, idle: boolean): void {
    this.#to.byte(END);
    this.#to.uint(nextOffset);
    this.#to.f64(newest);
    this.#to.byte(idle ? 1 : 0);
  }

  /** Writes 1 and the name if it is new in this message, else the number it was given, from 2 on. */
  #name(known: Map<number, number>, key: number, name: string): void {
    const number = known.get(key);
    if (number !== undefined) {
      this.#to.uint(number);
      return;
    }
    known.set(key, known.size + 2);
    this.#to.uint(1);
    this.#to.text(name);
  }

  #value(value: FieldValue, unique: boolean): void {
    const to = this.#to;
    if (typeof value === 'string') this.#text(value, unique);
    else if (value === null) to.byte(VALUE.null);
    else if (typeof value === 'boolean') to.byte(value ? VALUE.true : VALUE.false);
    else if (typeof value === 'number') this.#number(value);
    else if (value instanceof Pseudonyms) this.#pseudonyms(value);
    else if (Array.isArray(value)) {
      to.byte(VALUE.list);
      to.uint(value.length);
      for (const element of value) this.#value(element, unique);
    } else {
      to.byte(VALUE.object);
      to.text(JSON.stringify(value));
    }
  }

  #text(text: string, unique: boolean): void {
    const to = this.#to;
    const number = this.#texts.get(text);
    if (number !== undefined) {
      to.byte(VALUE.knownText);
      to.uint(number);
      return;
    }
    const kept = !unique && text.length <= LONGEST_KNOWN;
    if (kept) this.#texts.set(text, this.#texts.size);
    to.byte(kept ? VALUE.newText : VALUE.text);
    to.text(text);
  }

  #number(value: number): void {
    const to = this.#to;
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 51 && !Object.is(value, -0)) {
      to.byte(VALUE.int);
      to.int(value);
    } else {
      to.byte(VALUE.number);
      to.f64(value);
    }
  }

  #pseudonyms({ words, length, links }: Pseudonyms): void {
    const to = this.#to;
    to.byte(links === undefined ? VALUE.pseudonyms : VALUE.linked);
    to.uint(length);
    for (let i = 0; i < 2 * length; i += 1) to.u32(words[i]!);
    if (links === undefined) return;
    to.uint(links.steps);
    to.uint(links.length);
    for (let i = 0; i < links.stride * links.length; i += 1) to.f64(links.values[i]!);
  }
}
