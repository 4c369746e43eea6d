/**
 * Checks that ClickHouse answers and has the tables, even while there is nothing to write: alerts are rare, and a
 * missing database must not be discovered by the first alert after a quiet night.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { clickHouseFailure } from './classify.ts';
import type { ClickHouse } from './client.ts';
import type { VigieError } from '../errors.ts';
import { selectRows } from './json-rows.ts';

const EVERY_MS = 10_000;
const TABLES = ['alerts', 'access_events'];

/** Calls `tell` with each failure, and with undefined once it is over. Returns a function that ends the watch. */
export function watchServer(
  clickHouse: ClickHouse,
  tell: (failure: VigieError | undefined) => void,
): () => Promise<void> {
  // The embedded engine answers for as long as this process lives.
  if (clickHouse.kind === 'embedded') return () => Promise.resolve();
  const end = new AbortController();
  const watching = watch(clickHouse, tell, end.signal);
  return () => {
    end.abort();
    return watching;
  };
}

async function watch(
  clickHouse: ClickHouse,
  tell: (failure: VigieError | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const { database, place } = clickHouse;
  const look = TABLES.map((table) => `SELECT 1 AS one FROM ${database}.${table} WHERE false`).join(
    ' UNION ALL ',
  );
  let failed = false;
  for (;;) {
    try {
      await delay(EVERY_MS, undefined, { signal, ref: false });
      await selectRows(clickHouse, look, {}, signal);
      if (failed) tell(undefined);
      failed = false;
    } catch (error) {
      if (signal.aborted) return;
      failed = true;
      tell(clickHouseFailure(error, `asking whether anybody is there at ${place}`));
    }
  }
}
