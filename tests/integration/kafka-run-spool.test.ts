/**
 * `vigie run` with a spool on a real broker: ClickHouse goes away in the middle of the theft, the process is killed
 * and starts again while it is away, and when it is back there are the rows of a run that nothing disturbed.
 */

import { readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClickHouse } from '../../src/sink/client.ts';
import { cleanUp, replayToFile, start, succeed, temporaryFolder, undated, until } from '../support/cli.ts';
import type { Env, Running } from '../support/cli.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import type { TestClickHouse } from '../support/clickhouse.ts';
import { faultyClickHouse } from '../support/faulty-clickhouse.ts';
import type { FaultyClickHouse } from '../support/faulty-clickhouse.ts';
import { createTopic, produce, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { FEW_RULES } from '../support/programs.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];
const folder = temporaryFolder();
const log = join(folder, 'log.ndjson');
/** On a Wednesday, and long before the end of the log. */
const THEFT = '--accounts 40 --records 4000 --window 6m --theft-start 2025-07-09T20:00:00Z';
const CLOSING = `{"@timestamp":"2025-07-20T00:00:00Z","event":{"id":"closing","action":"login"},"user":{"id":"u-0"}}\n`;

let server: TestClickHouse;
let connection: FaultyClickHouse;
let admin: Admin;
beforeAll(async () => {
  if (kafka === undefined) return;
  server = await startClickHouse();
  connection = await faultyClickHouse(server.url, 0);
  admin = testClient(brokers).admin();
  await admin.connect();
  await replayToFile('kairos-2025', log, THEFT);
  await appendFile(log, CLOSING);
}, 180_000);
afterAll(async () => {
  await cleanUp();
  await connection?.close();
  await server?.stop();
  await admin?.disconnect();
});

function environment(url: string, database: string): Env {
  return {
    VIGIE_PSEUDONYM_KEY: '00112233445566778899aabbccddeeff',
    VIGIE_ARCHIVE: 'true',
    // These events are old: a time to live would end them at once.
    VIGIE_ARCHIVE_DAYS: '0',
    CLICKHOUSE_URL: url,
    CLICKHOUSE_USER: server.username,
    CLICKHOUSE_PASSWORD: server.password,
    CLICKHOUSE_DATABASE: database,
  };
}

async function rowsOf(database: string): Promise<{ alerts: unknown[]; events: unknown[] }> {
  const { url, username, password } = server;
  const clickHouse = await openClickHouse({ url, username, password, database, dataDir: '' });
  const read = async (query: string): Promise<Record<string, unknown>[]> =>
    (await clickHouse.client.query({ query, format: 'JSONEachRow' })).json();
  const alerts = await read(`SELECT * FROM ${database}.alerts FINAL ORDER BY alert_id`);
  const events = await read(`SELECT * FROM ${database}.access_events FINAL ORDER BY event_id`);
  await clickHouse.close();
  return { alerts: undated(alerts), events };
}

/** Of a line of the log, ms since the epoch. */
function timeOf(line: string): string {
  return String(Date.parse((JSON.parse(line) as Record<string, string>)['@timestamp']!));
}

test.runIf(kafka !== undefined)(
  'a process that is killed and started while ClickHouse is away goes on detecting, and all rows are there at last',
  async () => {
    const plain = `vigie_plain_${process.pid}`;
    const spooled = `vigie_spooled_${process.pid}`;
    const args = ['run', '--rules', FEW_RULES];
    await succeed(
      [...args, '--input', log, '--data-dir', join(folder, 'plain')],
      environment(server.url, plain),
    );
    const expected = await rowsOf(plain);
    expect(expected.alerts.length).toBeGreaterThan(1);

    const topic = uniqueName('portal');
    const group = uniqueName('group');
    await createTopic(brokers, topic, 1);
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    // The theft lies in the second and the third part.
    const inTheft = lines.findIndex((line) => line.includes('2025-07-09T20:0'));
    const cuts = [0, inTheft + 200, inTheft + 2000, lines.length];
    const feed = (part: number) =>
      produce(
        brokers,
        topic,
        lines.slice(cuts[part], cuts[part + 1]).map((value) => ({ value, timestamp: timeOf(value) })),
      );
    const committed = async (running: Running, offset: number): Promise<void> => {
      await Promise.race([
        until(async () => {
          // A broker that no group has used yet first has to make room for offsets.
          const [entry] = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(() => []);
          return entry?.partitions[0]?.offset === String(offset);
        }),
        running.ended.then(({ stderr }) => expect.fail(`it ended: ${stderr}`)),
      ]);
    };
    const launch = () =>
      start([...args, '--data-dir', join(folder, 'data'), '--spool', join(folder, 'spool')], {
        ...environment(connection.url, spooled),
        KAFKA_BROKERS: brokers.join(),
        VIGIE_TOPIC: topic,
        VIGIE_GROUP: group,
      });

    const first = launch();
    await feed(0);
    await committed(first, cuts[1]!);
    connection.fault = 'away';
    await feed(1);
    await committed(first, cuts[2]!);
    const { status, text } = await first.get('/readyz');
    expect([status, text]).toEqual([503, expect.stringMatching(/CLICKHOUSE_/)]);
    expect(await first.metric('vigie_sink_spool_bytes')).toBeGreaterThan(0);
    await first.signal('SIGKILL');

    const second = launch();
    await feed(2);
    await committed(second, cuts[3]!);
    expect(await second.metric('vigie_sink_spooled_rows_total')).toBeGreaterThan(0);
    expect(await second.metric('vigie_alerts_total')).toBeGreaterThan(0);
    await second.signal('SIGTERM');
    expect(await second.message('rows wait in the spool')).toMatchObject({ code: 'SPOOL_LEFT' });

    connection.fault = undefined;
    const third = launch();
    await until(async () => (await third.metric('vigie_sink_spool_bytes')) === 0);
    // What waits may be sent before the group is joined.
    await until(async () => (await third.get('/readyz')).status === 200);
    const { code } = await third.signal('SIGTERM');
    expect(code).toBe(0);
    expect(await rowsOf(spooled)).toEqual(expected);
  },
  240_000,
);
