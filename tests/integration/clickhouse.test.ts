/** One contract of the sink and the alert store, held by the embedded engine and by a server over HTTP. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ClickHouseAlertStore } from '../../src/sink/alert-store.ts';
import { ApartSink } from '../../src/sink/apart-sink.ts';
import { ClickHouseSink } from '../../src/sink/clickhouse-sink.ts';
import type { ClickHouseSinkOptions } from '../../src/sink/clickhouse-sink.ts';
import type { ClickHouse } from '../../src/sink/client.ts';
import { ddlOf } from '../../src/sink/ddl.ts';
import { migrate, readMigrations, SCHEMA_MIGRATIONS, statementsOf } from '../../src/sink/migrate.ts';
import { RefusedRows } from '../../src/sink/refused-rows.ts';
import type { ArchivedEvent } from '../../src/sink/sink.ts';
import { alertFixture, UNTOUCHED } from '../support/alert-fixture.ts';
import { testDatabases } from '../support/test-databases.ts';

const NOW_MS = Date.UTC(2025, 6, 13, 8);
let nowMs = NOW_MS;
const clock = { now: () => nowMs, elapsed: () => 0 };

describe.each(['embedded', 'server'] as const)('ClickHouse, %s', (kind) => {
  const databases = testDatabases(kind, 'vigie_test');
  let clickHouse: ClickHouse;

  beforeEach(() => {
    nowMs = NOW_MS;
    clickHouse = databases.current();
  });

  async function openSink(options: ClickHouseSinkOptions = {}): Promise<ClickHouseSink> {
    const sink = new ClickHouseSink(clickHouse, { archiveDays: 0, clock, ...options });
    await sink.open();
    return sink;
  }

  async function rows(query: string): Promise<Record<string, unknown>[]> {
    const text = query.replaceAll('{database}', clickHouse.database);
    const result = await clickHouse.client.query({ query: text, format: 'JSONEachRow' });
    return result.json();
  }

  const stored = () => rows('SELECT alert_id FROM {database}.alerts FINAL ORDER BY alert_id');

  test('migrations run once: a second start applies none', async () => {
    const names = (await readMigrations()).map((migration) => migration.name);
    expect(await migrate(clickHouse, clock)).toEqual({ applied: names, gone: [] });
    expect(await migrate(clickHouse, clock)).toEqual({ applied: [], gone: [] });
  });

  test('what a cluster is told is SQL to the engine, though there is no cluster here', async () => {
    const { database } = clickHouse;
    const sql = (await readMigrations()).flatMap((migration) => statementsOf(migration.sql));
    for (const statement of [SCHEMA_MIGRATIONS, ...sql]) {
      const query = ddlOf(statement, { database, cluster: '{cluster}' });
      const result = await clickHouse.client.query({
        query: 'SELECT formatQuery({query:String}) AS formatted',
        query_params: { query },
        format: 'JSONEachRow',
      });
      const [row] = await result.json<{ formatted: string }>();
      expect(row?.formatted).toContain('ON CLUSTER `{cluster}`');
    }
  });

  test('a row that violates what somebody demands of the table is kept in a file, and delays no other', async () => {
    const aside: [string, string, string][] = [];
    const refused = join(databases.folder(), `refused-${databases.count()}`);
    const rowsAside = new RefusedRows(refused);
    const sink = new ApartSink(await openSink(), rowsAside, ({ code }, table, path) =>
      aside.push([code, table, path]),
    );
    const table = `${clickHouse.database}.alerts`;
    await clickHouse.client.command({
      query: `ALTER TABLE ${table} ADD CONSTRAINT no_b CHECK alert_id != 'b'`,
    });
    await sink.writeAlerts(['a', 'b', 'c'].map((alertId) => alertFixture({ alertId })));
    expect(await stored()).toEqual([{ alert_id: 'a' }, { alert_id: 'c' }]);
    const path = join(refused, 'alerts.ndjson');
    expect(aside).toEqual([['CLICKHOUSE_ROW_REFUSED', 'alerts', path]]);
    await rowsAside.close();
    await clickHouse.client.command({ query: `ALTER TABLE ${table} DROP CONSTRAINT no_b` });
    const values = [JSON.parse(readFileSync(path, 'utf8')) as unknown];
    await clickHouse.client.insert({ table, values, format: 'JSONEachRow' });
    expect(await stored()).toEqual([{ alert_id: 'a' }, { alert_id: 'b' }, { alert_id: 'c' }]);
  });

  test.each(['UInt8', 'UUID', 'IPv4', 'Bool', "Enum('x' = 1)", 'Array(String)', 'FixedString(2)'])(
    'a row that does not fit a column that somebody changed is kept, and of what it says nothing is told: %s',
    async (type) => {
      const told: string[] = [];
      const refused = new RefusedRows(join(databases.folder(), `refused-${databases.count()}`));
      const sink = new ApartSink(await openSink(), refused, ({ message }) => told.push(message));
      await clickHouse.client.command({
        query: `ALTER TABLE ${clickHouse.database}.alerts MODIFY COLUMN runbook ${type}`,
      });
      await sink.writeAlerts([alertFixture({ runbook: 'names u-4fb8a5' })]);
      await refused.close();
      expect(told).toEqual([expect.stringContaining('runbook')]);
      expect(told[0]).not.toContain('u-4fb');
    },
  );

  test('when the table refuses every row, none is set aside: it is the table that must be repaired', async () => {
    const refused = join(databases.folder(), `refused-${databases.count()}`);
    const sink = new ApartSink(await openSink(), new RefusedRows(refused), () => undefined);
    const table = `${clickHouse.database}.alerts`;
    await clickHouse.client.command({ query: `ALTER TABLE ${table} ADD CONSTRAINT none CHECK version < 0` });
    const alerts = Array.from({ length: 300 }, (_, i) => alertFixture({ alertId: `alert-${i}` }));
    await expect(sink.writeAlerts(alerts)).rejects.toMatchObject({ code: 'CLICKHOUSE_ROW_REFUSED' });
    expect(existsSync(refused)).toBe(false);
  });

  test('two processes that start at the same time both end with the whole schema', async () => {
    await Promise.all([openSink(), openSink()]);
    expect(await rows('SELECT count() AS n FROM {database}.alerts_current')).toEqual([
      { n: expect.anything() },
    ]);
  });

  test('a start never brings back a view of an earlier release, which another that starts with it would meet', async () => {
    const made: string[] = [];
    const { client } = clickHouse;
    const command: typeof client.command = (params) => {
      made.push(...(/CREATE OR REPLACE VIEW (\S+)/.exec(params.query)?.slice(1) ?? []));
      return client.command(params);
    };
    const recording = Object.assign(Object.create(client) as typeof client, { command });
    await migrate({ ...clickHouse, client: recording }, clock);
    const views = ['alert_merges', 'alerts_with_state', 'alerts_current'];
    expect(made).toEqual(views.map((view) => `${clickHouse.database}.${view}`));
  });

  test('a migration that was stopped half way is applied again', async () => {
    const [first] = await readMigrations();
    const half = first!.sql.split(/;$/m)[0]!.replaceAll('{database}', clickHouse.database);
    await clickHouse.client.command({ query: `CREATE DATABASE ${clickHouse.database}` });
    await clickHouse.client.command({ query: half });
    const sink = await openSink();
    await sink.writeAlerts([alertFixture()]);
    expect((await sink.stored([alertFixture().alertId])).size).toBe(1);
  });

  test.each(['alerts', 'alert_actions', 'access_events', 'rules_in_force', 'alerts_with_state'])(
    'what somebody dropped is made again by the next start, as it was: %s',
    async (name) => {
      const columns = `SELECT table, name, type FROM system.columns WHERE database = '${clickHouse.database}' ORDER BY ALL`;
      await openSink();
      const before = await rows(columns);
      await clickHouse.client.command({ query: `DROP TABLE ${clickHouse.database}.${name}` });
      expect(await migrate(clickHouse, clock)).toMatchObject({ gone: [name] });
      expect(await rows(columns)).toEqual(before);
    },
  );

  test('an applied migration whose text changed is refused by name', async () => {
    const migrations = await readMigrations();
    await migrate(clickHouse, clock, migrations);
    const changed = migrations.with(0, { ...migrations[0]!, sql: `${migrations[0]!.sql}\n-- later thought` });
    await expect(migrate(clickHouse, clock, changed)).rejects.toMatchObject({
      code: 'MIGRATION_CHANGED',
      message: expect.stringContaining(migrations[0]!.name),
    });
  });

  test('a database of a newer release is not touched', async () => {
    await migrate(clickHouse, clock);
    await expect(migrate(clickHouse, clock, (await readMigrations()).slice(0, 1))).rejects.toMatchObject({
      code: 'SCHEMA_NEWER',
    });
  });

  test('every field of an alert comes back as it was written', async () => {
    const sink = await openSink();
    await sink.writeAlerts([alertFixture()]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    expect(await store.list({})).toEqual([
      {
        ...alertFixture(),
        ...UNTOUCHED,
      },
    ]);
  });

  test('tells which alerts went on since a time of their rule, in their newest state, but for those that others go on with', async () => {
    const sink = await openSink();
    const { rule, lastEventAt: last } = alertFixture();
    const firing = alertFixture({ alertId: 'a' });
    const resolved = { ...firing, status: 'resolved', version: 9, lastEventAt: last + 5 } as const;
    await sink.writeAlerts([
      firing,
      resolved,
      alertFixture({ alertId: 'b', status: 'merged', mergedInto: 'a' }),
      alertFixture({ alertId: 'c', status: 'resolved', resolution: 'rule_changed' }),
      alertFixture({ alertId: 'd', lastEventAt: last - 1 }),
      alertFixture({ alertId: 'e', rule: 'other', lastEventAt: last - 1 }),
      alertFixture({ alertId: 'f', rule: 'not asked' }),
    ]);
    const found = async (...sinceMs: [string, number][]) =>
      (await sink.alertsSince(new Map(sinceMs))).map(({ alertId }) => alertId).toSorted();
    expect(await sink.alertsSince(new Map([[rule, last]]))).toEqual([resolved]);
    expect(await found([rule, last], ['other', last - 1])).toEqual(['a', 'e']);
    expect(await found([rule, -Infinity], ['other', last])).toEqual(['a', 'd']);
    const many = Array.from({ length: 250 }, (_, i): [string, number] => [`${rule}-${i}`, last]);
    expect(await found(...many, [rule, last])).toEqual(['a']);
    expect(await found()).toEqual([]);
  });

  test('writing the same input twice leaves the same rows', async () => {
    const sink = await openSink();
    const alerts = [
      alertFixture(),
      alertFixture({ version: 2, status: 'resolved' }),
      alertFixture({ alertId: 'ab' }),
    ];
    const events = [event('e1'), event('e2', { 'user.id': 'u-2' })];
    await sink.writeAlerts(alerts);
    await sink.writeEvents(events);
    const queries = [
      'SELECT * FROM {database}.alerts FINAL ORDER BY alert_id',
      'SELECT * FROM {database}.access_events FINAL ORDER BY event_id',
    ];
    const before = await Promise.all(queries.map(rows));
    expect(before.map((it) => it.length)).toEqual([2, 2]);
    await sink.writeEvents(events);
    await sink.writeAlerts(alerts);
    expect(await Promise.all(queries.map(rows))).toEqual(before);
  });

  test('the current row is the one with the largest version, whatever order the rows arrive in', async () => {
    const sink = await openSink();
    await sink.writeAlerts([alertFixture({ version: 9, status: 'resolved', events: 9 })]);
    await sink.writeAlerts([alertFixture({ version: 3, events: 3 })]);
    expect(await rows('SELECT toUInt32(events) AS events, status FROM {database}.alerts_current')).toEqual([
      { events: 9, status: 'resolved' },
    ]);
  });

  test('a restart learns when the alerts that are stored were first detected, and their newest versions', async () => {
    const sink = await openSink();
    const known = alertFixture({ alertId: 'aa', detectedAt: NOW_MS - 5 });
    await sink.writeAlerts([known, alertFixture({ alertId: 'bb', status: 'resolved', detectedAt: NOW_MS })]);
    await sink.writeAlerts([{ ...known, version: 3 }]);
    const manyUnknown = Array.from({ length: 450 }, (_, i) => `unknown-${i}`);
    expect(await sink.stored([...manyUnknown, 'aa', "b'b", 'bb'])).toEqual(
      new Map([
        ['aa', { detectedAt: NOW_MS - 5, version: 3 }],
        ['bb', { detectedAt: NOW_MS, version: 1 }],
      ]),
    );
  });

  test('a merged alert leaves the operators’ view but stays on record', async () => {
    const sink = await openSink();
    await sink.writeAlerts([
      alertFixture({ alertId: 'aa' }),
      alertFixture({ alertId: 'bb', status: 'merged', mergedInto: 'aa', version: 2 }),
    ]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    expect((await store.list({})).map((it) => it.alertId)).toEqual(['aa']);
    expect((await store.list({ status: 'merged' })).map((it) => it.alertId)).toEqual(['bb']);
    expect(await store.show('aa')).toMatchObject({ mergedFrom: ['bb'] });
  });

  test('an alert about a canary is not what operators work on, and is there for who asks for canaries', async () => {
    const sink = await openSink();
    await sink.writeAlerts([
      alertFixture({ alertId: 'aa' }),
      // Old ones are deleted.
      alertFixture({ alertId: 'cc', canary: true, detectedAt: Date.now() }),
    ]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    expect((await store.list({})).map((it) => it.alertId)).toEqual(['aa']);
    expect((await store.list({ canary: true })).map((it) => it.alertId)).toEqual(['cc']);
    expect(await store.show('cc')).toMatchObject({ canary: true });
    expect(await rows('SELECT alert_id FROM {database}.alerts_current')).toEqual([{ alert_id: 'aa' }]);
  });

  test('whether nobody acknowledges an alert is asked some time after somebody was told of it, however late that was', async () => {
    const sink = await openSink();
    const detectedAt = nowMs;
    await sink.writeAlerts([alertFixture({ alertId: 'aa00', detectedAt })]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    const MINUTE = 60_000;
    const unacknowledged = async (): Promise<string[]> => {
      const [since, before] = [nowMs - 24 * 60 * MINUTE, nowMs - 30 * MINUTE];
      const waiting = await store.untold({
        type: 'unacknowledged',
        levels: ['high'],
        since,
        before,
        limit: 10,
      });
      return waiting.map(({ alertId }) => alertId);
    };
    // The receiver was away for nearly a day.
    nowMs += 23 * 60 * MINUTE;
    await store.act({ alertId: 'aa00', action: 'notify', actor: 'vigie notify', reason: 'opened' });
    expect(await unacknowledged()).toEqual([]);
    nowMs += 61 * MINUTE;
    expect(await unacknowledged()).toEqual(['aa00']);
  });

  test('what operators do is kept with who, when and why, and gives the alert its state', async () => {
    const sink = await openSink();
    await sink.writeAlerts([alertFixture({ alertId: 'aa00' })]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    const DAYS_3 = 72 * 3_600_000;
    expect(await store.show('aa')).toMatchObject({ notifyBy: alertFixture().detectedAt + DAYS_3 });
    await store.act({ alertId: 'aa', action: 'acknowledge', actor: 'anne' });
    nowMs += 60_000;
    await store.act({ alertId: 'aa', action: 'assign', actor: 'anne', assignee: 'bruno' });
    await store.act({ alertId: 'aa', action: 'comment', actor: 'bruno', reason: "l'export est légitime ?" });
    nowMs += 60_000;
    const closed = await store.act({
      alertId: 'aa',
      action: 'close',
      actor: 'bruno',
      reason: 'account closed',
    });
    expect(closed).toMatchObject({
      state: 'closed',
      assignee: 'bruno',
      acknowledgedBy: 'anne',
      acknowledgedAt: NOW_MS,
      notifyBy: NOW_MS + DAYS_3,
      closedBy: 'bruno',
      closedAt: NOW_MS + 120_000,
      closeReason: 'account closed',
      comments: 1,
    });
    expect(closed.actions.map((it) => [it.action, it.actor, it.reason])).toEqual([
      ['acknowledge', 'anne', ''],
      ['assign', 'anne', ''],
      ['comment', 'bruno', "l'export est légitime ?"],
      ['close', 'bruno', 'account closed'],
    ]);
  });

  test('two actions in the same millisecond still have an order', async () => {
    const sink = await openSink();
    await sink.writeAlerts([alertFixture()]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    await store.act({ alertId: '01', action: 'close', actor: 'anne', reason: 'mistaken' });
    expect(await store.act({ alertId: '01', action: 'acknowledge', actor: 'anne' })).toMatchObject({
      state: 'acknowledged',
    });
  });

  test('an acknowledgement survives the merging of its alert into another', async () => {
    const sink = await openSink();
    await sink.writeAlerts([alertFixture({ alertId: 'aa' }), alertFixture({ alertId: 'bb' })]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    await store.act({ alertId: 'bb', action: 'acknowledge', actor: 'anne' });
    await sink.writeAlerts([alertFixture({ alertId: 'bb', status: 'merged', mergedInto: 'aa', version: 2 })]);
    expect(await store.show('aa')).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'anne' });
  });

  test('an acknowledgement survives when the alert that took its alert is merged in its turn', async () => {
    const sink = await openSink();
    const store = new ClickHouseAlertStore(clickHouse, clock);
    const ids = ['aa', 'bb', 'cc'];
    await sink.writeAlerts(ids.map((alertId) => alertFixture({ alertId })));
    await store.act({ alertId: 'cc', action: 'acknowledge', actor: 'm.durand' });
    for (const [alertId, mergedInto] of [
      ['cc', 'bb'],
      ['bb', 'aa'],
    ] as const)
      await sink.writeAlerts([alertFixture({ alertId, status: 'merged', mergedInto, version: 2 })]);
    expect(await store.list({})).toMatchObject([
      { alertId: 'aa', state: 'acknowledged', acknowledgedBy: 'm.durand' },
    ]);
    expect(await store.show('aa')).toMatchObject({
      mergedFrom: ['bb', 'cc'],
      actions: [{ alertId: 'cc', action: 'acknowledge' }],
    });
    expect(await store.show('bb')).toMatchObject({ mergedFrom: ['cc'], actions: [{ alertId: 'cc' }] });
  });

  test('alerts that were merged into each other leave the others readable', async () => {
    const sink = await openSink();
    const store = new ClickHouseAlertStore(clickHouse, clock);
    await sink.writeAlerts([
      alertFixture({ alertId: 'aa' }),
      alertFixture({ alertId: 'bb', status: 'merged', mergedInto: 'cc' }),
      alertFixture({ alertId: 'cc', status: 'merged', mergedInto: 'bb' }),
    ]);
    await store.act({ alertId: 'bb', action: 'acknowledge', actor: 'm.durand' });
    expect((await store.list({})).map(({ alertId }) => alertId)).toEqual(['aa']);
    expect(await store.show('bb')).toMatchObject({ mergedFrom: ['cc'] });
  });

  test('what goes on is at the top when what stands above it is over', async () => {
    const sink = await openSink();
    await sink.writeAlerts([
      alertFixture({ alertId: 'a1', status: 'resolved' }),
      alertFixture({ alertId: 'a2', inhibitedBy: 'a1' }),
      alertFixture({ alertId: 'a3' }),
      alertFixture({ alertId: 'a4', inhibitedBy: 'a3' }),
      alertFixture({ alertId: 'a5', status: 'merged', mergedInto: 'a3' }),
      alertFixture({ alertId: 'a6', inhibitedBy: 'a5' }),
    ]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    const ids = async (filter: Parameters<typeof store.list>[0]): Promise<string[]> =>
      (await store.list(filter)).map((it) => it.alertId).toSorted();
    expect(await ids({ top: true })).toEqual(['a1', 'a3']);
    expect(await ids({ top: true, status: 'firing' })).toEqual(['a2', 'a3']);
  });

  test('alerts are listed newest first, of equals the highest level, and filtered by whatever is known of them', async () => {
    const sink = await openSink();
    await sink.writeAlerts([
      alertFixture({ alertId: 'a1', lastEventAt: hourOf(10), level: 'critical', rule: "d'un compte" }),
      alertFixture({ alertId: 'a2', lastEventAt: hourOf(11), status: 'resolved', accounts: ['u-took-part'] }),
      alertFixture({ alertId: 'a3', lastEventAt: hourOf(12) }),
      alertFixture({
        alertId: 'a0',
        lastEventAt: hourOf(12),
        level: 'low',
        inhibitedBy: 'a3',
        group: { ip: 'x' },
        accounts: [' x '],
      }),
    ]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    await store.act({ alertId: 'a3', action: 'acknowledge', actor: 'anne' });
    const ids = async (filter: Parameters<typeof store.list>[0]): Promise<string[]> =>
      (await store.list(filter)).map((it) => it.alertId);
    expect(await ids({})).toEqual(['a3', 'a0', 'a2', 'a1']);
    expect(await ids({ top: true })).toEqual(['a3', 'a2', 'a1']);
    expect(await ids({ who: 'x' })).toEqual(['a0']);
    expect(await ids({ who: ' x ' })).toEqual(['a0']);
    expect(await ids({ who: ' x' })).toEqual([]);
    expect(await ids({ who: 'u-took-part' })).toEqual(['a2']);
    expect(await ids({ who: "u-7'f3a\\", limit: 2 })).toEqual(['a3', 'a2']);
    expect(await ids({ limit: 1 })).toEqual(['a3']);
    expect(await ids({ status: 'resolved' })).toEqual(['a2']);
    expect(await ids({ state: 'acknowledged' })).toEqual(['a3']);
    expect(await ids({ level: 'critical' })).toEqual(['a1']);
    expect(await ids({ rule: "d'un compte" })).toEqual(['a1']);
    expect(await ids({ rule: alertFixture().title, status: 'resolved' })).toEqual(['a2']);
    expect(await ids({ since: hourOf(11) })).toEqual(['a3', 'a0', 'a2']);
  });

  test.each([
    ['an unknown id', 'ffff', 'ALERT_NOT_FOUND'],
    ['the beginning of several ids', '0', 'ALERT_ID_AMBIGUOUS'],
    ['what cannot be an id', "0' OR 1", 'ARGUMENT_INVALID'],
  ])('%s is refused with a reason', async (_what, id, code) => {
    const sink = await openSink();
    await sink.writeAlerts([alertFixture(), alertFixture({ alertId: '00aa' })]);
    const store = new ClickHouseAlertStore(clickHouse, clock);
    await expect(store.show(id)).rejects.toMatchObject({ code, remedy: expect.any(String) });
  });

  test('reading a database that nothing was stored in says what to do', async () => {
    const store = new ClickHouseAlertStore(clickHouse, clock);
    const failure = {
      code: 'CLICKHOUSE_SCHEMA',
      message: expect.not.stringContaining('SELECT'),
      remedy: expect.stringContaining('vigie run'),
    };
    await expect(store.list({})).rejects.toMatchObject(failure);
    await clickHouse.client.command({ query: `CREATE DATABASE ${clickHouse.database}` });
    await expect(store.list({})).rejects.toMatchObject(failure);
  });

  test('events of many days are archived in one call, though an insert may not touch many partitions', async () => {
    const batches: number[] = [];
    const sink = await openSink({ hooks: { onBatch: (count) => batches.push(count) } });
    const events = Array.from({ length: 120 }, (_, day) => ({
      ...event(`e${day}`),
      time: Date.UTC(2025, 0, 1 + day),
    }));
    await sink.writeEvents(events);
    expect(await rows('SELECT toUInt32(count()) AS n FROM {database}.access_events')).toEqual([{ n: 120 }]);
    expect(batches.length).toBeGreaterThan(1);
  });

  test('no text of an event makes ClickHouse refuse the others', async () => {
    const sink = await openSink();
    const texts = ['', 'a\0b', '\ud800', 'line\nbreak', "'; DROP TABLE x; --", '\\', '{database}', '😀'];
    await sink.writeEvents(
      texts.map((text, i) => event(`e${i}`, { 'user_agent.original': text, 'x.y': [text] })),
    );
    const stored = await rows('SELECT user_agent AS text FROM {database}.access_events ORDER BY event_id');
    expect(stored.map((row) => row['text'])).toEqual(texts.map((text) => text.toWellFormed()));
  });

  test('the archive’s time to live follows the configuration at every start', async () => {
    const ttl = `SELECT extract(create_table_query, 'toIntervalDay.([0-9]+)') AS days FROM system.tables
WHERE database = '{database}' AND name = 'access_events'`;
    for (const [archiveDays, expected] of [
      [365, '365'],
      [365, '365'],
      [30, '30'],
      [0, ''],
    ] as const) {
      await openSink({ archiveDays });
      expect(await rows(ttl)).toEqual([{ days: expected }]);
    }
  });

  test('who archives nothing leaves the time to live to those who do, and who changes it for stored events says so', async () => {
    const ttl = `SELECT extract(create_table_query, 'toIntervalDay.([0-9]+)') AS days FROM system.tables
WHERE database = '{database}' AND name = 'access_events'`;
    const told: unknown[] = [];
    const hooks = { onArchiveDays: (former: number, days: number) => told.push([former, days]) };
    const sink = await openSink({ archiveDays: 3650, hooks });
    await sink.writeEvents([event('e')]);
    await openSink({ archiveDays: undefined, hooks });
    expect(await rows(ttl)).toEqual([{ days: '3650' }]);
    expect(told).toEqual([]);
    await openSink({ archiveDays: 30, hooks });
    await openSink({ archiveDays: 0, hooks });
    expect(told).toEqual([
      [3650, 30],
      [30, 0],
    ]);
  });
});

function hourOf(hour: number): number {
  return Date.UTC(2025, 6, 12, hour);
}

function event(eventId: string, fields: ArchivedEvent['fields'] = { 'user.id': 'u-1' }): ArchivedEvent {
  return { eventId, time: Date.UTC(2025, 6, 12, 19), fields };
}
