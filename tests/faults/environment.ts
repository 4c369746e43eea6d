/** The settings that processes of a round run with: those that ship, but for what a round needs. */

import { join } from 'node:path';
import type { Env } from '../support/cli.ts';
import type { CrashStep } from './crash-steps.ts';
import type { World } from './world.ts';

const KEY = '00112233445566778899aabbccddeeff';
/** Neither as many as there are processes nor as partitions of the input. */
const SHARDS = 5;

export interface DeploymentOptions {
  readonly spool?: boolean;
  /** Connections to ClickHouse and Kafka that can be made to fail. */
  readonly faulty?: { readonly clickHouse?: boolean; readonly kafka?: boolean };
  /** Groups are divided over the processes by a topic of signals; state of a shard is kept by each, or by all. */
  readonly signals?: 'own state' | 'shared state';
  readonly env?: Env;
  /** Loaded before the program, where nothing else is. */
  readonly preload?: 'collect-garbage';
  /** Wall time after which a round that makes no end has failed. Default: 150 s. */
  readonly patienceMs?: number;
}

export interface StartOptions {
  /** Processes with the same number have the same data folder, one after the other. Default 0. */
  readonly slot?: number;
  /** Dies there, the n-th time. */
  readonly crash?: readonly [step: CrashStep, nth: number];
  /** Ms after the start, and from then on ahead of the true time by so many ms. */
  readonly clock?: readonly (readonly [afterMs: number, aheadMs: number])[];
  readonly env?: Env;
}

/** What belongs to a deployment alone. */
interface Names {
  readonly topic: string;
  readonly group: string;
  readonly signals: string;
  readonly database: string;
  readonly folder: string;
}

export function environmentOf(
  world: World,
  { topic, group, signals, database, folder }: Names,
  options: DeploymentOptions,
  { slot = 0, crash, clock, env = {} }: StartOptions,
): Env {
  const { faulty = {} } = options;
  const { clickHouse } = world;
  const preload = crash === undefined ? (clock === undefined ? options.preload : 'clock-jumps') : 'crash-at';
  const url = preload && new URL(`preload/${preload}.ts`, import.meta.url).href;
  return {
    KAFKA_BROKERS: faulty.kafka === true ? world.faultyBroker : world.brokers.join(),
    VIGIE_TOPIC: topic,
    VIGIE_GROUP: group,
    VIGIE_DEAD_LETTER_TOPIC: world.deadLetterTopic,
    VIGIE_PSEUDONYM_KEY: KEY,
    CLICKHOUSE_URL: faulty.clickHouse === true ? world.faultyClickHouse.url : clickHouse.url,
    CLICKHOUSE_USER: clickHouse.username,
    CLICKHOUSE_PASSWORD: clickHouse.password,
    CLICKHOUSE_DATABASE: database,
    VIGIE_ARCHIVE: 'true',
    // These events are old: a time to live would end them at once.
    VIGIE_ARCHIVE_DAYS: '0',
    // Often, so that every step is met often.
    VIGIE_FLUSH_INTERVAL: '0s',
    VIGIE_SNAPSHOT_INTERVAL: '1s',
    VIGIE_LOG_LEVEL: 'debug',
    // Partitions wait for each other however long a fault takes: what comes after an idle time may be late.
    VIGIE_IDLE_TIMEOUT: '10m',
    NODE_COMPILE_CACHE: join(world.folder, 'compiled'),
    ...(options.signals === undefined
      ? {}
      : { VIGIE_SIGNALS_TOPIC: signals, VIGIE_SIGNALS_PARTITIONS: String(SHARDS) }),
    ...(options.signals === 'shared state' ? { VIGIE_STATE_DIR: join(folder, 'state') } : {}),
    ...(options.spool === true ? { VIGIE_SPOOL: join(folder, String(slot), 'spool') } : {}),
    ...(url === undefined ? {} : { NODE_OPTIONS: `--import=${url}` }),
    ...(crash === undefined ? {} : { FAULT_CRASH: crash.join(':') }),
    ...(clock === undefined ? {} : { FAULT_CLOCK: JSON.stringify(clock) }),
    ...options.env,
    ...env,
  };
}
