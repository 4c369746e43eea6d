/** A run over a web server's log through a mapping: every line is accounted for. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, deadLetters, query, temporaryFolder, vigie } from '../support/cli.ts';

const log = fileURLToPath(new URL('../unit/event/mapping/testdata/nginx-combined.log.txt', import.meta.url));

afterAll(cleanUp);

test('lines become archived events, skipped lines a count, and lines of another form dead letters', async () => {
  const dataDir = join(temporaryFolder(), 'data');
  const args = [
    'run',
    '--input',
    log,
    '--mapping',
    'nginx-combined',
    '--data-dir',
    dataDir,
    '--http-port',
    '0',
  ];
  const { code, stderr } = await vigie(args, { VIGIE_ARCHIVE: 'true' });
  expect(code).toBe(0);
  expect(stderr).toContain('12 events: 7 accepted, 0 duplicates, 2 dead letters, 3 skipped\n');
  expect(stderr).toContain(`vigie deadletters --data-dir ${dataDir} list`);
  expect(
    await query(
      dataDir,
      'SELECT action, count() AS n FROM vigie.access_events GROUP BY action ORDER BY action',
    ),
  ).toEqual([
    { action: 'document-download', n: 1 },
    { action: 'login', n: 2 },
    { action: 'record-export', n: 1 },
    { action: 'record-search', n: 1 },
    { action: 'record-view', n: 2 },
  ]);
  expect(deadLetters(dataDir).map(({ code: reason }) => reason)).toEqual(['NOT_IN_FORMAT', 'BAD_TIME']);
});

const loginAt = (minute: number) =>
  `{"@timestamp":"2026-01-05T10:0${minute}:00Z","event.action":"login","user.id":"u"}\n`;

test('events that come too late for their windows are told at the end, as an unsorted log raises fewer alerts', async () => {
  const folder = temporaryFolder();
  const unsorted = join(folder, 'unsorted.ndjson');
  writeFileSync(unsorted, [5, 0, 1, 5].map(loginAt).join(''));
  const args = ['run', '--input', unsorted, '--data-dir', join(folder, 'data'), '--http-port', '0'];
  const { code, stderr } = await vigie(args);
  expect(code).toBe(0);
  expect(stderr).toContain('4 events: 4 accepted, 0 duplicates, 0 dead letters, 2 late\n');
  expect(stderr).toContain('2 events are more than 1 min older than events before them');
});
