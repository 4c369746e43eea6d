/**
 * The values of the current event as 64-bit hashes; each field is hashed once, however many streams measure it.
 *
 * Results are valid until the next event. Persons' ids are hashes already and are passed on.
 */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldValue } from '../event/record.ts';
import type { SipHash } from '../event/siphash.ts';
import { combinations, keyOf, textOf, textsOf } from './values.ts';

/** Number of texts whose hash is remembered, such as addresses and user agents. */
const REMEMBERED = 65_536;
/** Longer texts are not remembered, because the map would hold them. */
const LONGEST_REMEMBERED = 512;

interface Field {
  readonly hashes: Pseudonyms;
  /** Number of the event that the hashes belong to. */
  event: number;
}

export class ValueHashes {
  readonly #hash: SipHash;
  /** By slot. */
  readonly #fields: Field[] = [];
  #event = 0;
  /** Text → place of its hash in `#words`. */
  readonly #known = new Map<string, number>();
  readonly #words = new Uint32Array(2 * REMEMBERED);

  constructor(hash: SipHash) {
    this.#hash = hash;
  }

  /** From here on another event is read. */
  next(): void {
    this.#event += 1;
  }

  /** Hashes of the values of a field. */
  of(record: EventRecord, slot: number): Pseudonyms {
    const value = record.slots[slot];
    if (value instanceof Pseudonyms) return value;
    const field = (this.#fields[slot] ??= { hashes: new Pseudonyms(new Uint32Array(2)), event: -1 });
    const { hashes } = field;
    if (field.event === this.#event) return hashes;
    field.event = this.#event;
    hashes.length = 0;
    this.#addTexts(value, hashes);
    return hashes;
  }

  /** Hashes of every combination of one value per field. */
  ofTuples(record: EventRecord, slots: readonly number[]): Pseudonyms {
    const hashes = new Pseudonyms();
    for (const tuple of combinations(slots.map((slot) => textsOf(record.slots[slot])))) {
      this.#add(keyOf(tuple), hashes);
    }
    return hashes;
  }

  #addTexts(value: FieldValue | undefined, into: Pseudonyms): void {
    if (value === undefined || value === null) return;
    const text = textOf(value);
    if (text !== undefined) this.#add(text, into);
    else for (const element of textsOf(value)) this.#add(element, into);
  }

  #add(text: string, into: Pseudonyms): void {
    const at = 2 * into.length;
    if (at + 2 > into.words.length) {
      const longer = new Uint32Array(2 * into.words.length);
      longer.set(into.words);
      into.words = longer;
    }
    into.length += 1;
    if (text.length > LONGEST_REMEMBERED) {
      this.#hash.hashString(text);
      into.words.set(this.#hash.out, at);
      return;
    }
    const known = this.#known.get(text) ?? this.#remember(text);
    into.words[at] = this.#words[known]!;
    into.words[at + 1] = this.#words[known + 1]!;
  }

  #remember(text: string): number {
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    const at = 2 * this.#known.size;
    this.#hash.hashString(text);
    this.#words[at] = this.#hash.out[0]!;
    this.#words[at + 1] = this.#hash.out[1]!;
    this.#known.set(text, at);
    return at;
  }
}
