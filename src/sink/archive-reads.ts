/**
 * Reads of persons' data in the archive: the events of a time range and of groups, page by page in the order of the
 * table's key, so that neither this process nor the caller holds more than a page.
 *
 * A query here may return more events than the caller means, never fewer: the rule's own matcher decides which of them
 * match.
 */

import { z } from 'zod';
import { failing } from './classify.ts';
import type { ClickHouse } from './client.ts';
import { columnOf, EVENT_SELECT_LIST, eventFromRow } from './event-row.ts';
import { selectRows } from './json-rows.ts';
import type { ArchivedEvent } from './sink.ts';

const keySchema = z.strictObject({ userId: z.string(), time: z.number(), eventId: z.string() });

export const readsQuestionSchema = z.strictObject({
  /** Event times, ms since the epoch: after the first, up to and including the second. */
  after: z.number(),
  upTo: z.number(),
  /** Alternatives: an event qualifies if it holds every value of one. By dotted path. */
  anyOf: z.array(z.array(z.strictObject({ field: z.string(), value: z.string() }))),
  /** Where the previous page ended. */
  from: keySchema.optional(),
});

export type ReadsQuestion = z.infer<typeof readsQuestionSchema>;

export interface ReadsPage {
  readonly events: readonly ArchivedEvent[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: ReadsQuestion['from'];
}

/** Event times of the oldest and the newest archived event, ms since the epoch. */
export interface ArchiveSpan {
  readonly oldest: number;
  readonly newest: number;
}

/** Limits of a page, though its first row is always returned. */
const PAGE_ROWS = 5000;
const PAGE_BYTES = 4 << 20;

/** The field that holds how many records an event shows. */
export const RECORDS_FIELD = 'portal.records.count';

/** Returns undefined if nothing is archived. */
export async function archiveSpan(clickHouse: ClickHouse): Promise<ArchiveSpan | undefined> {
  const [row] = await rows(
    clickHouse,
    `SELECT count() AS events, toUnixTimestamp64Milli(min(time)) AS oldest, toUnixTimestamp64Milli(max(time)) AS newest
FROM ${clickHouse.database}.access_events`,
    {},
  );
  if (row === undefined || Number(row['events']) === 0) return undefined;
  return { oldest: Number(row['oldest']), newest: Number(row['newest']) };
}

/** Returns the next page. */
export async function archivedReads(clickHouse: ClickHouse, question: ReadsQuestion): Promise<ReadsPage> {
  const { condition, params } = conditionOf(question);
  const table = `${clickHouse.database}.access_events FINAL`;
  const found = await rows(
    clickHouse,
    `SELECT user_id AS userId, toUnixTimestamp64Milli(time) AS atMs, event_id AS eventId, byteSize(*) AS bytes
FROM ${table} WHERE ${condition} ORDER BY user_id, time, event_id LIMIT ${PAGE_ROWS}`,
    params,
  );
  let bytes = 0;
  let count = 0;
  while (count < found.length && (count === 0 || bytes + Number(found[count]!['bytes']) <= PAGE_BYTES)) {
    bytes += Number(found[count]!['bytes']);
    count += 1;
  }
  const last = found[count - 1];
  if (last === undefined) return { events: [], next: undefined };
  const end = {
    userId: String(last['userId']),
    time: Number(last['atMs']),
    eventId: String(last['eventId']),
  };
  const page = await rows(
    clickHouse,
    `SELECT ${EVENT_SELECT_LIST} FROM ${table} WHERE ${condition} AND ${KEY} <= ${keyParam('end')}
ORDER BY user_id, time, event_id`,
    { ...params, ...keyParams('end', end) },
  );
  const isLast = count === found.length && found.length < PAGE_ROWS;
  return { events: page.map(eventFromRow), next: isLast ? undefined : end };
}

const KEY = '(user_id, time, event_id)';

function keyParam(name: string): string {
  return `({${name}User:String}, fromUnixTimestamp64Milli({${name}Time:Int64}), {${name}Event:String})`;
}

function keyParams(name: string, key: z.infer<typeof keySchema>): Record<string, unknown> {
  return { [`${name}User`]: key.userId, [`${name}Time`]: key.time, [`${name}Event`]: key.eventId };
}

interface Conditions {
  readonly condition: string;
  readonly params: Record<string, unknown>;
}

function conditionOf({ after, upTo, anyOf, from }: ReadsQuestion): Conditions {
  const params: Record<string, unknown> = { after: Math.floor(after), upTo: Math.floor(upTo) };
  const named = (value: string): string => {
    const name = `v${Object.keys(params).length}`;
    params[name] = value;
    return `{${name}:String}`;
  };
  const conditions = [
    'time > fromUnixTimestamp64Milli({after:Int64})',
    'time <= fromUnixTimestamp64Milli({upTo:Int64})',
    `(notEmpty(persons) OR records > 0 OR mapContains(other, '${RECORDS_FIELD}'))`,
    or(anyOf.map((all) => and(all.map(({ field, value }) => holds(field, value, named))))),
  ];
  if (from !== undefined) {
    // `user_id` also on its own, because an index can use that.
    conditions.push('user_id >= {fromUser:String}', `${KEY} > ${keyParam('from')}`);
    Object.assign(params, keyParams('from', from));
  }
  return { condition: and(conditions), params };
}

/** A field of a single-value column that has several values has all of them in `other`. */
function holds(field: string, value: string, named: (value: string) => string): string {
  const text = named(value);
  const other = `has(other[${named(field)}], ${text})`;
  const column = columnOf(field);
  if (column === undefined) return other;
  const { name, kind } = column;
  if (kind === 'list') return `has(${name}, ${text})`;
  return `(${kind === 'text' ? name : `toString(${name})`} = ${text} OR ${other})`;
}

const and = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '1' : conditions.join(' AND ');

const or = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '0' : `(${conditions.map((each) => `(${each})`).join(' OR ')})`;

function rows(
  clickHouse: ClickHouse,
  query: string,
  params: Record<string, unknown>,
): Promise<Record<string, unknown>[]> {
  return selectRows<Record<string, unknown>>(clickHouse, query, params).catch(
    failing('reading the archive', clickHouse),
  );
}
