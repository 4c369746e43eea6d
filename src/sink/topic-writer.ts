/**
 * A topic that Vigie writes to.
 *
 * Guarantee: `send` resolves once all in-sync replicas have every message, those of a partition in the order given. A
 * message may be sent twice, for example when its acknowledgement was lost: readers must recognise it.
 */

import kafkajs from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka, Message, Producer } from 'kafkajs';
import { withAdmin } from '../source/kafka-admin.ts';
import { connectKafka } from '../source/kafka-client.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';
import { kafkaError } from '../source/kafka-errors.ts';
import { sendWhole, SENT_ONCE } from './send-whole.ts';

export interface WrittenTopic extends KafkaConnection {
  readonly topic: string;
}

/** KafkaJS waits for requests in flight, which a broker may never answer. */
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
      // No message may overtake one that is retried.
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
  }

  /** Call it before the first `send`. `prepare` learns whether the topic exists. Throws a VigieError. */
  async open<T>(prepare: (admin: Admin, isThere: boolean) => Promise<T>): Promise<T> {
    try {
      const prepared = await withAdmin(this.#kafka, async (admin) => {
        const topics = await admin.listTopics();
        return prepare(admin, topics.includes(this.#options.topic));
      });
      await this.#producer.connect();
      return prepared;
    } catch (error) {
      throw this.#error(error);
    }
  }

  /** Throws a VigieError; if it is retryable, the same messages may be sent again. */
  async send(messages: Message[]): Promise<void> {
    try {
      await sendWhole(this.#producer, { topic: this.#options.topic, messages });
    } catch (error) {
      throw this.#error(error);
    }
  }

  /** Abandons messages that are not acknowledged within `CLOSE_MS`. */
  async close(): Promise<void> {
    const closed = this.#producer.disconnect().catch(() => undefined);
    await Promise.race([closed, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  #error(error: unknown): Error {
    return kafkaError(error, this.#options, this.#options.topic);
  }
}
