/** Dead letters on a real broker. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeadLetter } from '../../src/sink/sink.ts';
import { DeadLetterTopic } from '../../src/sink/dead-letter-topic.ts';
import {
  connection,
  createTopic,
  readMessages,
  testClient,
  testKafka,
  uniqueName,
} from '../support/kafka-topics.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];

function letter(offset: number, bytes: Uint8Array): DeadLetter {
  return { code: 'NOT_JSON', message: `no JSON at ${offset}`, source: 'access', partition: 3, offset, bytes };
}

async function write(topic: string, letters: DeadLetter[]): Promise<void> {
  const sink = new DeadLetterTopic({ ...connection(brokers), topic });
  try {
    await sink.write(letters);
  } finally {
    await sink.close();
  }
}

function text(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString() : String(value);
}

describe.runIf(kafka !== undefined)('the dead-letter topic', () => {
  test('is created when missing and keeps the original bytes with reason and place', async () => {
    const topic = uniqueName('dead');
    const broken = Uint8Array.of(0xff, 0x00, 0x7b);
    await write(topic, [letter(41, broken), letter(42, Buffer.from('{"a":'))]);
    const [first, second] = await readMessages(brokers, topic, 2);
    expect(first?.value).toEqual(Buffer.from(broken));
    expect(text(first?.key)).toMatch(/^access\/3\/41\/[0-9a-f]{16}$/);
    const headers = Object.entries(first?.headers ?? {}).map(([name, value]) => [name, text(value)]);
    expect(Object.fromEntries(headers)).toEqual({
      'vigie-code': 'NOT_JSON',
      'vigie-message': 'no JSON at 41',
      'vigie-source-topic': 'access',
      'vigie-source-partition': '3',
      'vigie-source-offset': '41',
    });
    expect(text(second?.value)).toBe('{"a":');

    const admin = testClient(brokers).admin();
    await admin.connect();
    // 2: a topic.
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
    });
    await admin.disconnect();
    expect(resources[0]?.configEntries[0]?.configValue).toBe(String(7 * 24 * 3_600_000));
  });

  test('takes a letter of 10 MB whole, in order with small ones', async () => {
    const topic = uniqueName('large');
    const large = Buffer.alloc(10_000_000, 'x');
    await write(topic, [letter(1, Buffer.from('a')), letter(2, large), letter(3, Buffer.from('b'))]);
    const messages = await readMessages(brokers, topic, 3);
    expect(messages.map(({ value }) => value?.length)).toEqual([1, 10_000_000, 1]);
    expect(messages[1]?.value?.equals(large)).toBe(true);
    expect(messages[1]?.headers?.['vigie-truncated']).toBeUndefined();
  });

  test('truncates a letter that the broker does not take, and says how long it was', async () => {
    const topic = uniqueName('narrow');
    await createTopic(brokers, topic, 1, { 'max.message.bytes': '100000' });
    await write(topic, [letter(1, Buffer.from('a')), letter(2, Buffer.alloc(250_000, 'x'))]);
    const messages = await readMessages(brokers, topic, 2);
    expect(messages.map(({ value }) => value?.length)).toEqual([1, 62_500]);
    expect(text(messages[1]?.headers?.['vigie-truncated'])).toBe('250000');
  });

  describe('with a wall clock two hours ahead', () => {
    const { now } = Date;
    beforeEach(() => {
      vi.spyOn(Date, 'now').mockImplementation(() => now() + 2 * 3_600_000);
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });

    test('as it is created takes letters, at the time of the broker', async () => {
      const topic = uniqueName('ahead');
      await write(topic, [letter(1, Buffer.from('a'))]);
      const [message] = await readMessages(brokers, topic, 1);
      expect(Number(message?.timestamp)).toBeLessThan(Date.now() - 3_600_000);
    });

    test('as others create it refuses them, which passes with the clock: they can be written again', async () => {
      const topic = uniqueName('refused');
      await createTopic(brokers, topic, 1);
      await expect(write(topic, [letter(1, Buffer.from('a'))])).rejects.toMatchObject({
        code: 'KAFKA_CLOCK',
        retryable: true,
      });
    });
  });

  test('that somebody deletes meanwhile is created again, as it was', async () => {
    const topic = uniqueName('deleted');
    const sink = new DeadLetterTopic({ ...connection(brokers), topic });
    const admin = testClient(brokers).admin();
    await admin.connect();
    try {
      await sink.write([letter(1, Buffer.from('a'))]);
      await admin.deleteTopics({ topics: [topic] });
      await vi.waitFor(() => sink.write([letter(2, Buffer.from('b'))]), 20_000);
      expect((await readMessages(brokers, topic, 1)).map(({ value }) => text(value))).toEqual(['b']);
    } finally {
      await admin.disconnect();
      await sink.close();
    }
  });
});
