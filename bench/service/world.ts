/**
 * What the service is measured on, started once: a broker, a ClickHouse with a connection to it that can be made to
 * fail, a folder for everything temporary. Every measurement has topics, a group and a database of its own.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Admin } from 'kafkajs';

import { messageOf } from '../../src/errors.ts';
import { openClickHouse } from '../../src/sink/client.ts';
import { connectKafka } from '../../src/source/kafka-client.ts';
import { createTopic } from '../../src/source/kafka-topics.ts';
import { startClickHouse, type TestClickHouse } from '../../tests/support/clickhouse.ts';
import { cleanUp } from '../../tests/support/cli.ts';
import { faultyClickHouse, type FaultyClickHouse } from '../../tests/support/faulty-clickhouse.ts';
import { startKafka, type TestKafka } from '../../tests/support/kafka.ts';

export class World {
  readonly folder: string;
  readonly brokers: readonly string[];
  /** What was found: `native`, `container` or `given`; and `imitation` for ClickHouse. */
  readonly kinds: { readonly kafka: TestKafka['kind']; readonly clickHouse: TestClickHouse['kind'] };
  readonly admin: Admin;
  readonly clickHouse: TestClickHouse;
  readonly faultyClickHouse: FaultyClickHouse;
  readonly #kafka: TestKafka;

  private constructor(kafka: TestKafka, clickHouse: TestClickHouse, faulty: FaultyClickHouse, admin: Admin) {
    this.folder = mkdtempSync(join(tmpdir(), 'vigie-bench-service-'));
    this.#kafka = kafka;
    this.brokers = kafka.brokers;
    this.kinds = { kafka: kafka.kind, clickHouse: clickHouse.kind };
    this.clickHouse = clickHouse;
    this.faultyClickHouse = faulty;
    this.admin = admin;
  }

  /** Or the reason why there is none. */
  static async open(): Promise<World | { readonly skip: string }> {
    // What brokers do by default: processes that start together join together, and partitions move once.
    const kafka = await startKafka({ 'group.initial.rebalance.delay.ms': '3000' });
    if ('skip' in kafka) return kafka;
    let clickHouse: TestClickHouse;
    try {
      clickHouse = await startClickHouse();
    } catch (error) {
      await kafka.stop();
      return { skip: `no ClickHouse to write to: ${messageOf(error)}` };
    }
    const faulty = await faultyClickHouse(clickHouse.url, 0);
    const client = connectKafka({ brokers: kafka.brokers, clientId: 'vigie-bench', log: () => undefined });
    const admin = client.admin();
    await admin.connect();
    return new World(kafka, clickHouse, faulty, admin);
  }

  async close(): Promise<void> {
    await cleanUp();
    await this.admin.disconnect().catch(() => undefined);
    await this.faultyClickHouse.close();
    await this.clickHouse.stop();
    await this.#kafka.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    // Events are of 2025: a broker's usual retention would delete them at once.
    await createTopic(this.admin, { topic, partitions, config: { 'retention.ms': '-1' } });
  }

  async deleteTopics(...topics: readonly string[]): Promise<void> {
    await this.admin.deleteTopics({ topics: [...topics] }).catch(() => undefined);
  }

  /** Offset after the last message, by partition. */
  async ends(topic: string): Promise<number[]> {
    const offsets = await this.admin.fetchTopicOffsets(topic);
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  }

  /** Up to where a group has committed, by partition. */
  async committed(groupId: string, topic: string): Promise<number[]> {
    // A broker that no group has used yet first has to make room for offsets.
    const [offsets] = await this.admin.fetchOffsets({ groupId, topics: [topic] }).catch(() => []);
    const entries = (offsets?.partitions ?? []).toSorted((a, b) => a.partition - b.partition);
    return entries.map(({ offset }) => Math.max(0, Number(offset)));
  }

  async rows<Row>(query: string): Promise<Row[]> {
    const { url, username, password } = this.clickHouse;
    const { client } = await openClickHouse({ url, username, password, database: 'default', dataDir: '' });
    try {
      return await (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
    } finally {
      await client.close();
    }
  }

  async dropDatabase(name: string): Promise<void> {
    const { url, username, password } = this.clickHouse;
    const { client } = await openClickHouse({ url, username, password, database: 'default', dataDir: '' });
    await client.command({ query: `DROP DATABASE IF EXISTS ${name}` }).finally(() => client.close());
  }
}
