/** Sends rows of which the table may refuse some: a row refused for its content must not hold back the others. */

import { VigieError } from '../errors.ts';

interface Refused<Row> {
  readonly row: Row;
  readonly error: VigieError;
}

/** If more rows of one call are refused, their content is not the reason: the table was changed. */
const MAX_REFUSED = 100;

/**
 * Sends all rows, halving batches that are refused, and resolves with the rows that are refused on their own. Rejects
 * with any other failure, and if too many rows are refused; some may then have been sent.
 */
export async function sendApart<Row>(
  rows: readonly Row[],
  send: (rows: readonly Row[]) => Promise<void>,
  refused: Refused<Row>[] = [],
): Promise<readonly Refused<Row>[]> {
  try {
    await send(rows);
  } catch (error) {
    if (!(error instanceof VigieError) || error.code !== 'CLICKHOUSE_ROW_REFUSED') throw error;
    const [first] = rows;
    if (rows.length === 1) refused.push({ row: first!, error });
    if (refused.length > MAX_REFUSED) throw error;
    if (rows.length === 1) return refused;
    const half = rows.length / 2;
    await sendApart(rows.slice(0, half), send, refused);
    await sendApart(rows.slice(half), send, refused);
  }
  return refused;
}
