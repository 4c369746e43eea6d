/** The order of acknowledgements, and what ends the wait for one. */

import { describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { type Flush, Flushes, type FlushTargets } from '../../../src/pipeline/flushes.ts';
import type { ArchivedEvent, DeadLetter } from '../../../src/sink/sink.ts';

const none = async (): Promise<void> => {};
const running = (): AbortSignal => new AbortController().signal;

const WHOLE: Flush = {
  results: none,
  archive: [{ eventId: 'e', time: 0, fields: {} } satisfies ArchivedEvent],
  letters: [
    {
      code: 'NOT_JSON',
      message: 'cut short',
      source: 'portal-access',
      partition: 0,
      offset: 0,
      bytes: Uint8Array.of(0x7b),
    } satisfies DeadLetter,
  ],
  commits: [{ partition: 0, nextOffset: 1, metadata: { newestEventTime: 0 } }],
};

type Step = 'results' | 'archive' | 'letters' | 'commit';

/** Flushes whose steps are noted; what stands in `work` is done in the place of one. */
function setUp(work: Partial<Record<Step, (signal?: AbortSignal) => Promise<void>>> = {}) {
  const done: string[] = [];
  const does =
    (step: Step) =>
    async (signal?: AbortSignal): Promise<void> => {
      await work[step]?.(signal);
      done.push(step);
    };
  const targets: FlushTargets = {
    sink: { writeEvents: (_, signal) => does('archive')(signal) },
    deadLetters: { write: (_, signal) => does('letters')(signal) },
    source: { commit: () => does('commit')() },
  };
  const flushes = new Flushes(targets);
  const start = (flush: Partial<Flush> = {}): void =>
    flushes.start({ ...WHOLE, results: does('results'), onCommitted: () => done.push('kept'), ...flush });
  return { flushes, start, done };
}

/** Takes nothing until it is given up. */
const never = (signal?: AbortSignal): Promise<void> =>
  new Promise((_, fail) => signal?.addEventListener('abort', () => fail(signal.reason)));

describe('a flush', () => {
  test('commits once everything before the offsets is acknowledged, and then keeps the state saved with it', async () => {
    const { flushes, start, done } = setUp();
    flushes.outlive(running());
    start();
    expect(flushes.isUnderWay).toBe(true);
    await flushes.end();
    expect(done).toEqual(['results', 'archive', 'letters', 'commit', 'kept']);
    expect(flushes.isUnderWay).toBe(false);
  });

  test.each(['results', 'archive', 'letters'] as const)(
    'that fails at its %s commits nothing, and all who go on meet the failure',
    async (step) => {
      const { flushes, start, done } = setUp({ [step]: () => Promise.reject(new Error('full')) });
      start();
      await expect(flushes.settled()).rejects.toThrow('full');
      expect(() => flushes.check()).toThrow('full');
      await expect(flushes.newAssignment()).rejects.toThrow('full');
      expect(done).not.toContain('commit');
    },
  );

  test('that outlives its assignment is written and not committed', async () => {
    const taken = Promise.withResolvers<void>();
    const { flushes, start, done } = setUp({ results: () => taken.promise });
    start();
    const next = flushes.newAssignment();
    taken.resolve();
    await next;
    expect(done).toEqual(['results', 'archive', 'letters']);
  });

  test.each([
    [true, 'goes on without'],
    [false, 'ends with'],
  ])('whose commit fails, retryable %s, %s it and keeps no state', async (retryable) => {
    const lost = new VigieError('KAFKA_GENERATION_LOST', 'rebalanced', { retryable });
    const { flushes, start, done } = setUp({ commit: () => Promise.reject(lost) });
    start();
    if (retryable) await flushes.settled();
    else await expect(flushes.settled()).rejects.toBe(lost);
    expect(done).not.toContain('kept');
  });
});

describe('after the stop signal', () => {
  test.each(['results', 'archive', 'letters'] as const)(
    'the wait for %s goes on for a little, and then is given up',
    async (step) => {
      const { flushes, start } = setUp({ [step]: never });
      const stop = new AbortController();
      flushes.outlive(stop.signal, 20);
      start();
      stop.abort();
      expect(flushes.signal.aborted).toBe(false);
      await expect(flushes.end()).rejects.toThrow('aborted');
    },
  );

  test('nobody waits for a commit without an answer, and no state is kept with it', async () => {
    const { flushes, start, done } = setUp({ commit: () => Promise.withResolvers<void>().promise });
    const stop = new AbortController();
    flushes.outlive(stop.signal, 20);
    start();
    stop.abort();
    await flushes.end();
    expect(done).toEqual(['results', 'archive', 'letters']);
  });

  test('a write that only begins then is given up as well', async () => {
    const { flushes, start } = setUp({ results: never });
    flushes.outlive(AbortSignal.abort(), 20);
    start();
    await expect(flushes.end()).rejects.toThrow('aborted');
  });
});
