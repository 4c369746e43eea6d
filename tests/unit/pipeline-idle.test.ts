/** When a partition stops holding the watermark back. Time is driven by hand; no quiet moment ever comes. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AssignedPartition } from '../../src/source/source.ts';
import { batch, LATENESS_MS, scripted, T0 } from './scripted-pipeline.ts';

const event = (ms: number, id = '') =>
  JSON.stringify({ '@timestamp': new Date(T0 + ms).toISOString(), event: { id } });

function fresh(partition: number): AssignedPartition {
  return { partition, committedOffset: undefined, metadata: undefined };
}

function committed(partition: number, committedOffset: number): AssignedPartition {
  return { partition, committedOffset, endOffset: 10, metadata: { newestEventTime: T0 } };
}

/** The watermark, relative to T0, after each batch of partition 0; partition 1 says what it is told to. */
async function marks(other: readonly string[], caughtUp: boolean): Promise<number[]> {
  const seen: number[] = [];
  const { pipeline, source } = scripted({
    async *items(clock) {
      yield { kind: 'assignment', partitions: [fresh(0), fresh(1)] };
      yield batch(1, 1, event(0));
      for (let i = 1; i <= 60; i++) {
        clock.elapsedMs = i * 1000;
        yield batch(0, i, event(i));
        if (other.length > 0) yield batch(1, 1 + i * other.length, ...other);
      }
    },
    observer: { state: ({ watermarks: { watermark } }) => seen.push(watermark - T0 + LATENESS_MS) },
  });
  source.caughtUp = (partition) => partition === 0 || caughtUp;
  await pipeline.run(new AbortController().signal);
  return seen;
}

test('a silent partition holds back nobody after the idle timeout, however busy the others are', async () => {
  expect((await marks([], true)).at(-1)).toBe(60);
});

test('a partition that brings only dead letters is idle, too', async () => {
  expect((await marks(['{"torn', '[]'], true)).at(-1)).toBe(60);
});

test('a partition with messages waiting is not idle', async () => {
  expect((await marks([], false)).at(-1)).toBe(0);
});

test('a partition that brings events is not idle, even if they are old', async () => {
  expect((await marks([event(0)], true)).at(-1)).toBe(0);
});

test('a partition that brings only duplicates of another one is as far as these are', async () => {
  const seen: number[] = [];
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [fresh(0), fresh(1)] };
      for (const partition of [0, 1]) yield batch(partition, 1, event(5, 'same'));
    },
    observer: { state: ({ watermarks: { watermark } }) => seen.push(watermark - T0 + LATENESS_MS) },
  });
  await pipeline.run(new AbortController().signal);
  expect(seen.at(-1)).toBe(5);
});

test('after a start, the lag of a partition that brings nothing counts from its committed event time', async () => {
  const lags: unknown[] = [];
  const { pipeline } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [committed(0, 10), committed(1, 7), fresh(2)] };
      yield { kind: 'idle' };
    },
    observer: { state: (_engine, lag) => lags.push(Object.fromEntries(lag)) },
  });
  await pipeline.run(new AbortController().signal);
  expect(lags.at(-1)).toEqual({
    0: { offsets: 0, newestEventTime: T0 },
    1: { offsets: 3, newestEventTime: T0 },
  });
});

test('offsets without an event, such as the end of an aborted transaction, are no lag', async () => {
  const lags: unknown[] = [];
  const { pipeline, source } = scripted({
    async *items() {
      yield { kind: 'assignment', partitions: [fresh(0), committed(1, 7)] };
      yield { ...batch(0, 1, event(0)), endOffset: 3 };
      yield { kind: 'idle' };
      source.caughtUp = () => true;
      yield { kind: 'idle' };
    },
    observer: { state: (_engine, lag) => lags.push([lag.get(0)?.offsets, lag.get(1)?.offsets]) },
  });
  source.caughtUp = () => false;
  await pipeline.run(new AbortController().signal);
  expect(lags).toContainEqual([2, 3]);
  expect(lags.at(-1)).toEqual([0, 0]);
});

/** When event time goes on without a silent partition after a rebalance that waits so long, that wait left out. */
async function goesOnAt(waitMs: number): Promise<number> {
  let letGoAt: number | undefined;
  let elapsedMs: (() => number) | undefined;
  const { pipeline, source } = scripted({
    async *items(time) {
      elapsedMs = () => time.elapsedMs;
      yield { kind: 'assignment', partitions: [fresh(0), fresh(1)] };
      source.commit = async () => {
        source.commit = async () => undefined;
        await nextTurn();
        time.elapsedMs += waitMs;
      };
      yield batch(1, 1, event(0));
      yield { kind: 'assignment', partitions: [fresh(0), fresh(1)] };
      for (let i = 1; i <= 400; i += 1) {
        time.elapsedMs += 1000;
        yield batch(0, i, event(i));
      }
    },
    observer: {
      state: ({ watermarks: { watermark } }) => {
        if (watermark > -Infinity) letGoAt ??= elapsedMs!() - waitMs;
      },
    },
  });
  source.caughtUp = () => true;
  await pipeline.run(new AbortController().signal);
  return letGoAt ?? Infinity;
}

test('a partition becomes idle as soon after a rebalance that had to wait as after any other', async () => {
  const usual = await goesOnAt(100);
  expect(usual).toBeLessThan(100_000);
  expect(await goesOnAt(120_000)).toBeLessThanOrEqual(usual);
});

test('no partition is idle because the process itself stood still for longer than the idle timeout', async () => {
  const { pipeline, source } = scripted({
    async *items(clock) {
      yield { kind: 'assignment', partitions: [fresh(0), fresh(1)] };
      yield batch(1, 1, event(0));
      yield batch(0, 1, event(0));
      clock.elapsedMs += 120_000;
      yield { kind: 'idle' };
      yield batch(0, 2, event(120_000));
      yield batch(1, 2, event(10_000));
    },
  });
  source.caughtUp = () => true;
  expect(await pipeline.run(new AbortController().signal)).toMatchObject({ accepted: 4, late: 0 });
});

test('no partition becomes idle while the process waits for its database or its saved state', async () => {
  const { pipeline, source } = scripted({
    async *items(clock) {
      yield { kind: 'assignment', partitions: [fresh(0), fresh(1)] };
      yield batch(1, 1, event(0));
      yield batch(0, 1, event(0));
      // What came meanwhile was not fetched: nothing is known to wait.
      source.commit = async () => {
        source.commit = async () => undefined;
        await nextTurn();
        clock.elapsedMs += 120_000;
      };
      yield batch(0, 2, event(1));
      yield batch(0, 3, event(2));
      yield batch(0, 4, event(120_000));
      yield batch(1, 2, event(10_000));
    },
  });
  source.caughtUp = () => true;
  expect(await pipeline.run(new AbortController().signal)).toMatchObject({ accepted: 6, late: 0 });
});
