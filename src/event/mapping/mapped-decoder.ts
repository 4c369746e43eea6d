/**
 * The decoder for logs that are not access events: reads a line in the log's own form, assigns its values to
 * fields of the event as a mapping says, and goes on as for any event: same time rules, persons hashed the same
 * way, same dead-letter codes.
 *
 * A line is an event, a fault, or skipped because the mapping says so; there is no other outcome. The event is
 * what the mapping makes of the line: keyword searches see only that.
 *
 * State: for the W3C format without `fields:`, the columns that the last `#Fields:` line named. Such a decoder
 * belongs to one file read from its start.
 */

import { DEFAULT_MAX_EVENT_BYTES, DEFAULT_TIMESTAMP_FIELD, type DecoderOptions } from '../decoder-options.ts';
import type { Decoder, Skipped, Undecoded } from '../decoder.ts';
import { fieldPath, resolvePath, type FieldPath, type JsonObject } from '../field-path.ts';
import { pseudonymText } from '../pseudonyms.ts';
import { RecordFiller } from '../record-filler.ts';
import type { EventRecord, FieldValue } from '../record.ts';
import { SipHash } from '../siphash.ts';
import { compileAssignments, type Assignment } from './assignments.ts';
import { compileWhen, type LineTest } from './conditions.ts';
import { lineReader, type LineReader } from './line-readers.ts';
import { timeParser, type TimeFormat } from './log-time.ts';
import type { Mapping } from './mapping.ts';

export interface MappedDecoderOptions extends DecoderOptions {
  readonly mapping: Mapping;
}

interface Case {
  readonly name: string;
  readonly holds: LineTest;
  readonly skipped: Skipped | undefined;
  readonly assignments: readonly (Assignment & { readonly keys: readonly string[] })[];
}

const DIRECTIVE = skipped('directive', 'the line speaks of the log itself');
const NO_CASE = skipped('no case', 'no case of the mapping holds');

export class MappedDecoder implements Decoder {
  readonly #read: LineReader;
  readonly #cases: readonly Case[];
  /** For lines that fit no case; if undefined, they are skipped. */
  readonly #plain: Case | undefined;
  readonly #time: readonly FieldPath[];
  readonly #timeName: string;
  readonly #format: TimeFormat;
  readonly #parseTime: (value: FieldValue) => number;
  /** Keys of the time in the event, if anybody asks for it there. */
  readonly #timeKeys: readonly string[] | undefined;
  readonly #id: readonly FieldPath[] | undefined;
  readonly #idHash: SipHash;
  readonly #filler: RecordFiller;
  /** Name of the case of the last line; undefined if none held or it was skipped. */
  lastCase: string | undefined;
  replaced = 0;

  /** Freezes the table of fields. */
  constructor(options: MappedDecoderOptions) {
    const { mapping, fields, timestampField = DEFAULT_TIMESTAMP_FIELD } = options;
    const wanted = (target: string): boolean =>
      fields.wantsWhole ||
      fields.paths.some(
        (path) => path === target || path.startsWith(`${target}.`) || target.startsWith(`${path}.`),
      );
    const compiled = (own: { name: string } & NonNullable<Mapping['cases']>[number]): Case => ({
      name: own.name,
      holds: compileWhen(own.when),
      skipped: own.skip === true ? skipped(own.name, `the case "${own.name}" skips the line`) : undefined,
      assignments: compileAssignments(mapping, own)
        .filter(({ target }) => wanted(target))
        .map((assignment) => Object.assign(assignment, { keys: assignment.target.split('.') })),
    });
    const { cases = [], else: otherwise = cases.length === 0 ? 'keep' : 'skip' } = mapping;
    this.#read = lineReader(mapping, options.maxEventBytes ?? DEFAULT_MAX_EVENT_BYTES);
    this.#cases = cases.map(compiled);
    this.#plain = otherwise === 'keep' ? compiled({ name: '' }) : undefined;
    const timeFields = [mapping.time.field].flat();
    this.#time = timeFields.map(fieldPath);
    this.#timeName = timeFields.join(' and ');
    this.#format = mapping.time.format ?? 'iso';
    this.#parseTime = timeParser(this.#format);
    this.#timeKeys = wanted(timestampField) ? timestampField.split('.') : undefined;
    this.#id = mapping.id === undefined ? undefined : [mapping.id.from].flat().map(fieldPath);
    this.#idHash = new SipHash(options.pseudonymKey);
    this.#filler = new RecordFiller(options);
  }

  decode(data: Uint8Array, start: number, end: number, record: EventRecord): Undecoded | undefined {
    this.lastCase = undefined;
    const { source, fault, replaced } = this.#read(data, start, end);
    if (fault !== undefined) return fault === 'directive' ? DIRECTIVE : fault;
    if (replaced) this.replaced += 1;
    const chosen = this.#cases.find(({ holds }) => holds(source)) ?? this.#plain;
    if (chosen === undefined) return NO_CASE;
    if (chosen.skipped !== undefined) return chosen.skipped;
    if (chosen !== this.#plain) this.lastCase = chosen.name;
    record.size = end - start;
    const badTime = this.#filler.time(this.#timeOf(source), this.#parseTime, this.#timeName, record);
    if (badTime?.code === 'BAD_TIME' && this.#format !== 'iso') {
      return { ...badTime, message: `${badTime.message}; the mapping reads it as ${this.#format}` };
    }
    if (badTime !== undefined) return badTime;
    return this.#filler.fill(this.#event(source, chosen, record.time), record);
  }

  #event(source: JsonObject, { assignments }: Case, time: number): JsonObject {
    const event: JsonObject = {};
    if (this.#timeKeys !== undefined && !Number.isNaN(time)) {
      put(event, this.#timeKeys, new Date(time).toISOString());
    }
    const id = this.#id === undefined ? undefined : this.#idOf(source, this.#id);
    if (id !== undefined) put(event, ID_KEYS, id);
    for (const { keys, value } of assignments) {
      const given = value(source);
      if (given !== undefined) put(event, keys, given);
    }
    return event;
  }

  /** The value of the time field, or of several joined by spaces, as for separate date and time. */
  #timeOf(source: JsonObject): FieldValue | undefined {
    const values = this.#time.map((path) => resolvePath(source, path) ?? undefined);
    if (values.length === 1) return values[0];
    return values.includes(undefined) ? undefined : values.map(String).join(' ');
  }

  /** A keyed hash, because the values may identify a person. */
  #idOf(source: JsonObject, paths: readonly FieldPath[]): string | undefined {
    const values = paths.map((path) => resolvePath(source, path) ?? null);
    if (values.every((value) => value === null)) return undefined;
    this.#idHash.hashString(JSON.stringify(values));
    return pseudonymText(this.#idHash.out[0]!, this.#idHash.out[1]!);
  }
}

const ID_KEYS = ['event', 'id'];

function skipped(reason: string, message: string): Skipped {
  return { code: 'SKIPPED', reason, message };
}

/** `mapping-checks.ts` ensures that no target lies below another one, and that none is called `__proto__`. */
function put(event: JsonObject, keys: readonly string[], value: FieldValue): void {
  let at = event;
  for (let i = 0; i < keys.length - 1; i++) {
    const key = keys[i]!;
    // Own keys only: a field may be called `constructor`.
    if (!Object.hasOwn(at, key)) at[key] = {};
    at = at[key] as JsonObject;
  }
  at[keys.at(-1)!] = value;
}
