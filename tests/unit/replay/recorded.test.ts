/** A recorded file is sent again as it is. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { recorded } from '../../../replay/recorded.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-recorded-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('every line goes out unchanged, keyed by account and with its event time', () => {
  const lines = [
    '{"@timestamp":"2025-07-12T21:00:00Z","user":{"id":"u-1"}}',
    'not an event',
    '{"@timestamp":"2025-07-12T21:00:01Z","user.id":"u-2","portal":{"records":{"ids":["p-1"]}}}',
  ];
  const path = write('lines.ndjson', `${lines.join('\n')}\n`);
  const chunks = [...recorded(path, '@timestamp').batches()];
  expect(Buffer.concat(chunks.map(({ bytes }) => bytes)).toString()).toBe(readFileSync(path, 'utf8'));
  expect(chunks.flatMap(({ keys }) => keys)).toEqual(['u-1', '', 'u-2']);
  const start = Date.parse('2025-07-12T21:00:00Z');
  expect(chunks.flatMap(({ times }) => [...times])).toEqual([start, start, start + 1000]);
});

const timesOf = (path: string): number[] =>
  [...recorded(path, '@timestamp').batches()].flatMap(({ times }) => [...times]);

test('lines before the first event have its time, and a file without one that of the file', () => {
  const at = '2025-07-12T21:00:00.000Z';
  const path = write('head.csv', `time,account\n\n{"@timestamp":"${at}"}\n`);
  expect(new Set(timesOf(path))).toEqual(new Set([Date.parse(at)]));
  const none = write('none.csv', 'time,account\n');
  expect(timesOf(none)).toEqual([Math.floor(statSync(none).mtimeMs)]);
});

const line = (i: number): string =>
  `{"@timestamp":${1_752_354_000_000 + i},"user":{"id":"u-${i}"},"pad":"${'x'.repeat(500)}"}`;

test('a file larger than one chunk comes in order, its last line without a break too', () => {
  const path = write('large.ndjson', Array.from({ length: 5000 }, (_, i) => line(i)).join('\n'));
  const keys = [...recorded(path, '@timestamp').batches()].flatMap((chunk) => chunk.keys);
  expect(keys).toEqual(Array.from({ length: 5000 }, (_, i) => `u-${i}`));
});

test('the labels are those beside the file, also with the byte-order mark that some editors put before them', () => {
  const path = write('labelled.ndjson', '');
  const labels = { format: 'vigie-labels/1', incidents: [{ name: 'kairos-2025' }] };
  write('labelled.ndjson.labels.json', `\ufeff${JSON.stringify(labels)}`);
  expect(recorded(path, '@timestamp').labels()).toEqual(labels);
});

test('a folder is refused by name', () => {
  expect(() => recorded(folder, '@timestamp')).toThrow(`cannot read ${folder}: it is a folder`);
});
