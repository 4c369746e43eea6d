/**
 * A topic that Vigie writes to.
 *
 * Guarantee: `send` resolves once all in-sync replicas have every message, those of a partition in the order given. A
 * message may be sent twice, as when its acknowledgement was lost: whoever reads must recognise it.
 */

import kafkajs from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka, Message, Producer } from 'kafkajs';
import { connectKafka, KAFKA_RETRY } from '../source/kafka-client.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';
import { kafkaError } from '../source/kafka-errors.ts';
import { sendWhole, SENT_ONCE } from './send-whole.ts';

export interface WrittenTopic extends KafkaConnection {
  readonly topic: string;
}

/** KafkaJS waits for what is under way, and a broker may answer none of it. */
const CLOSE_MS = 1000;

export class TopicWriter {
  readonly #options: WrittenTopic;
  readonly #kafka: Kafka;
  readonly #producer: Producer;

  constructor(options: WrittenTopic) {
    this.#options = options;
    this.#kafka = connectKafka(options);
    this.#producer = this.#kafka.producer({
      retry: SENT_ONCE,
      allowAutoTopicCreation: false,
      // Nothing overtakes what is tried again.
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
  }

  /** To be called before the first `send`. `prepare` is told whether the topic is there. Throws a VigieError. */
  async open<T>(prepare: (admin: Admin, isThere: boolean) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin({ retry: KAFKA_RETRY });
    try {
      await admin.connect();
      const topics = await admin.listTopics();
      const prepared = await prepare(admin, topics.includes(this.#options.topic));
      await this.#producer.connect();
      return prepared;
    } catch (error) {
      throw this.#error(error);
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  /** Throws a VigieError; when it is retryable the same messages may be sent again. */
  async send(messages: Message[]): Promise<void> {
    try {
      await sendWhole(this.#producer, { topic: this.#options.topic, messages });
    } catch (error) {
      throw this.#error(error);
    }
  }

  /** What was sent and is not acknowledged nobody waits for any more. */
  async close(): Promise<void> {
    const closed = this.#producer.disconnect().catch(() => undefined);
    await Promise.race([closed, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  #error(error: unknown): Error {
    return kafkaError(error, this.#options, this.#options.topic);
  }
}
