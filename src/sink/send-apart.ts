/**
 * Sending rows of which some may be such that the table refuses them: a row that is refused for what it holds must
 * not keep all others from their place.
 */

import { VigieError } from '../errors.ts';

interface Refused<Row> {
  readonly row: Row;
  readonly error: VigieError;
}

/** When more rows of one sending are refused, it is not for what they hold: the table was changed. */
const MAX_REFUSED = 100;

/**
 * Sends all rows, by halves where they are refused together, and resolves with those that are refused alone.
 * Rejects with whatever else goes wrong, and when too many are refused; rows may then have been sent.
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
