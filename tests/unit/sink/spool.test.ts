/** Rows on the disk: what comes back, after whatever happened to the process or to the files. */

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DiskSpool, MIN_SPOOL_BYTES } from '../../../src/sink/spool/disk-spool.ts';
import type { DiskSpoolOptions } from '../../../src/sink/spool/disk-spool.ts';
import { RECORD_TEXT_BYTES, recordTexts } from '../../../src/sink/spool/record.ts';
import type { WriteAt } from '../../../src/sink/spool/segment.ts';
import type { Spool } from '../../../src/sink/spool/spool.ts';
import { startChild } from '../../support/child.ts';

// Much of it waits for the disk, which others use too.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let open: DiskSpool[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-spool-'));
});
afterEach(async () => {
  for (const spool of open.splice(0)) await spool.close();
  rmSync(folder, { recursive: true, force: true });
});

async function opened(options: Partial<DiskSpoolOptions> = {}): Promise<DiskSpool> {
  const spool = await DiskSpool.open({ folder, maxBytes: MIN_SPOOL_BYTES, ...options });
  open.push(spool);
  return spool;
}

/** As when the process ends: what is on the disk is all that is left. */
async function reopened(options: Partial<DiskSpoolOptions> = {}): Promise<DiskSpool> {
  for (const spool of open.splice(0)) await spool.close();
  return opened(options);
}

async function put(part: Spool, ...rows: unknown[]): Promise<void> {
  for (const text of recordTexts(rows)) await part.append(text, 1);
}

async function takeAll(part: Spool): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let first = await part.first(); first !== undefined; first = await part.first()) {
    all.push(...first.rows);
    await part.drop(first);
  }
  return all;
}

const filesIn = (part: string) => readdirSync(join(folder, part)).map((name) => join(folder, part, name));
const bytesIn = (part: string) => filesIn(part).reduce((sum, path) => sum + statSync(path).size, 0);

/** Text that no compression makes smaller. */
function noise(bytes: number): string {
  return randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64');
}

describe('a spool', () => {
  test('gives rows back in the order they were put there, however often the process ends in between', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ put: fc.integer({ min: 1, max: 60_000 }) }) },
      { weight: 2, arbitrary: fc.constant('take' as const) },
      { weight: 2, arbitrary: fc.constant('end' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        for (const spool of open.splice(0)) await spool.close();
        rmSync(folder, { recursive: true, force: true });
        let spool = await opened();
        let expected: unknown[] = [];
        let next = 0;
        for (const it of steps) {
          if (it === 'take') {
            const first = await spool.alerts.first();
            expect(first === undefined).toBe(expected.length === 0);
            if (first === undefined) continue;
            expect(first.rows).toEqual(expected.slice(0, first.rows.length));
            expected = expected.slice(first.rows.length);
            await spool.alerts.drop(first);
          } else if (it === 'end') {
            // Between taking a row and the end of its file, a new start gives it again.
            spool = await reopened();
            const again: unknown[] = [];
            for (let first = await spool.alerts.first(); first; first = await spool.alerts.first()) {
              again.push(...first.rows);
              await spool.alerts.drop(first);
            }
            expect(again.slice(again.length - expected.length)).toEqual(expected);
            expected = [];
          } else {
            const row = { n: (next += 1), text: noise(it.put) };
            await put(spool.alerts, row);
            expected.push(row);
          }
          expect(spool.bytes).toBe(bytesIn('alerts'));
        }
        expect(await takeAll(spool.alerts)).toEqual(expected);
        expect(spool.isEmpty).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps every value of a row, and text that is no well-formed UTF-16', async () => {
    const spool = await opened();
    const rows = [{ text: '\ud800 é 😀 \0 \n', list: ['', 'b'], n: 1.5e300, none: null, flag: false }, {}];
    await put(spool.events, ...rows);
    const later = await reopened();
    expect(later.oldestAt).toBe(1);
    expect(await takeAll(later.events)).toEqual(rows);
  });

  test.each([
    ['hardly', noise],
    ['very', (bytes: number) => 'x'.repeat(bytes)],
  ])(
    'gives many rows back in portions that are bounded, and one that is larger: %s compressible',
    async (_, textOf) => {
      const spool = await opened();
      const rows = Array.from({ length: 40 }, (__, i) => textOf(i === 20 ? 6_000_000 : 300_000));
      await put(spool.events, ...rows);
      const sizes: number[] = [];
      const all: unknown[] = [];
      for (let first = await spool.events.first(); first; first = await spool.events.first()) {
        sizes.push(JSON.stringify(first.rows).length);
        all.push(...first.rows);
        await spool.events.drop(first);
      }
      expect(all).toEqual(rows);
      expect(Math.max(...sizes)).toBeLessThan(4_300_000 + 6_000_000);
      expect(sizes.length).toBeGreaterThan(2);
    },
  );

  test('leaves no file behind once all rows were taken', async () => {
    const spool = await opened();
    await put(spool.alerts, 1);
    expect(spool.oldestAt).toBe(1);
    await takeAll(spool.alerts);
    expect([filesIn('alerts'), spool.bytes, spool.oldestAt]).toEqual([[], 0, undefined]);
  });

  test('shows its rows to its owner only', async () => {
    const spool = await opened();
    await put(spool.alerts, 1);
    expect(statSync(join(folder, 'alerts')).mode & 0o777).toBe(0o700);
    expect(statSync(filesIn('alerts')[0]!).mode & 0o777).toBe(0o600);
  });
});

describe('a process that is killed while it writes', () => {
  test('leaves all that was written before, wherever the last record is cut', async () => {
    let spool = await opened();
    await put(spool.alerts, { n: 1 });
    await put(spool.alerts, { n: 2 });
    const whole = bytesIn('alerts');
    await put(spool.alerts, { n: 3, text: 'x'.repeat(50) });
    const [path] = filesIn('alerts');
    const copy = join(folder, 'copy');
    copyFileSync(path!, copy);
    const size = bytesIn('alerts');
    for (let length = whole; length < size; length++) {
      for (const it of open.splice(0)) await it.close();
      for (const left of filesIn('alerts')) rmSync(left);
      copyFileSync(copy, path!);
      truncateSync(path!, length);
      const torn: number[] = [];
      spool = await opened({ onTorn: (_path, bytes) => torn.push(bytes) });
      expect(torn).toEqual(length === whole ? [] : [length - whole]);
      await put(spool.alerts, { n: 4 });
      spool = await reopened();
      expect(await takeAll(spool.alerts)).toEqual([{ n: 1 }, { n: 2 }, { n: 4 }]);
    }
  });

  test.each([0, 5, 11])('leaves nothing when only %d bytes of a new file were there', async (length) => {
    let spool = await opened();
    await put(spool.alerts, 1);
    const [path] = filesIn('alerts');
    truncateSync(path!, length);
    spool = await reopened();
    expect(await takeAll(spool.alerts)).toEqual([]);
    await put(spool.alerts, 2);
    expect(await takeAll((await reopened()).alerts)).toEqual([2]);
  });

  test.each([0, 0xa5])('leaves a last record of nothing but %d, which is not read', async (filler) => {
    let spool = await opened();
    await put(spool.alerts, 1);
    const [path] = filesIn('alerts');
    writeFileSync(path!, Buffer.concat([readFileSync(path!), Buffer.alloc(5000, filler)]));
    spool = await reopened();
    expect(await takeAll(spool.alerts)).toEqual([1]);
  });
});

describe('a damaged file', () => {
  test('of which any bit before the last record changed is refused by name, and no row of it is read wrongly', async () => {
    const spool = await opened();
    await put(spool.alerts, { n: 1 });
    const from = bytesIn('alerts');
    await put(spool.alerts, { n: 2 });
    const to = bytesIn('alerts');
    await put(spool.alerts, { n: 3 });
    const [path] = filesIn('alerts');
    const good = readFileSync(path!);
    for (const it of open.splice(0)) await it.close();
    for (let at = from; at < to; at++) {
      for (const bit of [1, 128]) {
        const bad = Buffer.from(good);
        bad[at] = bad[at]! ^ bit;
        writeFileSync(path!, bad);
        await expect(opened()).rejects.toMatchObject({
          code: 'SPOOL_DAMAGED',
          message: expect.stringContaining(path!),
        });
      }
    }
    expect(readFileSync(path!).length).toBe(good.length);
  });

  test('that is not the newest is refused when its turn comes, and those before it are given', async () => {
    let spool = await opened();
    await put(spool.alerts, 1);
    spool = await reopened();
    await put(spool.alerts, 2);
    const [, second] = filesIn('alerts');
    spool = await reopened();
    await put(spool.alerts, 3);
    const bytes = readFileSync(second!);
    bytes[bytes.length - 1]! ^= 1;
    for (const it of open.splice(0)) await it.close();
    writeFileSync(second!, bytes);
    spool = await opened();
    const first = await spool.alerts.first();
    expect(first?.rows).toEqual([1]);
    await spool.alerts.drop(first!);
    await expect(spool.alerts.first()).rejects.toMatchObject({ code: 'SPOOL_DAMAGED' });
  });

  test.each([
    ['another version of the format', (bytes: Buffer) => bytes.writeUInt32LE(2, 8), 'has format 2'],
    ['something else', (bytes: Buffer) => bytes.write('not ours', 0), 'no part of a spool'],
  ])('of %s is refused and left alone', async (_what, change, message) => {
    const spool = await opened();
    await put(spool.alerts, 1);
    const [path] = filesIn('alerts');
    for (const it of open.splice(0)) await it.close();
    const bytes = readFileSync(path!);
    change(bytes);
    writeFileSync(path!, bytes);
    await expect(opened()).rejects.toMatchObject({
      code: 'SPOOL_FORMAT',
      message: expect.stringContaining(message),
      remedy: expect.stringContaining('VIGIE_SPOOL'),
    });
    expect(readFileSync(path!)).toEqual(bytes);
  });
});

describe('two processes', () => {
  test('cannot use one spool, until the first has ended, however it ended', async () => {
    const other = await startChild('hold-spool.ts', [folder]);
    await expect(opened()).rejects.toMatchObject({ code: 'SPOOL_BUSY', remedy: expect.any(String) });
    await other.kill();
    await expect(opened()).resolves.toBeInstanceOf(DiskSpool);
    await expect(startChild('hold-spool.ts', [folder])).rejects.toThrow('SPOOL_BUSY');
  });

  test('cannot use one spool either when its lock cannot be written, which locks nothing: it is refused', async () => {
    writeFileSync(join(folder, 'lock'), '', { mode: 0o444 });
    chmodSync(folder, 0o777);
    await expect(startChild('hold-spool.ts', [folder, '--no-root'])).rejects.toThrow('SPOOL_UNUSABLE');
  });
});

describe('room', () => {
  test('is never exceeded by all files together; it comes back when rows are taken', async () => {
    let spool = await opened();
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        const part = stored % 2 === 0 ? spool.alerts : spool.events;
        await put(part, { n: stored, text: noise(200_000) });
        stored += 1;
        expect(bytesIn('alerts') + bytesIn('access_events')).toBeLessThanOrEqual(MIN_SPOOL_BYTES);
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: 'SPOOL_FULL', retryable: true });
    const before = stored;
    expect(before).toBeGreaterThan(50);
    spool = await reopened();
    await expect(fill()).rejects.toMatchObject({ code: 'SPOOL_FULL' });
    expect(stored).toBe(before);
    const first = await spool.alerts.first();
    await spool.alerts.drop(first!);
    for (let next = await spool.alerts.first(); next!.segment === first!.segment;) {
      await spool.alerts.drop(next!);
      next = await spool.alerts.first();
    }
    await expect(fill()).rejects.toMatchObject({ code: 'SPOOL_FULL' });
    expect(stored).toBeGreaterThan(before);
  });

  // A disk that takes half a record cannot be had to order: this write stands for it.
  test.each(['ENOSPC', 'EDQUOT'])('that is missing on the disk (%s) leaves the file whole', async (code) => {
    let full = false;
    const write: WriteAt = async (file, bytes, position) => {
      const { length } = full ? bytes.subarray(0, bytes.length / 2) : bytes;
      await file.write(bytes, 0, length, position);
      if (full) throw Object.assign(new Error(`${code}: no space left on device`), { code });
    };
    let spool = await opened({ write });
    await put(spool.alerts, 1);
    for (const part of [spool.alerts, spool.events]) {
      full = true;
      await expect(put(part, 'no')).rejects.toMatchObject({ code: 'SPOOL_DISK_FULL', retryable: true });
      full = false;
      await put(part, 2);
    }
    expect(spool.bytes).toBe(bytesIn('alerts') + bytesIn('access_events'));
    spool = await reopened();
    expect(await takeAll(spool.alerts)).toEqual([1, 2]);
    expect(await takeAll(spool.events)).toEqual([2]);
  });

  test('that cannot be had at all says which folder, and what to do', async () => {
    await expect(opened({ folder: '/dev/null/spool' })).rejects.toMatchObject({
      code: 'SPOOL_FAILED',
      message: expect.stringContaining('/dev/null/spool'),
      remedy: expect.stringContaining('VIGIE_SPOOL'),
    });
  });
});

test('a record is no longer than its bound in bytes, whatever letters its rows hold', () => {
  const rows = Array.from({ length: 3 }, () => '…'.repeat(RECORD_TEXT_BYTES / 6));
  const texts = [...recordTexts(rows)];
  expect(texts.flatMap((text) => JSON.parse(text) as string[])).toEqual(rows);
  expect(texts).toHaveLength(3);
  for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(RECORD_TEXT_BYTES);
});
