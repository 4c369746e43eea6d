/** The embedded database belongs to one process; the others ask that process. */

import { mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { clickHouseFailure } from '../../src/sink/classify.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import { connectAlertStore } from '../../src/sink/connect.ts';
import { migrate, readMigrations } from '../../src/sink/migrate.ts';
import { ownerOf } from '../../src/sink/control-client.ts';
import { SERVER_CODES } from '../../src/sink/server-codes.ts';
import { alertFixture } from '../support/alert-fixture.ts';
import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';

let folder: string;
let holder: Child | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-data-'));
});
afterEach(async () => {
  await holder?.kill();
  holder = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function holdFolder(dataDir: string): Promise<Child> {
  holder = await startChild('hold-data-folder.ts', [dataDir, JSON.stringify(alertFixture())]);
  return holder;
}

describe('the embedded database', () => {
  test('is refused to a second process, which learns who holds it', async () => {
    const { pid } = await holdFolder(folder);
    const opening = openClickHouse({ database: 'vigie', dataDir: folder });
    await expect(opening).rejects.toMatchObject({
      code: 'DATA_DIR_BUSY',
      message: expect.stringContaining(String(pid)),
      remedy: expect.stringContaining('VIGIE_DATA_DIR'),
    });
    expect(await ownerOf(folder)).toMatchObject({ pid, command: 'hold-data-folder' });
    // A holder that answers nobody, like one that just started, is found by the engine's own lock.
    rmSync(join(folder, 'control.sock'));
    await expect(openClickHouse({ database: 'vigie', dataDir: folder })).rejects.toMatchObject({
      code: 'DATA_DIR_BUSY',
      message: expect.stringContaining(String(pid)),
    });
  });

  test('answers operators while another process writes to it, and after that process ended', async () => {
    const running = await holdFolder(folder);
    const beside = await connectAlertStore({ database: 'vigie', dataDir: folder }, systemClock);
    expect(await beside.list({ status: 'firing' })).toMatchObject([alertFixture()]);
    await beside.act({ alertId: '0123', action: 'acknowledge', actor: 'anne' });
    await expect(beside.show('fff')).rejects.toMatchObject({
      code: 'ALERT_NOT_FOUND',
      remedy: expect.any(String),
    });
    await expect(beside.act({ alertId: '0123', action: 'close', actor: 'anne' })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    });
    await beside.close();

    await running.stop();
    expect(readdirSync(folder)).toEqual(['clickhouse']);
    const alone = await connectAlertStore({ database: 'vigie', dataDir: folder }, systemClock);
    expect(await alone.show('0123')).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'anne' });
    await alone.close();
  });

  test('is waited for while another command has it for a moment, or a service that does not answer yet', async () => {
    const running = await holdFolder(folder);
    const socket = join(folder, 'control.sock');
    const aside = join(folder, 'aside.sock');
    renameSync(socket, aside);
    const asking = connectAlertStore({ database: 'vigie', dataDir: folder }, systemClock);
    await setTimeout(300);
    renameSync(aside, socket);
    const beside = await asking;
    expect(await beside.list({})).toHaveLength(1);
    await beside.close();

    rmSync(socket);
    const alone = connectAlertStore({ database: 'vigie', dataDir: folder }, systemClock);
    await running.stop();
    const store = await alone;
    expect(await store.list({})).toHaveLength(1);
    await store.close();
  });

  test('is not lost with the process that wrote it, and its leftover socket is in nobody’s way', async () => {
    await (await holdFolder(folder)).kill();
    expect(readdirSync(folder)).toContain('control.sock');
    const store = await connectAlertStore({ database: 'vigie', dataDir: folder }, systemClock);
    expect(await store.list({})).toHaveLength(1);
    await store.close();
    await holdFolder(folder);
    expect(await ownerOf(folder)).toMatchObject({ pid: holder!.pid });
  });

  test('can only be asked by its owner', async () => {
    const { firstLine: socket } = await holdFolder(folder);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'clickhouse')).mode & 0o777).toBe(0o700);
  });

  test('works in a folder whose path is too long for a socket', async () => {
    const deep = join(folder, 'x'.repeat(120));
    const { firstLine: socket } = await holdFolder(deep);
    expect(socket.startsWith(deep)).toBe(false);
    const store = await connectAlertStore({ database: 'vigie', dataDir: deep }, systemClock);
    expect(await store.list({})).toHaveLength(1);
    await holder!.stop();
    expect(() => statSync(socket)).toThrow('ENOENT');
    expect(readdirSync(deep)).toEqual(['clickhouse']);
  });

  test('is not created by a question about it', async () => {
    const dataDir = join(folder, 'nothing-here');
    await expect(connectAlertStore({ database: 'vigie', dataDir }, systemClock)).rejects.toMatchObject({
      code: 'DATA_DIR_MISSING',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('without its package says what to install or set instead', async () => {
    const missing = new Error("Cannot find package 'chdb'");
    const opening = openClickHouse({ database: 'vigie', dataDir: folder }, () => Promise.reject(missing));
    await expect(opening).rejects.toMatchObject({
      code: 'CHDB_MISSING',
      remedy: expect.stringContaining('CLICKHOUSE_URL'),
    });
  });

  test('that fails for another reason than somebody who holds it does not send for him', async () => {
    const opening = openClickHouse({ database: 'vigie', dataDir: folder }, async () => ({
      createChdbConnection: ({ path }: { path?: string } = {}) => {
        // As the engine leaves it that fails before it has written who it is.
        writeFileSync(join(path!, 'status'), '');
        throw new Error('Failed to create connection');
      },
    }));
    await expect(opening).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
  }, 20_000);

  test('opens in a time zone that nobody knows', async () => {
    const { TZ } = process.env;
    process.env['TZ'] = 'Nowhere/Atlantis';
    try {
      await (await openClickHouse({ database: 'vigie', dataDir: folder })).close();
    } finally {
      if (TZ === undefined) delete process.env['TZ'];
      else process.env['TZ'] = TZ;
    }
  });

  test('in a place that is no folder says so', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(openClickHouse({ database: 'vigie', dataDir: file })).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringContaining(file),
    });
  });
});

test('a database whose name is an alias in a view is either made or refused by its name', async () => {
  const sql = (await readMigrations()).map((migration) => migration.sql).join('\n');
  // Tables have aliases of one letter; columns have longer ones, which stand in nobody's way.
  const aliases = [...sql.matchAll(/ AS ([a-z])\b|WITH RECURSIVE (\w+)/g)];
  const names = new Set(aliases.map(([, alias, recursive]) => alias ?? recursive!));
  expect([...names].toSorted()).toEqual(['a', 'm', 'merges', 'n', 's', 'x']);
  // The engine keeps its folder as long as any client is open.
  const keeper = await openClickHouse({ database: 'keeper', dataDir: folder });
  const refused: string[] = [];
  for (const database of names) {
    try {
      const clickHouse = await openClickHouse({ database, dataDir: folder });
      await migrate(clickHouse, systemClock).finally(() => clickHouse.close());
    } catch (error) {
      expect(error).toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`a database cannot be called ${database},`),
      });
      refused.push(database);
    }
  }
  await keeper.close();
  expect(refused.toSorted()).toEqual(['m', 'merges']);
});

describe("the engine's error codes", () => {
  test('have the names that Vigie knows them by, and each means one thing', async () => {
    const known = Object.values(SERVER_CODES).flatMap((codes) => Object.entries(codes));
    expect(new Set(known.map(([code]) => code)).size).toBe(known.length);
    const clickHouse = await openClickHouse({ database: 'vigie', dataDir: folder });
    try {
      const named = await clickHouse.client.query({
        query: `SELECT toString(arrayJoin([${known.map(([code]) => code).join(', ')}]) AS number) AS code, errorCodeToName(toUInt32(number)) AS name`,
        format: 'JSONEachRow',
      });
      const names = await named.json<{ code: string; name: string }>();
      expect(names.map(({ code, name }) => [code, name])).toEqual(known);
    } finally {
      await clickHouse.close();
    }
  });

  test.each([
    ['SELECT no_such_function()', 'CLICKHOUSE_RELEASE', '24.4'],
    ['SELECT count() FROM numbers(10) SETTINGS max_rows_to_read = 1', 'CLICKHOUSE_LIMIT', 'profile'],
    ["CREATE TABLE t ON CLUSTER 'nowhere' (x UInt8) ENGINE = Log", 'CLICKHOUSE_CLUSTER_UNKNOWN', 'CLUSTER'],
    ['SELECT * FROM no_such_table', 'CLICKHOUSE_SCHEMA', 'tables'],
    ['SELECT (', 'CLICKHOUSE_REFUSED', 'log'],
  ])('"%s" fails with %s and a remedy', async (query, code, remedy) => {
    const clickHouse = await openClickHouse({ database: 'vigie', dataDir: folder });
    try {
      const thrown: unknown = await clickHouse.client.command({ query }).catch((error: unknown) => error);
      expect(clickHouseFailure(thrown, 'asking')).toMatchObject({
        code,
        retryable: false,
        remedy: expect.stringContaining(remedy),
      });
    } finally {
      await clickHouse.close();
    }
  });
});
