/**
 * The client alone: a kafkajs consumer, fetching like `vigie run`, that only counts messages. As a program it prints a
 * line of JSON: from the assignment of partitions to the last message.
 *
 *     node bare.ts BROKERS TOPIC PARTITIONS MESSAGES
 */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { systemClock } from '../../src/clock.ts';
import { connectKafka } from '../../src/source/kafka-client.ts';

export interface BareRun {
  readonly messages: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export async function runBare(
  brokers: readonly string[],
  topic: string,
  partitions: number,
  messages: number,
): Promise<BareRun> {
  const script = fileURLToPath(import.meta.url);
  const args = [script, brokers.join(), topic, String(partitions), String(messages)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as BareRun;
}

async function count(
  brokers: readonly string[],
  topic: string,
  partitions: number,
  messages: number,
): Promise<BareRun> {
  const client = connectKafka({ brokers, clientId: 'vigie-bench-bare', log: () => undefined });
  const consumer = client.consumer({
    groupId: `bare-${randomUUID().slice(0, 8)}`,
    maxBytesPerPartition: 8 * 1024 * 1024,
    maxBytes: 128 * 1024 * 1024,
    maxWaitTimeInMs: 500,
  });
  const complete = Promise.withResolvers<void>();
  let [seen, since, cpuBefore] = [0, 0, process.cpuUsage()];
  consumer.on(consumer.events.GROUP_JOIN, () => {
    since = systemClock.elapsed();
    cpuBefore = process.cpuUsage();
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: partitions,
    eachBatch: ({ batch }) => {
      seen += batch.messages.length;
      if (seen >= messages) complete.resolve();
      return Promise.resolve();
    },
  });
  await complete.promise;
  const { user, system } = process.cpuUsage(cpuBefore);
  const seconds = (systemClock.elapsed() - since) / 1000;
  await consumer.disconnect();
  return { messages: seen, seconds, cpuSeconds: (user + system) / 1e6 };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [brokers = '', topic = '', partitions = '1', messages = '0'] = process.argv.slice(2);
  const result = await count(brokers.split(','), topic, Number(partitions), Number(messages));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
