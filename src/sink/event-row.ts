/**
 * An archived event as a row of table `access_events`, and back.
 *
 * Nothing in an event may make ClickHouse refuse the whole batch: a value that does not fit the column of its field (a
 * word instead of a number, a list instead of a single value) goes to `other`, as does every field without a column. So
 * no value is lost and no event is a poison pill. Values that a column could not distinguish from an absent field (an
 * empty text, a zero) go there too, because rules may ask for them.
 */

import type { ArchivedEvent } from './sink.ts';

type Kind = 'text' | 'list' | 'uint16' | 'uint32' | 'uint64';

/** Dotted path → column. */
const COLUMNS: ReadonlyMap<string, readonly [name: string, kind: Kind]> = new Map([
  ['event.action', ['action', 'text']],
  ['event.outcome', ['outcome', 'text']],
  ['event.reason', ['reason', 'text']],
  ['user.id', ['user_id', 'text']],
  ['user.roles', ['user_roles', 'list']],
  ['user.target.id', ['target_user_id', 'text']],
  ['organization.id', ['organization_id', 'text']],
  ['organization.name', ['organization_name', 'text']],
  ['source.ip', ['source_ip', 'text']],
  ['source.as.number', ['source_as_number', 'uint32']],
  ['source.geo.country_iso_code', ['source_country', 'text']],
  ['user_agent.original', ['user_agent', 'text']],
  ['http.request.method', ['http_method', 'text']],
  ['http.response.status_code', ['http_status', 'uint16']],
  ['http.response.body.bytes', ['response_bytes', 'uint64']],
  ['url.path', ['url_path', 'text']],
  ['service.name', ['application', 'text']],
  ['portal.app.lifecycle', ['application_lifecycle', 'text']],
  ['portal.session.id', ['session_id', 'text']],
  ['portal.auth.amr', ['authentication_methods', 'list']],
  ['portal.records.count', ['records', 'uint64']],
  ['portal.records.out_of_scope_count', ['records_out_of_scope', 'uint64']],
  ['portal.records.ids', ['persons', 'list']],
  ['portal.records.structures', ['structures', 'list']],
  ['portal.records.sensitivity', ['sensitivity', 'list']],
]);

const LARGEST: Readonly<Partial<Record<Kind, number>>> = {
  uint16: 0xffff,
  uint32: 0xffff_ffff,
  uint64: Number.MAX_SAFE_INTEGER,
};

const DAY_MS = 86_400_000;

/** The paths that have a column of their own: the fields that the archive requests from the decoder. */
export const ARCHIVED_FIELDS: readonly string[] = [...COLUMNS.keys()];

/** The columns that `eventFromRow` reads. */
export const EVENT_SELECT_LIST = `event_id, toUnixTimestamp64Milli(time) AS atMs, ${[...COLUMNS.values()].map(([name]) => name).join(', ')}, other`;

/** The column of a field and the form in which it holds the field's text; undefined for fields without a column. */
export function columnOf(
  path: string,
): { readonly name: string; readonly kind: 'text' | 'list' | 'number' } | undefined {
  const column = COLUMNS.get(path);
  if (column === undefined) return undefined;
  const [name, kind] = column;
  return { name, kind: kind === 'text' || kind === 'list' ? kind : 'number' };
}

/** The event of a row. A list of one value may come back as that value, which means the same to every rule. */
export function eventFromRow(row: Readonly<Record<string, unknown>>): ArchivedEvent {
  const fields: [path: string, value: string | readonly string[]][] = [];
  for (const [path, [name, kind]] of COLUMNS) {
    const cell = row[name];
    if (kind === 'list') {
      if ((cell as readonly string[]).length > 0) fields.push([path, cell as readonly string[]]);
      continue;
    }
    // Servers differ in whether 64-bit integers come as text.
    const text = String(cell);
    if (text !== '' && (kind === 'text' || text !== '0')) fields.push([path, text]);
  }
  for (const [path, texts] of Object.entries(row['other'] as Record<string, readonly string[]>)) {
    fields.push([path, texts.length === 1 ? texts[0]! : texts]);
  }
  return {
    eventId: String(row['event_id']),
    time: Number(row['atMs']),
    fields: Object.fromEntries(fields),
  };
}

/** The row to insert as JSONEachRow. */
export function eventToRow(event: ArchivedEvent): Record<string, unknown> {
  const row: Record<string, unknown> = {
    event_id: event.eventId.toWellFormed(),
    time: Math.round(event.time),
  };
  let other: Record<string, readonly string[]> | undefined;
  for (const [path, value] of Object.entries(event.fields)) {
    const column = COLUMNS.get(path);
    const cell = column === undefined ? undefined : cellOf(value, column[1]);
    if (column !== undefined && cell !== undefined) {
      row[column[0]] = cell;
    } else {
      other ??= Object.create(null) as Record<string, readonly string[]>;
      other[path.toWellFormed()] = typeof value === 'string' ? [value.toWellFormed()] : wellFormedList(value);
    }
  }
  if (other !== undefined) row['other'] = other;
  return row;
}

/** The value as the column takes it; undefined if it does not fit, or would not come back as the same value. */
function cellOf(value: string | readonly string[], kind: Kind): unknown {
  if (kind === 'list') {
    if (typeof value === 'string') return [value.toWellFormed()];
    return value.length === 0 ? undefined : wellFormedList(value);
  }
  const single = typeof value === 'string' ? value : value.length === 1 ? value[0] : undefined;
  if (single === undefined || single === '') return undefined;
  if (kind === 'text') return single.toWellFormed();
  return /^[1-9]\d{0,15}$/.test(single) && Number(single) <= LARGEST[kind]! ? Number(single) : undefined;
}

/**
 * Cuts events into inserts of at most `maxRows` rows and `maxDays` days: the table has one partition per day,
 * and ClickHouse refuses an insert that touches too many (100 by default).
 */
export function eventInserts(
  events: readonly ArchivedEvent[],
  maxRows: number,
  maxDays: number,
): ArchivedEvent[][] {
  // Sorted by day, so that neighbours share an insert; the sort is stable and leaves a sorted run as it is.
  const sorted = events.toSorted((a, b) => dayOf(a) - dayOf(b));
  const inserts: ArchivedEvent[][] = [];
  let current: ArchivedEvent[] = [];
  let days = 0;
  let lastDay = NaN;
  for (const event of sorted) {
    const day = dayOf(event);
    const isNewDay = day !== lastDay;
    if (current.length > 0 && (current.length >= maxRows || (isNewDay && days >= maxDays))) {
      inserts.push(current);
      current = [];
      days = 0;
    }
    if (isNewDay || current.length === 0) days++;
    lastDay = day;
    current.push(event);
  }
  if (current.length > 0) inserts.push(current);
  return inserts;
}

/** Nearly always returns the list itself: a copy per event would cost more than the rest of the row. */
function wellFormedList(texts: readonly string[]): readonly string[] {
  return texts.every((text) => text.isWellFormed()) ? texts : texts.map((text) => text.toWellFormed());
}

function dayOf(event: ArchivedEvent): number {
  return Math.floor(event.time / DAY_MS);
}
