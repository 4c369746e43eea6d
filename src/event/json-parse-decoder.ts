/**
 * The reference decoder, over `JSON.parse`. It defines what decoding means; the scanner must agree with it on
 * every input and hands over to it whatever is unusual.
 *
 * Checks run in this order, and the first that fails names the dead letter: size, UTF-8, JSON syntax, depth,
 * an object at the root, time, persons' ids. No message quotes the event, whose bytes may hold a person's id;
 * only the value of the time field is shown.
 */

import {
  DEFAULT_MAX_EVENT_BYTES,
  DEFAULT_PERSON_FIELDS,
  DEFAULT_TIMESTAMP_FIELD,
  MAX_DEPTH,
  type DecoderOptions,
} from './decoder-options.ts';
import type { DeadLetterCode, DecodeFault, Decoder } from './decoder.ts';
import {
  fieldPath,
  isObject,
  replaceAll,
  resolvePath,
  type FieldPath,
  type JsonObject,
} from './field-path.ts';
import { jsonFaultAt } from './json-skip.ts';
import { PersonHasher, pseudonymsOf, pseudonymTexts } from './person-ids.ts';
import { Pseudonyms } from './pseudonyms.ts';
import type { EventRecord, FieldValue } from './record.ts';
import { parseTime } from './time.ts';
import { invalidUtf8At, startsWithByteOrderMark } from './utf8.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const SHOWN_CHARACTERS = 40;

/** Thrown and caught within this file: a person field holds an object. */
class ObjectAsPerson extends Error {}

export class JsonParseDecoder implements Decoder {
  readonly #time: FieldPath;
  readonly #timeRequired: boolean;
  readonly #maxEventBytes: number;
  readonly #paths: readonly FieldPath[];
  readonly #persons: readonly FieldPath[];
  /** By slot: where the pseudonyms go when the slot is a person field. Reused for every event. */
  readonly #pseudonyms: readonly (Pseudonyms | undefined)[];
  readonly #scratch = new Pseudonyms();
  readonly #hasher: PersonHasher;
  readonly #wantsWhole: boolean;
  readonly #replacesPersons: boolean;

  constructor(options: DecoderOptions) {
    const { fields } = options;
    fields.freeze();
    const personFields = new Set(options.personFields ?? DEFAULT_PERSON_FIELDS);
    this.#time = fieldPath(options.timestampField ?? DEFAULT_TIMESTAMP_FIELD);
    this.#timeRequired = options.timeRequired;
    this.#maxEventBytes = options.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES;
    this.#paths = fields.paths.map(fieldPath);
    this.#persons = [...personFields].map(fieldPath);
    this.#pseudonyms = fields.paths.map((path, slot) =>
      personFields.has(path) ? pseudonymsOf(fields, slot) : undefined,
    );
    this.#hasher = new PersonHasher(options.pseudonymKey);
    this.#wantsWhole = fields.wantsWhole;
    this.#replacesPersons = exposesPersons(options);
  }

  decode(data: Uint8Array, start: number, end: number, record: EventRecord): DecodeFault | undefined {
    const size = end - start;
    if (size > this.#maxEventBytes) {
      return fault('TOO_LARGE', `the event has ${size} bytes, more than ${this.#maxEventBytes}`);
    }
    const from = startsWithByteOrderMark(data, start, end) ? start + 3 : start;
    let text: string;
    try {
      text = utf8.decode(data.subarray(from, end));
    } catch {
      return fault('NOT_UTF8', `byte ${invalidUtf8At(data, from, end) - start} is not UTF-8`);
    }
    let root: FieldValue;
    try {
      root = JSON.parse(text) as FieldValue;
    } catch {
      return fault('NOT_JSON', notJson(data, start, from, end));
    }
    if (depthOf(data, from, end) > MAX_DEPTH) {
      return fault('TOO_DEEP', `brackets are nested deeper than ${MAX_DEPTH}`);
    }
    if (!isObject(root)) {
      return fault('NOT_AN_OBJECT', `the event is ${typeName(root)}, not an object`);
    }
    record.size = size;
    return this.#fill(root, record);
  }

  #fill(root: JsonObject, record: EventRecord): DecodeFault | undefined {
    const time = resolvePath(root, this.#time) ?? null;
    if (time === null && this.#timeRequired) return fault('NO_TIME', `${this.#time.text} is missing or null`);
    record.time = parseTime(time);
    if (time !== null && Number.isNaN(record.time)) {
      return fault('BAD_TIME', `${this.#time.text} is no time: ${shown(time)}`);
    }
    const slots = record.slots;
    for (const [slot, path] of this.#paths.entries()) {
      const pseudonyms = this.#pseudonyms[slot];
      if (pseudonyms === undefined) continue;
      const value = resolvePath(root, path);
      slots[slot] = value === undefined || value === null ? value : pseudonyms;
      pseudonyms.clear();
      if (value !== undefined && !this.#hasher.addValue(value, pseudonyms)) return badPerson(path);
    }
    if (this.#replacesPersons) {
      for (const path of this.#persons) if (!this.#replacePersons(root, path)) return badPerson(path);
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
 * True when persons' ids could be reached other than as a person field: the whole event is wanted, or a field
 * above or below a person field. Then every person field is replaced before anything is taken out.
 */
export function exposesPersons(options: DecoderOptions): boolean {
  const { fields, personFields = DEFAULT_PERSON_FIELDS } = options;
  if (fields.wantsWhole) return true;
  return fields.paths.some((path) =>
    personFields.some((person) => path.startsWith(`${person}.`) || person.startsWith(`${path}.`)),
  );
}

/** Most brackets open at once in valid JSON. */
function depthOf(data: Uint8Array, start: number, end: number): number {
  if (end - start <= 2 * MAX_DEPTH) return 0; // too short to be too deep
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = start; i < end; i++) {
    const byte = data[i]!;
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}

function fault(code: DeadLetterCode, message: string): DecodeFault {
  return { code, message };
}

function badPerson(path: FieldPath): DecodeFault {
  return fault('BAD_FIELD', `${path.text} holds an object where a person's id is expected`);
}

function notJson(data: Uint8Array, start: number, from: number, end: number): string {
  const at = jsonFaultAt(data, from, end);
  return at >= end ? `the JSON ends early, after ${end - start} bytes` : `byte ${at - start} breaks the JSON`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function shown(value: FieldValue): string {
  if (typeof value === 'object') return typeName(value);
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
