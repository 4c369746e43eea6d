/**
 * Writes generated events to a Kafka topic as the portals would: keyed by `user.id`, with the event time as message
 * time, acknowledged by all replicas.
 *
 * Creates the topic if it is missing. Kafka's time-based retention uses message times, so a topic with the usual seven
 * days would delete events of 2025 within minutes: a new topic keeps everything, and an existing topic that would
 * delete what it is sent is refused.
 *
 * Guarantee: the batches of a replay are sent one after the other, so each partition holds its events in writing order;
 * nothing is retried behind a later batch.
 */

import kafkajs from 'kafkajs';
import type { Admin, Message } from 'kafkajs';

import type { Clock } from '../src/clock.ts';
import { VigieError } from '../src/errors.ts';
import { COMPRESSIONS } from '../src/source/codecs/register.ts';
import type { Compression } from '../src/source/codecs/register.ts';
import type { Log } from '../src/source/kafka-client.ts';
import { connectKafka } from '../src/source/kafka-client.ts';
import type { KafkaConnection } from '../src/source/kafka-client.ts';
import { kafkaError, type KafkaPlace } from '../src/source/kafka-errors.ts';
import { createTopic } from '../src/source/kafka-topics.ts';
import { sendWhole, SENT_ONCE } from '../src/sink/send-whole.ts';
import { isoTime } from './event-id.ts';
import type { EventChunk } from './event-writer.ts';
import type { OutputWriter } from './outputs.ts';
import { slice } from './pace.ts';

export interface KafkaOutputOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Partitions of a topic that is created; default 6. */
  readonly partitions?: number;
  /** Default none. */
  readonly compression?: Compression;
  /** Default vigie-replay. */
  readonly clientId?: string;
  readonly ssl?: NonNullable<KafkaConnection['ssl']>;
  readonly sasl?: NonNullable<KafkaConnection['sasl']>;
  readonly tlsFiles?: NonNullable<KafkaConnection['tlsFiles']>;
  readonly log?: Log;
}

/** A record batch must stay below the broker's usual 1 MiB even if all events have the same key. */
const BATCH_BYTES = 800_000;
/** Most that a message takes beyond its value: key, times, lengths. */
const MESSAGE_OVERHEAD_BYTES = 64;

/**
 * Connects, checks or creates the topic, and returns the open output. Throws KAFKA_UNREACHABLE and other `KAFKA_`
 * codes.
 */
export async function openKafka(options: KafkaOutputOptions, clock: Clock): Promise<OutputWriter> {
  const { brokers, topic, compression = 'none' } = options;
  const kafka = connectKafka({
    brokers,
    clientId: options.clientId ?? 'vigie-replay',
    log: options.log ?? (() => undefined),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
  });
  const fail = (error: unknown): never => {
    throw explained(error, options, topic);
  };
  const admin = kafka.admin();
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    retry: SENT_ONCE,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  let retentionMs: number;
  try {
    await admin.connect();
    retentionMs = await ensureTopic(admin, topic, options.partitions ?? 6);
    await producer.connect();
  } catch (error) {
    await producer.disconnect().catch(() => undefined);
    return fail(error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }

  // One batch is in flight while the next is generated.
  let pending: Promise<unknown> = Promise.resolve();
  let failure: unknown;
  const settle = async (): Promise<void> => {
    await pending;
    if (failure !== undefined) fail(failure);
  };
  return {
    write: async (chunk) => {
      refuseShortRetention(topic, retentionMs, chunk, clock);
      for (const batch of batchesOf(chunk)) {
        await settle();
        const record = { topic, compression: COMPRESSIONS[compression], messages: messagesOf(batch) };
        pending = sendWhole(producer, record).catch((error: unknown) => {
          failure = error;
        });
      }
      return 'taken';
    },
    close: async () => {
      try {
        await settle();
      } finally {
        await producer.disconnect().catch(() => undefined);
      }
    },
  };
}

/** Creates the topic if it is missing. Returns how long it keeps messages by their times, ms. */
async function ensureTopic(admin: Admin, topic: string, partitions: number): Promise<number> {
  const created = await createTopic(admin, {
    topic,
    partitions,
    config: { 'retention.ms': '-1', 'message.timestamp.type': 'CreateTime' },
  });
  if (created) return Infinity;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  const settings = new Map(
    resources
      .flatMap((resource) => resource.configEntries)
      .map((entry) => [entry.configName, entry.configValue]),
  );
  const deletes = (settings.get('cleanup.policy') ?? 'delete').includes('delete');
  const retention = Number(settings.get('retention.ms') ?? -1);
  const byEventTime = settings.get('message.timestamp.type') !== 'LogAppendTime';
  return deletes && byEventTime && retention >= 0 ? retention : Infinity;
}

function refuseShortRetention(topic: string, retentionMs: number, chunk: EventChunk, clock: Clock): void {
  const oldest = chunk.times[0]!;
  if (clock.now() - oldest < retentionMs) return;
  throw new VigieError(
    'KAFKA_TOPIC_FORGETS',
    `topic ${topic} deletes messages ${Math.round(retentionMs / 3_600_000)} h after their time, so an event of ${isoTime(oldest)} would be gone at once`,
    {
      remedy: `Name a topic that does not exist yet, or set retention.ms=-1 on ${topic}.`,
    },
  );
}

/** Pieces that stay below the size of a record batch, whatever the keys. */
function* batchesOf(chunk: EventChunk): Generator<EventChunk, void, void> {
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < chunk.count; i++) {
    const size = chunk.ends[i]! - (i === 0 ? 0 : chunk.ends[i - 1]!) + MESSAGE_OVERHEAD_BYTES;
    if (i > from && bytes + size > BATCH_BYTES) {
      yield slice(chunk, from, i);
      from = i;
      bytes = 0;
    }
    bytes += size;
  }
  yield slice(chunk, from, chunk.count);
}

/** Values exclude the line feed. */
function messagesOf(chunk: EventChunk): Message[] {
  const { buffer, byteOffset, byteLength } = chunk.bytes;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  let start = 0;
  return chunk.keys.map((key, i) => {
    const end = chunk.ends[i]!;
    const value = bytes.subarray(start, end - 1);
    start = end;
    return { key, value, timestamp: String(chunk.times[i]!) };
  });
}

/** Remedies for a replay; the service's own messages speak of retrying. */
function explained(error: unknown, connection: KafkaPlace, topic: string): VigieError {
  const known = kafkaError(error, connection, topic);
  if (known.code === 'KAFKA_UNREACHABLE') {
    return new VigieError(known.code, known.message, {
      remedy:
        'Check the addresses, that the brokers run, and whether they want TLS; then start the replay again.',
      retryable: true,
      cause: error,
    });
  }
  if (/INVALID_TIMESTAMP|timestamp of the message is out of acceptable range/i.test(known.message)) {
    return new VigieError('KAFKA_TIME_REFUSED', `${known.message}: Kafka takes no message from the future`, {
      remedy: `Choose an earlier start, or raise message.timestamp.after.max.ms on ${topic}.`,
      cause: error,
    });
  }
  return known;
}
