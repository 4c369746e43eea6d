/**
 * Persons' ids → pseudonyms. Raw ids go no further than here.
 *
 * The same id as a string or as a number gets the same pseudonym: a number is hashed as its text `String(n)`, an
 * integer beyond 2^53 as it was written. Nulls are not persons and are skipped, nested lists are flattened, and an
 * object is refused.
 *
 * If a rule looks for enumerations, the links of each id are made here too: only here are its neighbours known.
 */

import { IdLinker, IdLinks } from './id-links.ts';
import { Pseudonyms } from './pseudonyms.ts';
import type { FieldTable, FieldValue } from './record.ts';
import { SipHash } from './siphash.ts';

export class PersonHasher {
  readonly #hash: SipHash;
  readonly #linker: IdLinker;

  constructor(key: Uint8Array) {
    this.#hash = new SipHash(key);
    this.#linker = new IdLinker(key);
  }

  /** Appends the pseudonyms of the ids in `value`; returns false if it holds an object. */
  addValue(value: FieldValue, into: Pseudonyms): boolean {
    if (value === null) return true;
    if (Array.isArray(value)) return value.every((element) => this.addValue(element, into));
    if (typeof value === 'object') return false;
    this.addText(String(value), into);
    return true;
  }

  addText(id: string, into: Pseudonyms): void {
    this.#hash.hashString(id);
    this.#append(into);
    if (into.links !== undefined) this.#linker.addText(id, into.links);
  }

  /** Appends the pseudonym of the id whose UTF-8 bytes are `data[start, end)`. */
  addBytes(data: Uint8Array, start: number, end: number, into: Pseudonyms): void {
    this.#hash.hashBytes(data, start, end);
    this.#append(into);
    if (into.links !== undefined) this.#linker.addBytes(data, start, end, into.links);
  }

  #append(into: Pseudonyms): void {
    const at = 2 * into.length;
    if (at === into.words.length) {
      const grown = new Uint32Array(Math.max(16, 2 * at));
      grown.set(into.words);
      into.words = grown;
    }
    into.words[at] = this.#hash.out[0]!;
    into.words[at + 1] = this.#hash.out[1]!;
    into.length++;
  }
}

/** Creates the holder of a slot's pseudonyms, with links if they are wanted. */
export function pseudonymsOf(fields: FieldTable, slot: number): Pseudonyms {
  const steps = fields.linkSteps(slot);
  return new Pseudonyms(undefined, 0, steps === 0 ? undefined : new IdLinks(steps));
}

/** What replaces the ids in the event: one pseudonym for a single id, a list for a list. */
export function pseudonymTexts(value: FieldValue, pseudonyms: Pseudonyms): FieldValue {
  if (value === null) return null;
  const texts = Array.from({ length: pseudonyms.length }, (_, i) => pseudonyms.text(i));
  return Array.isArray(value) ? texts : texts[0]!;
}
