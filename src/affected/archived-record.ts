/** An archived event as the record that matchers read: what the decoder made of it, as far as the archive kept it. */

import { isPseudonym, Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldTable, FieldValue } from '../event/record.ts';
import type { ArchivedEvent } from '../sink/sink.ts';

/** How the events were decoded. */
export interface RecordSettings {
  readonly personFields: readonly string[];
  readonly timestampField: string;
}

export class ArchivedRecord {
  readonly record: EventRecord;
  readonly #fields: readonly { readonly path: string; readonly isPerson: boolean }[];
  readonly #timestampField: string;

  /** Freezes the table of fields. */
  constructor(fields: FieldTable, { personFields, timestampField }: RecordSettings) {
    fields.freeze();
    this.record = fields.newRecord();
    this.#fields = fields.paths.map((path) => ({ path, isPerson: personFields.includes(path) }));
    this.#timestampField = timestampField;
  }

  /** Fills the record with this event. */
  readonly fill = (event: ArchivedEvent): void => {
    this.record.time = event.time;
    this.#fields.forEach(({ path, isPerson }, slot) => {
      const value = Object.hasOwn(event.fields, path) ? event.fields[path] : this.#elsewhere(path, event);
      const persons = isPerson && value !== undefined ? pseudonymsOf(value) : undefined;
      this.record.slots[slot] = persons ?? valueOf(value);
    });
  };

  /** Fields that have their own column rather than a path. */
  #elsewhere(path: string, { eventId, time }: ArchivedEvent): string | undefined {
    if (path === 'event.id') return eventId;
    return path === this.#timestampField ? new Date(time).toISOString() : undefined;
  }
}

function valueOf(value: string | readonly string[] | undefined): FieldValue | undefined {
  if (typeof value !== 'object') return value;
  return value.length === 0 ? null : [...value];
}

/** Undefined if there are no texts, or not all are pseudonyms. */
export function pseudonymsOf(value: string | readonly string[]): Pseudonyms | undefined {
  const texts = typeof value === 'string' ? [value] : value;
  if (texts.length === 0 || !texts.every(isPseudonym)) return undefined;
  const words = new Uint32Array(2 * texts.length);
  texts.forEach((text, i) => {
    words[2 * i] = Number.parseInt(text.slice(0, 8), 16);
    words[2 * i + 1] = Number.parseInt(text.slice(8), 16);
  });
  return new Pseudonyms(words, texts.length);
}
