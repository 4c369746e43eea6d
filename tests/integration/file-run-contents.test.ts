/**
 * What a run makes of its input: the incidents are caught in time, every line is accounted for, and no
 * person's id is left anywhere but in the dead letters.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertView } from '../../src/sink/alert-store.ts';
import type { Labels } from '../../replay/labels.ts';
import {
  cleanUp,
  deadLetters,
  listAlerts,
  query,
  replayToFile,
  start,
  succeed,
  temporaryFolder,
  until,
} from '../support/cli.ts';
import { FEW_RULES } from '../support/programs.ts';

const CRITICAL = 'Mass extraction by one account (500 persons in an hour)';

afterAll(cleanUp);

async function replayAndRun(
  scenario: string,
  options: string,
): Promise<{ readonly labels: Labels; readonly alerts: readonly AlertView[]; readonly log: string }> {
  const folder = temporaryFolder();
  const log = join(folder, 'log.ndjson');
  const labels = await replayToFile(scenario, log, options);
  const dataDir = join(folder, 'data');
  await succeed(['run', '--input', log, '--rules', FEW_RULES, '--data-dir', dataDir]);
  return { labels, alerts: await listAlerts(dataDir), log };
}

describe('an incident', () => {
  test.each([
    // The published pace: 47 records a second.
    { recordsPerEvent: 1, atMost: 500 },
    { recordsPerEvent: 50, atMost: 550 },
  ])(
    'kairos-2025, $recordsPerEvent per page, is critical within 15 s and at most $atMost records',
    async ({ recordsPerEvent, atMost }) => {
      const { labels, alerts, log } = await replayAndRun(
        'kairos-2025',
        `--accounts 300 --records 8500 --window 3m --records-per-event ${recordsPerEvent}`,
      );
      const [theft] = labels.incidents;
      const critical = alerts.filter(({ level }) => level === 'critical');
      expect(critical.map(({ title, group }) => ({ title, group }))).toEqual([
        { title: CRITICAL, group: { 'user.id': theft!.accounts[0] } },
      ]);
      const { crossedAt, recordsBeforeAlert } = critical[0]!;
      expect(crossedAt - Date.parse(theft!.firstRead!.time)).toBeLessThanOrEqual(15_000);
      expect(recordsBeforeAlert).toBeLessThanOrEqual(atMost);
      const lost = maliciousRecords(log, theft!.malicious.sessions, crossedAt);
      expect(recordsBeforeAlert).toBe(lost);
    },
    120_000,
  );

  test('missions-locales-2025 is alerted before the first file is read', async () => {
    const { labels, alerts } = await replayAndRun(
      'missions-locales-2025',
      '--accounts 150 --records 4000 --window 10m',
    );
    const [theft] = labels.incidents;
    const creation = alerts.find(({ title }) => title === 'Several accounts created by one user in a day');
    expect(creation?.group['user.id']).toBe(theft!.accounts[0]);
    expect(creation?.crossedAt).toBeLessThan(Date.parse(theft!.firstRead!.time));
    const critical = alerts.filter(({ level }) => level === 'critical');
    const [, ...readers] = theft!.accounts;
    expect(new Set(critical.map(({ group }) => group['user.id']))).toEqual(new Set(readers));
    expect(critical).toHaveLength(readers.length);
  }, 120_000);
});

function maliciousRecords(log: string, sessions: readonly string[], until: number): number {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => sessions.some((session) => line.includes(session)))
    .map(
      (line) =>
        JSON.parse(line) as {
          '@timestamp': string;
          portal: { records?: { count: number } };
        },
    )
    .filter((event) => Date.parse(event['@timestamp']) <= until)
    .reduce((sum, { portal }) => sum + (portal.records?.count ?? 0), 0);
}

describe('after a run with the archive on', () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const key = 'a2b9f01c55d34e86907f1be2c3d4a5f6';
  // These events are old: a time to live would end them at once.
  const env = { VIGIE_ARCHIVE: 'true', VIGIE_ARCHIVE_DAYS: '0', VIGIE_PSEUDONYM_KEY: key };
  const secret = 'p-77777777';
  const faulty: readonly (readonly [code: string, bytes: Buffer<ArrayBuffer>])[] = [
    ['NOT_JSON', Buffer.from(`{"portal":{"records":{"ids":["${secret}"]`)],
    ['NOT_AN_OBJECT', Buffer.from(`["${secret}"]`)],
    ['NOT_UTF8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['NO_TIME', Buffer.from(`{"portal":{"records":{"ids":["${secret}"]}}}`)],
    ['BAD_TIME', Buffer.from(`{"@timestamp":"yesterday","portal":{"records":{"ids":["${secret}"]}}}`)],
    ['FUTURE_TIME', Buffer.from(`{"@timestamp":"2100-01-01T00:00:00Z","user":{"id":"u"}}`)],
    [
      'BAD_FIELD',
      Buffer.from(`{"@timestamp":"2025-07-12T21:00:00Z","portal":{"records":{"ids":[{"id":"${secret}"}]}}}`),
    ],
  ];
  let input: Buffer;
  let produced: number;
  let copies: number;
  let output: string;
  let metrics: string;

  beforeAll(async () => {
    const log = join(folder, 'log.ndjson');
    await replayToFile('kairos-2025', log, '--accounts 100 --records 1000 --window 20s --duplicates 0.05');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    copies = lines.length - new Set(lines).size;
    const parts = lines.map((line) => Buffer.from(line));
    faulty.forEach(([, bytes], i) => parts.splice((i + 1) * 1000, 0, bytes));
    produced = parts.length;
    input = Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')]));
    writeFileSync(log, input);

    const running = start(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir], {
      ...env,
      VIGIE_LOG_LEVEL: 'debug',
    });
    running.stdin.write(input);
    await until(async () => (await running.metric('vigie_events_consumed_total')) === produced);
    metrics = (await running.get('/metrics')).text;
    running.stdin.end();
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    output = ended.stdout + ended.stderr;
  }, 90_000);

  test('every line was accepted, a copy or a dead letter', () => {
    expect(copies).toBeGreaterThan(100);
    const summary = /"events":(\d+),"accepted":(\d+),"duplicates":(\d+),"deadLetters":(\d+)/.exec(output)!;
    const [events, accepted, duplicates, letters] = summary.slice(1).map(Number);
    expect({ events, duplicates, letters }).toEqual({
      events: produced,
      duplicates: copies,
      letters: faulty.length,
    });
    expect(accepted).toBe(produced - copies - faulty.length);
  });

  test('dead letters hold the original bytes, their place and why', () => {
    expect(
      deadLetters(dataDir).map(({ code, partition, offset, bytes_base64 }) => ({
        code,
        partition,
        offset,
        bytes: Buffer.from(bytes_base64, 'base64'),
      })),
    ).toEqual(faulty.map(([code, bytes], i) => ({ code, partition: 0, offset: (i + 1) * 1000, bytes })));
  });

  test('the archive holds each accepted event once, with the pseudonyms that `vigie pseudonymise` prints', async () => {
    const events = input
      .toString('utf8')
      .split('\n')
      .filter((line) => line.includes('"event":{"id"'))
      .map(
        (line) => JSON.parse(line) as { event: { id: string }; portal?: { records?: { ids?: string[] } } },
      );
    const expected = new Map(events.map(({ event, portal }) => [event.id, portal?.records?.ids ?? []]));
    const ids = [...new Set([...expected.values()].flat())];
    const printed = await succeed(['pseudonymise'], env, `${ids.join('\n')}\n`);
    const pseudonyms = new Map(
      printed
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t').toReversed() as [string, string]),
    );
    expect(pseudonyms.size).toBe(ids.length);

    const rows = await query<{ event_id: string; persons: string[] }>(
      dataDir,
      'SELECT event_id, persons FROM vigie.access_events ORDER BY event_id',
    );
    expect(rows).toHaveLength(expected.size);
    for (const { event_id, persons } of rows) {
      expect(persons).toEqual(expected.get(event_id)!.map((id) => pseudonyms.get(id)));
    }
  }, 120_000);

  test('no id of a person is in a table, a file, a log line or a metric', async () => {
    const raw = /\b[pj]-\d{8}\b/;
    expect(input.toString('latin1')).toMatch(raw);
    expect(output).toContain('alert opened');
    expect(output).not.toMatch(raw);
    expect(metrics).toContain('vigie_dead_letters_total{code="NOT_JSON"} 1');
    expect(metrics).not.toMatch(raw);
    for (const table of ['access_events', 'alerts', 'alerts_with_state', 'alert_actions']) {
      // Compressed on the disk, so also asked for.
      expect(JSON.stringify(await query(dataDir, `SELECT * FROM vigie.${table}`))).not.toMatch(raw);
    }
    const files = readdirSync(dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'dead-letters.ndjson')
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) expect(raw.exec(readFileSync(file, 'latin1')) ?? file).toBe(file);
  }, 120_000);
});
