/**
 * Rows as JSON, in and out: one statement, which throws what the client throws.
 *
 * Guarantee: what resolves was stored, or is all that was asked for. A server that has told of its progress has sent a
 * status of 200 by then, and what fails after that is a text in its answer, which the client does not look at.
 */

import { addAbortSignal, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type ClickHouseSettings, parseError } from '@clickhouse/client';
import type { ClickHouse } from './client.ts';

/** A profile that has rows wait in the server's memory would have it acknowledge what it may still lose or refuse. */
const STORED_AT_ONCE = { async_insert: 0 } as const;

export async function insertRows(
  clickHouse: ClickHouse,
  table: string,
  values: readonly object[],
  signal?: AbortSignal,
): Promise<void> {
  if (values.length === 0) return;
  const rows = values.map((row) => `${JSON.stringify(row)}\n`).join('');
  const { stream } = await clickHouse.client.exec({
    query: `INSERT INTO ${clickHouse.database}.${table} FORMAT JSONEachRow`,
    values: Readable.from(rows),
    ...(clickHouse.kind === 'embedded' ? {} : { clickhouse_settings: STORED_AT_ONCE }),
    ...abortable(clickHouse, signal),
  });
  // The client's own signal is for the head of the answer.
  const { abort_signal } = abortable(clickHouse, signal);
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
  const result = await clickHouse.client.query({
    query,
    query_params: params,
    format: 'JSONEachRow',
    clickhouse_settings: settings,
    ...abortable(clickHouse, signal),
  });
  const answer = await result.text();
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
  return from < 0 ? new Error('the answer is not what was asked for') : parseError(answer.slice(from));
}

/** The embedded engine goes on with an aborted statement, so there the end is awaited instead. */
function abortable({ kind }: ClickHouse, signal: AbortSignal | undefined): { abort_signal?: AbortSignal } {
  return signal === undefined || kind === 'embedded' ? {} : { abort_signal: signal };
}
