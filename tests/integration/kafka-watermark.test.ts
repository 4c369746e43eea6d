/** Event time over the partitions of a real topic: the silent, the useless and the busy beside each other. */

import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { KafkaSource } from '../../src/source/kafka-source.ts';
import {
  connection,
  createTopic,
  produce,
  testClient,
  testKafka,
  uniqueName,
} from '../support/kafka-topics.ts';
import { scripted } from '../unit/scripted-pipeline.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];
const LATENESS_MS = 1000;

const event = (time: number): string => JSON.stringify({ '@timestamp': new Date(time).toISOString() });

describe.runIf(kafka !== undefined)('while one partition never pauses', () => {
  test.each([
    ['is silent', undefined],
    ['brings only what is no event', '{"torn'],
  ])('one that %s stops holding the watermark back after the idle timeout', async (_name, other) => {
    const topic = uniqueName('busy');
    await createTopic(brokers, topic, 2);
    const began = Date.now();
    await produce(brokers, topic, [
      { partition: 0, value: event(began) },
      { partition: 1, value: event(began - 3_600_000) },
    ]);
    const source = new KafkaSource({
      ...connection(brokers),
      topic,
      groupId: uniqueName('group'),
      heartbeatIntervalMs: 300,
      clock: systemClock,
      onProblem: () => {},
    });
    const stop = new AbortController();
    const seen = { watermark: -Infinity };
    const { pipeline } = scripted({
      async *items() {},
      options: { source, clock: systemClock, latenessMs: LATENESS_MS, idleTimeoutMs: 1500 },
      observer: { state: (engine) => (seen.watermark = engine.watermarks.watermark) },
    });
    const running = pipeline.run(stop.signal);

    // More often than what is called a quiet moment.
    const producer = testClient(brokers).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    try {
      const until = Date.now() + 15_000;
      while (seen.watermark < began && Date.now() < until) {
        const messages = [{ partition: 0, value: event(Date.now()) }];
        if (other !== undefined) messages.push({ partition: 1, value: other });
        await producer.send({ topic, messages });
        await delay(50);
      }
      expect(seen.watermark).toBeGreaterThanOrEqual(began);
    } finally {
      stop.abort();
      await running;
      await Promise.all([source.close(), producer.disconnect()]);
    }
  });
});
