/**
 * Hunts over the archive: runs a compiled rule's statement, and says whether the archive has the fields that it reads.
 */

import { z } from 'zod';
import { HUNT_SETTINGS } from '../hunt/compile-hunt.ts';
import { FRACTIONS } from '../hunt/measured-sql.ts';
import { VigieError } from '../errors.ts';
import { clickHouseFailure, failing } from './classify.ts';
import type { ClickHouse } from './client.ts';
import { selectRows } from './json-rows.ts';

export const huntQuestionSchema = z.strictObject({
  /** From `compileHunt`. */
  sql: z.string(),
  /** The fields it reads that have no column, by dotted path. */
  fields: z.array(z.string()),
});

export type HuntQuestion = z.infer<typeof huntQuestionSchema>;

export interface HuntAnswer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** The requested fields, with the time since which each has been archived. */
  readonly fields: readonly FieldKept[];
}

export interface FieldKept {
  readonly path: string;
  readonly since: number | null;
  /** Number of events archived before `since`: nobody knows whether they had the field. */
  readonly before: number;
}

/** Memory limit of an embedded hunt, bytes. */
const MEMORY_BYTES = 2 * 2 ** 30;

/**
 * Runs a hunt. Returns no rows if one of the fields was never archived. Throws ARGUMENT_INVALID unless `sql` is a
 * single query, HUNT_FRACTIONS, HUNT_TOO_LARGE, and failures of ClickHouse.
 */
export async function archiveHunt(
  clickHouse: ClickHouse,
  { sql, fields }: HuntQuestion,
): Promise<HuntAnswer> {
  if (sql.includes(';') || !/^(?:--.*\n)*(?:WITH|SELECT)\s/.test(sql)) {
    throw new VigieError('ARGUMENT_INVALID', 'a hunt is one statement that begins with WITH or SELECT', {
      remedy: 'Use the same release of Vigie for the command and the running process.',
    });
  }
  const kept: FieldKept[] = [];
  for (const path of fields) kept.push(await fieldKept(clickHouse, path));
  if (kept.some(({ since }) => since === null)) return { rows: [], fields: kept };
  try {
    // The embedded engine shares the memory of a service that holds it. The limit is for this statement alone.
    const bound = clickHouse.kind === 'embedded' ? `, max_memory_usage = ${MEMORY_BYTES}` : '';
    return { rows: await rowsOf(clickHouse, `${sql}\n${HUNT_SETTINGS}${bound}`), fields: kept };
  } catch (error) {
    if (String(error).includes(FRACTIONS)) throw fractions();
    if (/memory limit/i.test(String(error))) throw tooLarge(error);
    throw clickHouseFailure(error, `hunting in the archive at ${clickHouse.place}`);
  }
}

async function fieldKept(clickHouse: ClickHouse, path: string): Promise<FieldKept> {
  const table = `${clickHouse.database}.access_events`;
  const kept = 'mapContains(other, {path:String})';
  const sql = `WITH (SELECT minOrNull(archived_at) FROM ${table} WHERE ${kept}) AS first
SELECT toUnixTimestamp(first) AS since, countIf(archived_at < first) AS before FROM ${table}`;
  const [row] = await rowsOf(clickHouse, sql, { path }).catch(failing('reading the archive', clickHouse));
  const since = row?.['since'];
  if (since === null || since === undefined) return { path, since: null, before: 0 };
  return { path, since: 1000 * Number(since), before: Number(row!['before']) };
}

const READ_ONLY = { readonly: '2' } as const;

async function rowsOf(
  clickHouse: ClickHouse,
  query: string,
  params: Record<string, unknown> = {},
): Promise<Record<string, unknown>[]> {
  // Read-only: nothing but settings may change. The embedded engine would keep that for all later statements.
  return selectRows(clickHouse, query, params, undefined, clickHouse.kind === 'server' ? READ_ONLY : {});
}

function tooLarge(cause: unknown): VigieError {
  return new VigieError('HUNT_TOO_LARGE', 'the hunt needs more memory than it may have', {
    remedy: 'Ask for a shorter time with --since and --until, and then for the next.',
    cause,
  });
}

function fractions(): VigieError {
  return new VigieError(
    'HUNT_FRACTIONS',
    'some amount that the rule adds is no whole number below 2^53, so the sum would not be exact',
    { remedy: 'Run the rule over the log itself: vigie eval --rules … --input …' },
  );
}
