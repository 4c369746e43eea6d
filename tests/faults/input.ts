/**
 * The logs that rounds are made of: an incident in ordinary traffic, with what goes wrong in a log mixed in:
 * lines that are no events, copies, and events out of order, some of them late.
 *
 * Guarantee: the same seed gives the same messages, and each message its partition and offset.
 */

import { createHash } from 'node:crypto';
import { generate } from '../../replay/index.ts';
import type { Order } from './outcome.ts';

export interface LogMessage {
  readonly partition: number;
  readonly value: Buffer | null;
  /** Message time, ms since the epoch, as Kafka takes it. */
  readonly timestamp: string;
}

export interface Input {
  readonly name: string;
  readonly partitions: number;
  /** In the order of production. */
  readonly messages: readonly LogMessage[];
  /** Files and folders of rules to read it with. */
  readonly rules: readonly string[];
  /** Where the events of a group lie on several partitions, any. */
  readonly order: Order;
}

export interface InputOptions {
  readonly seed: number;
  readonly partitions: number;
  readonly rules: readonly string[];
  /** What decides the partition: the account, or chance. Default: the account. */
  readonly key?: 'account' | 'none';
  /** Of the portal, each with as many events. Default: 25. */
  readonly accounts?: number;
  /** Bytes that each event has more of, in a field that no rule reads and the archive keeps. Default: 0. */
  readonly paddingBytes?: number;
  /** Logs of different weeks, 0 to 3, share no event and no alert. Default 0. */
  readonly week?: number;
}

/** One in so many messages is no event. */
const FAULTY_EVERY = 61;
const FAULTY: readonly (Buffer | null)[] = [
  Buffer.from('{"torn'),
  Buffer.from('{"user":{"id":"u-1"}}'),
  Buffer.from([0x7b, 0xff, 0x7d]),
  Buffer.from('{"@timestamp":"2099-01-01T00:00:00Z","event":{"id":"future"}}'),
  null,
];
const MONDAY = Date.UTC(2025, 6, 6, 22);
const WEEK_MS = 7 * 24 * 3_600_000;
/** On Wednesday morning. */
const THEFT_MS = (2 * 24 + 11) * 3_600_000;
/** Later than any window or resolve timeout of what came before. */
export const END = Date.UTC(2025, 11, 1);

export function buildInput({
  seed,
  partitions,
  rules,
  key = 'account',
  accounts = 25,
  paddingBytes = 0,
  week = 0,
}: InputOptions): Input {
  const options = {
    seed: String(seed),
    accounts,
    records: 700,
    window: '4m',
    start: new Date(MONDAY + week * WEEK_MS).toISOString(),
    duration: '5d',
    theftStart: new Date(MONDAY + week * WEEK_MS + THEFT_MS).toISOString(),
    disorder: 0.03,
    // Across partitions it depends on the moment whether an event is late; on a single one it must not.
    maxDelay: partitions === 1 ? '150s' : '40s',
    duplicates: 0.01,
  };
  const messages: LogMessage[] = [];
  let timestamp = '0';
  for (const { bytes } of generate('kairos-2025', options).batches()) {
    for (const line of Buffer.from(bytes).toString('utf8').trimEnd().split('\n')) {
      const event = JSON.parse(line) as { '@timestamp': string; user?: { id?: string } };
      timestamp = String(Date.parse(event['@timestamp']));
      const by = key === 'account' ? (event.user?.id ?? '') : line;
      const text = paddingBytes === 0 ? line : padded(event, paddingBytes);
      messages.push({ partition: partitionOf(by, partitions), value: Buffer.from(text), timestamp });
      if (messages.length % FAULTY_EVERY === 0) {
        const kind = (messages.length / FAULTY_EVERY) % FAULTY.length;
        messages.push({ partition: messages.length % partitions, value: FAULTY[kind]!, timestamp });
      }
    }
  }
  for (let partition = 0; partition < partitions; partition++) messages.push(closing(partition, seed, week));
  const name = [seed, partitions, key, accounts, paddingBytes, week, rules.join()].join('/');
  return { name, partitions, messages, rules, order: key === 'account' ? 'same' : 'any' };
}

/** Every event has another padding, and none can be packed. */
function padded(event: object, bytes: number): string {
  const padding = createHash('shake256', { outputLength: bytes / 2 }).update(JSON.stringify(event));
  return JSON.stringify({ ...event, url: { path: `/${padding.digest('hex')}` } });
}

/** The last words of a partition: they let everything before resolve. */
function closing(partition: number, seed: number, week: number): LogMessage {
  const event = {
    '@timestamp': new Date(END).toISOString(),
    event: { id: `closing-${seed}-${week}-${partition}`, action: 'login', outcome: 'success' },
    user: { id: `u-closing-${partition}` },
  };
  return { partition, value: Buffer.from(JSON.stringify(event)), timestamp: String(END) };
}

function partitionOf(key: string, partitions: number): number {
  return createHash('sha256').update(key).digest().readUInt32LE(0) % partitions;
}
