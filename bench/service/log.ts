/**
 * Topics to read: the demo's traffic, and a backlog of any length at any pace. Both are seeded, so every pass over them
 * must find the same.
 *
 * Every partition ends with an event that advances the watermark past all events before it, in whatever order
 * partitions are read.
 */

import kafkajs from 'kafkajs';

import { generate, listsOf } from '../../replay/index.ts';
import { writeLists } from '../../replay/lists.ts';
import type { EventChunk } from '../../replay/event-writer.ts';
import { openKafka } from '../../replay/kafka-output.ts';
import { Random } from '../../replay/random.ts';
import { systemClock } from '../../src/clock.ts';
import { connectKafka } from '../../src/source/kafka-client.ts';
import { benign, eventOf, START_MS } from '../workload.ts';
import type { World } from './world.ts';

export const PARTITIONS = 8;
/** Exceeds the allowed lateness. */
const SILENCE_MS = 5 * 60_000;
/** As in the theft of July 2025. */
const STOLEN_PER_SECOND = 47;

export interface Log {
  readonly topic: string;
  readonly messages: number;
  readonly bytesEach: number;
  /** The account that must be found. */
  readonly thief: string;
  /** Folder of lookup lists. */
  readonly lists: string;
}

/** About this many events of `vigie demo`: a week of traffic, a third of it the theft. Full length: 1 M. */
export async function demoLog(world: World, topic: string, events: number): Promise<Log> {
  const records = Math.round(events * 0.34);
  const options = {
    accounts: Math.round(events * 0.0069),
    records,
    window: `${Math.round(records / STOLEN_PER_SECOND)}s`,
  };
  const lists = `${world.folder}/lists-${topic}`;
  await writeLists(lists, listsOf('kairos-2025', options));
  const generated = generate('kairos-2025', options);
  const written = await fill(world, topic, generated.batches());
  const [thief] = generated.labels().incidents.flatMap(({ accounts }) => accounts);
  if (thief === undefined) throw new Error('the labels of the demo name no account of the theft');
  return { topic, ...written, thief, lists };
}

/** This many events at this rate, with accounts in proportion to the rate, one of which steals. */
export function* backlog(events: number, perSecond: number): Generator<EventChunk, void, void> {
  const random = Random.seeded('bench').split('backlog');
  const accounts = Math.round(perSecond * ACCOUNTS_PER_EVENT_AND_SECOND);
  for (let from = 0; from < events; from += CHUNK) {
    const lines: Line[] = [];
    for (let i = from; i < Math.min(events, from + CHUNK); i += 1) {
      const time = START_MS + Math.round((i * 1000) / perSecond);
      const stolen = i > events / 10 && random.chance(STOLEN_PER_SECOND / perSecond);
      const happening = stolen
        ? { time, action: 'record-view', user: THIEF, persons: [`T${i}`] }
        : benign(time, random, false, accounts);
      lines.push({ key: happening.user, time, text: JSON.stringify(eventOf(happening, i)) });
    }
    yield chunkOf(lines);
  }
}

export const THIEF = 'u-thief';
/** The ratio of `workload.ts`: 10,000 accounts, 185 events a second. */
const ACCOUNTS_PER_EVENT_AND_SECOND = 10_000 / 185;
const CHUNK = 2000;

export interface Line {
  readonly key: string;
  readonly time: number;
  readonly text: string;
}

export function chunkOf(lines: readonly Line[]): EventChunk {
  const bytes = Buffer.from(lines.map(({ text }) => `${text}\n`).join(''));
  const ends = new Uint32Array(lines.length);
  let end = 0;
  lines.forEach(({ text }, i) => (ends[i] = end += Buffer.byteLength(text) + 1));
  return {
    bytes,
    count: lines.length,
    ends,
    keys: lines.map(({ key }) => key),
    times: Float64Array.from(lines, ({ time }) => time),
  };
}

export interface Written {
  readonly messages: number;
  readonly bytesEach: number;
}

/** Writes all chunks, and the events that end each partition. */
export async function fill(world: World, topic: string, chunks: Iterable<EventChunk>): Promise<Written> {
  await world.createTopic(topic, PARTITIONS);
  const writer = await openKafka({ brokers: world.brokers, topic }, systemClock);
  let [messages, bytes, newest] = [0, 0, 0];
  for (const chunk of chunks) {
    await writer.write(chunk);
    messages += chunk.count;
    bytes += chunk.bytes.length;
    newest = chunk.times.at(-1)!;
  }
  await writer.close();
  await endPartitions(world, topic, newest);
  return { messages: messages + PARTITIONS, bytesEach: bytes / messages };
}

export async function endPartitions(world: World, topic: string, newestMs: number): Promise<void> {
  const client = connectKafka({ brokers: world.brokers, clientId: 'vigie-bench', log: () => undefined });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const time = newestMs + SILENCE_MS;
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => {
    const user = `u-end-${partition}`;
    const event = eventOf({ time, action: 'logout', user, persons: [] }, 1e9 + partition);
    return { partition, key: user, value: JSON.stringify(event), timestamp: String(time) };
  });
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
}
