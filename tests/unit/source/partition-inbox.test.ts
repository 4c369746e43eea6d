/** Which partition's batch goes next, who waits, and what becomes of a batch. */

import { beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { PartitionInbox } from '../../../src/source/partition-inbox.ts';
import type { Fate, PartitionStart } from '../../../src/source/partition-inbox.ts';
import type { EventBatch } from '../../../src/source/source.ts';

const MINUTE = 60_000;
let now = 0;
let paused: Set<number>;
/** By partition: how far it is ahead of those that other processes read. */
let ahead: Map<number, number>;
let slack: number;

const clock: Clock = { now: () => now, elapsed: () => now };

beforeEach(() => {
  now = 0;
  paused = new Set();
  ahead = new Map();
  slack = 0;
});

function inbox(...starts: Partial<PartitionStart>[]): PartitionInbox {
  const complete = starts.map((start, partition) => ({
    partition,
    position: 0,
    endOffset: 1000,
    newestEventTimeMs: undefined,
    ...start,
  }));
  return new PartitionInbox(complete, {
    maxSkewMs: 10 * MINUTE,
    slack,
    clock,
    ahead: (partition) => ahead.get(partition) ?? 0,
    pause: (partition) => paused.add(partition),
    resume: (partition) => paused.delete(partition),
  });
}

function batch(partition: number, nextOffset = 10, endOffset = 1000): EventBatch {
  return {
    kind: 'events',
    partition,
    count: 10,
    bytes: 100,
    nextOffset,
    endOffset,
    forEach: () => undefined,
  };
}

async function fateNow(fate: Promise<Fate>): Promise<Fate | 'waiting'> {
  return Promise.race([fate, new Promise<'waiting'>((resolve) => setImmediate(resolve, 'waiting'))]);
}

test('a batch waits until it is pulled, and then the position is after it', async () => {
  const box = inbox({ position: 3 });
  const fate = box.offer(batch(0, 10));
  expect(await fateNow(fate)).toBe('waiting');
  expect(box.position(0)).toBe(3);
  expect(box.take()).toMatchObject({ partition: 0, nextOffset: 10 });
  expect(await fateNow(fate)).toBe('taken');
  expect(box.position(0)).toBe(10);
  expect(box.take()).toBeUndefined();
});

test('a partition is caught up when all that is known of it was pulled, control records aside', () => {
  const box = inbox({ position: 10, endOffset: 10 }, { endOffset: 11 });
  expect(box.caughtUp(0)).toBe(true);
  void box.offer(batch(1, 10, 11));
  expect(box.caughtUp(1)).toBe(false);
  box.take();
  expect(box.caughtUp(1)).toBe(false);
  box.skip(1, 11, 11);
  expect(box.caughtUp(1)).toBe(true);
});

test('the partition furthest behind in event time goes first', () => {
  const box = inbox(
    { newestEventTimeMs: 3 * MINUTE },
    { newestEventTimeMs: MINUTE },
    { newestEventTimeMs: 2 * MINUTE },
  );
  for (const partition of [0, 1, 2]) void box.offer(batch(partition));
  expect([box.take(), box.take(), box.take()].map((taken) => taken?.partition)).toEqual([1, 2, 0]);
});

test('a partition that was never read goes before all others', () => {
  const box = inbox({ newestEventTimeMs: MINUTE }, {});
  void box.offer(batch(0));
  void box.offer(batch(1));
  expect(box.take()?.partition).toBe(1);
});

test('a partition more than the skew ahead is held back until it is within half of it', async () => {
  const box = inbox({ newestEventTimeMs: 0 }, { newestEventTimeMs: 0 });
  box.progress(1, 10 * MINUTE);
  const atTheLimit = box.offer(batch(1));
  expect(await fateNow(atTheLimit)).toBe('waiting');
  box.progress(1, 10 * MINUTE + 1);
  expect(box.take()).toBeUndefined();
  expect(await fateNow(atTheLimit)).toBe('held');
  expect([...paused]).toEqual([1]);

  box.progress(0, 5 * MINUTE);
  box.take();
  expect([...paused]).toEqual([1]);
  box.progress(0, 5 * MINUTE + 1);
  box.take();
  expect([...paused]).toEqual([]);
});

test('a partition ahead is not even offered', async () => {
  const box = inbox({ newestEventTimeMs: 0 }, { newestEventTimeMs: 20 * MINUTE });
  expect(await fateNow(box.offer(batch(1)))).toBe('held');
});

test('a partition that is caught up holds nobody back', async () => {
  const box = inbox({ newestEventTimeMs: 0, endOffset: 10 }, { newestEventTimeMs: 0 });
  box.progress(1, 60 * MINUTE);
  expect(await fateNow(box.offer(batch(1)))).toBe('held');
  void box.offer(batch(0, 10, 10));
  expect(box.take()?.partition).toBe(0);
  box.take();
  expect([...paused]).toEqual([]);
  void box.offer(batch(1));
  expect(box.take()?.partition).toBe(1);
});

test('a partition with nothing left but control records has no lag', () => {
  const box = inbox({ newestEventTimeMs: 0, position: 9, endOffset: 10 }, { newestEventTimeMs: 60 * MINUTE });
  box.skip(0, 10, 10);
  void box.offer(batch(1));
  expect(box.take()?.partition).toBe(1);
});

test('a partition that brings nothing for half a minute holds nobody back, one that waits to be pulled does', () => {
  const silent = inbox({ newestEventTimeMs: 0 }, { newestEventTimeMs: 60 * MINUTE });
  now = 30_001;
  void silent.offer(batch(1));
  expect(silent.take()?.partition).toBe(1);

  const waiting = inbox({ newestEventTimeMs: 0 }, { newestEventTimeMs: 60 * MINUTE });
  void waiting.offer(batch(0));
  now += 30_001;
  void waiting.offer(batch(1));
  expect([...paused]).toEqual([1]);
});

test('a partition of nothing but undecodable messages holds nobody back for long', () => {
  const box = inbox({}, { newestEventTimeMs: 60 * MINUTE });
  void box.offer(batch(0));
  expect(box.take()?.partition).toBe(0);
  void box.offer(batch(1));
  expect(box.take()?.partition).toBe(1);
});

test('progress never moves back', () => {
  const box = inbox({ newestEventTimeMs: 0 }, { newestEventTimeMs: 0 });
  box.progress(0, 2 * MINUTE);
  box.progress(0, 0);
  box.progress(1, MINUTE);
  void box.offer(batch(0));
  void box.offer(batch(1));
  expect(box.take()?.partition).toBe(1);
});

test('a rewind drops what waits and moves the position', async () => {
  const box = inbox({ position: 50 });
  const fate = box.offer(batch(0, 60));
  box.rewind(0, 20);
  expect(await fateNow(fate)).toBe('dropped');
  expect(box.take()).toBeUndefined();
  expect(box.position(0)).toBe(20);
});

test('at the end of a generation all that waits is dropped, and so are batches of unassigned partitions', async () => {
  const box = inbox({}, {});
  const fates = [box.offer(batch(0)), box.offer(batch(1)), box.offer(batch(7))];
  box.dropAll();
  expect(await Promise.all(fates)).toEqual(['dropped', 'dropped', 'dropped']);
  expect(box.take()).toBeUndefined();
  expect(box.position(7)).toBeUndefined();
});

test('a partition far ahead of those that other processes read is paused until it no longer is', async () => {
  const box = inbox({ newestEventTimeMs: 0 }, { newestEventTimeMs: 0 });
  ahead.set(0, 11 * MINUTE);
  expect(await box.offer(batch(0))).toBe('held');
  void box.offer(batch(1));
  expect(box.take()).toMatchObject({ partition: 1 });
  expect([...paused]).toEqual([0]);
  ahead.set(0, 6 * MINUTE);
  box.take();
  expect([...paused]).toEqual([0]);
  ahead.set(0, 4 * MINUTE);
  box.take();
  expect([...paused]).toEqual([]);
});

test('a partition that is ahead reads some messages more before it waits, and as many when it was not', async () => {
  slack = 20;
  const box = inbox({}, { endOffset: 0 });
  const read = async (to: number): Promise<Fate | 'waiting'> => {
    const fate = box.offer(batch(0, to));
    box.take();
    return fateNow(fate);
  };
  ahead.set(0, 11 * MINUTE);
  expect(await read(10)).toBe('taken');
  box.progress(0, 100 * MINUTE);
  expect([await read(20), await read(30), await read(40)]).toEqual(['taken', 'taken', 'held']);
  expect([...paused]).toEqual([0]);
  ahead.set(0, 6 * MINUTE);
  box.take();
  expect([...paused]).toEqual([0]);
  ahead.set(0, 5 * MINUTE);
  box.take();
  expect([...paused]).toEqual([]);
  ahead.set(0, 11 * MINUTE);
  expect([await read(40), await read(50), await read(60)]).toEqual(['taken', 'taken', 'held']);
});
