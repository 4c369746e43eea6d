/** `vigie deadletters` on a file: what it does when the places that it is given are none. A topic's: tests/integration. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { cleanUp, temporaryFolder, vigie } from '../../support/cli.ts';

const folder = temporaryFolder();
const file = join(folder, 'dead-letters.ndjson');
const sent = `${file}.sent`;
/** Read as text, and written again, they would be others. */
const BYTES = Buffer.from([0x7b, 0x22, 0xff, 0xe9, 0x22, 0x7d]);

afterAll(cleanUp);

let round = 0;
beforeEach(() => {
  const letter = { code: 'NOT_UTF8', message: 'byte 2 is not UTF-8', source: 'in', partition: 0 };
  const at = '2025-07-12T20:00:00.000Z';
  // Another offset is another letter, so none was sent before.
  const line = { ...letter, offset: (round += 1), at, bytes_base64: BYTES.toString('base64') };
  writeFileSync(file, `${JSON.stringify(line)}\n`);
});

test('what is sent to standard output is the original bytes', () => {
  const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [
    main,
    'deadletters',
    'replay',
    '--file',
    file,
    '--to',
    '-',
  ]);
  expect(stdout).toEqual(Buffer.concat([BYTES, Buffer.from('\n')]));
});

test('what could not be written is not kept as sent', async () => {
  const before = existsSync(sent) ? readFileSync(sent, 'utf8') : '';
  const to = join(folder, 'nowhere', 'again.ndjson');
  const { code, stderr } = await vigie(['deadletters', 'replay', '--file', file, '--to', to]);
  expect(code).toBe(1);
  expect(stderr).toMatch(`vigie: OUTPUT_FAILED: cannot write ${to}: ENOENT`);
  expect(existsSync(sent) ? readFileSync(sent, 'utf8') : '').toBe(before);
});

test.each([
  ['a folder', folder, 'it is a folder'],
  ['an event', join(folder, 'event.ndjson'), 'it is no dead letter'],
  ['a word', join(folder, 'word.txt'), 'it is no dead letter'],
])('%s in place of dead letters is refused, and not taken for none', async (_, path, why) => {
  writeFileSync(join(folder, 'event.ndjson'), '{"@timestamp":"2025-07-12T20:00:00Z"}\n');
  writeFileSync(join(folder, 'word.txt'), 'word\n');
  const { code, stdout, stderr } = await vigie(['deadletters', 'list', '--file', path]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('vigie: DEAD_LETTERS_UNREADABLE: ');
  expect(stderr).toContain(why);
});

test('a last line that was cut off while it was written is left out', async () => {
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, whole + whole.slice(0, 40));
  const { code, stdout } = await vigie(['deadletters', 'list', '--json', '--file', file]);
  expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, lines: 1 });
});
