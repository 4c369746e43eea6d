/**
 * Dead letters to a Kafka topic, so that what could not be decoded can be looked at and sent again.
 *
 * Value: the original bytes. Key: `<topic>/<partition>/<offset>` of the source and a hash of the bytes, so a
 * letter written twice after a restart is recognised. Headers: `vigie-code`, `vigie-message`, `vigie-source-topic`,
 * `vigie-source-partition`, `vigie-source-offset`, and on a value that the broker did not take whole
 * `vigie-truncated` with the original size in bytes.
 *
 * Guarantee: `write` resolves once all in-sync replicas have every letter, in the order given.
 *
 * The original bytes hold raw ids of persons: the topic needs the rights of the source topic, and keeps its
 * messages for a short time only.
 */

import kafkajs from 'kafkajs';
import type { Admin, Message, Producer } from 'kafkajs';
import { VigieError } from '../errors.ts';
import { connectKafka, KAFKA_RETRY } from '../source/kafka-client.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';
import { kafkaError } from '../source/kafka-errors.ts';
import { createTopic, type NewTopic } from '../source/kafka-topics.ts';
import type { DeadLetter, DeadLetterSink } from './sink.ts';
import { letterKey } from './stored-letters.ts';

export interface DeadLetterTopicOptions extends KafkaConnection {
  readonly topic: string;
  /** Create the topic when it is missing. Default true. */
  readonly createMissing?: boolean;
  /** Of a created topic. Default 7 days. */
  readonly retentionMs?: number;
}

const DEFAULT_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** A group of letters becomes one record batch, and brokers by default take batches of 1 MiB. */
const GROUP_BYTES = 768 * 1024;
/** What key, headers and framing take besides the value, at most. */
const OVERHEAD_BYTES = 16 * 1024;

/** As it has to be, created here or by `vigie topics create`. */
export function deadLetterTopic(topic: string, retentionMs = DEFAULT_RETENTION_MS): NewTopic {
  return {
    topic,
    // Rare messages, read by people in the order they came.
    partitions: 1,
    config: {
      'retention.ms': String(retentionMs),
      'max.message.bytes': String(MAX_MESSAGE_BYTES),
      // Brokers refuse the time of a clock that is an hour ahead, and delete early what one behind has stamped.
      'message.timestamp.type': 'LogAppendTime',
    },
  };
}

export class DeadLetterTopic implements DeadLetterSink {
  readonly #options: DeadLetterTopicOptions;
  readonly #admin: Admin;
  readonly #producer: Producer;
  #opening: Promise<void> | undefined;

  constructor(options: DeadLetterTopicOptions) {
    this.#options = options;
    const kafka = connectKafka(options);
    this.#admin = kafka.admin({ retry: KAFKA_RETRY });
    this.#producer = kafka.producer({
      retry: KAFKA_RETRY,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
  }

  /** Throws a `VigieError`; when it is retryable the same letters may be written again. */
  async write(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    try {
      await this.#open();
      for (const group of grouped(letters)) await this.#send(group);
    } catch (error) {
      throw kafkaError(error, this.#options, this.#options.topic);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#producer.disconnect(), this.#admin.disconnect()]);
  }

  #open(): Promise<void> {
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #connect(): Promise<void> {
    const { topic, createMissing = true, retentionMs = DEFAULT_RETENTION_MS } = this.#options;
    await this.#admin.connect();
    const topics = await this.#admin.listTopics();
    if (!topics.includes(topic)) {
      if (!createMissing) {
        throw new VigieError('TOPIC_MISSING', `Topic ${topic} for dead letters does not exist`, {
          retryable: true,
          remedy: 'Create it, with the rights of the source topic and a short retention.',
        });
      }
      await createTopic(this.#admin, deadLetterTopic(topic, retentionMs));
    }
    await this.#admin.disconnect();
    await this.#producer.connect();
  }

  async #send(letters: readonly DeadLetter[]): Promise<void> {
    const whole = letters.map((letter) => message(letter, MAX_MESSAGE_BYTES - OVERHEAD_BYTES));
    try {
      await this.#produce(whole);
      return;
    } catch (error) {
      if (!isTooLarge(this.#error(error))) throw error;
    }
    for (const letter of letters) await this.#sendTruncated(letter);
  }

  /** One alone, halved until the broker takes it: its limit cannot be asked for without further rights. */
  async #sendTruncated(letter: DeadLetter): Promise<void> {
    let limit = Math.min(letter.bytes.length, MAX_MESSAGE_BYTES - OVERHEAD_BYTES);
    for (;;) {
      try {
        await this.#produce([message(letter, limit)]);
        return;
      } catch (error) {
        if (!isTooLarge(this.#error(error)) || limit === 0) throw error;
        limit = Math.floor(limit / 2);
      }
    }
  }

  async #produce(messages: Message[]): Promise<void> {
    await this.#producer.send({ topic: this.#options.topic, acks: -1, messages });
  }

  #error(error: unknown): VigieError {
    return kafkaError(error, this.#options, this.#options.topic);
  }
}

function isTooLarge(error: VigieError): boolean {
  return error.code === 'KAFKA_MESSAGE_TOO_LARGE';
}

function message(letter: DeadLetter, limitBytes: number): Message {
  const { bytes } = letter;
  const kept = bytes.subarray(0, limitBytes);
  const headers: NonNullable<Message['headers']> = {
    'vigie-code': letter.code,
    'vigie-message': letter.message,
    'vigie-source-topic': letter.source,
    'vigie-source-partition': String(letter.partition),
    'vigie-source-offset': String(letter.offset),
  };
  if (kept.length < bytes.length) headers['vigie-truncated'] = String(bytes.length);
  return {
    key: letterKey(letter),
    value: Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength),
    headers,
  };
}

function* grouped(letters: readonly DeadLetter[]): Generator<DeadLetter[]> {
  let group: DeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const size = letter.bytes.length + OVERHEAD_BYTES / 16;
    if (group.length > 0 && bytes + size > GROUP_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(letter);
    bytes += size;
  }
  if (group.length > 0) yield group;
}
