/**
 * Rows as JSON, in and out: one statement, which throws what the client throws.
 *
 * Guarantee: what resolves was stored, or is all that was asked for. A server that has told of its progress has sent a
 * status of 200 by then, and what fails after that is a text in its answer, which the client does not look at.
 */

import { addAbortSignal, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ClickHouseError, type ClickHouseSettings, parseError } from '@clickhouse/client';
import { orAborted } from '../abort.ts';
import { withoutRows } from './classify.ts';
import type { ClickHouse } from './client.ts';

/**
 * A profile that has rows wait in the server's memory would have it acknowledge what it may still lose or refuse; one
 * that tells of progress, send the status before it knows. And of a table that lacks a column, it would leave out the values.
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
  // The client's own signal is for the head of the answer.
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
  // The client's own signal is for the head of the answer.
  const answer = await orAborted(result.text(), abort.abort_signal);
  const lines = answer.split('\n');
  // Each row ends its line: what is left over is one that was cut off.
  if (lines.pop() !== '') throw failureIn(answer);
  try {
    return lines.map((line) => JSON.parse(line) as Row);
  } catch {
    throw failureIn(answer);
  }
}

/** Of rows nothing is repeated: they name accounts. */
function failureIn(answer: string): Error {
  const from = answer.search(/^(?:Code|Error): \d+/m);
  const found = from < 0 ? undefined : parseError(answer.slice(from));
  // One that was cut off is handed on as the text that it is.
  return found instanceof ClickHouseError ? found : new Error('the answer is not what was asked for');
}

/** The embedded engine goes on with an aborted statement, so there the end is awaited instead. */
function abortable({ kind }: ClickHouse, signal: AbortSignal | undefined): { abort_signal?: AbortSignal } {
  return signal === undefined || kind === 'embedded' ? {} : { abort_signal: signal };
}
