/** Creating topics, so that they are there when the call returns. */

import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';

export interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  /** -1, the default: what the broker does by default (Kafka 2.4 or newer). */
  readonly replicationFactor?: number;
  /** The topic's own settings, e.g. `retention.ms`. */
  readonly config: Readonly<Record<string, string>>;
}

const PROPAGATION_ATTEMPTS = 50;
const PROPAGATION_CHECK_MS = 100;

/**
 * Creates the topic unless it exists, and waits until every partition answers: right after a creation the
 * brokers may still deny it. Returns whether it was created. Throws what KafkaJS throws.
 */
export async function createTopic(admin: Admin, topic: NewTopic): Promise<boolean> {
  const created = await admin.createTopics({
    waitForLeaders: false,
    topics: [
      {
        topic: topic.topic,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor ?? -1,
        configEntries: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  if (!created) return false;
  for (let attempt = 1; attempt <= PROPAGATION_ATTEMPTS; attempt++) {
    // Metadata name a leader before it serves; a send that only some partitions take is sent twice.
    const offsets = await admin.fetchTopicOffsets(topic.topic).catch(() => []);
    if (offsets.length === topic.partitions) break;
    await delay(PROPAGATION_CHECK_MS);
  }
  return true;
}

/** How long it keeps messages, ms; undefined where the user may not ask or there is no limit. */
export async function retentionOf(topic: string, admin: Admin): Promise<number | undefined> {
  const ms = await settingOf(topic, 'retention.ms', admin);
  return ms === undefined || ms < 0 ? undefined : ms;
}

/** A setting that is a number; undefined where the user may not ask. */
export async function settingOf(topic: string, setting: string, admin: Admin): Promise<number | undefined> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [setting] }],
    });
    const value = resources[0]?.configEntries[0]?.configValue;
    return value === undefined ? undefined : Number(value);
  } catch {
    return undefined;
  }
}
