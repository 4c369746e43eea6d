/** Topics and messages for tests on a real broker. Every topic and group has a unique name. */

import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import type { Kafka, KafkaMessage, Message } from 'kafkajs';
import { inject } from 'vitest';
import { connectKafka } from '../../src/source/kafka-client.ts';
import type { KafkaConnection } from '../../src/source/kafka-client.ts';
import { createTopic as createAndWait } from '../../src/source/kafka-topics.ts';

/** The broker of this run. Undefined if there is none, which has been reported, and is an error under CI. */
export function testKafka(): Exclude<ReturnType<typeof provided>, { skip: string }> | undefined {
  const kafka = provided();
  return 'skip' in kafka ? undefined : kafka;
}

function provided() {
  return inject('kafka');
}

export function uniqueName(stem: string): string {
  return `${stem}-${randomUUID().slice(0, 8)}`;
}

export function connection(brokers: readonly string[]): KafkaConnection {
  return { brokers, clientId: 'vigie-test', log: () => undefined };
}

export function testClient(brokers: readonly string[]): Kafka {
  return connectKafka(connection(brokers));
}

/** `retention.ms` is unlimited, as messages with the times of old incidents must stay. */
export async function createTopic(
  brokers: readonly string[],
  topic: string,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const admin = testClient(brokers).admin();
  await admin.connect();
  await createAndWait(admin, { topic, partitions, config: { 'retention.ms': '-1', ...config } });
  await admin.disconnect();
}

export async function produce(
  brokers: readonly string[],
  topic: string,
  messages: Message[],
  compression: kafkajs.CompressionTypes = kafkajs.CompressionTypes.None,
): Promise<void> {
  const producer = testClient(brokers).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  for (let i = 0; i < messages.length; i += 200) {
    await producer.send({ topic, compression, messages: messages.slice(i, i + 200) });
  }
  await producer.disconnect();
}

/** The first `count` messages of the topic, read with plain KafkaJS. */
export async function readMessages(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<KafkaMessage[]> {
  const consumer = testClient(brokers).consumer({
    groupId: uniqueName('reader'),
    maxBytesPerPartition: 32 * 1024 * 1024,
    maxBytes: 64 * 1024 * 1024,
  });
  const messages: KafkaMessage[] = [];
  const complete = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      messages.push(message);
      if (messages.length >= count) complete.resolve();
      return Promise.resolve();
    },
  });
  await complete.promise;
  await consumer.disconnect();
  return messages;
}
