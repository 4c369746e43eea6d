/**
 * Dead letters in a topic. To send one again is to write its original bytes to the partition that it came from (if the
 * topic now has fewer, to one of these), with the letter's key in the header `vigie-replayed-from`, and to append a
 * marker to the letters: the letter's key, no value, the header `vigie-replayed-at`.
 *
 * Guarantee: both are written in one transaction, so neither a crash nor a second call sends a letter twice. Of two
 * simultaneous calls, the later one fences the earlier, and only then reads what was sent.
 */

import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, Kafka, KafkaMessage, Message, Producer, ProducerRecord, Transaction } from 'kafkajs';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import { withAdmin } from '../source/kafka-admin.ts';
import { connectKafka } from '../source/kafka-client.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';
import { isOfType, kafkaError } from '../source/kafka-errors.ts';
import { ClosableConsumer } from '../source/kafka-consumer.ts';
import { partitionsOf } from '../source/kafka-topics.ts';
import type { LetterStore, StoredLetter } from './stored-letters.ts';

export interface LettersInTopicOptions extends KafkaConnection {
  readonly topic: string;
  readonly clock: Clock;
}

const REPLAYED_AT = 'vigie-replayed-at';
/** More patient than the service, which keeps trying by itself: a coordinator may still be loading. */
const PATIENT = { initialRetryTime: 300, maxRetryTime: 3000, retries: 8 };
/** How long readers of the input wait behind an open transaction whose process was killed, ms. */
const TRANSACTION_MS = 15_000;
const ENDING_ATTEMPTS = 200;
const ENDING_MS = 50;
const FETCH_BYTES = 32 * 1024 * 1024;

export class LettersInTopic implements LetterStore {
  readonly name: string;
  readonly #options: LettersInTopicOptions;
  readonly #kafka: Kafka;
  #producer: Producer | undefined;
  /** Topics that letters came from → number of partitions. */
  readonly #partitions = new Map<string, number>();

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

  async claim(): Promise<void> {
    const { topic } = this.#options;
    this.#producer = this.#kafka.producer({
      transactionalId: `vigie-deadletters-${topic}`,
      transactionTimeout: TRANSACTION_MS,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: PATIENT,
    });
    try {
      await this.#producer.connect();
      // The first transaction of a producer aborts those of earlier producers.
      await (await this.#producer.transaction()).abort();
    } catch (error) {
      throw this.#error(error, topic);
    }
  }

  async send(letters: readonly StoredLetter[]): Promise<void> {
    const { topic, clock } = this.#options;
    const at = new Date(clock.now()).toISOString();
    let place = topic;
    try {
      const transaction = await this.#producer!.transaction();
      try {
        for (const [source, own] of Map.groupBy(letters, (letter) => letter.source)) {
          place = source;
          const messages = own.map(({ key, partition, bytes }) => ({
            partition,
            value: bytes,
            headers: { 'vigie-replayed-from': key },
          }));
          // A message that came in a compressed batch may be larger than the topic takes uncompressed.
          await this.#sendTo(source, transaction, messages, kafkajs.CompressionTypes.GZIP);
        }
        const marks = letters.map(({ key }) => ({ key, value: null, headers: { [REPLAYED_AT]: at } }));
        await this.#sendTo(topic, transaction, marks);
        await transaction.commit();
      } catch (error) {
        await transaction.abort().catch(() => undefined);
        throw error;
      }
    } catch (error) {
      throw this.#error(error, place);
    }
  }

  /**
   * Sends one partition at a time. KafkaJS silently drops messages for a partition that does not exist and, in a call
   * for several partitions, those of one whose leader moves meanwhile.
   */
  async #sendTo(
    topic: string,
    transaction: Transaction,
    messages: readonly Message[],
    compression = kafkajs.CompressionTypes.None,
  ): Promise<void> {
    const count = await this.#partitionsOf(topic);
    const ofKey = kafkajs.Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
    }));
    const byPartition = Map.groupBy(messages, (message) =>
      message.partition === undefined
        ? ofKey({ topic, partitionMetadata, message })
        : message.partition % count,
    );
    for (const [partition, own] of byPartition) {
      const placed = own.map((message) => ({ ...message, partition }));
      await sendIn(transaction, { topic, acks: -1, compression, messages: placed });
    }
  }

  async #partitionsOf(source: string): Promise<number> {
    const known = this.#partitions.get(source);
    if (known !== undefined) return known;
    const count = await withAdmin(this.#kafka, (admin) => partitionsOf(source, admin));
    this.#partitions.set(source, count);
    return count;
  }

  async close(): Promise<void> {
    await this.#producer?.disconnect().catch(() => undefined);
  }

  #error(error: unknown, topic: string): VigieError {
    if (!isOfType(error, 'INVALID_PRODUCER_EPOCH')) return kafkaError(error, this.#options, topic);
    return new VigieError('REPLAY_OVERTAKEN', `another replay of ${this.name} has begun meanwhile`, {
      remedy: 'Nothing is sent twice. Wait for the other one, then call this again for what it left.',
      cause: error,
    });
  }

  /** Visits all messages present, in order within each partition. */
  async #read(visit: (message: KafkaMessage) => Promise<void> | void): Promise<void> {
    const { topic } = this.#options;
    let restarts = 0;
    const closable = new ClosableConsumer(this.#kafka, {
      // A group of its own, which commits nothing and vanishes with its last member.
      groupId: `vigie-deadletters-${randomUUID()}`,
      maxBytesPerPartition: FETCH_BYTES,
      allowAutoTopicCreation: false,
      retry: { ...PATIENT, restartOnFailure: () => Promise.resolve(++restarts <= PATIENT.retries) },
    });
    try {
      const ends = await withAdmin(this.#kafka, (admin) => admin.fetchTopicOffsets(topic));
      const open = new Map(
        ends
          .filter(({ low, high }) => Number(low) < Number(high))
          .map(({ partition, high }) => [partition, Number(high)]),
      );
      if (open.size > 0) await readTo(closable.consumer, topic, open, visit);
    } catch (error) {
      throw this.#error(error, topic);
    } finally {
      await closable.close();
    }
  }
}

/**
 * Brokers acknowledge a transaction's end before it is complete, and refuse a new one until then; KafkaJS does not
 * wait.
 */
async function sendIn(transaction: Transaction, record: ProducerRecord): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await transaction.send(record);
      return;
    } catch (error) {
      if (attempt === ENDING_ATTEMPTS || !isOfType(error, 'CONCURRENT_TRANSACTIONS')) throw error;
      await delay(ENDING_MS);
    }
  }
}

/** `open`: partition → end offset, exclusive. */
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
  // Also fires for batches that hold nothing but transaction markers.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    if (Number(lastOffset) + 1 >= (open.get(partition) ?? Infinity)) open.delete(partition);
    if (open.size === 0) done.resolve();
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  /** Next offset to visit per partition: after a failure KafkaJS starts over. */
  const next = new Map<number, number>();
  let visiting = true;
  await consumer.run({
    autoCommit: false,
    eachBatch: async (payload) => {
      const { batch } = payload;
      const end = open.get(batch.partition) ?? 0;
      for (const message of batch.messages) {
        const offset = Number(message.offset);
        if (visiting && offset < end && offset >= (next.get(batch.partition) ?? 0)) {
          next.set(batch.partition, offset + 1);
          try {
            await visit(message);
          } catch (error) {
            // If this threw, KafkaJS would take it for a failure of its own and continue after the message.
            visiting = false;
            done.reject(error);
          }
        }
        await payload.heartbeat();
      }
    },
  });
  await done.promise;
}

/** Undefined for a marker, and for messages that Vigie did not write. */
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
