/**
 * Rows as JSON, in and out, one statement at a time. Throws what the client throws.
 *
 * Guarantee: when a call resolves, all rows are stored, or the answer is complete. A server that reports progress has
 * already sent status 200, so a later failure is only a text in the body, which the client does not check.
 */

import { addAbortSignal, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ClickHouseError, type ClickHouseSettings, parseError } from '@clickhouse/client';
import { orAborted } from '../abort.ts';
import { withoutRows } from './classify.ts';
import type { ClickHouse } from './client.ts';

/**
 * Overrides of a user's profile. With asynchronous inserts, the server would acknowledge rows that it may still lose or
 * refuse; with progress headers, it would send the status before the outcome is known; and it would drop values for
 * columns that the table lacks.
 */
const STORED_WHOLE = {
  async_insert: 0,
  send_progress_in_http_headers: 0,
  input_format_skip_unknown_fields: 0,
} as const;

export async function insertRows(
  clickHouse: ClickHouse,
  table: string,
  values: readonly object[],
  signal?: AbortSignal,
): Promise<void> {
  if (values.length === 0) return;
  const rows = values.map((row) => `${JSON.stringify(row)}\n`).join('');
  try {
    await insert(clickHouse, table, rows, signal);
  } catch (error) {
    throw withoutRows(error);
  }
}

async function insert(
  clickHouse: ClickHouse,
  table: string,
  rows: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = abortable(clickHouse, signal);
  const { stream } = await clickHouse.client.exec({
    query: `INSERT INTO ${clickHouse.database}.${table} FORMAT JSONEachRow`,
    values: Readable.from(rows),
    ...(clickHouse.kind === 'embedded' ? {} : { clickhouse_settings: STORED_WHOLE }),
    ...abort,
  });
  // The client applies its signal only to the head of the response.
  const { abort_signal } = abort;
  const answer = await text(abort_signal === undefined ? stream : addAbortSignal(abort_signal, stream));
  if (answer.trim() !== '') throw failureIn(answer);
}

export async function selectRows<Row>(
  clickHouse: ClickHouse,
  query: string,
  params: Record<string, unknown>,
  signal?: AbortSignal,
  settings: ClickHouseSettings = {},
): Promise<Row[]> {
  const abort = abortable(clickHouse, signal);
  const result = await clickHouse.client.query({
    query,
    query_params: params,
    format: 'JSONEachRow',
    clickhouse_settings: settings,
    ...abort,
  });
  // The client applies its signal only to the head of the response.
  const answer = await orAborted(result.text(), abort.abort_signal);
  const lines = answer.split('\n');
  // Each row ends with a newline: any remainder is a row that was cut off.
  if (lines.pop() !== '') throw failureIn(answer);
  try {
    return lines.map((line) => JSON.parse(line) as Row);
  } catch {
    throw failureIn(answer);
  }
}

/** Quotes no row, because rows name accounts. */
function failureIn(answer: string): Error {
  const from = answer.search(/^(?:Code|Error): \d+/m);
  const found = from < 0 ? undefined : parseError(answer.slice(from));
  // `parseError` does not recognise a message that was cut off.
  return found instanceof ClickHouseError ? found : new Error('the answer is not what was asked for');
}

/** The embedded engine goes on with an aborted statement, so its end is awaited instead. */
function abortable({ kind }: ClickHouse, signal: AbortSignal | undefined): { abort_signal?: AbortSignal } {
  return signal === undefined || kind === 'embedded' ? {} : { abort_signal: signal };
}
