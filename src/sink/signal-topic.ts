/**
 * The topic between the match stage and the shards: one partition, one shard.
 *
 * Guarantee: `send` resolves once all in-sync replicas have every message, those of a shard in the order given. A
 * message that was sent twice, because its acknowledgement was lost, is recognised by who reads it.
 *
 * Messages are stamped by the broker: retention goes by stamps, and the events may be years old.
 */

import kafkajs from 'kafkajs';
import type { Admin, Producer } from 'kafkajs';
import { VigieError } from '../errors.ts';
import { connectKafka, KAFKA_RETRY } from '../source/kafka-client.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';
import { kafkaError } from '../source/kafka-errors.ts';
import { createTopic, type NewTopic } from '../source/kafka-topics.ts';

export interface SignalTopicOptions extends KafkaConnection {
  readonly topic: string;
  /** Of a topic that is created, and so shards. */
  readonly partitions: number;
  /** How long a created topic keeps messages, ms: at least the longest reach of the rules. */
  readonly retentionMs: number;
}

export interface SignalSink {
  /** By shard. What is tried again is so until the signal aborts. */
  send(messages: readonly (readonly Buffer[])[], signal: AbortSignal): Promise<void>;
}

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** As it has to be, created here or by `vigie topics create`. */
export function signalTopic({
  topic,
  partitions,
  retentionMs,
}: Pick<SignalTopicOptions, 'topic' | 'partitions' | 'retentionMs'>): NewTopic {
  return {
    topic,
    partitions,
    config: {
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'LogAppendTime',
      'retention.ms': String(retentionMs),
      'max.message.bytes': String(MAX_MESSAGE_BYTES),
    },
  };
}

export class SignalTopic {
  readonly #options: SignalTopicOptions;
  readonly #admin: Admin;
  readonly #producer: Producer;

  constructor(options: SignalTopicOptions) {
    this.#options = options;
    const kafka = connectKafka(options);
    this.#admin = kafka.admin({ retry: KAFKA_RETRY });
    this.#producer = kafka.producer({
      retry: KAFKA_RETRY,
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
  }

  /** Creates the topic if it is missing; returns its partitions. Throws a VigieError. */
  async open(): Promise<number> {
    const { topic } = this.#options;
    try {
      await this.#admin.connect();
      const topics = await this.#admin.listTopics();
      if (!topics.includes(topic)) await createTopic(this.#admin, signalTopic(this.#options));
      const metadata = await this.#admin.fetchTopicMetadata({ topics: [topic] });
      await this.#producer.connect();
      return metadata.topics[0]?.partitions.length ?? this.#options.partitions;
    } catch (error) {
      throw this.#error(error);
    }
  }

  /** How long the topic keeps messages, ms; undefined where the user may not ask or there is no limit. */
  async retentionMs(): Promise<number | undefined> {
    const { topic } = this.#options;
    try {
      const { resources } = await this.#admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }],
      });
      const value = Number(resources[0]?.configEntries[0]?.configValue ?? -1);
      return value < 0 ? undefined : value;
    } catch {
      return undefined;
    }
  }

  /** Throws a VigieError; when it is retryable the same messages may be sent again. */
  async send(messages: readonly (readonly Buffer[])[]): Promise<void> {
    // Those of one partition and request become one batch, which may be too large for the broker.
    const rounds = Math.max(0, ...messages.map(({ length }) => length));
    try {
      for (let round = 0; round < rounds; round += 1) {
        await this.#producer.send({
          topic: this.#options.topic,
          acks: -1,
          messages: messages.flatMap((own, partition) => {
            const value = own[round];
            return value === undefined ? [] : [{ partition, key: null, value }];
          }),
        });
      }
    } catch (error) {
      throw this.#error(error);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#producer.disconnect(), this.#admin.disconnect()]);
  }

  #error(error: unknown): VigieError {
    return kafkaError(error, this.#options, this.#options.topic);
  }
}
