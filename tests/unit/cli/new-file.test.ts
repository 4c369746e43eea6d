import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NewFile } from '../../../src/cli/new-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-file-'));
  path = join(folder, 'persons.csv');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a file has its name once it is complete, and is its owner’s alone from the start', async () => {
  const file = await NewFile.open(path, false);
  await file.write('a\n');
  const [partial, ...others] = readdirSync(folder);
  expect(partial).not.toBe('persons.csv');
  expect(others).toEqual([]);
  expect(statSync(join(folder, partial!)).mode & 0o777).toBe(0o600);
  await file.write('b\n');
  await file.complete();
  await file.discard();
  expect(readdirSync(folder)).toEqual(['persons.csv']);
  expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a file that is not completed leaves nothing', async () => {
  const file = await NewFile.open(path, false);
  await file.write('half');
  await file.discard();
  expect(readdirSync(folder)).toEqual([]);
});

test('what is there already stays, unless it is to be replaced', async () => {
  writeFileSync(path, 'before');
  await expect(NewFile.open(path, false)).rejects.toMatchObject({
    code: 'OUTPUT_EXISTS',
    message: `${path} is there already`,
  });
  const file = await NewFile.open(path, true);
  await file.write('after');
  expect(readFileSync(path, 'utf8')).toBe('before');
  await file.complete();
  expect(readFileSync(path, 'utf8')).toBe('after');
});

test('what somebody else made meanwhile is not replaced', async () => {
  const file = await NewFile.open(path, false);
  writeFileSync(path, 'theirs');
  await expect(file.complete()).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  await file.discard();
  expect(readFileSync(path, 'utf8')).toBe('theirs');
  expect(readdirSync(folder)).toEqual(['persons.csv']);
});

test('a folder that is not there is named, with what to do', async () => {
  const missing = join(folder, 'none', 'persons.csv');
  await expect(NewFile.open(missing, false)).rejects.toMatchObject({
    code: 'OUTPUT_FAILED',
    message: expect.stringContaining(missing),
    remedy: expect.stringContaining('--to'),
  });
});
