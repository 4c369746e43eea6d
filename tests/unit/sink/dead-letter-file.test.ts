import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeadLetterFile } from '../../../src/sink/dead-letter-file.ts';
import type { DeadLetterLine } from '../../../src/sink/dead-letter-file.ts';
import type { DeadLetter } from '../../../src/sink/sink.ts';

const clock = { now: () => Date.UTC(2025, 6, 12, 21), elapsed: () => 0 };
const letter = (offset: number, bytes: Uint8Array): DeadLetter => ({
  code: 'NOT_JSON',
  message: 'unexpected end',
  source: 'access-events',
  partition: 3,
  offset,
  bytes,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-dead-letters-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function linesOf(path: string): DeadLetterLine[] {
  const content = readFileSync(path, 'utf8');
  expect(content.endsWith('\n')).toBe(true);
  return content
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as DeadLetterLine);
}

describe('dead letters in a file', () => {
  test('the original bytes come back untouched, with where they were and why they were refused', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const file = new DeadLetterFile(join(folder, 'sub', 'dead.ndjson'), clock);
    await file.write([letter(7, bytes.subarray(10, 200)), letter(8, new Uint8Array())]);
    await file.close();
    const [first, second] = linesOf(file.path);
    expect(first).toMatchObject({
      code: 'NOT_JSON',
      message: 'unexpected end',
      source: 'access-events',
      partition: 3,
      offset: 7,
      at: '2025-07-12T21:00:00.000Z',
    });
    expect(Buffer.from(first!.bytes_base64, 'base64')).toEqual(Buffer.from(bytes.subarray(10, 200)));
    expect(second!.bytes_base64).toBe('');
  });

  test('nobody but the owner can read the file', async () => {
    const file = new DeadLetterFile(join(folder, 'dead.ndjson'), clock);
    await file.write([letter(1, new Uint8Array([1]))]);
    await file.close();
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
  });

  test('a good input leaves no file', async () => {
    const file = new DeadLetterFile(join(folder, 'dead.ndjson'), clock);
    await file.write([]);
    await file.close();
    expect(() => statSync(file.path)).toThrow('ENOENT');
  });

  test.each([0, 1, 70_000])(
    'a line of %i bytes that a killed process left torn is cut off, and the lines before stay',
    async (bytes) => {
      const path = join(folder, 'dead.ndjson');
      const before = new DeadLetterFile(path, clock);
      await before.write([letter(0, new Uint8Array([1]))]);
      await before.close();
      appendFileSync(path, 'x'.repeat(bytes));
      const file = new DeadLetterFile(path, clock);
      await file.write([letter(1, new Uint8Array([1]))]);
      await file.close();
      expect(linesOf(path).map(({ offset }) => offset)).toEqual([0, 1]);
    },
  );

  test('a file that is nothing but a torn line begins anew', async () => {
    const path = join(folder, 'dead.ndjson');
    appendFileSync(path, '{"code":"NOT_J');
    const file = new DeadLetterFile(path, clock);
    await file.write([letter(1, new Uint8Array([1]))]);
    await file.close();
    expect(linesOf(path)).toMatchObject([{ offset: 1 }]);
  });

  test('concurrent writes do not mix their lines', async () => {
    const file = new DeadLetterFile(join(folder, 'dead.ndjson'), clock);
    const large = new Uint8Array(200_000);
    await Promise.all(Array.from({ length: 8 }, (_, i) => file.write([letter(i, large)])));
    await file.close();
    expect(linesOf(file.path).map((line) => line.offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('a place that cannot be written to is named with the remedy', async () => {
    const file = new DeadLetterFile(folder, clock);
    await expect(file.write([letter(1, new Uint8Array())])).rejects.toMatchObject({
      code: 'DEAD_LETTER_FILE_FAILED',
      retryable: false,
      message: expect.stringContaining(folder),
    });
    await file.close();
  });

  test('a full disk is worth waiting for', async () => {
    const file = new DeadLetterFile('/dev/full', clock);
    await expect(file.write([letter(1, new Uint8Array([1]))])).rejects.toMatchObject({
      code: 'DEAD_LETTER_FILE_FAILED',
      retryable: true,
    });
    await file.close();
  });
});
