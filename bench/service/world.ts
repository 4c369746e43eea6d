/**
 * The environment of the service benchmark, started once: a broker, a ClickHouse with a connection that can be made to
 * fail, a folder for everything temporary. Every measurement has its own topics, group and database.
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
  /** What is in use: `native`, `container` or `given`; for ClickHouse also `imitation`. */
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

  /** Returns the reason if it cannot be opened. */
  static async open(): Promise<World | { readonly skip: string }> {
    // The brokers' default: processes that start together join together, and partitions are assigned once.
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
    // Events are from 2025: a broker's usual retention would delete them at once.
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

  /** The offsets that a group has committed, by partition. */
  async committed(groupId: string, topic: string): Promise<number[]> {
    // A broker that no group has used yet first has to create its offsets topic.
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
