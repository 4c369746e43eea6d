import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { clickHouseFailure } from '../../../src/sink/classify.ts';
import { backoffMs } from '../../../src/backoff.ts';
import { systemSleep, withRetries } from '../../../src/sink/retry.ts';
import type { RetryOptions } from '../../../src/sink/retry.ts';

const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

function options(changes: Partial<RetryOptions> = {}): RetryOptions & { delays: number[] } {
  const delays: number[] = [];
  return {
    describe: (thrown) => clickHouseFailure(thrown, 'writing'),
    onRetry: (_error, _attempt, delayMs) => delays.push(delayMs),
    signal: undefined,
    sleep: () => Promise.resolve(),
    random: () => 0.999_999,
    delays,
    ...changes,
  };
}

describe('trying again', () => {
  test('goes on until it works, however long that takes, with delays that double up to the limit', async () => {
    const run = options();
    let failures = 12;
    const result = await withRetries(async () => {
      if (failures-- > 0) throw refused();
      return 'written';
    }, run);
    expect(result).toBe('written');
    expect(run.delays).toEqual([200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000, 30000]);
  });

  test('tells of the recovery once, and of none when nothing had failed', async () => {
    let recoveries = 0;
    const run = options({ onRecovered: () => (recoveries += 1) });
    await withRetries(() => Promise.resolve(), run);
    expect(recoveries).toBe(0);
    let failures = 3;
    await withRetries(async () => {
      if (failures-- > 0) throw refused();
    }, run);
    expect(recoveries).toBe(1);
  });

  test('stops at once at a failure that trying again does not help', async () => {
    const run = options();
    const defect = new TypeError('a defect');
    await expect(withRetries(() => Promise.reject(defect), run)).rejects.toMatchObject({
      code: 'CLICKHOUSE_FAILED',
    });
    expect(run.delays).toEqual([]);
  });

  test('ends in the middle of a wait when the signal aborts, saying what was failing', async () => {
    const abort = new AbortController();
    const run = options({ signal: abort.signal, sleep: systemSleep, onRetry: () => abort.abort() });
    const error = await withRetries(() => Promise.reject(refused()), {
      ...run,
      baseMs: 60_000,
      maxMs: 60_000,
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VigieError);
    expect(error).toMatchObject({ code: 'SINK_ABORTED', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('leaves work that nothing can cancel to itself when the signal aborts, saying what failed before', async () => {
    const abort = new AbortController();
    const run = options({ signal: abort.signal, leaves: true });
    let attempts = 0;
    const work = (): Promise<void> => {
      attempts += 1;
      if (attempts === 1) return Promise.reject(refused());
      setTimeout(() => abort.abort(), 5);
      return new Promise(() => undefined);
    };
    const error = await withRetries(work, run).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SINK_ABORTED', message: expect.stringContaining('ECONNREFUSED') });
    expect(attempts).toBe(2);
  }, 2000);

  test('tells what failed before of work that the abort interrupts, not that it was interrupted', async () => {
    const abort = new AbortController();
    let attempts = 0;
    const work = (): Promise<void> => {
      attempts += 1;
      if (attempts === 1) return Promise.reject(refused());
      abort.abort();
      return Promise.reject(new Error('The user aborted a request.'));
    };
    const error = await withRetries(work, options({ signal: abort.signal })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'SINK_ABORTED', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('waits for work that ends by itself, also after the signal aborted', async () => {
    const abort = new AbortController();
    const run = options({ signal: abort.signal });
    const work = async (): Promise<string> => {
      abort.abort();
      await new Promise((done) => setTimeout(done, 5));
      return 'written';
    };
    expect(await withRetries(work, run)).toBe('written');
  });

  test('does not start when the signal was aborted before', async () => {
    let calls = 0;
    const run = options({ signal: AbortSignal.abort() });
    await expect(withRetries(async () => calls++, run)).rejects.toMatchObject({ code: 'SINK_ABORTED' });
    expect(calls).toBe(0);
  });

  test('waits between half and all of the limit, so that writers spread', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (n, random) => {
          const delayMs = backoffMs(n, { random: () => random });
          const ceilingMs = Math.min(30_000, 200 * 2 ** Math.min(n - 1, 30));
          expect(delayMs).toBeGreaterThanOrEqual(ceilingMs / 2);
          expect(delayMs).toBeLessThanOrEqual(ceilingMs);
        },
      ),
    );
  });
});
