/**
 * The operators' side: finds who can answer for the stored alerts. A server is queried directly. For an embedded
 * database, the process that holds it is asked; only if there is none is the folder opened here.
 */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import { ClickHouseAlertStore } from './alert-store.ts';
import type { AlertStore } from './alert-store.ts';
import { enginePath, openClickHouse } from './client.ts';
import type { ClickHouse, ClickHouseOptions } from './client.ts';
import { controlClient } from './control-client.ts';
import { migrate } from './migrate.ts';

/**
 * Connects to the store that a running service writes to. Never opens the folder itself, since a service would then
 * find it locked. Throws VigieError NOBODY_HOLDS, CONTROL_FAILED, CONTROL_RELEASE, or what connecting to ClickHouse
 * throws.
 */
export async function connectLiveStore(options: ClickHouseOptions, clock: Clock): Promise<AlertStore> {
  const live = await liveStore(options, clock);
  if (live !== undefined) return live;
  throw new VigieError('NOBODY_HOLDS', `no "vigie run" stores alerts in ${resolve(options.dataDir)}`, {
    remedy: 'Start it, or name its folder or server with VIGIE_DATA_DIR or CLICKHOUSE_URL.',
    retryable: true,
  });
}

/**
 * Opens a store for use until it is closed.
 *
 * Throws VigieError: DATA_DIR_MISSING if nothing was ever stored, DATA_DIR_BUSY or CONTROL_FAILED if the holder of the
 * folder does not answer, CONTROL_RELEASE, and what opening ClickHouse throws.
 */
export async function connectAlertStore(options: ClickHouseOptions, clock: Clock): Promise<AlertStore> {
  const live = await liveStore(options, clock);
  if (live !== undefined) return live;
  if (!existsSync(enginePath(options.dataDir))) {
    throw new VigieError('DATA_DIR_MISSING', `there is no database in ${resolve(options.dataDir)}`, {
      remedy: 'Run "vigie run" first, or name its folder or server with VIGIE_DATA_DIR or CLICKHOUSE_URL.',
    });
  }
  let clickHouse: ClickHouse;
  try {
    clickHouse = await openClickHouse(options);
  } catch (error) {
    // A service that was just starting took the folder, and answers by now.
    const holder = await controlClient(options.dataDir);
    if (holder !== undefined) return holder;
    throw error;
  }
  try {
    await migrate(clickHouse, clock);
  } catch (error) {
    await clickHouse.close();
    throw error;
  }
  return new ClickHouseAlertStore(clickHouse, clock);
}

/** The server, or the process that holds the folder; undefined if there is neither. */
async function liveStore(options: ClickHouseOptions, clock: Clock): Promise<AlertStore | undefined> {
  if (options.url === undefined) return controlClient(options.dataDir);
  return new ClickHouseAlertStore(await openClickHouse(options), clock);
}
