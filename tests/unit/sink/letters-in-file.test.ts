/** Dead letters of a file that this user may not read: that is not the same as none. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { LettersInFile } from '../../../src/sink/letters-in-file.ts';
import type { StoredLetter } from '../../../src/sink/stored-letters.ts';

const NOBODY = 65_534;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-letters-'));
  path = join(folder, 'dead-letters.ndjson');
  writeFileSync(path, '');
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

/** Root may read everything, so as somebody else. */
async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

async function read(): Promise<void> {
  const store = new LettersInFile(path, () => Promise.resolve(), systemClock);
  await store.sent();
  await store.letters(() => undefined);
}

test.each([
  [
    'the letters',
    (): void =>
      [[folder, 0o755] as const, [path, 0o000] as const].forEach(([at, mode]) => chmodSync(at, mode)),
  ],
  ['the folder', (): void => chmodSync(folder, 0o000)],
  [
    'what was sent again',
    (): void => {
      chmodSync(folder, 0o755);
      chmodSync(path, 0o644);
      writeFileSync(`${path}.sent`, '');
      chmodSync(`${path}.sent`, 0o000);
    },
  ],
])('%s that this user may not read are told to be unreadable', async (_, forbid) => {
  forbid();
  await expect(unprivileged(read)).rejects.toMatchObject({
    code: 'DEAD_LETTERS_UNREADABLE',
    message: expect.stringContaining('EACCES'),
  });
});

test('a file that is not there is missing', async () => {
  rmSync(path);
  await expect(read()).rejects.toMatchObject({ code: 'DEAD_LETTERS_MISSING' });
});

describe('letters are sent again', () => {
  const letter = { key: 'k1', bytes: Buffer.from('no event') } as StoredLetter;
  let written: string;
  beforeEach(() => {
    written = '';
  });

  async function send(...letters: readonly StoredLetter[]): Promise<number> {
    const store = new LettersInFile(
      path,
      async (lines) => {
        written += lines.toString();
      },
      systemClock,
    );
    try {
      await store.send(letters);
      return (await store.sent()).size;
    } finally {
      await store.close();
    }
  }

  test('only where it can be kept which were, as they would be sent at every call', async () => {
    chmodSync(folder, 0o755);
    await expect(unprivileged(() => send(letter))).rejects.toMatchObject({
      code: 'DEAD_LETTERS_UNMARKED',
      message: expect.stringContaining(`${path}.sent`) as unknown,
    });
    expect(written).toBe('');
  });

  test('though a full disk or a kill left half a mark', async () => {
    writeFileSync(`${path}.sent`, '{"key":"k0","at":"2025-07-12T21:00:00.000Z"}\n{"key":"k1","a');
    expect(await send(letter)).toBe(2);
    expect(await send({ ...letter, key: 'k2' })).toBe(3);
  });
});
