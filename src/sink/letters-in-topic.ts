/**
 * Dead letters of a topic. Sending again means: the original bytes go to the partition that they came from, with
 * the header `vigie-replayed-from` (the letter's key), and a marker goes behind the letters: the letter's key, no
 * value, the header `vigie-replayed-at`.
 *
 * Guarantee: both are written in one transaction, so a crash or a second call never sends a letter twice. Two
 * calls at once: the later one fences the earlier.
 */

import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import type { Consumer, Kafka, KafkaMessage } from 'kafkajs';
import type { Clock } from '../clock.ts';
import { connectKafka, KAFKA_RETRY } from '../source/kafka-client.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';
import { kafkaError } from '../source/kafka-errors.ts';
import type { LetterStore, StoredLetter } from './stored-letters.ts';

export interface LettersInTopicOptions extends KafkaConnection {
  readonly topic: string;
  readonly clock: Clock;
}

const REPLAYED_AT = 'vigie-replayed-at';
/** Longer than the service's, which goes on trying: a coordinator may still be loading. */
const PATIENT = { initialRetryTime: 300, maxRetryTime: 3000, retries: 8 };
const FETCH_BYTES = 32 * 1024 * 1024;

export class LettersInTopic implements LetterStore {
  readonly name: string;
  readonly #options: LettersInTopicOptions;
  readonly #kafka: Kafka;

  constructor(options: LettersInTopicOptions) {
    this.name = `topic ${options.topic}`;
    this.#options = options;
    this.#kafka = connectKafka(options);
  }

  letters(visit: (letter: StoredLetter) => Promise<void> | void): Promise<void> {
    return this.#read(async (message) => {
      const letter = letterOf(message);
      if (letter !== undefined) await visit(letter);
    });
  }

  async sent(): Promise<ReadonlyMap<string, number>> {
    const sent = new Map<string, number>();
    await this.#read(({ key, headers }) => {
      const at = textOf(headers?.[REPLAYED_AT]);
      if (key !== null && at !== undefined) sent.set(key.toString(), Date.parse(at));
    });
    return sent;
  }

  async send(letters: readonly StoredLetter[]): Promise<void> {
    const { topic, clock } = this.#options;
    const producer = this.#kafka.producer({
      transactionalId: `vigie-deadletters-${topic}`,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: PATIENT,
    });
    const at = new Date(clock.now()).toISOString();
    try {
      await producer.connect();
      const transaction = await producer.transaction();
      try {
        for (const [source, own] of Map.groupBy(letters, (letter) => letter.source)) {
          await transaction.send({
            topic: source,
            acks: -1,
            messages: own.map(({ key, partition, bytes }) => ({
              partition,
              value: bytes,
              headers: { 'vigie-replayed-from': key },
            })),
          });
        }
        await transaction.send({
          topic,
          acks: -1,
          messages: letters.map(({ key }) => ({ key, value: null, headers: { [REPLAYED_AT]: at } })),
        });
        await transaction.commit();
      } catch (error) {
        await transaction.abort().catch(() => undefined);
        throw error;
      }
    } catch (error) {
      throw kafkaError(error, this.#options, letters[0]?.source ?? topic);
    } finally {
      await producer.disconnect().catch(() => undefined);
    }
  }

  /** Visits all there is now, in order within each partition. */
  async #read(visit: (message: KafkaMessage) => Promise<void> | void): Promise<void> {
    const { topic } = this.#options;
    const admin = this.#kafka.admin({ retry: KAFKA_RETRY });
    let restarts = 0;
    const consumer = this.#kafka.consumer({
      // Of nobody else, and nothing is committed: it is gone with its last member.
      groupId: `vigie-deadletters-${randomUUID()}`,
      maxBytesPerPartition: FETCH_BYTES,
      allowAutoTopicCreation: false,
      retry: { ...PATIENT, restartOnFailure: () => Promise.resolve(++restarts <= PATIENT.retries) },
    });
    try {
      await admin.connect();
      const open = new Map(
        (await admin.fetchTopicOffsets(topic))
          .filter(({ low, high }) => Number(low) < Number(high))
          .map(({ partition, high }) => [partition, Number(high)]),
      );
      if (open.size > 0) await readTo(consumer, topic, open, visit);
    } catch (error) {
      throw kafkaError(error, this.#options, topic);
    } finally {
      await consumer.disconnect().catch(() => undefined);
      await admin.disconnect().catch(() => undefined);
    }
  }
}

/** `open`: partition → offset to read up to. */
async function readTo(
  consumer: Consumer,
  topic: string,
  open: Map<number, number>,
  visit: (message: KafkaMessage) => Promise<void> | void,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) done.reject(payload.error);
  });
  // Also of batches that hold nothing but the marks of transactions.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    if (Number(lastOffset) + 1 >= (open.get(partition) ?? Infinity)) open.delete(partition);
    if (open.size === 0) done.resolve();
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async (payload) => {
      const { batch } = payload;
      const end = open.get(batch.partition) ?? 0;
      for (const message of batch.messages) {
        if (Number(message.offset) < end) await visit(message);
        await payload.heartbeat();
      }
    },
  });
  await done.promise;
}

/** Undefined for a marker, and for what Vigie did not write. */
function letterOf({ key, value, headers, timestamp }: KafkaMessage): StoredLetter | undefined {
  const code = textOf(headers?.['vigie-code']);
  const source = textOf(headers?.['vigie-source-topic']);
  if (key === null || code === undefined || source === undefined) return undefined;
  const cutFrom = textOf(headers?.['vigie-truncated']);
  return {
    key: key.toString(),
    code,
    message: textOf(headers?.['vigie-message']) ?? '',
    source,
    partition: Number(textOf(headers?.['vigie-source-partition'])),
    offset: Number(textOf(headers?.['vigie-source-offset'])),
    atMs: Number(timestamp),
    bytes: value ?? Buffer.alloc(0),
    cutFrom: cutFrom === undefined ? undefined : Number(cutFrom),
  };
}

function textOf(header: Buffer | string | (Buffer | string)[] | undefined): string | undefined {
  const one = Array.isArray(header) ? header[0] : header;
  return one?.toString();
}
