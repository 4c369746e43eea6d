/** What a consumer group finds when the log is no longer the one that it left: said and counted, never skipped. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { VigieError } from '../../src/errors.ts';
import type { AssignedPartition, InputGap } from '../../src/source/source.ts';
import { closeReaders, Reader } from '../support/kafka-reader.ts';
import { createTopic, produce, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];
const NEWEST = Date.UTC(2025, 6, 12);

let admin: Admin;

beforeAll(async () => {
  if (kafka === undefined) return;
  admin = testClient(brokers).admin();
  await admin.connect();
});

afterEach(closeReaders);

afterAll(async () => {
  await admin?.disconnect();
});

function values(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

let produced = 0;

/** As time goes on, every message is younger than all before, whatever their topic. */
async function append(topic: string, contents: readonly string[]): Promise<void> {
  const stamped = contents.map((value) => ({ value, timestamp: String(NEWEST + 1000 * produced++) }));
  await produce(brokers, topic, stamped);
}

async function filled(topic: string, count: number): Promise<void> {
  await createTopic(brokers, topic, 1);
  await append(topic, values(0, count));
}

/** A group that read the whole topic and committed up to `offset`. */
async function committed(topic: string, offset: number, read: number): Promise<string> {
  const groupId = uniqueName('group');
  const reader = new Reader(topic, { groupId });
  await reader.until(() => reader.seen.length >= read);
  await commit(reader, offset);
  await reader.close();
  return groupId;
}

async function deleteBefore(topic: string, offset: number): Promise<void> {
  // KafkaJS deletes only in topics that it has met.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
}

/** As a process does that has not noticed anything yet. */
async function commitRaw(
  topic: string,
  groupId: string,
  entry: { readonly offset: string; readonly metadata: string | null },
): Promise<void> {
  const consumer = testClient(brokers).consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic] });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
  await joined;
  await consumer.commitOffsets([{ topic, partition: 0, offset: entry.offset, metadata: entry.metadata }]);
  await consumer.disconnect();
}

async function recreated(topic: string, count: number): Promise<void> {
  await admin.deleteTopics({ topics: [topic] });
  for (let listed = true; listed;) listed = (await admin.listTopics()).includes(topic);
  await filled(topic, count);
}

async function resumed(reader: Reader): Promise<AssignedPartition> {
  return (await reader.assignment()).partitions[0]!;
}

function commit(reader: Reader, nextOffset: number): Promise<void> {
  return reader.source.commit([{ partition: 0, nextOffset, metadata: { newestEventTime: NEWEST } }]);
}

interface Anew {
  readonly gap: InputGap;
  /** What was read since, each value once. */
  readonly values: string[];
}

/** Reads on, committing as a pipeline does, until `count` values were read of the topic that was created again. */
async function readAnew(reader: Reader, count: number): Promise<Anew> {
  let gap: InputGap | undefined;
  let nextOffset: number | undefined;
  let from = reader.values.length;
  const since = () => [...new Set(reader.values.slice(from))];
  while (gap === undefined || since().length < count) {
    const item = await reader.next();
    if (item.kind === 'assignment') {
      nextOffset = undefined;
      gap ??= item.partitions[0]?.gap;
      if (item.partitions[0]?.gap !== undefined) from = reader.values.length;
    }
    if (item.kind === 'events') ({ nextOffset } = item);
    if (nextOffset === undefined) continue;
    await commit(reader, nextOffset).catch((error: unknown) => {
      if (!(error instanceof VigieError) || !error.retryable) throw error;
    });
  }
  return { gap, values: since() };
}

/** Waits until the next message has been fetched. As nobody pulls it, nothing more is asked of the broker. */
async function standsStill(reader: Reader): Promise<void> {
  while (reader.source.caughtUp(0)) await delay(10);
}

describe.runIf(kafka !== undefined)('messages deleted before they were read', () => {
  test('are a gap from the committed offset to the oldest that is left', async () => {
    const topic = uniqueName('retention');
    await filled(topic, 100);
    const groupId = await committed(topic, 30, 100);
    await deleteBefore(topic, 80);

    const reader = new Reader(topic, { groupId });
    expect(await resumed(reader)).toEqual({
      partition: 0,
      committedOffset: 30,
      metadata: { newestEventTime: NEWEST },
      endOffset: 100,
      position: 80,
      gap: { cause: 'deleted', fromOffset: 30, toOffset: 80 },
    });
    await reader.until(() => reader.seen.length >= 20);
    expect(reader.values).toEqual(values(80, 100));
  });

  test('are no gap when all of them had been read', async () => {
    const topic = uniqueName('read');
    await filled(topic, 100);
    const groupId = await committed(topic, 80, 100);
    await deleteBefore(topic, 80);
    expect((await resumed(new Reader(topic, { groupId }))).gap).toBeUndefined();
  });

  test('while the process reads: it goes through a new assignment that says so, and the commit stands', async () => {
    const topic = uniqueName('overtaken');
    await filled(topic, 100);
    const groupId = uniqueName('group');
    const reader = new Reader(topic, { groupId });
    await reader.until(() => reader.seen.length >= 100);
    await commit(reader, 100);
    // It stands still with a batch in hand, meanwhile the log moves past it.
    const value = 'x'.repeat(700_000);
    for (let i = 0; i < 40; i++) await append(topic, [value]);
    await reader.batch();
    const { seen } = reader;
    const read = seen.length;
    await deleteBefore(topic, 138);
    await reader.until(() => reader.assignments.length === 2);
    expect(reader.assignments[1]!.partitions[0]).toMatchObject({
      committedOffset: 100,
      metadata: { newestEventTime: NEWEST },
      gap: { cause: 'deleted', fromOffset: 100, toOffset: 138 },
    });
    expect(reader.problems.find((problem) => problem !== undefined)).toMatchObject({
      code: 'KAFKA_OFFSET_GONE',
      retryable: true,
    });
    expect(read).toBeLessThan(138);
    await reader.until(() => seen.at(-1) === '0/139');
    expect(seen.slice(-2)).toEqual(['0/138', '0/139']);
  });

  test('while the process reads and before its group has committed anything, are a gap from where it began', async () => {
    const topic = uniqueName('uncommitted');
    await filled(topic, 100);
    await deleteBefore(topic, 10);
    const reader = new Reader(topic);
    await reader.until(() => reader.seen.length >= 90);
    // What was gone before there was a group is nobody's gap.
    expect(reader.assignments[0]!.partitions[0]).toMatchObject({ position: 10 });
    expect(reader.assignments[0]!.partitions[0]).not.toHaveProperty('gap');
    const value = 'x'.repeat(700_000);
    for (let i = 0; i < 40; i++) await append(topic, [value]);
    await reader.batch();
    await deleteBefore(topic, 138);
    await reader.until(() => reader.assignments.length === 2);
    const [second] = reader.assignments[1]!.partitions;
    expect(second).toMatchObject({
      committedOffset: undefined,
      position: 138,
      gap: { cause: 'deleted', fromOffset: 10, toOffset: 138 },
    });
    await reader.until(() => reader.seen.at(-1) === '0/139');
  });
});

describe.runIf(kafka !== undefined)('a topic that was created again', () => {
  test('while the process reads is read from its beginning, and said', async () => {
    const topic = uniqueName('anew');
    await filled(topic, 100);
    const reader = new Reader(topic);
    await reader.until(() => reader.seen.length >= 100);
    await commit(reader, 50);
    // The broker forgets what was committed for a topic that is deleted; this process does not.
    const [, anew] = await Promise.all([recreated(topic, 200), readAnew(reader, 200)]);
    expect(anew).toEqual({
      gap: { cause: 'recreated', fromOffset: 50, toOffset: 0 },
      values: values(0, 200),
    });
    expect(reader.values.slice(0, 100)).toEqual(values(0, 100));
  });

  test('and grew past the reader before it looked again, is known by what the broker forgot', async () => {
    const topic = uniqueName('forgotten');
    await createTopic(brokers, topic, 1);
    // Without a second time in the log there is no landmark.
    const stamped = values(0, 101).map((value) => ({ value, timestamp: String(NEWEST) }));
    await produce(brokers, topic, stamped.slice(0, 100));
    const reader = new Reader(topic);
    await reader.until(() => reader.seen.length >= 100);
    await commit(reader, 100);
    await produce(brokers, topic, stamped.slice(100));
    await standsStill(reader);
    await recreated(topic, 200);
    expect(await readAnew(reader, 200)).toEqual({
      gap: { cause: 'recreated', fromOffset: 100, toOffset: 0 },
      values: values(0, 200),
    });
  });

  // Nothing, or the beginning, is committed: all that the broker could forget.
  test.each([
    ['its first landmark', undefined, 0, 200],
    ['its landmark, which is looked at now and then', 0, 10_000, 0],
    ['its landmark, which is due to be renewed', 0, 3_600_000, 0],
  ])(
    'and grew past the reader before it looked again, is known by %s',
    async (_name, committedOffset, pauseMs, fromOffset) => {
      const topic = uniqueName('marked');
      let laterMs = 0;
      const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + laterMs };
      await filled(topic, 100);
      const reader = new Reader(topic, { clock });
      await reader.until(() => reader.seen.length >= 100);
      if (committedOffset !== undefined) await commit(reader, committedOffset);
      await append(topic, ['100']);
      await standsStill(reader);
      await recreated(topic, 200);
      laterMs = pauseMs;
      await reader.until(() => reader.seen.length > 101);
      await expect(commit(reader, 200)).rejects.toMatchObject({ code: 'KAFKA_GENERATION_LOST' });
      expect(await readAnew(reader, 200)).toEqual({
        gap: { cause: 'recreated', fromOffset, toOffset: 0 },
        values: values(0, 200),
      });
    },
  );

  test.each([
    ['shorter than the committed offset', 20],
    ['grown past the committed offset', 200],
  ])('is noticed when an offset of the old one was committed late, and it is %s', async (_name, count) => {
    const topic = uniqueName('stale');
    await filled(topic, 100);
    const groupId = await committed(topic, 50, 100);
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    await recreated(topic, count);
    await commitRaw(topic, groupId, offsets!.partitions[0]!);

    const reader = new Reader(topic, { groupId });
    expect(await resumed(reader)).toEqual({
      partition: 0,
      committedOffset: undefined,
      metadata: undefined,
      endOffset: count,
      position: 0,
      gap: { cause: 'recreated', fromOffset: 50, toOffset: 0 },
    });
    await reader.until(() => reader.seen.length >= count);
    expect(reader.values).toEqual(values(0, count));
  });

  test('is told from the same one after retention has passed the place that it is known by', async () => {
    const topic = uniqueName('same');
    await filled(topic, 100);
    const groupId = await committed(topic, 100, 100);
    await append(topic, values(100, 200));
    await deleteBefore(topic, 100);
    const reader = new Reader(topic, { groupId });
    const partition = await resumed(reader);
    expect(partition).toMatchObject({ committedOffset: 100 });
    expect(partition.gap).toBeUndefined();
  });
});
