/** Files and standard input as a source: which events, at which offsets, and what goes wrong. */

import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FileSource } from '../../../src/source/file-source.ts';
import { MemorySource } from '../../../src/source/memory-source.ts';
import type { Source } from '../../../src/source/source.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigie-file-source-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

interface Read {
  kinds: string[];
  events: [offset: number, text: string][];
  count: number;
  bytes: number;
  nextOffset: number;
}

async function readAll(source: Source): Promise<Read> {
  const read: Read = { kinds: [], events: [], count: 0, bytes: 0, nextOffset: 0 };
  for await (const item of source.read(new AbortController().signal)) {
    read.kinds.push(item.kind);
    if (item.kind !== 'events') continue;
    expect(item.partition).toBe(0);
    item.forEach((data, start, end, offset) => {
      read.events.push([offset, Buffer.from(data.subarray(start, end)).toString()]);
    });
    read.count += item.count;
    read.bytes += item.bytes;
    read.nextOffset = item.nextOffset;
  }
  return read;
}

async function* torn(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{}\n');
  await Promise.resolve();
  throw new Error('read EIO');
}

async function* never(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{}\n');
  await new Promise(() => undefined);
}

test('an event is a line, its offset the line number from 0, blank lines counted', async () => {
  const source = new FileSource(await file('lines', '{"a":1}\n\n{"a":2}\r\n{"a":3}'));
  const read = await readAll(source);
  expect(read.kinds[0]).toBe('assignment');
  expect(read.events).toEqual([
    [0, '{"a":1}'],
    [2, '{"a":2}'],
    [3, '{"a":3}'],
  ]);
  expect(read).toMatchObject({ count: 3, bytes: 21, nextOffset: 4 });
});

test('progress ends at the size of the file, also when it takes several chunks', async () => {
  const lines = Array.from({ length: 60_000 }, (_, i) => `{"line":${i},"padding":"${'x'.repeat(i % 90)}"}`);
  const content = lines.join('\n');
  const source = new FileSource(await file('large', content));
  expect(source.totalBytes).toBeUndefined();
  const read = await readAll(source);
  expect(read.kinds.length).toBeGreaterThan(4);
  expect(read.events).toEqual(lines.map((line, i) => [i, line]));
  expect(source.bytesRead).toBe(content.length);
  expect(source.totalBytes).toBe(content.length);
});

test('an empty file is an assignment and nothing else', async () => {
  const read = await readAll(new FileSource(await file('empty', '')));
  expect(read.kinds).toEqual(['assignment']);
});

test('the events do not depend on where chunks were cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll(/[\r\n]/gu, ''))),
      fc.array(fc.nat(9), { minLength: 1 }),
      async (lines, cuts) => {
        const whole = Buffer.from(lines.join('\n'));
        const chunks: Uint8Array[] = [];
        for (let start = 0, i = 0; start < whole.length; i++) {
          const size = cuts[i % cuts.length]! + 1;
          chunks.push(whole.subarray(start, start + size));
          start += size;
        }
        const one = await readAll(new MemorySource([whole]));
        const many = await readAll(new MemorySource(chunks));
        expect(many.events).toEqual(one.events);
        expect(many.bytes).toBe(one.bytes);
      },
    ),
  );
});

test('a missing file and a folder are named with what to do', async () => {
  const missing = join(folder, 'missing');
  await expect(readAll(new FileSource(missing))).rejects.toMatchObject({
    code: 'INPUT_UNREADABLE',
    message: expect.stringContaining(missing),
    remedy: expect.stringContaining('path'),
  });
  await expect(readAll(new FileSource(folder))).rejects.toMatchObject({
    code: 'INPUT_UNREADABLE',
    message: expect.stringContaining('folder'),
  });
});

test.each([
  ['gzip', '1f8b08', 'zcat'],
  ['zstd', '28b52ffd24', 'zstdcat'],
  ['UTF-16', 'fffe7b00', 'iconv -f UTF-16 -t UTF-8'],
])('%s is no lines of a log: nothing is read of it, and what unpacks it is named', async (is, bytes, by) => {
  const path = join(folder, 'not-text');
  await writeFile(path, Buffer.from(`${bytes}0a7b7d0a`, 'hex'));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { kind } of new FileSource(path).read(new AbortController().signal)) seen.push(kind);
  })();
  await expect(reading).rejects.toMatchObject({
    code: 'INPUT_NOT_TEXT',
    message: expect.stringContaining(is),
    remedy: expect.stringContaining(`${by} ${path} | vigie`),
  });
  expect(seen).not.toContain('events');
});

test('a file that is cut while it is read is not taken for one that ended there', async () => {
  const path = join(folder, 'rotated');
  await writeFile(path, '{"a":1}\n'.repeat(1 << 19));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { kind } of new FileSource(path).read(new AbortController().signal)) {
      seen.push(kind);
      if (kind === 'events') await truncate(path);
    }
  })();
  await expect(reading).rejects.toMatchObject({
    code: 'INPUT_UNREADABLE',
    message: expect.stringMatching(/: it had 4194304 bytes and was cut to 0 while it was read, at byte \d+$/),
  });
  expect(seen).toContain('events');
});

test('a failing input is reported after the events before it', async () => {
  const seen: string[] = [];
  const reading = (async () => {
    for await (const item of new FileSource('-', torn()).read(new AbortController().signal))
      seen.push(item.kind);
  })();
  await expect(reading).rejects.toMatchObject({
    code: 'INPUT_UNREADABLE',
    message: 'Cannot read stdin: read EIO',
  });
  expect(seen).toEqual(['assignment', 'events']);
});

test('standard input that is quiet yields idle moments, and ends quietly', async () => {
  const more = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"a":1}\n{"a"');
    await more.promise;
    yield Buffer.from(':2}\n');
  }
  const source = new FileSource('-', slow());
  expect(source.name).toBe('stdin');
  const kinds: string[] = [];
  for await (const item of source.read(new AbortController().signal)) {
    kinds.push(item.kind);
    if (item.kind === 'idle') more.resolve();
  }
  expect(kinds).toEqual(['assignment', 'events', 'idle', 'events']);
});

test('an abort ends the reading at once, even while nothing arrives', async () => {
  const abort = new AbortController();
  const kinds: string[] = [];
  for await (const item of new FileSource('-', never()).read(abort.signal)) {
    kinds.push(item.kind);
    if (item.kind === 'events') setTimeout(() => abort.abort(), 5);
  }
  expect(kinds).toEqual(['assignment', 'events']);
});

test('no more than one chunk is read ahead of what was pulled', async () => {
  let produced = 0;
  function* chunks(): Generator<Uint8Array> {
    for (; produced < 100;) {
      produced++;
      yield Buffer.from('{}\n');
    }
  }
  const items = new MemorySource(chunks()).read(new AbortController().signal);
  await items.next();
  for (let pulled = 1; pulled <= 5; pulled++) {
    await items.next();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(produced).toBe(pulled + 1);
  }
});
