/** Reads the messages of a shard, signal by signal, into one reused record. */

import { IdLinks } from '../event/id-links.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldTable, FieldValue } from '../event/record.ts';
import { ByteReader } from './bytes.ts';
import { BEGIN, END, SIGNAL, SIGNAL_VERSION, VALUE } from './format.ts';
import type { SignalHead } from './signal-writer.ts';

/** More partitions than any topic has. */
const MOST_PARTITIONS = 1_000_000;

export interface SignalVisitor {
  head(head: SignalHead): void;
  /** A stretch begins. */
  begin(partition: number, epoch: number, from: number): void;
  /**
   * A signal of the stretch: the record, and the rules that it matched, by index and ascending. Both are valid
   * during the call only.
   */
  signal(offset: number, newest: number, record: EventRecord, matched: readonly number[]): void;
  end(nextOffset: number, newest: number, idle: boolean): void;
}

export class SignalReader {
  readonly #fields: FieldTable;
  readonly #record: EventRecord;
  /** Hash → index of the base rule. */
  readonly #ruleOf: ReadonlyMap<string, number>;
  readonly #matched: number[] = [];
  /** Names told in the current message: rules and slots (−1 for those unknown here), and texts. */
  readonly #rules: number[] = [];
  readonly #slots: number[] = [];
  readonly #texts: string[] = [];
  /** By slot. */
  readonly #pseudonyms: Pseudonyms[] = [];

  /** `rules`: hashes by index of the base rules here. */
  constructor(fields: FieldTable, rules: readonly (string | undefined)[]) {
    this.#fields = fields;
    this.#record = fields.newRecord();
    this.#ruleOf = new Map(rules.flatMap((hash, i) => (hash === undefined ? [] : [[hash, i] as const])));
  }

  /**
   * Reads `data[start, end)`. Returns why it is no message of signals, or undefined if it is one. What stands
   * before the fault has been visited.
   */
  read(data: Uint8Array, start: number, end: number, visitor: SignalVisitor): string | undefined {
    this.#rules.length = 0;
    this.#slots.length = 0;
    this.#texts.length = 0;
    const from = new ByteReader(data, start, end);
    try {
      return this.#message(from, visitor);
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError) return error.message;
      throw error;
    }
  }

  #message(from: ByteReader, visitor: SignalVisitor): string | undefined {
    const version = from.byte();
    if (version !== SIGNAL_VERSION) return `its format is ${version}, not ${SIGNAL_VERSION}`;
    visitor.head({
      shards: bounded(from.uint(), MOST_PARTITIONS),
      partitions: bounded(from.uint(), MOST_PARTITIONS),
      keyCheck: from.u32(),
    });
    let offset = 0;
    let time = 0;
    while (from.left > 0) {
      const tag = from.byte();
      if (tag === SIGNAL) {
        offset += from.uint();
        time += from.int();
        const newest = from.byte() === 0 ? -Infinity : time + from.int();
        this.#read(from, time);
        visitor.signal(offset, newest, this.#record, this.#matched);
      } else if (tag === BEGIN) {
        const [partition, epoch] = [from.uint(), from.uint()];
        offset = from.uint();
        visitor.begin(partition, epoch, offset);
      } else if (tag === END) {
        visitor.end(from.uint(), from.f64(), from.byte() === 1);
      } else return `there is nothing that begins with ${tag}`;
    }
    return undefined;
  }

  #read(from: ByteReader, time: number): void {
    const record = this.#record;
    const matched = this.#matched;
    const { slots } = record;
    record.time = time;
    slots.fill(undefined);
    matched.length = 0;
    for (let number = from.uint(); number > 0; number = from.uint()) {
      if (number === 1) this.#rules.push(this.#ruleOf.get(from.text()) ?? -1);
      const rule = number === 1 ? this.#rules.at(-1)! : known(this.#rules, number - 2);
      if (rule >= 0) matched.push(rule);
    }
    // Rules may be loaded here in another order.
    for (let i = 1; i < matched.length; i += 1) {
      if (matched[i - 1]! <= matched[i]!) continue;
      matched.sort((a, b) => a - b);
      break;
    }
    for (let number = from.uint(); number > 0; number = from.uint()) {
      if (number === 1) this.#slots.push(this.#fields.find(from.text()) ?? -1);
      const slot = number === 1 ? this.#slots.at(-1)! : known(this.#slots, number - 2);
      const value = this.#value(from, slot);
      if (slot >= 0) slots[slot] = value;
    }
  }

  #value(from: ByteReader, slot: number): FieldValue {
    const tag = from.byte();
    switch (tag) {
      case VALUE.null:
        return null;
      case VALUE.false:
        return false;
      case VALUE.true:
        return true;
      case VALUE.int:
        return from.int();
      case VALUE.number:
        return from.f64();
      case VALUE.newText: {
        const text = from.text();
        this.#texts.push(text);
        return text;
      }
      case VALUE.knownText:
        return known(this.#texts, from.uint());
      case VALUE.text:
        return from.text();
      case VALUE.pseudonyms:
      case VALUE.linked:
        return this.#persons(from, slot, tag === VALUE.linked);
      case VALUE.list:
        // Lists have no persons as elements: a field's persons are one value.
        return Array.from({ length: bounded(from.uint(), from.left) }, () => this.#value(from, -1));
      case VALUE.object:
        return JSON.parse(from.text()) as FieldValue;
      default:
        throw new RangeError(`there is no value that begins with ${tag}`);
    }
  }

  #persons(from: ByteReader, slot: number, linked: boolean): Pseudonyms {
    const length = bounded(from.uint(), from.left / 8);
    let into = slot < 0 ? undefined : this.#pseudonyms[slot];
    if (into === undefined || linked !== (into.links !== undefined)) into = undefined;
    const words =
      into !== undefined && into.words.length >= 2 * length ? into.words : new Uint32Array(2 * length);
    for (let i = 0; i < 2 * length; i += 1) words[i] = from.u32();
    let links: IdLinks | undefined;
    if (linked) {
      links = new IdLinks(from.uint());
      links.length = from.uint();
      const values = bounded(links.stride * links.length, from.left / 8);
      links.values = Float64Array.from({ length: values }, () => from.f64());
    }
    if (into === undefined || linked) into = new Pseudonyms(words, length, links);
    into.words = words;
    into.length = length;
    if (slot >= 0) this.#pseudonyms[slot] = into;
    return into;
  }
}

function known<T>(told: readonly T[], number: number): T {
  const value = told[number];
  if (value === undefined) throw new RangeError('it names what it has not told');
  return value;
}

/** Returns `count` if that many elements can be in what is left; throws a RangeError otherwise. */
function bounded(count: number, most: number): number {
  if (!(count <= most)) throw new RangeError('it ends too early');
  return count;
}
