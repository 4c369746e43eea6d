import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolder } from '../../src/make-folder.ts';

const here = mkdtempSync(join(tmpdir(), 'vigie-folder-'));
afterAll(() => rmSync(here, { recursive: true }));

test('a folder is made with those above it, for its owner only, and may be there already', () => {
  const folder = join(here, 'a', 'b');
  makeFolder(folder);
  makeFolder(folder);
  for (const path of [folder, join(here, 'a')]) expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('a folder that a link leads to is there', () => {
  const link = join(here, 'link');
  symlinkSync(here, link);
  makeFolder(link);
  expect(statSync(link).isDirectory()).toBe(true);
});

test.each([
  ['where the system keeps the folder above for itself', '/proc/none/data', /ENOENT.*'\/proc\/none'/],
  ['below a file', join(here, 'file', 'data'), /ENOTDIR.*file\/data/],
  ['where a file is', join(here, 'file'), /EEXIST.*file/],
])('a folder that cannot be made is refused: %s', (_, path, message) => {
  writeFileSync(join(here, 'file'), '');
  expect(() => makeFolder(path)).toThrow(message);
});
