/** Generated events on a real broker: keys, times and order as written, and topics that would forget them. */

import { beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../../replay/index.ts';
import { writeTo } from '../../replay/outputs.ts';
import type { Output } from '../../replay/outputs.ts';
import { systemClock } from '../../src/clock.ts';
import { testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];
const THEFT = { accounts: 0, records: 6000 };

const toTopic = (topic: string, rest: { readonly compression?: 'gzip' } = {}): Output => ({
  kind: 'kafka',
  brokers,
  topic,
  ...rest,
});

async function createTopic(topic: string, retentionMs: string): Promise<void> {
  const admin = testClient(brokers).admin();
  await admin.connect();
  const configEntries = [{ name: 'retention.ms', value: retentionMs }];
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2, configEntries }] });
  await admin.disconnect();
}

interface Received {
  readonly partition: number;
  readonly key: string;
  readonly time: string;
  readonly text: string;
}

async function readAll(topic: string, count: number): Promise<readonly Received[]> {
  const consumer = testClient(brokers).consumer({ groupId: uniqueName('reader') });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const received: Received[] = [];
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: ({ partition, message }) => {
        const { key, timestamp, value } = message;
        received.push({ partition, key: String(key), time: timestamp, text: String(value) });
        if (received.length === count) resolve();
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return received;
}

describe.skipIf(kafka === undefined)('replay to Kafka', () => {
  let topic: string;
  beforeAll(() => {
    topic = uniqueName('replay');
  });

  test('creates a topic that keeps old events, keyed by account, each with its own time, in order', async () => {
    const options = { accounts: 30, records: 6000, duration: '7d' };
    const result = await writeTo(toTopic(topic, { compression: 'gzip' }), generate('kairos-2025', options), {
      clock: systemClock,
    });
    const received = await readAll(topic, result.events);
    const sent: string[] = [];
    for (const { bytes } of generate('kairos-2025', options).batches()) {
      sent.push(...Buffer.from(bytes).toString().trimEnd().split('\n'));
    }
    expect(received.map((message) => message.text).sort()).toEqual([...sent].sort());
    const partitionOf = new Map<string, number>();
    const newest = new Map<number, number>();
    for (const { partition, key, time, text } of received) {
      const event = JSON.parse(text) as { '@timestamp': string; user: { id: string } };
      expect([key, Number(time)]).toEqual([event.user.id, Date.parse(event['@timestamp'])]);
      expect(partitionOf.get(key) ?? partition).toBe(partition);
      partitionOf.set(key, partition);
      expect(Number(time)).toBeGreaterThanOrEqual(newest.get(partition) ?? 0);
      newest.set(partition, Number(time));
    }
    const admin = testClient(brokers).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    await admin.disconnect();
    expect(topics[0]!.partitions).toHaveLength(6);
  });

  test('appends to a topic that keeps what it is sent', async () => {
    const kept = uniqueName('kept');
    await createTopic(kept, '-1');
    const options = { clock: systemClock };
    await writeTo(toTopic(kept), generate('kairos-2025', THEFT), options);
    const again = await writeTo(toTopic(kept), generate('kairos-2025', THEFT), options);
    expect(await readAll(kept, 2 * again.events)).toHaveLength(12_014);
  });

  test('refuses a topic that would delete the events for their age', async () => {
    const short = uniqueName('short');
    await createTopic(short, '604800000');
    await expect(
      writeTo(toTopic(short), generate('kairos-2025', THEFT), { clock: systemClock }),
    ).rejects.toMatchObject({
      code: 'KAFKA_TOPIC_FORGETS',
      remedy: expect.stringContaining('retention.ms=-1') as string,
    });
  });

  test('says what to do about events from the future', async () => {
    const future = generate('kairos-2025', { ...THEFT, start: '2099-01-01T00:00:00Z' });
    await expect(
      writeTo(toTopic(uniqueName('future')), future, { clock: systemClock }),
    ).rejects.toMatchObject({
      code: 'KAFKA_TIME_REFUSED',
    });
  });
});
