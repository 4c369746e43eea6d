/** Who acts on alerts, and on which database. */

import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import type { AlertStore } from '../sink/alert-store.ts';
import type { ClickHouseOptions } from '../sink/client.ts';
import { connectAlertStore, connectLiveStore } from '../sink/connect.ts';

/** The store that the running service writes to. */
export function connectLive(config: Config): Promise<AlertStore> {
  return connectLiveStore(storeOf(config), systemClock);
}

function storeOf(config: Config): ClickHouseOptions {
  return {
    url: config.clickhouse_url,
    username: config.clickhouse_user,
    password: config.clickhouse_password,
    database: config.clickhouse_database,
    dataDir: config.data_dir,
  };
}

/**
 * Opens the store that the settings name, or the process that holds it, and closes it afterwards. `requestTimeoutMs`
 * applies to a server.
 */
export async function withAlertStore(
  dataDir: string | undefined,
  use: (store: AlertStore, config: Config) => Promise<void>,
  requestTimeoutMs?: number,
): Promise<void> {
  const config = loadConfig(process.env, { data_dir: dataDir });
  const store = await connectAlertStore({ ...storeOf(config), requestTimeoutMs }, systemClock);
  try {
    await use(store, config);
  } finally {
    await store.close();
  }
}

/** Returns `by`, or the user of this session. A process may run under a uid without a name, as in some containers. */
export function actorOf(by: string | undefined, self: Command): string {
  if (by !== undefined) return by;
  try {
    return userInfo().username;
  } catch {
    return self.error('error: this session has no user name: say who acts with --by NAME');
  }
}
