import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { generate } from '../../../replay/index.ts';
import type { Labels } from '../../../replay/index.ts';
import { writeTo } from '../../../replay/outputs.ts';
import { paced } from '../../../replay/pace.ts';
import { recorded } from '../../../replay/recorded.ts';
import { systemClock } from '../../../src/clock.ts';
import { linesOf } from './support.ts';

const THEFT = { accounts: 0, records: 5000 };
const clock = systemClock;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigie-replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A clock that only sleeping moves. */
function manual() {
  let now = 0;
  return {
    clock: { now: () => now, elapsed: () => now },
    sleep: async (ms: number) => {
      now += ms;
    },
    elapsed: () => now,
  };
}

describe('a file', () => {
  it('holds every event on a line of its own, and its labels stand beside it', async () => {
    const path = join(folder, 'kairos.ndjson');
    const seen: number[] = [];
    const result = await writeTo({ kind: 'file', path }, generate('kairos-2025', THEFT), {
      clock,
      progress: ({ events }) => seen.push(events),
    });
    const text = await readFile(path, 'utf8');
    expect(text).toBe([...linesOf('kairos-2025', THEFT)].map((line) => `${line.text}\n`).join(''));
    expect(result).toMatchObject({ events: 5007, bytes: Buffer.byteLength(text), ended: 'complete' });
    expect(seen.at(-1)).toBe(5007);
    const labels = JSON.parse(await readFile(result.labelsPath!, 'utf8')) as Labels;
    expect(labels).toMatchObject({ format: 'vigie-labels/1', complete: true, events: 5007 });
    expect(labels.incidents[0]).toMatchObject({ persons: 5000, accounts: [expect.stringMatching(/^u-/)] });
  });

  it('that cannot be written names the path and the remedy', async () => {
    const path = join(folder, 'missing', 'x.ndjson');
    await expect(
      writeTo({ kind: 'file', path }, generate('kairos-2025', THEFT), { clock }),
    ).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining(path) as string,
    });
  });

  it('has labels that say so when the replay was stopped', async () => {
    const path = join(folder, 'stopped.ndjson');
    const abort = new AbortController();
    const result = await writeTo({ kind: 'file', path }, generate('kairos-2025', THEFT), {
      clock,
      signal: abort.signal,
      progress: () => abort.abort(),
    });
    expect(result.ended).toBe('aborted');
    const labels = JSON.parse(await readFile(`${path}.labels.json`, 'utf8')) as Labels;
    expect(labels.complete).toBe(false);
  });

  it('has no labels beside it when it is a device', async () => {
    const { labelsPath } = await writeTo(
      { kind: 'file', path: '/dev/null' },
      generate('kairos-2025', THEFT),
      { clock },
    );
    expect(labelsPath).toBeUndefined();
    expect(existsSync('/dev/null.labels.json')).toBe(false);
  });

  it('has labels that count what was written, also of a recorded log that was stopped', async () => {
    const whole = join(folder, 'whole.ndjson');
    const part = join(folder, 'part.ndjson');
    await writeTo({ kind: 'file', path: whole }, generate('kairos-2025', THEFT), { clock });
    const abort = new AbortController();
    const result = await writeTo({ kind: 'file', path: part }, recorded(whole, '@timestamp'), {
      clock,
      signal: abort.signal,
      speed: 1,
      sleep: async () => abort.abort(),
    });
    expect(result).toMatchObject({ events: 1, ended: 'aborted' });
    const labels = JSON.parse(await readFile(`${part}.labels.json`, 'utf8')) as Labels;
    expect(labels).toMatchObject({ complete: false, events: 1 });
  });
});

describe('a pipe', () => {
  it('whose reader goes away ends the replay quietly', async () => {
    let taken = 0;
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        taken++;
        done(taken > 1 ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : null);
      },
    });
    const result = await writeTo({ kind: 'stream', stream }, generate('kairos-2025', THEFT), { clock });
    expect(result.ended).toBe('closed');
    expect(result.events).toBeLessThan(5007);
  });

  it('whose reader is slow holds the generator back', async () => {
    const stream = new PassThrough({ highWaterMark: 1000 });
    let written = 0;
    const writing = writeTo({ kind: 'stream', stream }, generate('kairos-2025', THEFT), {
      clock,
      progress: ({ bytes }) => {
        written = bytes;
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(written).toBeLessThan(4_000_000);
    let read = 0;
    stream.on('data', (data: Buffer) => (read += data.length));
    const result = await writing;
    expect(read).toBe(result.bytes);
  });
});

describe('pace', () => {
  it('lets event time advance as many times as fast as wall time as asked', async () => {
    const time = manual();
    let events = 0;
    let first = NaN;
    for await (const chunk of paced(generate('kairos-2025', THEFT).batches(), { ...time, speed: 60 })) {
      first = Number.isNaN(first) ? chunk.times[0]! : first;
      for (const at of chunk.times) if (at > first + time.elapsed() * 60 + 1e-3) expect.fail(`early: ${at}`);
      events += chunk.count;
    }
    expect(events).toBe(5007);
    // 2 h and the story before it, about 2 h 19 min, in a sixtieth of that.
    expect(time.elapsed() / 60_000).toBeGreaterThan(2.25);
    expect(time.elapsed() / 60_000).toBeLessThan(2.4);
  });

  it('changes neither bytes nor order', async () => {
    const options = { ...THEFT, disorder: 0.1, maxDelay: '5m' };
    const pieces: Uint8Array[] = [];
    for await (const chunk of paced(generate('kairos-2025', options).batches(), {
      ...manual(),
      speed: 1000,
    })) {
      expect(chunk.bytes.length).toBe(chunk.ends.at(-1));
      expect(chunk.keys.length).toBe(chunk.count);
      pieces.push(chunk.bytes);
    }
    const text = Buffer.concat(pieces).toString();
    expect(text).toBe([...linesOf('kairos-2025', options)].map((line) => `${line.text}\n`).join(''));
  });

  it('stops waiting when the signal aborts', async () => {
    const signal = AbortSignal.timeout(50);
    let events = 0;
    const started = performance.now();
    for await (const chunk of paced(generate('kairos-2025', THEFT).batches(), { clock, speed: 1, signal })) {
      events += chunk.count;
    }
    expect(events).toBeLessThan(10);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('Kafka', () => {
  it('that does not answer is a coded error with a remedy', async () => {
    const output = { kind: 'kafka', brokers: ['127.0.0.1:1'], topic: 'access' } as const;
    await expect(writeTo(output, generate('kairos-2025', THEFT), { clock })).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
      remedy: expect.stringContaining('brokers run') as string,
    });
  });
});
