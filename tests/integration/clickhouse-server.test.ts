/** What goes wrong between here and a ClickHouse server. */

import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { setTimeout as sleepTimer } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { VigieError } from '../../src/errors.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import type { SinkHooks } from '../../src/sink/clickhouse-sink.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import { connectAlertStore } from '../../src/sink/connect.ts';
import { alertFixture } from '../support/alert-fixture.ts';
import { startClickHouse, startImitation } from '../support/clickhouse.ts';
import type { TestClickHouse } from '../support/clickhouse.ts';

let server: TestClickHouse;
beforeAll(async () => {
  server = await startClickHouse();
});
afterAll(() => server.stop());

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

async function sinkAt(target: Partial<TestClickHouse>, hooks: SinkHooks = {}): Promise<ClickHouseSink> {
  const { url, username, password } = { ...server, ...target };
  const database = `vigie_test_${process.pid}_server`;
  const clickHouse = await openClickHouse({
    url,
    username,
    password,
    database,
    dataDir: '',
    requestTimeoutMs: 2000,
  });
  const sink = new ClickHouseSink(clickHouse, { archiveDays: 0, hooks, sleep: () => sleepTimer(50) });
  toClose.push(() => sink.close());
  return sink;
}

async function unusedPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

const EXCEPTION =
  'Code: 241. DB::Exception: Memory limit (total) exceeded: While executing SinkToStorage. (MEMORY_LIMIT_EXCEEDED) (version 25.8.1)\n';

/** What says these texts, one after the other and each with a status of 200. `asked`: paths of the requests. */
async function answering(texts: readonly string[]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const stub = createServer((request, response) => {
    request.resume().on('end', () => {
      response.end(texts[Math.min(asked.push(request.url!), texts.length) - 1]);
    });
  });
  await new Promise<void>((done) => stub.listen(0, '127.0.0.1', done));
  toClose.push(() => new Promise((done) => stub.close(() => done())));
  return { url: `http://127.0.0.1:${(stub.address() as AddressInfo).port}`, asked };
}

describe('a ClickHouse server', () => {
  test('that is not up yet is waited for, and every wait is reported', async () => {
    const port = await unusedPort();
    const failures: VigieError[] = [];
    const sink = await sinkAt(
      { url: `http://127.0.0.1:${port}`, username: 'vigie', password: 'p4ss:w/rd' },
      { onRetry: (error) => failures.push(error) },
    );
    const opened = sink.open();
    await expect.poll(() => failures.length).toBeGreaterThan(1);
    const late = await startImitation(port);
    toClose.push(() => late.stop());
    await opened;
    await sink.writeAlerts([alertFixture()]);
    expect((await sink.stored([alertFixture().alertId])).size).toBe(1);
    expect(failures[0]).toMatchObject({ code: 'CLICKHOUSE_UNREACHABLE', retryable: true });
  });

  test('that goes away while alerts are written gets them when it is back', async () => {
    const failures: VigieError[] = [];
    const batches: number[] = [];
    const port = await unusedPort();
    const first = await startImitation(port);
    const sink = await sinkAt(first, {
      onRetry: (error) => failures.push(error),
      onBatch: (rows) => batches.push(rows),
    });
    await sink.open();
    await first.stop();
    const written = sink.open().then(() => sink.writeAlerts([alertFixture()]));
    await expect.poll(() => failures.length).toBeGreaterThan(0);
    const second = await startImitation(port);
    toClose.push(() => second.stop());
    await written;
    expect(batches).toEqual([1]);
    expect((await sink.stored([alertFixture().alertId])).size).toBe(1);
  });

  test('that never comes up does not keep a service from stopping', async () => {
    const sink = await sinkAt({ url: `http://127.0.0.1:${await unusedPort()}` });
    await expect(sink.open(AbortSignal.timeout(200))).rejects.toMatchObject({ code: 'SINK_ABORTED' });
  });

  test('that hangs does not keep a service from stopping', async () => {
    const hanging = createServer(() => {});
    await new Promise<void>((done) => hanging.listen(0, '127.0.0.1', done));
    toClose.push(() => new Promise((done) => hanging.close(() => done())));
    const { port } = hanging.address() as AddressInfo;
    const sink = await sinkAt({ url: `http://127.0.0.1:${port}` });
    const startedAt = systemClock.elapsed();
    const writing = sink.writeAlerts([alertFixture()], AbortSignal.timeout(200));
    await expect(writing).rejects.toMatchObject({
      code: 'SINK_ABORTED',
      message: expect.stringMatching(/^writing .* was stopped before anybody answered$/),
    });
    expect(systemClock.elapsed() - startedAt).toBeLessThan(1500);
    hanging.closeAllConnections();
  });

  test('behind a proxy that answers with an error page is tried again', async () => {
    const failures: VigieError[] = [];
    const proxy = createServer((request, response) => {
      request.resume();
      response.writeHead(502).end('<html>Bad Gateway</html>');
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    toClose.push(() => new Promise((done) => proxy.close(() => done())));
    const { port } = proxy.address() as AddressInfo;
    const sink = await sinkAt(
      { url: `http://127.0.0.1:${port}` },
      { onRetry: (error) => failures.push(error) },
    );
    await expect(sink.open(AbortSignal.timeout(200))).rejects.toMatchObject({ code: 'SINK_ABORTED' });
    expect(failures[0]).toMatchObject({ code: 'CLICKHOUSE_UNREADABLE_ANSWER' });
  });

  test.each(['writing', 'asking'] as const)(
    'that fails behind a status of 200, which it sends first where a profile has it tell of progress, is tried again: %s',
    async (what) => {
      const failures: VigieError[] = [];
      const { url } = await answering([EXCEPTION, '']);
      const sink = await sinkAt({ url }, { onRetry: (error) => failures.push(error) });
      await (what === 'writing' ? sink.writeAlerts([alertFixture()]) : sink.stored(['a']));
      expect(failures).toMatchObject([{ retryable: true, message: expect.stringContaining('Memory limit') }]);
    },
  );

  test('whose answer is no JSON is tried again', async () => {
    const failures: VigieError[] = [];
    const { url } = await answering(['{"id":"a","at":', '']);
    const sink = await sinkAt({ url }, { onRetry: (error) => failures.push(error) });
    expect(await sink.stored(['a'])).toEqual(new Map());
    expect(failures).toMatchObject([{ code: 'CLICKHOUSE_UNREADABLE_ANSWER' }]);
  });

  test('is asked to store rows before it answers, whatever the profile of the user says', async () => {
    const { url, asked } = await answering(['']);
    const sink = await sinkAt({ url });
    await sink.writeAlerts([alertFixture()]);
    expect(asked.map((path) => new URL(path, url).searchParams.get('async_insert'))).toEqual(['0']);
  });

  test.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a TLS alert', '\u0015\u0003\u0001\u0000\u0002\u0002\u0016'],
    ['nothing', ''],
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['half a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nCode'],
  ])('that says no HTTP, as another port or a broken proxy does, is tried again: %s', async (_, said) => {
    const port = createTcpServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end(said, 'latin1'),
    );
    await new Promise<void>((done) => port.listen(0, '127.0.0.1', done));
    toClose.push(() => new Promise((done) => port.close(() => done())));
    const failures: VigieError[] = [];
    const url = `http://127.0.0.1:${(port.address() as AddressInfo).port}`;
    const sink = await sinkAt({ url }, { onRetry: (error) => failures.push(error) });
    const writing = sink.writeAlerts([alertFixture()], AbortSignal.timeout(500));
    await expect(writing).rejects.toMatchObject({ code: 'SINK_ABORTED' });
    expect(failures[0]?.remedy).toContain('CLICKHOUSE_URL');
  });

  test('that does not know the password ends the start with the setting to check, not with waiting', async () => {
    const errors: VigieError[] = [];
    const sink = await sinkAt({ password: 'wrong' }, { onError: (error) => errors.push(error) });
    await expect(sink.open()).rejects.toMatchObject({
      code: 'CLICKHOUSE_AUTH_FAILED',
      remedy: expect.stringContaining('CLICKHOUSE_PASSWORD'),
    });
    expect(errors).toHaveLength(1);
  });

  test('is never named with its password', async () => {
    const url = `http://vigie:s3cret@127.0.0.1:${await unusedPort()}`;
    const { username: _username, password: _password, ...target } = server;
    const clickHouse = await openClickHouse({ ...target, url, database: 'vigie', dataDir: '' });
    const sink = new ClickHouseSink(clickHouse);
    toClose.push(() => sink.close());
    const error = (await sink.open(AbortSignal.timeout(50)).catch((thrown: unknown) => thrown)) as VigieError;
    expect(error.message).toContain('127.0.0.1');
    expect(error.message).not.toContain('s3cret');
    await expect(openClickHouse({ url: 'vigie:s3cret', database: 'vigie', dataDir: '' })).rejects.toThrow(
      expect.not.stringContaining('s3cret') as string,
    );
  });

  test('answers operators directly', async () => {
    const sink = await sinkAt({});
    await sink.open();
    await sink.writeAlerts([alertFixture()]);
    const { url, username, password } = server;
    const database = `vigie_test_${process.pid}_server`;
    const store = await connectAlertStore({ url, username, password, database, dataDir: '' }, systemClock);
    toClose.push(() => store.close());
    expect(await store.list({})).toMatchObject([{ alertId: alertFixture().alertId }]);
  });
});

describe('a profile that is not the default', () => {
  test.each([
    ['join_use_nulls = 1'],
    ['aggregate_functions_null_for_empty = 1'],
    ['enable_analyzer = 0'],
    ['data_type_default_nullable = 1'],
    ['output_format_json_named_tuples_as_objects = 0'],
  ])('with %s, an alert that nobody has looked at is new, and shown as it is', async (setting) => {
    const own = await startImitation();
    toClose.push(() => own.stop());
    const authorization = `Basic ${Buffer.from(`${own.username}:${own.password}`).toString('base64')}`;
    // There the session is what the profile is of a server.
    const { ok } = await fetch(own.url, {
      method: 'POST',
      body: `SET ${setting}`,
      headers: { authorization },
    });
    expect(ok).toBe(true);
    const sink = await sinkAt(own);
    await sink.open();
    const alert = alertFixture();
    await sink.writeAlerts([alert]);
    const { url, username, password } = own;
    const database = `vigie_test_${process.pid}_server`;
    const store = await connectAlertStore({ url, username, password, database, dataDir: '' }, systemClock);
    toClose.push(() => store.close());
    const [shown, ...more] = await store.list({ state: 'new', limit: 10 });
    expect(more).toEqual([]);
    expect(shown).toMatchObject({ ...alert, state: 'new', assignee: '', acknowledgedAt: null, comments: 0 });
  });
});

test('a column that somebody took away loses no value in silence, and the next start makes it again', async () => {
  const own = await startImitation();
  toClose.push(() => own.stop());
  const gone: string[] = [];
  const sink = await sinkAt(own, { onGone: (tables) => gone.push(...tables) });
  await sink.open();
  expect(gone).toEqual([]);
  const { url, username, password } = own;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const database = `vigie_test_${process.pid}_server`;
  const body = `ALTER TABLE ${database}.alerts DROP COLUMN accounts`;
  expect(await fetch(url, { method: 'POST', body, headers: { authorization } })).toMatchObject({ ok: true });
  const alert = alertFixture({ accounts: ['u-1'] });
  await expect(sink.writeAlerts([alert])).rejects.toMatchObject({
    code: 'CLICKHOUSE_SCHEMA',
    message: expect.stringContaining('the table has no column accounts'),
  });
  await sink.open();
  expect(gone).toEqual(['alerts.accounts']);
  await sink.writeAlerts([alert]);
  const store = await connectAlertStore({ url, username, password, database, dataDir: '' }, systemClock);
  toClose.push(() => store.close());
  expect(await store.list({ limit: 10 })).toMatchObject([{ accounts: ['u-1'] }]);
});
