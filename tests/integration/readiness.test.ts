/** /readyz of a service that has nothing to write, and of one that ends; and an end before it was ever ready. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, start, temporaryFolder, until } from '../support/cli.ts';
import type { Running } from '../support/cli.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import type { TestClickHouse } from '../support/clickhouse.ts';
import { faultyClickHouse } from '../support/faulty-clickhouse.ts';
import type { FaultyClickHouse } from '../support/faulty-clickhouse.ts';
import { FEW_RULES } from '../support/programs.ts';

let server: TestClickHouse;
let between: FaultyClickHouse;

beforeAll(async () => {
  server = await startClickHouse();
  between = await faultyClickHouse(server.url, 0);
}, 240_000);

afterAll(async () => {
  await cleanUp();
  await between?.close();
  await server?.stop();
});

/** A service that waits for its input. */
function waiting(): Running {
  return start(['run', '--input', '-'], {
    CLICKHOUSE_URL: between.url,
    CLICKHOUSE_USER: server.username,
    CLICKHOUSE_PASSWORD: server.password,
    VIGIE_DATA_DIR: temporaryFolder(),
    VIGIE_RULES: FEW_RULES,
  });
}

const READ = { '@timestamp': '2025-07-12T21:00:00Z', event: { action: 'record-view' } };

describe('readiness', () => {
  test('ends when ClickHouse goes away, also while there is nothing to write, and comes back with it', async () => {
    const service = waiting();
    await until(async () => (await service.get('/readyz')).status === 200);
    between.fault = 'away';
    await until(async () => (await service.get('/readyz')).status === 503);
    expect((await service.get('/readyz')).text).toContain('CLICKHOUSE_UNREACHABLE');
    expect(await service.metric('vigie_ready')).toBe(0);
    between.fault = undefined;
    await until(async () => (await service.get('/readyz')).status === 200);
    service.stdin.end();
    expect(await service.ended).toMatchObject({ code: 0 });
    const said = service.logs.filter(({ msg }) => msg.startsWith('ClickHouse ')).map(({ msg }) => msg);
    expect(said).toEqual([expect.stringMatching(/^ClickHouse cannot be used: /), 'ClickHouse answers again']);
  }, 120_000);

  test('what keeps ClickHouse away is in the log again when it is something else', async () => {
    const service = waiting();
    await until(async () => (await service.get('/readyz')).status === 200);
    between.fault = 'away';
    await service.message('ClickHouse cannot be used');
    between.fault = 'denied';
    await service.logged(({ code }) => code === 'CLICKHOUSE_AUTH_FAILED');
    between.fault = undefined;
    await service.message('ClickHouse answers again');
    const said = service.logs.filter(({ msg }) => msg.startsWith('ClickHouse ')).map(({ code }) => code);
    expect(said).toEqual(['CLICKHOUSE_UNREACHABLE', 'CLICKHOUSE_AUTH_FAILED', undefined]);
    await service.signal('SIGTERM');
  }, 120_000);

  test.each(['alerts', 'access_events'])(
    'ends when a table is gone, also while there is nothing to write, and a restart makes it again: %s',
    async (table) => {
      const service = waiting();
      await until(async () => (await service.get('/readyz')).status === 200);
      const authorization = `Basic ${Buffer.from(`${server.username}:${server.password}`).toString('base64')}`;
      const body = `DROP TABLE vigie.${table} SYNC`;
      expect(await fetch(server.url, { method: 'POST', headers: { authorization }, body })).toMatchObject({
        status: 200,
      });
      await until(async () => (await service.get('/readyz')).status === 503);
      expect((await service.get('/readyz')).text).toContain('CLICKHOUSE_SCHEMA');
      expect(service.logs.at(-1)?.['remedy']).toContain('starting "vigie run" once creates the tables');
      await service.signal('SIGTERM');
      const next = waiting();
      await until(async () => (await next.get('/readyz')).status === 200);
      expect(await next.logged((line) => line['code'] === 'TABLE_GONE')).toMatchObject({ tables: [table] });
      await next.signal('SIGTERM');
    },
    60_000,
  );

  test('ends with the stop signal, while what is in hand is still being stored', async () => {
    const service = waiting();
    await service.address();
    between.fault = 'hang';
    for (let record = 0; record < 600; record += 1) {
      const event = { ...READ, user: { id: 'u-1' }, portal: { records: { ids: [`p-${record}`] } } };
      service.stdin.write(`${JSON.stringify(event)}\n`);
    }
    const before = between.met;
    await until(() => Promise.resolve(between.met > before));
    const ended = service.signal('SIGTERM');
    await until(async () => (await service.get('/readyz')).text.includes('stopping'));
    between.fault = undefined;
    await ended;
  }, 120_000);
});

describe('a stop while a start waits for ClickHouse', () => {
  // Shorter than a request to ClickHouse may take.
  test.each(['hang', 'away', 'error'] as const)(
    'is an orderly one: %s',
    async (fault) => {
      between.fault = fault;
      const before = between.met;
      const service = waiting();
      await until(() => Promise.resolve(between.met > before));
      const { code, signal, stderr } = await service.signal('SIGTERM');
      expect({ code, signal }).toEqual({ code: 0, signal: null });
      expect(stderr).not.toContain('closing failed');
      expect(stderr).toMatch(/^0 events: /m);
    },
    20_000,
  );
});
