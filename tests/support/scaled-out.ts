/** Several processes of one group with a signals topic between their halves, and their own database. */

import { join } from 'node:path';
import type { Admin } from 'kafkajs';
import { expect } from 'vitest';
import { openClickHouse } from '../../src/sink/client.ts';
import type { TestClickHouse } from './clickhouse.ts';
import { type Running, start, until } from './cli.ts';
import { uniqueName } from './kafka-topics.ts';

/** What must not depend on the order in which partitions were read: everything but ids, wall time and samples. */
export function substance(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return rows
    .filter(({ status }) => status !== 'merged')
    .map(({ alert_id: _id, detected_at: _at, sample_event_ids: _samples, version: _version, ...row }) =>
      JSON.stringify({ ...row, inhibited_by: row['inhibited_by'] === '' ? 0 : 1 }),
    )
    .toSorted();
}

export interface ScaledOutOptions {
  readonly brokers: readonly string[];
  /** Connected. */
  readonly admin: Admin;
  readonly clickHouse: TestClickHouse;
  /** The input topic. */
  readonly topic: string;
  /** Partitions of the signals topic. */
  readonly shards: number;
  readonly key: string;
  /** Holds the data folders. */
  readonly folder: string;
  /** Rule files or folders. */
  readonly rules: readonly string[];
}

export class ScaledOut {
  readonly group = uniqueName('group');
  readonly signals = `${this.group}-signals`;
  readonly database = this.group.replaceAll('-', '_');
  readonly #options: ScaledOutOptions;
  #processes = 0;

  constructor(options: ScaledOutOptions) {
    this.#options = options;
  }

  start(more: Readonly<Record<string, string>> = {}): Running {
    const { brokers, clickHouse, topic, shards, key, folder, rules } = this.#options;
    this.#processes += 1;
    const dataDir = join(folder, `${this.group}-${this.#processes}`);
    return start(['run', '--data-dir', dataDir, '--rules', ...rules], {
      KAFKA_BROKERS: brokers.join(),
      CLICKHOUSE_URL: clickHouse.url,
      CLICKHOUSE_USER: clickHouse.username,
      CLICKHOUSE_PASSWORD: clickHouse.password,
      CLICKHOUSE_DATABASE: this.database,
      VIGIE_TOPIC: topic,
      VIGIE_GROUP: this.group,
      VIGIE_SIGNALS_TOPIC: this.signals,
      VIGIE_SIGNALS_PARTITIONS: String(shards),
      VIGIE_DEAD_LETTER_TOPIC: `${this.group}-dead-letters`,
      VIGIE_PSEUDONYM_KEY: key,
      VIGIE_SNAPSHOT_INTERVAL: '1s',
      // A rebalance after a kill may take 30 s, during which a log fed in parts is silent everywhere.
      VIGIE_IDLE_TIMEOUT: '10m',
      ...more,
    });
  }

  /** Waits until everything is matched, correlated and committed. */
  async done(): Promise<void> {
    await until(async () => (await this.#behind('-match', this.#options.topic)) === 0);
    const ends = await this.#ends(this.signals);
    await until(async () =>
      (await this.#committed('-correlate', this.signals)).every((offset, i) => offset >= ends[i]!),
    );
  }

  /** The same for one process without a signals topic. */
  async read(): Promise<void> {
    await until(async () => (await this.#behind('', this.#options.topic)) === 0);
  }

  async finish(...running: readonly Running[]): Promise<void> {
    await this.done();
    // A process that is still starting would be killed by the signal instead of ending in order.
    await Promise.all(running.map((each) => each.message('joined')));
    for (const each of running) {
      const ended = await each.signal('SIGTERM');
      expect(ended, ended.stderr.slice(-2000)).toMatchObject({ code: 0, signal: null });
    }
  }

  /** The newest row of every alert, including merged ones. */
  async alerts(): Promise<Record<string, unknown>[]> {
    const { url, username, password } = this.#options.clickHouse;
    const { database } = this;
    const clickHouse = await openClickHouse({ url, username, password, database, dataDir: '' });
    const result = await clickHouse.client.query({
      query: `SELECT * FROM ${database}.alerts FINAL ORDER BY alert_id`,
      format: 'JSONEachRow',
    });
    const rows = await result.json<Record<string, unknown>>();
    await clickHouse.close();
    return rows;
  }

  async #behind(half: string, of: string): Promise<number> {
    const [ends, committed] = [await this.#ends(of), await this.#committed(half, of)];
    return ends.reduce((sum, end, i) => sum + end - (committed[i] ?? 0), 0);
  }

  async #ends(of: string): Promise<number[]> {
    const offsets = await this.#options.admin.fetchTopicOffsets(of);
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  }

  async #committed(half: string, of: string): Promise<number[]> {
    const [offsets] = await this.#options.admin
      .fetchOffsets({ groupId: `${this.group}${half}`, topics: [of] })
      .catch(() => []);
    const entries = (offsets?.partitions ?? []).toSorted((a, b) => a.partition - b.partition);
    return entries.map(({ offset }) => Math.max(0, Number(offset)));
  }
}
