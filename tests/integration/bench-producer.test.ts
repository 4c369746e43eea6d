/** The benchmark's own producer against Kafka's program: what it writes are messages like any other's. */

import { expect, test } from 'vitest';
import { chunkOf, type Line } from '../../bench/service/log.ts';
import { openPlainProducer } from '../../bench/service/plain-producer.ts';
import { createTopic, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { kafkaProgram } from '../support/native-kafka.ts';

const kafka = testKafka();
const native = kafka?.kind === 'native';
const brokers = kafka?.brokers ?? [];

test.runIf(native)(
  'every message is read by Java’s consumer as it was written: key, value, time, and one partition for a key',
  async () => {
    const topic = uniqueName('plain');
    await createTopic(brokers, topic, 3);
    const lines: Line[] = Array.from({ length: 400 }, (_, i) => ({
      key: `Zoé-${i % 40}`,
      // Not in order, and far enough apart for a delta of several bytes.
      time: 1_752_300_000_000 + ((i * 7919) % 400) * 50_000,
      text: JSON.stringify({ i, name: 'Anaïs', path: '/demandeurs'.repeat(i % 60) }),
    }));
    const producer = await openPlainProducer(brokers, topic);
    for (let from = 0; from < lines.length; from += 150) {
      await producer.write(chunkOf(lines.slice(from, from + 150)));
    }
    await producer.close();

    const options = ['--bootstrap-server', brokers.join(), '--topic', topic, '--from-beginning'];
    for (const shown of ['timestamp', 'key', 'partition']) options.push('--property', `print.${shown}=true`);
    options.push('--max-messages', String(lines.length));
    const read = await kafkaProgram('org.apache.kafka.tools.consumer.ConsoleConsumer', options);
    const partitions = new Map<string, Set<string>>();
    const messages = read
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [time, partition, key, value] = line.split('\t') as [string, string, string, string];
        partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
        return `${time} ${key} ${value}`;
      });
    const written = lines.map(({ key, time, text }) => `CreateTime:${time} ${key} ${text}`);
    expect(messages.toSorted()).toEqual(written.toSorted());
    expect([...partitions.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set([...partitions.values()].flatMap((of) => [...of])).size).toBe(3);
  },
  60_000,
);

test.runIf(native)('a batch that the broker refuses is an error', async () => {
  const topic = uniqueName('refusing');
  await createTopic(brokers, topic, 1, { 'max.message.bytes': '1000' });
  const producer = await openPlainProducer(brokers, topic);
  const long = { key: 'a', time: Date.now(), text: JSON.stringify({ path: 'x'.repeat(2_000) }) };
  await expect(producer.write(chunkOf([long]))).rejects.toThrow(/refused a batch with error 10/);
  await producer.close();
});
