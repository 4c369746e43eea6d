/** ClickHouse away, slow, failing, and the process killed meanwhile: in the end every row is there as if nothing had been. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { ApartSink, type OnSetAside } from '../../src/sink/apart-sink.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import type { ClickHouse } from '../../src/sink/client.ts';
import { RefusedRows } from '../../src/sink/refused-rows.ts';
import { DiskSpool, MIN_SPOOL_BYTES } from '../../src/sink/spool/disk-spool.ts';
import { SpoolingSink } from '../../src/sink/spooling-sink.ts';
import type { SpoolingSinkHooks } from '../../src/sink/spooling-sink.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import type { TestClickHouse } from '../support/clickhouse.ts';
import { until } from '../support/cli.ts';
import { faultyClickHouse, FAULTS } from '../support/faulty-clickhouse.ts';
import type { FaultyClickHouse } from '../support/faulty-clickhouse.ts';
import { alertsOf, writeFlush } from '../support/spooled-flushes.ts';

const FLUSHES = 30;

let server: TestClickHouse;
let connection: FaultyClickHouse;
let undisturbed: unknown;
let databases = 0;
const toClose: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startClickHouse();
  connection = await faultyClickHouse(server.url, 700);
  const clickHouse = await open(newDatabase());
  const sink = new ClickHouseSink(clickHouse, { archiveDays: 0 });
  await sink.open();
  for (let flush = 0; flush < FLUSHES; flush++) await writeFlush(sink, flush);
  undisturbed = await rows(clickHouse.database);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-spool-'));
});
afterEach(async () => {
  connection.fault = undefined;
  for (const close of toClose.splice(0).toReversed()) await close();
  rmSync(folder, { recursive: true, force: true });
});

function newDatabase(): string {
  databases += 1;
  return `vigie_test_${process.pid}_spool_${databases}`;
}

/** Past the faults, or at `url`, which may be impatient. */
function open(database: string, url = server.url, requestTimeoutMs?: number): Promise<ClickHouse> {
  const { username, password } = server;
  const patience = requestTimeoutMs === undefined ? {} : { requestTimeoutMs };
  return openClickHouse({ url, username, password, database, dataDir: '', ...patience });
}

const sleep = () => delay(20);

/** All rows of a database, each once, in a fixed order. */
async function rows(database: string): Promise<unknown> {
  const clickHouse = await open(database);
  const read = async (query: string): Promise<unknown[]> =>
    (await clickHouse.client.query({ query, format: 'JSONEachRow' })).json();
  const result = {
    alerts: await read(`SELECT * FROM ${database}.alerts FINAL ORDER BY alert_id`),
    events: await read(`SELECT * FROM ${database}.access_events FINAL ORDER BY event_id`),
  };
  await clickHouse.close();
  return result;
}

async function spooling(
  database: string,
  hooks: SpoolingSinkHooks = {},
  onSetAside: OnSetAside = () => undefined,
): Promise<{ sink: SpoolingSink; spool: DiskSpool }> {
  const spool = await DiskSpool.open({ folder, maxBytes: MIN_SPOOL_BYTES });
  const clickHouse = await open(database, connection.url, 400);
  const direct = new ClickHouseSink(clickHouse, { archiveDays: 0, sleep });
  const sink = new SpoolingSink({
    sink: new ApartSink(direct, new RefusedRows(join(folder, 'refused')), onSetAside),
    spool,
    clock: systemClock,
    patienceMs: 150,
    sleep,
    hooks,
  });
  toClose.push(() => sink.close());
  return { sink, spool };
}

const always = new AbortController().signal;

describe('while ClickHouse', () => {
  test.each(FAULTS)('is as “%s” says, rows are taken; afterwards all are there', async (fault) => {
    const database = newDatabase();
    const states: string[] = [];
    const { sink, spool } = await spooling(database, { onState: (state) => states.push(state) });
    await sink.open();
    for (let flush = 0; flush < 10; flush++) await writeFlush(sink, flush);
    // On a busy machine even a sound ClickHouse may be late.
    await sink.drained(always);
    states.length = 0;
    connection.fault = fault;
    const before = connection.met;
    for (let flush = 10; flush < 20; flush++) await writeFlush(sink, flush);
    await until(async () => connection.met > before + 1);
    // An answer that comes too late for the writer may come in time for whoever sends what waits.
    if (fault !== 'slow') expect(spool.isEmpty).toBe(false);
    connection.fault = undefined;
    for (let flush = 20; flush < FLUSHES; flush++) await writeFlush(sink, flush);
    await sink.drained(always);
    expect(await rows(database)).toEqual(undisturbed);
    expect(spool.isEmpty).toBe(true);
    expect([states[0], ...states.slice(-2)]).toEqual(['away', 'sending', 'direct']);
  });

  test('is away from the start, a process begins all the same', async () => {
    const database = newDatabase();
    connection.fault = 'away';
    const { sink, spool } = await spooling(database);
    await sink.open();
    expect(await sink.stored(['alert-0'])).toBeUndefined();
    for (let flush = 0; flush < FLUSHES; flush++) await writeFlush(sink, flush);
    expect(spool.isEmpty).toBe(false);
    connection.fault = undefined;
    await sink.drained(always);
    expect(await rows(database)).toEqual(undisturbed);
  });

  test('had an alert before, its first detection stays, and of two in the spool the earlier one', async () => {
    const database = newDatabase();
    const { sink } = await spooling(database);
    await sink.open();
    const [alert] = alertsOf(0);
    await sink.writeAlerts([{ ...alert!, detectedAt: 1000 }]);
    connection.fault = 'away';
    await sink.writeAlerts([{ ...alert!, version: 2, detectedAt: 9000 }]);
    await sink.writeAlerts([{ ...alert!, alertId: 'new', detectedAt: 7000 }]);
    await sink.writeAlerts([{ ...alert!, alertId: 'new', version: 2, detectedAt: 8000 }]);
    connection.fault = undefined;
    await sink.drained(always);
    const stored = new ClickHouseSink(await open(database), {});
    toClose.push(() => stored.close());
    expect(await stored.stored([alert!.alertId, 'new'])).toEqual(
      new Map([
        [alert!.alertId, { detectedAt: 1000, version: 2 }],
        ['new', { detectedAt: 7000, version: 2 }],
      ]),
    );
  });
});

test('a row that violates what somebody demands of the table is kept, can be inserted later, and delays no other', async () => {
  const database = newDatabase();
  const kept: string[] = [];
  const { sink } = await spooling(database, {}, (_error, _table, path) => kept.push(path));
  await sink.open();
  // On a busy machine the tables may be there only when the patience is over.
  await sink.drained(always);
  const clickHouse = await open(database);
  const alter = (what: string) =>
    clickHouse.client.command({ query: `ALTER TABLE ${database}.alerts ${what}` });
  await alter(`ADD CONSTRAINT no_twelve CHECK alert_id != 'alert-12'`);
  connection.fault = 'away';
  for (let flush = 0; flush < FLUSHES; flush++) await writeFlush(sink, flush);
  connection.fault = undefined;
  await sink.drained(always);
  const stored = async () => ((await rows(database)) as { alerts: unknown[] }).alerts.length;
  const { alerts } = undisturbed as { alerts: unknown[] };
  expect(await stored()).toBe(alerts.length - 1);
  await alter('DROP CONSTRAINT no_twelve');
  const values = readFileSync(kept[0]!, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  await clickHouse.client.insert({ table: `${database}.alerts`, values, format: 'JSONEachRow' });
  await clickHouse.close();
  expect(await rows(database)).toEqual(undisturbed);
});

test('on a disk that is full, rows wait for room, and in the end all are there', async ({ skip }) => {
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { encoding: 'utf8' });
  skip(mount.status !== 0, `no small disk: ${mount.error?.message ?? mount.stderr.trim()}`);
  toClose.push(async () => execFileSync('umount', [folder]));
  const codes: string[] = [];
  const database = newDatabase();
  const { sink } = await spooling(database, { onSpoolRetry: ({ code }) => codes.push(code) });
  await sink.open();
  connection.fault = 'away';
  const filler = join(folder, 'filler');
  for (let flush = 0; flush < 5; flush++) await writeFlush(sink, flush);
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=512']);
  let written = 5;
  const writing = (async () => {
    for (; written < FLUSHES; written++) await writeFlush(sink, written);
  })();
  await until(async () => codes.length > 1);
  expect(new Set(codes)).toEqual(new Set(['SPOOL_DISK_FULL']));
  // A page of the disk may have held a few more.
  expect(written).toBeLessThan(FLUSHES);
  rmSync(filler);
  await writing;
  connection.fault = undefined;
  await sink.drained(always);
  expect(await rows(database)).toEqual(undisturbed);
});

function run(url: string, database: string, first: number) {
  const script = fileURLToPath(new URL('../support/spooling-run.ts', import.meta.url));
  const { username, password } = server;
  const args = [script, folder, url, username, password, database, String(first), String(FLUSHES)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  toClose.push(async () => child.kill('SIGKILL'));
  return child;
}

/** Runs from `first` on, until it has told of so many flushes and then for so long; the next flush to write. */
async function killed(
  url: string,
  database: string,
  first: number,
  flushes: number,
  ms: number,
): Promise<number> {
  const child = run(url, database, first);
  let next = first;
  for await (const line of createInterface(child.stdout)) {
    if (/^\d+$/.test(line)) next = Number(line) + 1;
    if (next - first >= flushes || line === 'drained') break;
  }
  await delay(ms);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return next;
}

describe('a process that is killed', () => {
  test('while it spools and while it sends, again and again, has every row in the end', async () => {
    const seed = Date.now() % 100_000;
    console.log(`seed ${seed}`);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state % below;
    };
    const database = newDatabase();
    connection.fault = 'away';
    let next = 0;
    for (let round = 0; round < 5; round++) {
      next = await killed(connection.url, database, next, 1 + random(5), random(15));
    }
    expect(next).toBeGreaterThan(0);
    connection.fault = undefined;
    for (let round = 0; round < 4; round++) {
      next = await killed(connection.url, database, next, random(3), random(60));
    }
    const last = run(connection.url, database, next);
    const lines: string[] = [];
    for await (const line of createInterface(last.stdout)) lines.push(line);
    expect(lines.at(-1)).toBe('drained');
    expect(await rows(database)).toEqual(undisturbed);
  }, 180_000);
});
