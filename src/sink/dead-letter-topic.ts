/**
 * Writes dead letters to a Kafka topic, so that events that could not be decoded can be inspected and sent again.
 *
 * Value: the original bytes. Key: `<topic>/<partition>/<offset>` of the source and a hash of the bytes, so a letter
 * written twice after a restart is recognised. Headers: `vigie-code`, `vigie-message`, `vigie-source-topic`,
 * `vigie-source-partition`, `vigie-source-offset`, and `vigie-truncated`, with the original size in bytes, on a value
 * that the broker did not take whole.
 *
 * Guarantee: `write` resolves once all in-sync replicas have every letter, in the order given.
 *
 * The original bytes hold raw ids of persons: the topic needs the same rights as the source topic, and a short
 * retention.
 */

import type { Message } from 'kafkajs';
import { VigieError } from '../errors.ts';
import { createTopic, type NewTopic } from '../source/kafka-topics.ts';
import type { DeadLetter, DeadLetterSink } from './sink.ts';
import { letterKey } from './stored-letters.ts';
import { TopicWriter, type WrittenTopic } from './topic-writer.ts';

/** Retention of a created topic. */
const RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** A group of letters becomes one record batch, and brokers by default take batches of 1 MiB. */
const GROUP_BYTES = 768 * 1024;
/** Upper bound of the size of key, headers and framing. */
const OVERHEAD_BYTES = 16 * 1024;

/** The topic's definition, also for `vigie topics create`. */
export function deadLetterTopic(topic: string): NewTopic {
  return {
    topic,
    // Rare messages, read by people in the order they came.
    partitions: 1,
    config: {
      'retention.ms': String(RETENTION_MS),
      'max.message.bytes': String(MAX_MESSAGE_BYTES),
      // Brokers refuse timestamps from a clock an hour ahead, and delete messages stamped by a slow clock too early.
      'message.timestamp.type': 'LogAppendTime',
    },
  };
}

export class DeadLetterTopic implements DeadLetterSink {
  readonly #topic: string;
  readonly #writer: TopicWriter;
  #opening: Promise<void> | undefined;

  /** The topic is created with the first letter if it is missing. */
  constructor(options: WrittenTopic) {
    this.#topic = options.topic;
    this.#writer = new TopicWriter(options);
  }

  /** Throws a `VigieError`; if it is retryable, the same letters may be written again. */
  async write(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    await this.#open();
    for (const group of grouped(letters)) await this.#send(group);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #open(): Promise<void> {
    this.#opening ??= this.#writer
      .open(async (admin, isThere) => {
        if (!isThere) await createTopic(admin, deadLetterTopic(this.#topic));
      })
      .catch((error: unknown) => {
        this.#opening = undefined;
        throw error;
      });
    return this.#opening;
  }

  async #send(letters: readonly DeadLetter[]): Promise<void> {
    const most = MAX_MESSAGE_BYTES - OVERHEAD_BYTES;
    if (await this.#fits(letters.map((letter) => message(letter, most)))) return;
    for (const letter of letters) {
      // A single letter is halved until the broker takes it: reading the broker's limit would need further rights.
      let limit = Math.min(letter.bytes.length, most);
      while (!(await this.#fits([message(letter, limit)], limit > 0))) limit = Math.floor(limit / 2);
    }
  }

  /** True if the broker took the messages, false if they are too large but can be cut. Throws any other failure. */
  async #fits(messages: Message[], canShrink = true): Promise<boolean> {
    try {
      await this.#writer.send(messages);
      return true;
    } catch (error) {
      const code = error instanceof VigieError ? error.code : undefined;
      // Somebody deleted it: the next attempt creates it again.
      if (code === 'TOPIC_MISSING') this.#opening = undefined;
      if (code !== 'KAFKA_MESSAGE_TOO_LARGE' || !canShrink) throw error;
      return false;
    }
  }
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
