/** The README's statements and the cases agree: none without a case, no case about anything else. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { correlationFiles, detectionFiles } from './case-files.ts';

const files = [...detectionFiles(), ...correlationFiles()];
const readme = readFileSync(`${import.meta.dirname}/README.md`, 'utf8');
const statements = [...readme.matchAll(/^\| ([DCS]\d+|[MV]-[\w-]+) \|/gm)].map(([, id]) => id!);

test('every statement has a case, and no case covers anything that is not stated', () => {
  const covered = new Set(files.flatMap(({ cases }) => cases.flatMap(({ covers }) => covers)));
  expect([...covered].sort()).toEqual([...new Set(statements)].sort());
});

test('no two cases of a file say the same', () => {
  for (const { file, cases } of files) {
    const names = cases.map(({ name }) => name);
    expect(new Set(names).size, file).toBe(names.length);
  }
});
