/** Rows as JSON, in and out: one statement, which throws what the client throws. */

import type { ClickHouse } from './client.ts';

export async function insertRows(
  clickHouse: ClickHouse,
  table: string,
  values: readonly object[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await clickHouse.client.insert({
    table: `${clickHouse.database}.${table}`,
    values,
    format: 'JSONEachRow',
    ...abortable(clickHouse, signal),
  });
}

export async function selectRows<Row>(
  clickHouse: ClickHouse,
  query: string,
  params: Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  const result = await clickHouse.client.query({
    query,
    query_params: params,
    format: 'JSONEachRow',
    ...abortable(clickHouse, signal),
  });
  return result.json<Row>();
}

/** The embedded engine goes on with an aborted statement, so there the end is awaited instead. */
function abortable({ kind }: ClickHouse, signal: AbortSignal | undefined): { abort_signal?: AbortSignal } {
  return signal === undefined || kind === 'embedded' ? {} : { abort_signal: signal };
}
