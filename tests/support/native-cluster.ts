/**
 * Several native brokers that are one cluster: each broker and controller in one, every topic on all of them unless it
 * says otherwise, and acknowledged when all but one have it.
 */

import { join } from 'node:path';
import { freePorts, startNativeKafka } from './native-kafka.ts';
import type { NativeKafka, NativeKafkaOptions } from './native-kafka.ts';

const IDS = [1, 2, 3];
/** They live for a minute: little memory, and no time for compiling well. */
const JAVA = ['-Xmx256m', '-XX:TieredStopAtLevel=1'];
/** Of the listener for clients, that for SASL, and the controller. */
const PORTS = 3;

export class NativeCluster {
  /** By id, from 1 on. */
  readonly #options: ReadonlyMap<number, NativeKafkaOptions>;
  readonly #running = new Map<number, NativeKafka>();

  private constructor(options: ReadonlyMap<number, NativeKafkaOptions>) {
    this.#options = options;
  }

  /** Three, with their data in `folder`. */
  static async start(folder: string): Promise<NativeCluster> {
    const ports = await freePorts(IDS.length * PORTS);
    const voters = IDS.map((id, i) => `${id}@127.0.0.1:${ports[i * PORTS + 2]!}`).join();
    const options = IDS.map((id, i): [number, NativeKafkaOptions] => {
      const [port, ...otherPorts] = ports.slice(i * PORTS, (i + 1) * PORTS);
      const settings = {
        'node.id': String(id),
        'controller.quorum.voters': voters,
        'default.replication.factor': '3',
        'min.insync.replicas': '2',
        'offsets.topic.replication.factor': '3',
        // What the first of its replicas should lead it does, as soon as it can.
        'leader.imbalance.check.interval.seconds': '1',
        'leader.imbalance.per.broker.percentage': '0',
        // Who is killed is missed within seconds.
        'broker.session.timeout.ms': '3000',
        'broker.heartbeat.interval.ms': '500',
      };
      const dataFolder = join(folder, `kafka-${id}`);
      return [id, { dataFolder, port: port!, otherPorts, settings, java: JAVA }];
    });
    const cluster = new NativeCluster(new Map(options));
    await cluster.startAgain(...IDS);
    return cluster;
  }

  /** Of all, whether they run or not. */
  get brokers(): string[] {
    return [...this.#options.values()].map(({ port }) => `127.0.0.1:${port!}`);
  }

  get ids(): readonly number[] {
    return [...this.#options.keys()];
  }

  /** Resolves when they listen. */
  async startAgain(...ids: readonly number[]): Promise<void> {
    const start = async (id: number): Promise<void> => {
      this.#running.set(id, await startNativeKafka(this.#options.get(id)));
    };
    await Promise.all(ids.map(start));
  }

  async kill(...ids: readonly number[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#running.get(id)!.kill()));
  }

  /** In order: it hands on what it leads first. */
  async stop(...ids: readonly number[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#running.get(id)!.stop()));
  }
}
