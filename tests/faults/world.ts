/**
 * What all rounds share, started once: a broker with a proxy before one of its listeners, a ClickHouse with a
 * faulty connection to it, who produces, and whoever reads the dead letters. Every round has a topic, a group and a
 * database of its own.
 */

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Admin, Consumer, Kafka, Producer } from 'kafkajs';
import { openClickHouse } from '../../src/sink/client.ts';
import type { ClickHouse } from '../../src/sink/client.ts';
import { connectKafka } from '../../src/source/kafka-client.ts';
import { createTopic } from '../../src/source/kafka-topics.ts';
import { startImitation } from '../support/clickhouse.ts';
import type { TestClickHouse } from '../support/clickhouse.ts';
import { faultyClickHouse } from '../support/faulty-clickhouse.ts';
import type { FaultyClickHouse } from '../support/faulty-clickhouse.ts';
import { NativeCluster } from '../support/native-cluster.ts';
import { freePorts, startNativeKafka } from '../support/native-kafka.ts';
import type { NativeKafka, NativeKafkaOptions } from '../support/native-kafka.ts';
import type { LogMessage } from './input.ts';
import { TcpProxy } from './tcp-proxy.ts';

const MESSAGE_BYTES = 16 * 1024 * 1024;
const SLOW_MS = 700;
const PATIENT = { initialRetryTime: 100, maxRetryTime: 1000, retries: 60 };

export class World {
  /** Everything temporary is in it. */
  readonly folder: string;
  /** Past the proxy, for whoever must not be disturbed. */
  readonly brokers: readonly string[];
  readonly faultyBroker: string;
  readonly proxy: TcpProxy;
  readonly clickHouse: TestClickHouse;
  readonly faultyClickHouse: FaultyClickHouse;
  readonly deadLetterTopic: string;
  readonly admin: Admin;
  readonly #producer: Producer;
  readonly #client: Kafka;
  #letterReader: Consumer | undefined;
  /** Keys of the dead letters so far. */
  readonly #letters = new Set<string>();
  /** Three brokers instead of one; none behind the proxy. */
  readonly cluster: NativeCluster | undefined;
  #kafka: NativeKafka | undefined;
  readonly #kafkaOptions: NativeKafkaOptions;
  #ofThree: Promise<World> | undefined;

  private constructor(parts: {
    folder: string;
    cluster: NativeCluster | undefined;
    kafka: NativeKafka | undefined;
    kafkaOptions: NativeKafkaOptions;
    proxy: TcpProxy;
    proxyPort: number;
    clickHouse: TestClickHouse;
    faultyClickHouse: FaultyClickHouse;
  }) {
    this.folder = parts.folder;
    this.cluster = parts.cluster;
    this.#kafka = parts.kafka;
    this.#kafkaOptions = parts.kafkaOptions;
    this.brokers = (parts.cluster ?? parts.kafka!).brokers;
    this.faultyBroker = `127.0.0.1:${parts.proxyPort}`;
    this.proxy = parts.proxy;
    this.clickHouse = parts.clickHouse;
    this.faultyClickHouse = parts.faultyClickHouse;
    this.deadLetterTopic = `dead-letters-${randomUUID().slice(0, 8)}`;
    this.#client = connectKafka({ brokers: this.brokers, clientId: 'vigie-faults', log: () => undefined });
    // A broker that was stopped on purpose is waited for.
    this.admin = this.#client.admin({ retry: PATIENT });
    this.#producer = this.#client.producer({
      retry: PATIENT,
      idempotent: true,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
    });
  }

  /** Throws the reason when there is no broker to be had. */
  static async open({ brokers = 1 }: { readonly brokers?: 1 | 3 } = {}): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'vigie-faults-'));
    const [port, ...others] = await freePorts(5);
    const proxyPort = others.pop()!;
    const kafkaOptions: NativeKafkaOptions = {
      dataFolder: join(folder, 'kafka'),
      port: port!,
      otherPorts: others,
      listeners: [{ name: 'faulty', protocol: 'PLAINTEXT', settings: {}, advertisedPort: proxyPort }],
    };
    const cluster = brokers === 3 ? await NativeCluster.start(folder) : undefined;
    const kafka = cluster === undefined ? await startNativeKafka(kafkaOptions) : undefined;
    const proxy = await TcpProxy.listen(proxyPort, others.at(-1)!);
    const clickHouse = await startImitation();
    const faulty = await faultyClickHouse(clickHouse.url, SLOW_MS);
    const world = new World({
      folder,
      cluster,
      kafka,
      kafkaOptions,
      proxy,
      proxyPort,
      clickHouse,
      faultyClickHouse: faulty,
    });
    await world.#connect();
    return world;
  }

  async #connect(): Promise<void> {
    await this.admin.connect();
    await this.#producer.connect();
    // As Vigie makes it, but for the retention.
    await this.createTopic(this.deadLetterTopic, 1, { 'message.timestamp.type': 'LogAppendTime' });
    await this.#readLetters();
  }

  /** All there are. A new reader does not wait for the group of one that lost its broker. */
  async #readLetters(): Promise<void> {
    const reader = this.#client.consumer({
      groupId: `letters-${randomUUID().slice(0, 8)}`,
      retry: PATIENT,
      maxBytesPerPartition: MESSAGE_BYTES,
    });
    this.#letterReader = reader;
    await reader.connect();
    await reader.subscribe({ topics: [this.deadLetterTopic], fromBeginning: true });
    await reader.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        this.#letters.add(String(message.key));
        return Promise.resolve();
      },
    });
  }

  async close(): Promise<void> {
    await this.#ofThree?.then((world) => world.close()).catch(() => undefined);
    await Promise.allSettled([
      this.admin.disconnect(),
      this.#producer.disconnect(),
      this.#letterReader?.disconnect(),
    ]);
    await this.faultyClickHouse.close();
    await this.clickHouse.stop();
    await this.proxy.close();
    await this.#kafka?.stop();
    // None of them would find the others to say goodbye to.
    await this.cluster?.kill(...this.cluster.ids);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Another one with a cluster, made once. */
  ofThree(): Promise<World> {
    const cluster = (this.#ofThree ??= World.open({ brokers: 3 }));
    // Another round may have more luck.
    cluster.catch(() => (this.#ofThree = undefined));
    return cluster;
  }

  /** Of each partition. */
  async leadersOf(topic: string): Promise<number[]> {
    const { topics } = await this.admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]!.partitions.toSorted((a, b) => a.partitionId - b.partitionId);
    return partitions.map(({ leader }) => leader);
  }

  /** No fault is left over for the next round. */
  calm(): void {
    this.faultyClickHouse.fault = undefined;
    Object.assign(this.proxy, { delayMs: 0, closed: false, silent: false });
  }

  async createTopic(
    topic: string,
    partitions: number,
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const config = { 'retention.ms': '-1', 'max.message.bytes': String(MESSAGE_BYTES), ...more };
    await createTopic(this.admin, { topic, partitions, config });
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.admin.deleteTopics({ topics: [topic] });
    while ((await this.admin.listTopics()).includes(topic)) await delay(20);
  }

  /** Resolves when the brokers have them, each once, those of a partition in this order. */
  async produce(topic: string, messages: readonly LogMessage[]): Promise<void> {
    const sent = [...Map.groupBy(messages, ({ partition }) => partition).values()].map((own) =>
      this.#producer.send({ topic, acks: -1, messages: own }),
    );
    await Promise.all(sent);
  }

  async stopBroker(): Promise<void> {
    await this.#letterReader?.disconnect();
    await this.#kafka?.stop();
  }

  async startBroker(): Promise<void> {
    this.#kafka = await startNativeKafka(this.#kafkaOptions);
    await this.#readLetters();
  }

  /** Offsets of `topic` that dead letters are there for, as `partition/offset`. */
  lettersOf(topic: string): Set<string> {
    const mine = [...this.#letters].filter((key) => key.startsWith(`${topic}/`));
    return new Set(mine.map((key) => key.slice(topic.length + 1, key.lastIndexOf('/'))));
  }

  /** Past the faults, as are the two below. */
  async rows(database: string, query: string): Promise<Record<string, unknown>[]> {
    return this.#asked(database, async (client) =>
      (await client.query({ query, format: 'JSONEachRow' })).json<Record<string, unknown>>(),
    );
  }

  async command(database: string, query: string): Promise<void> {
    await this.#asked(database, (client) => client.command({ query }));
  }

  async insert(database: string, table: string, values: readonly unknown[]): Promise<void> {
    await this.#asked(database, (client) =>
      client.insert({ table: `${database}.${table}`, values, format: 'JSONEachRow' }),
    );
  }

  async #asked<T>(database: string, ask: (client: ClickHouse['client']) => Promise<T>): Promise<T> {
    const { url, username, password } = this.clickHouse;
    const clickHouse = await openClickHouse({ url, username, password, database, dataDir: '' });
    try {
      return await ask(clickHouse.client);
    } finally {
      await clickHouse.close();
    }
  }
}
