/** A database for each test of a `describe`, in the embedded engine or on a server over HTTP. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { openClickHouse } from '../../src/sink/client.ts';
import type { ClickHouse } from '../../src/sink/client.ts';
import { startClickHouse } from './clickhouse.ts';
import type { TestClickHouse } from './clickhouse.ts';

export interface TestDatabases {
  /** Database of the current test. */
  readonly current: () => ClickHouse;
  /** Folder of the embedded engine; exists until the last test has ended. */
  readonly folder: () => string;
  /** Number of tests that have had a database. */
  readonly count: () => number;
}

export function testDatabases(kind: 'embedded' | 'server', prefix: string): TestDatabases {
  let folder: string;
  let server: TestClickHouse | undefined;
  // The engine keeps its folder as long as any client is open, and this one outlives the tests.
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
