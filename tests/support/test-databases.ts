/** A database for each test of a `describe`, of the embedded engine or of a server over HTTP. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { openClickHouse } from '../../src/sink/client.ts';
import type { ClickHouse } from '../../src/sink/client.ts';
import { startClickHouse } from './clickhouse.ts';
import type { TestClickHouse } from './clickhouse.ts';

export interface TestDatabases {
  /** Of the test at hand. */
  readonly current: () => ClickHouse;
  /** Of the embedded engine; there until the last test has ended. */
  readonly folder: () => string;
  /** How many tests have had one. */
  readonly count: () => number;
}

export function testDatabases(kind: 'embedded' | 'server', prefix: string): TestDatabases {
  let folder: string;
  let server: TestClickHouse | undefined;
  // The engine keeps its folder for as long as any client is open; this one outlives the tests.
  let keeper: ClickHouse;
  let current: ClickHouse;
  let databases = 0;

  function open(database: string): Promise<ClickHouse> {
    const { url, username, password } = server ?? {};
    return openClickHouse({ url, username, password, database, dataDir: folder });
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigie-data-'));
    if (kind === 'server') server = await startClickHouse();
    keeper = await open('keeper');
  });
  afterAll(async () => {
    await keeper.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    databases += 1;
    current = await open(`${prefix}_${process.pid}_${databases}`);
  });
  afterEach(async () => {
    await current.client.command({ query: `DROP DATABASE IF EXISTS ${current.database}` });
    await current.close();
  });
  return { current: () => current, folder: () => folder, count: () => databases };
}
