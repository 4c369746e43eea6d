/** `vigie topics create` on a real broker: what is missing is made as it has to be, and nothing else is touched. */

import kafkajs from 'kafkajs';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, parseLines, succeed } from '../support/cli.ts';
import { createTopic, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { FEW_RULES } from '../support/programs.ts';

const kafka = testKafka();
const brokers = kafka?.brokers ?? [];

afterAll(cleanUp);

interface Line {
  readonly topic: string;
  readonly partitions: number;
  readonly created: boolean;
}

describe.runIf(kafka !== undefined)('vigie topics create', () => {
  test('makes topics once, with their settings, and says what it would do before', async () => {
    const topic = uniqueName('portal');
    const signals = `${topic}-signals`;
    const env = {
      KAFKA_BROKERS: brokers.join(),
      VIGIE_TOPIC: topic,
      VIGIE_SIGNALS_TOPIC: signals,
      VIGIE_SIGNALS_PARTITIONS: '5',
      VIGIE_RULES: FEW_RULES,
    };
    const call = async (...more: string[]): Promise<[string, boolean][]> =>
      parseLines<Line>(await succeed(['topics', 'create', '--json', ...more], env)).map(
        ({ topic, created }) => [topic, created],
      );
    const admin = testClient(brokers).admin();
    await admin.connect();
    try {
      const both: [string, boolean][] = [
        [`${topic}-dead-letters`, true],
        [signals, true],
      ];
      expect(await call('--dry-run')).toEqual(both);
      expect(await admin.listTopics()).not.toContain(signals);
      expect(await call()).toEqual(both);
      expect(await call()).toEqual(both.map(([name]) => [name, false]));

      const { topics } = await admin.fetchTopicMetadata({ topics: [signals] });
      expect(topics[0]?.partitions.length).toBe(5);
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: signals }],
      });
      const config = new Map(
        resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
      );
      expect(config.get('message.timestamp.type')).toBe('LogAppendTime');
      expect(config.get('cleanup.policy')).toBe('delete');
      // The rules look back for a day, and outages last.
      expect(Number(config.get('retention.ms'))).toBeGreaterThan(2 * 86_400_000);
    } finally {
      await admin.disconnect();
    }
  }, 60_000);

  test('makes the input when asked to, and leaves one that is there as it is', async () => {
    const topic = uniqueName('portal');
    await createTopic(brokers, topic, 3, { 'retention.ms': String(2 * 86_400_000) });
    const env = { KAFKA_BROKERS: brokers.join(), VIGIE_TOPIC: topic };
    const text = await succeed(['topics', 'create', '--input', '--partitions', '7'], env);
    // As it is, not as it would have been made.
    expect(text).toMatch(new RegExp(`${topic} +access events +3 +2 +exists`));
    const [line] = parseLines<Line>(await succeed(['topics', 'create', '--input', '--json'], env));
    expect(line).toMatchObject({ topic, partitions: 3, created: false });
    expect(text).toMatch(/dead letters +1 +7 +created/);
    const admin = testClient(brokers).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    await admin.disconnect();
    expect(topics[0]?.partitions.length).toBe(3);
  }, 60_000);
});
