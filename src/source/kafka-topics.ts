/** Creates topics, and returns when they are usable. */

import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';

export interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  /** -1, the default: the brokers' default (Kafka 2.4 or newer). */
  readonly replicationFactor?: number | undefined;
  /** The topic's own settings, e.g. `retention.ms`. */
  readonly config: Readonly<Record<string, string>>;
}

const PROPAGATION_ATTEMPTS = 50;
const PROPAGATION_CHECK_MS = 100;

/**
 * Creates the topic unless it exists, and waits until every partition answers: brokers may deny its existence right
 * after its creation. Returns whether it was created. Throws what KafkaJS throws.
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
    // Metadata name a leader before it serves, and a send that only some partitions take is sent twice.
    const offsets = await admin.fetchTopicOffsets(topic.topic).catch(() => []);
    if (offsets.length === topic.partitions) break;
    await delay(PROPAGATION_CHECK_MS);
  }
  return true;
}

/** Number of partitions. Throws what KafkaJS throws, also for a topic that is missing. */
export async function partitionsOf(topic: string, admin: Admin): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]!.partitions.length;
}

/** Retention, ms; undefined if there is no limit or the user may not read it. */
export async function retentionOf(topic: string, admin: Admin): Promise<number | undefined> {
  const ms = await settingOf(topic, 'retention.ms', admin);
  return ms === undefined || ms < 0 ? undefined : ms;
}

/** A numeric setting; undefined if the user may not read it. */
export async function settingOf(topic: string, setting: string, admin: Admin): Promise<number | undefined> {
  const value = await textOf(topic, setting, admin);
  return value === undefined ? undefined : Number(value);
}

/** Whether of the messages with one key only the newest are kept; false where the user may not ask. */
export async function isCompacted(topic: string, admin: Admin): Promise<boolean> {
  return (await textOf(topic, 'cleanup.policy', admin))?.includes('compact') === true;
}

async function textOf(topic: string, setting: string, admin: Admin): Promise<string | undefined> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [setting] }],
    });
    return resources[0]?.configEntries[0]?.configValue;
  } catch {
    return undefined;
  }
}
