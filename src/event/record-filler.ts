/**
 * A decoded event → the slots of a record. Persons' ids become pseudonyms here, before any value is taken out, so
 * nothing after a decoder sees a raw id.
 */

import { DEFAULT_PERSON_FIELDS, type DecoderOptions } from './decoder-options.ts';
import type { DecodeFault } from './decoder.ts';
import { fault, typeName } from './event-reader.ts';
import { fieldPath, replaceAll, resolvePath, type FieldPath, type JsonObject } from './field-path.ts';
import { PersonHasher, pseudonymsOf, pseudonymTexts } from './person-ids.ts';
import { Pseudonyms } from './pseudonyms.ts';
import type { EventRecord, FieldValue } from './record.ts';

const SHOWN_CHARACTERS = 40;

/** Thrown and caught within this file: a person field holds an object. */
class ObjectAsPerson extends Error {}

export class RecordFiller {
  readonly #timeRequired: boolean;
  readonly #paths: readonly FieldPath[];
  readonly #persons: readonly FieldPath[];
  /** By slot: the pseudonyms of a person field. Reused for every event. */
  readonly #pseudonyms: readonly (Pseudonyms | undefined)[];
  readonly #scratch = new Pseudonyms();
  readonly #hasher: PersonHasher;
  readonly #wantsWhole: boolean;
  readonly #replacesPersons: boolean;

  /** Freezes the table of fields. */
  constructor(options: DecoderOptions) {
    const { fields } = options;
    fields.freeze();
    const personFields = new Set(options.personFields ?? DEFAULT_PERSON_FIELDS);
    this.#timeRequired = options.timeRequired;
    this.#paths = fields.paths.map(fieldPath);
    this.#persons = [...personFields].map(fieldPath);
    this.#pseudonyms = fields.paths.map((path, slot) =>
      personFields.has(path) ? pseudonymsOf(fields, slot) : undefined,
    );
    this.#hasher = new PersonHasher(options.pseudonymKey);
    this.#wantsWhole = fields.wantsWhole;
    this.#replacesPersons = exposesPersons(options);
  }

  /**
   * Sets the event time: `value` is what the field `name` holds, `parse` returns NaN if that is no time. The time
   * is the only value of an event that a message shows.
   */
  time(
    value: FieldValue | undefined,
    parse: (value: FieldValue) => number,
    name: string,
    record: EventRecord,
  ): DecodeFault | undefined {
    record.time = NaN;
    if (value === undefined || value === null) {
      return this.#timeRequired ? noTimeFault(name) : undefined;
    }
    record.time = parse(value);
    return Number.isNaN(record.time) ? badTimeFault(name, value) : undefined;
  }

  /** Fills all but time and size. May replace person fields of `root` in place. */
  fill(root: JsonObject, record: EventRecord): DecodeFault | undefined {
    const slots = record.slots;
    for (const [slot, path] of this.#paths.entries()) {
      const pseudonyms = this.#pseudonyms[slot];
      if (pseudonyms === undefined) continue;
      const value = resolvePath(root, path);
      slots[slot] = value === undefined || value === null ? value : pseudonyms;
      pseudonyms.clear();
      if (value !== undefined && !this.#hasher.addValue(value, pseudonyms)) return badPersonFault(path.text);
    }
    if (this.#replacesPersons) {
      for (const path of this.#persons)
        if (!this.#replacePersons(root, path)) return badPersonFault(path.text);
    }
    for (const [slot, path] of this.#paths.entries()) {
      if (this.#pseudonyms[slot] === undefined) slots[slot] = resolvePath(root, path);
    }
    record.whole = this.#wantsWhole ? root : undefined;
    return undefined;
  }

  #replacePersons(root: JsonObject, path: FieldPath): boolean {
    try {
      replaceAll(root, path, (value) => {
        this.#scratch.length = 0;
        if (!this.#hasher.addValue(value, this.#scratch)) throw new ObjectAsPerson();
        return pseudonymTexts(value, this.#scratch);
      });
      return true;
    } catch (thrown) {
      if (thrown instanceof ObjectAsPerson) return false;
      throw thrown;
    }
  }
}

/**
 * True if persons' ids could be reached other than as a person field: the whole event is wanted, or a field above
 * or below a person field. Then every person field is replaced before any value is taken out.
 */
export function exposesPersons(options: DecoderOptions): boolean {
  const { fields, personFields = DEFAULT_PERSON_FIELDS } = options;
  if (fields.wantsWhole) return true;
  return fields.paths.some((path) =>
    personFields.some((person) => path.startsWith(`${person}.`) || person.startsWith(`${path}.`)),
  );
}

/** Fault of an event whose time, in the field `name`, is required and missing. */
export function noTimeFault(name: string): DecodeFault {
  return fault('NO_TIME', `${name} is missing or null`);
}

/** Fault of an event whose field `name` holds something other than a time. */
export function badTimeFault(name: string, value: FieldValue): DecodeFault {
  return fault('BAD_TIME', `${name} is no time: ${shown(value)}`);
}

/** Fault of an event with an object in place of a person's id in `path`. */
export function badPersonFault(path: string): DecodeFault {
  return fault('BAD_FIELD', `${path} holds an object where a person's id is expected`);
}

function shown(value: FieldValue): string {
  if (typeof value === 'object') return typeName(value);
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
