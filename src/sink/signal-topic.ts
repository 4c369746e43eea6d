/**
 * The topic between the match stage and the shards: one partition per shard.
 *
 * Guarantee: that of `TopicWriter`; readers recognise a message that was sent twice.
 *
 * The broker stamps the messages: retention goes by timestamps, and the events may be years old.
 */

import { VigieError } from '../errors.ts';
import { createTopic, type NewTopic, partitionsOf, retentionOf, settingOf } from '../source/kafka-topics.ts';
import { TopicWriter, type WrittenTopic } from './topic-writer.ts';

export interface SignalTopicOptions extends WrittenTopic {
  /** Partitions of a created topic: one per shard. */
  readonly partitions: number;
  /** Retention of a created topic, ms: at least the longest reach of the rules. */
  readonly retentionMs: number;
}

export interface SignalSink {
  /** `messages`: one list per shard. Retries until the signal aborts. */
  send(messages: readonly (readonly Buffer[])[], signal: AbortSignal): Promise<void>;
}

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** For a topic whose limit is smaller than signals need. */
export const SIZE_REMEDY = `Raise max.message.bytes of the signals topic to ${MAX_MESSAGE_BYTES}.`;

/** The topic's definition, also for `vigie topics create`. */
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

/** The topic as found or created. */
interface OpenedSignals {
  readonly partitions: number;
  /** Retention, ms; undefined if there is no limit or the user may not read it. */
  readonly retentionMs: number | undefined;
  /** Largest message, bytes; undefined if the user may not read this limit. */
  readonly messageBytes: number | undefined;
}

export class SignalTopic {
  readonly #options: SignalTopicOptions;
  readonly #writer: TopicWriter;

  constructor(options: SignalTopicOptions) {
    this.#options = options;
    this.#writer = new TopicWriter(options);
  }

  /** Creates the topic if it is missing. Throws a VigieError. */
  open(): Promise<OpenedSignals> {
    const { topic } = this.#options;
    return this.#writer.open(async (admin, isThere) => {
      if (!isThere) await createTopic(admin, signalTopic(this.#options));
      return {
        partitions: await partitionsOf(topic, admin),
        retentionMs: await retentionOf(topic, admin),
        messageBytes: await settingOf(topic, 'max.message.bytes', admin),
      };
    });
  }

  /** Throws a VigieError; if it is retryable, the same messages may be sent again. */
  async send(messages: readonly (readonly Buffer[])[]): Promise<void> {
    // Messages for one partition in one request become one batch, which may be too large for the broker.
    const rounds = Math.max(0, ...messages.map(({ length }) => length));
    for (let round = 0; round < rounds; round += 1) {
      const sent = messages.flatMap((own, partition) => {
        const value = own[round];
        return value === undefined ? [] : [{ partition, key: null, value }];
      });
      try {
        await this.#writer.send(sent);
      } catch (error) {
        if (!(error instanceof VigieError) || error.code !== 'KAFKA_MESSAGE_TOO_LARGE') throw error;
        throw tooLarge(this.#options.topic, Math.max(...sent.map(({ value }) => value.length)), error);
      }
    }
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}

/** Retryable: without the signal no rule would see the event, so it waits until the topic takes it. */
function tooLarge(topic: string, bytes: number, cause: VigieError): VigieError {
  return new VigieError(
    'SIGNALS_TOO_LARGE',
    `Topic ${topic} for signals does not take a message of ${bytes} bytes`,
    { retryable: true, remedy: SIZE_REMEDY, cause },
  );
}
