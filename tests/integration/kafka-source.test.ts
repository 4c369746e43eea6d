/** The Kafka source on a real broker: what is read, what resumes where, and what trouble looks like. */

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { KafkaSourceOptions } from '../../src/source/kafka-source.ts';
import type { EventBatch } from '../../src/source/source.ts';
import { startChild } from '../support/child.ts';
import { cleanUp, temporaryFolder } from '../support/cli.ts';
import { closeReaders, Reader } from '../support/kafka-reader.ts';
import { createTopic, produce, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { freePorts, startNativeKafka } from '../support/native-kafka.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];

afterEach(closeReaders);
afterAll(cleanUp);

function upTo(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

test.runIf(kafka !== undefined)(
  'a backlog is handed out in small pieces of each partition, so that groups spread over several meet in order',
  async () => {
    const topic = uniqueName('backlog');
    const [partitions, messages, kilobytes] = [2, 400, 10];
    await createTopic(brokers, topic, partitions);
    const value = 'x'.repeat(kilobytes * 1000);
    await produce(
      brokers,
      topic,
      upTo(partitions * messages).map((i) => ({ partition: i % partitions, value })),
    );
    const reader = new Reader(topic);
    // A producer's own batch comes whole, and is no smaller here.
    const sent = 100 * kilobytes * 1000;
    let largest = 0;
    while (reader.seen.length < partitions * messages) {
      largest = Math.max(largest, (await reader.batch()).bytes);
    }
    expect(largest).toBeLessThanOrEqual(Math.max(512 * 1024, sent));
  },
);

test.runIf(kafka !== undefined)(
  'a topic is read however many of the addresses that were given do not answer',
  async () => {
    const topic = uniqueName('addresses');
    await createTopic(brokers, topic, 1);
    await produce(brokers, topic, [{ value: 'read' }]);
    const silent = (await freePorts(6)).map((port) => `127.0.0.1:${port}`);
    const reader = new Reader(topic, { brokers: [...silent, ...brokers] });
    await reader.until(() => reader.values.includes('read'));
  },
);

/** Nobody waits that long in a test: who has to, fails. */
const FOR_EVER_MS = 300_000;

test.runIf(kafka !== undefined)(
  'a process that was killed says goodbye when it starts again, and the group does not wait for it',
  async () => {
    const [topic, groupId, other] = [uniqueName('killed'), uniqueName('group'), uniqueName('group')];
    await createTopic(brokers, topic, 2);
    const memberFile = join(temporaryFolder(), 'data', 'member');
    const member = (of: string) =>
      startChild('be-member.ts', [brokers[0]!, topic, of, memberFile, String(FOR_EVER_MS)]);
    await (await member(groupId)).kill();
    await (await member(groupId)).kill();
    const last = new Reader(topic, { groupId, memberFile, sessionTimeoutMs: FOR_EVER_MS });
    expect((await last.assignment()).partitions).toHaveLength(2);

    // What it was in one group is nothing to another, and nothing that stands there hinders it.
    const elsewhere = new Reader(topic, { groupId: other, memberFile });
    expect((await elsewhere.assignment()).partitions).toHaveLength(2);
    writeFileSync(memberFile, '{"groupId":');
    const torn = new Reader(topic, { groupId: uniqueName('group'), memberFile });
    expect((await torn.assignment()).partitions).toHaveLength(2);
  },
  60_000,
);

test.runIf(kafka !== undefined)(
  'a process that is told to stop while a broker goes away does stop',
  { timeout: 60_000 },
  async () => {
    const topic = uniqueName('leaving');
    await createTopic(brokers, topic, 1);
    await produce(brokers, topic, [{ value: 'read' }]);
    const member = await startChild('leave-beside-lost-broker.ts', [brokers[0]!, topic, uniqueName('group')]);
    const ended = await Promise.race([member.stop().then(() => true), delay(20_000, false)]);
    await member.kill();
    expect(ended).toBe(true);
  },
);

test.runIf(kafka !== undefined)(
  'partitions that are added while a process reads are read by it, too, and no minute later',
  { timeout: 60_000 },
  async () => {
    const topic = uniqueName('growing');
    await createTopic(brokers, topic, 1);
    await produce(brokers, topic, [{ partition: 0, value: 'before' }]);
    const reader = new Reader(topic);
    await reader.until(() => reader.seen.length > 0);
    const admin = testClient(brokers).admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    // Brokers may deny it for a moment.
    await vi.waitFor(async () => expect(await admin.fetchTopicOffsets(topic)).toHaveLength(2));
    await admin.disconnect();
    await produce(brokers, topic, [{ partition: 1, value: 'behind' }]);
    await reader.until(() => reader.values.includes('behind'));
    expect(reader.assignments.at(-1)).toMatchObject({ total: 2, partitions: [{}, { position: 0 }] });
  },
);

describe.runIf(kafka !== undefined)('a topic of six partitions', () => {
  const topic = uniqueName('six');
  const perPartition = 500;

  beforeAll(async () => {
    await createTopic(brokers, topic, 6);
    const messages = upTo(6 * perPartition).map((i) => ({
      partition: i % 6,
      timestamp: String(Date.UTC(2025, 6, 12) + i * 1000),
      value: JSON.stringify({ i }),
    }));
    await produce(brokers, topic, messages);
  });

  test('is read from the beginning, once, in order within each partition', async () => {
    const reader = new Reader(topic);
    const assignment = await reader.assignment();
    expect(assignment.partitions).toEqual(
      upTo(6).map((partition) => ({
        partition,
        committedOffset: undefined,
        metadata: undefined,
        endOffset: perPartition,
        position: 0,
      })),
    );
    let idle = false;
    await reader.until(() => reader.seen.length >= 6 * perPartition);
    for (let i = 0; i < 3 && !idle; i++) idle = (await reader.next()).kind === 'idle';
    expect(idle).toBe(true);
    for (const partition of upTo(6)) expect(reader.offsetsOf(partition)).toEqual(upTo(perPartition));
  });

  test('a batch says how far the partition reaches and where to resume after it', async () => {
    const reader = new Reader(topic);
    const batch = await reader.batch();
    expect(batch.endOffset).toBe(perPartition);
    expect(batch.nextOffset).toBe(batch.count);
    expect(batch.bytes).toBe(reader.values.join('').length);
  });

  test('a restart resumes at the committed offset and gets back the metadata of the commit', async () => {
    const groupId = uniqueName('resume');
    const first = new Reader(topic, { groupId });
    await first.batch();
    await first.source.commit([
      { partition: 2, nextOffset: 123, metadata: { newestEventTime: 1_752_278_400_123 } },
      { partition: 3, nextOffset: 7, metadata: { newestEventTime: -Infinity } },
    ]);
    await first.close();

    const second = new Reader(topic, { groupId });
    const { partitions } = await second.assignment();
    expect(partitions[2]).toEqual({
      partition: 2,
      committedOffset: 123,
      metadata: { newestEventTime: 1_752_278_400_123 },
      endOffset: perPartition,
      position: 123,
    });
    expect(partitions[3]).toMatchObject({ partition: 3, committedOffset: 7, metadata: undefined });
    expect(partitions[4]?.committedOffset).toBeUndefined();
    await second.until(() => second.seen.length >= 6 * perPartition - 130);
    expect(second.offsetsOf(2)).toEqual(upTo(perPartition - 123, 123));
    expect(second.offsetsOf(3)).toEqual(upTo(perPartition - 7, 7));
  });

  test('the last commit is still possible after the signal, before closing', async () => {
    const groupId = uniqueName('last');
    const first = new Reader(topic, { groupId });
    await first.batch();
    const abort = new AbortController();
    abort.abort();
    expect(await first.source.read(abort.signal).next()).toMatchObject({ done: true });
    await first.source.commit([{ partition: 0, nextOffset: 5, metadata: { newestEventTime: 1 } }]);
    await first.close();
    const second = new Reader(topic, { groupId });
    expect((await second.assignment()).partitions[0]?.committedOffset).toBe(5);
  });

  test('a source that is closed at any moment of its joining leaves nobody behind in the group', async () => {
    const admin = testClient(brokers).admin();
    await admin.connect();
    for (const ms of [0, 5, 10, 20, 40, 80]) {
      const groupId = uniqueName('hasty');
      const { promise, resolve } = Promise.withResolvers<void>();
      const reader = new Reader(topic, {
        groupId,
        // KafkaJS says so right before it joins.
        log: (_level, message) => {
          if (message.endsWith(': Starting')) resolve();
        },
      });
      void reader.next().catch(() => undefined);
      await promise;
      await delay(ms);
      await reader.close();
      // What was sent at last is dealt with.
      await delay(300);
      const { groups } = await admin.describeGroups([groupId]);
      expect([ms, groups[0]?.members.length]).toEqual([ms, 0]);
    }
    await admin.disconnect();
  });

  test('a source that is closed while it still connects does not join any more', async () => {
    const said: string[] = [];
    const reader = new Reader(topic, { log: (_level, message) => said.push(message) });
    void reader.next().catch(() => undefined);
    await reader.close();
    expect(said.filter((message) => message.endsWith(': Starting'))).toEqual([]);
  });

  test('a rewind takes effect before any event of the partition, with a minute of margin', async () => {
    const groupId = uniqueName('rewind');
    const first = new Reader(topic, { groupId });
    await first.batch();
    await first.source.commit([{ partition: 1, nextOffset: 400, metadata: { newestEventTime: 1 } }]);
    await first.close();

    const second = new Reader(topic, { groupId });
    await second.assignment();
    // Partition 1 holds every sixth second from second 1: offset 200 has second 1201.
    await second.source.rewind(1, Date.UTC(2025, 6, 12) + 1_201_000);
    await second.source.rewind(2, Date.UTC(2030, 0, 1));
    await second.until(() => second.offsetsOf(1).length >= perPartition - 190);
    expect(second.offsetsOf(1)).toEqual(upTo(perPartition - 190, 190));
    await second.until(() => second.offsetsOf(2).length >= perPartition);
    expect(second.offsetsOf(2)).toEqual(upTo(perPartition));
  });

  test.each([
    ['none', '-1'],
    ['of a clock that is years behind', String(Date.UTC(2001, 0, 1))],
  ])(
    'a rewind goes back to the beginning where stamps cannot be gone by, and says so: %s',
    async (_, timestamp) => {
      const stamped = uniqueName('stamped');
      await createTopic(brokers, stamped, 1);
      await produce(
        brokers,
        stamped,
        upTo(10).map((i) => ({ partition: 0, timestamp, value: String(i) })),
      );
      const groupId = uniqueName('stamped');
      const newestEventTime = Date.UTC(2025, 6, 12);
      const first = new Reader(stamped, { groupId });
      await first.batch();
      await first.source.commit([{ partition: 0, nextOffset: 8, metadata: { newestEventTime } }]);
      await first.close();

      const said: unknown[] = [];
      const log: KafkaSourceOptions['log'] = (level, _message, { code }) => said.push([level, code]);
      const second = new Reader(stamped, { groupId, log });
      await second.assignment();
      expect(await second.source.rewind(0, newestEventTime - 3_600_000)).toBe(true);
      await second.until(() => second.seen.length >= 10);
      expect(second.offsetsOf(0)).toEqual(upTo(10));
      expect(said).toContainEqual(['warn', 'INPUT_STAMPS']);
    },
  );

  test('two processes share the partitions, and one takes over what the other left', async () => {
    const groupId = uniqueName('pair');
    const first = new Reader(topic, { groupId });
    expect((await first.assignment()).partitions).toHaveLength(6);
    await first.until(() => first.seen.length >= 6 * perPartition);
    await first.source.commit(
      upTo(6).map((partition) => ({ partition, nextOffset: 100, metadata: { newestEventTime: 100 } })),
    );

    const second = new Reader(topic, { groupId });
    const [one, other] = await Promise.all([first.assignment(), second.assignment()]);
    const shared = [...one.partitions, ...other.partitions];
    expect(shared.map(({ partition }) => partition).toSorted((a, b) => a - b)).toEqual(upTo(6));
    expect(shared.every(({ committedOffset }) => committedOffset === 100)).toBe(true);
    first.seen.length = 0;
    await Promise.all(
      [first, second].map((reader) => reader.until(() => reader.seen.length >= 3 * (perPartition - 100))),
    );
    expect([...first.seen, ...second.seen].toSorted()).toEqual(
      upTo(6)
        .flatMap((p) => upTo(perPartition - 100, 100).map((offset) => `${p}/${offset}`))
        .toSorted(),
    );

    await first.close();
    expect((await second.assignment()).partitions).toHaveLength(6);
  });

  test('a commit for a lost generation is refused as retryable, and changes nothing', async () => {
    const groupId = uniqueName('lost');
    const first = new Reader(topic, { groupId });
    await first.batch();
    const second = new Reader(topic, { groupId });
    // The second can only be in once the first was made to rejoin, which it is not told before it pulls.
    await second.assignment();
    const late = [{ partition: 0, nextOffset: 50, metadata: { newestEventTime: 1 } }];
    await expect(first.source.commit(late)).rejects.toMatchObject({
      code: 'KAFKA_GENERATION_LOST',
      retryable: true,
    });
    const { partitions } = await first.assignment();
    const notMine = upTo(6).find((p) => !partitions.some(({ partition }) => partition === p))!;
    await expect(first.source.commit([{ ...late[0]!, partition: notMine }])).rejects.toMatchObject({
      code: 'KAFKA_GENERATION_LOST',
    });
    const admin = testClient(brokers).admin();
    await admin.connect();
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    await admin.disconnect();
    expect(offsets?.partitions.every(({ offset }) => offset === '-1')).toBe(true);
  });

  test('a rewind under an assignment that has ended does nothing: the next one follows', async () => {
    const groupId = uniqueName('overtaken');
    const first = new Reader(topic, { groupId });
    await first.batch();
    const second = new Reader(topic, { groupId });
    await second.assignment();
    await first.source.rewind(0, 0);
    expect((await first.next()).kind).toBe('assignment');
  });

  test('a pipeline that takes longer than the session timeout keeps its partitions', async () => {
    const reader = new Reader(topic, { sessionTimeoutMs: 6000 });
    await reader.batch();
    await delay(9000);
    await reader.until(() => reader.seen.length >= 6 * perPartition);
    expect(reader.assignments).toHaveLength(1);
    for (const partition of upTo(6)) expect(reader.offsetsOf(partition)).toEqual(upTo(perPartition));
  });

  test('a wall clock that is set back costs an assignment at most: it joins again, and commits stand', async () => {
    const groupId = uniqueName('back');
    const reader = new Reader(topic, { groupId, sessionTimeoutMs: 6000 });
    const commit = (nextOffset: number) =>
      reader.source.commit([{ partition: 0, nextOffset, metadata: { newestEventTime: 1 } }]);
    await reader.batch();
    await commit(1);
    const { now } = Date;
    vi.spyOn(Date, 'now').mockImplementation(() => now() - 2 * 3_600_000);
    // KafkaJS sends no heartbeat now, for two hours.
    await delay(9000);
    await expect(commit(2)).rejects.toMatchObject({ code: 'KAFKA_GENERATION_LOST', retryable: true });
    await reader.until(() => reader.assignments.length === 2);
    await reader.batch();
    await commit(3);
    await delay(9000);
    await commit(4);
    vi.restoreAllMocks();
  }, 60_000);

  test('a partition far ahead in event time waits for the slowest one with lag', async () => {
    const skewed = uniqueName('skewed');
    await createTopic(brokers, skewed, 2);
    const value = JSON.stringify({ padding: 'x'.repeat(20_000) });
    await produce(
      brokers,
      skewed,
      upTo(2400).map((i) => ({ partition: i % 2, value })),
    );
    const reader = new Reader(skewed, { maxSkewMs: 10_000, slack: 0 });
    const hour = 3_600_000;
    while (reader.seen.length < 2400) {
      const item = await reader.next();
      // Partition 1's events are an hour younger than partition 0's.
      if (item.kind === 'events')
        reader.source.progress(item.partition, item.partition * hour + item.nextOffset);
    }
    // It got at most its first batch, before anything was known of the times.
    const before = reader.seen.slice(0, reader.seen.lastIndexOf('0/1199'));
    expect(before.filter((place) => place.startsWith('1/')).length).toBeLessThan(500);
    expect(reader.offsetsOf(1)).toEqual(upTo(1200));
    expect(reader.offsetsOf(0)).toEqual(upTo(1200));
  });
});

describe.runIf(kafka !== undefined)('messages', () => {
  test('without a value are visited as nothing, so that they are counted and not skipped', async () => {
    const topic = uniqueName('tombstones');
    await createTopic(brokers, topic, 1);
    await produce(brokers, topic, [{ value: '{}' }, { key: 'k', value: null }, { value: '[]' }]);
    const reader = new Reader(topic);
    await reader.until(() => reader.seen.length >= 3);
    expect(reader.values).toEqual(['{}', '', '[]']);
  });

  test('of transactions leave no lag behind at their end', async () => {
    const topic = uniqueName('transactional');
    await createTopic(brokers, topic, 1);
    const producer = testClient(brokers).producer({
      transactionalId: uniqueName('tx'),
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (const end of ['commit', 'abort', 'commit'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value: end }] });
      await transaction[end]();
    }
    await producer.disconnect();
    const reader = new Reader(topic);
    let last: EventBatch | undefined;
    while (reader.values.length < 2) last = await reader.batch();
    expect(reader.values).toEqual(['commit', 'commit']);
    expect(last).toMatchObject({ nextOffset: 6, endOffset: 6 });
  });
});

describe.runIf(kafka !== undefined)('trouble', () => {
  test('a missing topic is reported, not created, and read once it exists', async () => {
    const topic = uniqueName('missing');
    const reader = new Reader(topic);
    const first = reader.next();
    await expect.poll(() => reader.problems.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(reader.problems[0]).toMatchObject({ code: 'TOPIC_MISSING', retryable: true });
    expect(reader.problems[0]?.message).toContain(topic);
    const admin = testClient(brokers).admin();
    await admin.connect();
    expect(await admin.listTopics()).not.toContain(topic);
    await admin.disconnect();

    await createTopic(brokers, topic, 1);
    await produce(brokers, topic, [{ value: '{}' }]);
    expect(await first).toMatchObject({ kind: 'assignment' });
    expect(reader.problems.at(-1)).toBeUndefined();
    expect((await reader.batch()).count).toBe(1);
  });

  test.runIf(kafka?.kind === 'native')('wrong credentials are told from an unreachable broker', async () => {
    const sasl = kafka!.sasl!;
    const topic = uniqueName('secured');
    await createTopic(brokers, topic, 1);
    const login = { mechanism: 'plain', username: sasl.username } as const;
    const wrong = new Reader(topic, { brokers: sasl.brokers, sasl: { ...login, password: 'guess' } });
    void wrong.next().catch(() => undefined);
    await expect.poll(() => wrong.problems[0]?.code, { timeout: 10_000 }).toBe('KAFKA_AUTH_FAILED');
    const right = new Reader(topic, { brokers: sasl.brokers, sasl: { ...login, password: sasl.password } });
    expect((await right.assignment()).partitions).toHaveLength(1);
  });

  test.runIf(kafka?.kind === 'native')(
    'an unreachable broker is reported, read from once it is up, and again after it went away and came back',
    async () => {
      const [port] = await freePorts(1);
      const late = [`127.0.0.1:${port!}`];
      const dataFolder = await mkdtemp(join(tmpdir(), 'vigie-late-'));
      // It cannot say goodbye to a broker that is gone, and does so when it joins again.
      const reader = new Reader('late', { brokers: late, sessionTimeoutMs: FOR_EVER_MS });
      const first = reader.next();
      await expect.poll(() => reader.problems[0]?.code, { timeout: 10_000 }).toBe('KAFKA_UNREACHABLE');
      let broker = await startNativeKafka({ port: port!, dataFolder });
      try {
        await createTopic(late, 'late', 1);
        await produce(late, 'late', [{ value: '1' }, { value: '2' }]);
        expect(await first).toMatchObject({ kind: 'assignment' });
        await reader.until(() => reader.seen.length >= 2);
        expect(reader.problems.at(-1)).toBeUndefined();
        await reader.source.commit([{ partition: 0, nextOffset: 1, metadata: { newestEventTime: 5 } }]);

        await broker.stop();
        // Its last answer may have been that it coordinates nothing any more.
        await reader.until(() => reader.problems.at(-1)?.code === 'KAFKA_UNREACHABLE');

        broker = await startNativeKafka({ port: port!, dataFolder });
        expect((await reader.assignment()).partitions[0]).toMatchObject({ committedOffset: 1 });
        await produce(late, 'late', [{ value: '3' }]);
        await reader.until(() => reader.values.includes('3'));
        expect(reader.values).toEqual(['1', '2', '2', '3']);
        // At once, or ten seconds later when it was joined shortly before it went away and at the first attempt after.
        await expect.poll(() => reader.problems.at(-1), { timeout: 20_000 }).toBeUndefined();
      } finally {
        await reader.close();
        await broker.stop();
        await rm(dataFolder, { recursive: true });
      }
    },
    120_000,
  );

  test('a commit without the group having been joined is refused as retryable', async () => {
    const reader = new Reader(uniqueName('never'));
    await expect(
      reader.source.commit([{ partition: 0, nextOffset: 1, metadata: { newestEventTime: 1 } }]),
    ).rejects.toMatchObject({ code: 'KAFKA_GENERATION_LOST', retryable: true });
  });
});
