/**
 * Several native brokers that form a cluster: each is broker and controller, and every topic is on all of them unless
 * it says otherwise, and acknowledged once all but one have it.
 */

import { join } from 'node:path';
import { freePorts, startNativeKafka } from './native-kafka.ts';
import type { NativeKafka, NativeKafkaOptions } from './native-kafka.ts';

const IDS = [1, 2, 3];
/** They live for a minute: little memory, and no optimising compiler. */
const JAVA = ['-Xmx256m', '-XX:TieredStopAtLevel=1'];
/** Ports per broker: the client listener, the SASL listener, and the controller. */
const PORTS = 3;

export class NativeCluster {
  /** By id, starting at 1. */
  readonly #options: ReadonlyMap<number, NativeKafkaOptions>;
  readonly #running = new Map<number, NativeKafka>();

  private constructor(options: ReadonlyMap<number, NativeKafkaOptions>) {
    this.#options = options;
  }

  /** Starts three brokers, with their data in `folder`. */
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
        // The preferred leader takes over as soon as it can.
        'leader.imbalance.check.interval.seconds': '1',
        'leader.imbalance.per.broker.percentage': '0',
        // A killed broker is noticed within seconds.
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

  /** All brokers, whether they run or not. */
  get brokers(): string[] {
    return [...this.#options.values()].map(({ port }) => `127.0.0.1:${port!}`);
  }

  get ids(): readonly number[] {
    return [...this.#options.keys()];
  }

  /** Resolves once they listen. */
  async startAgain(...ids: readonly number[]): Promise<void> {
    const start = async (id: number): Promise<void> => {
      this.#running.set(id, await startNativeKafka(this.#options.get(id)));
    };
    await Promise.all(ids.map(start));
  }

  async kill(...ids: readonly number[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#running.get(id)!.kill()));
  }

  /** Stops them in order: each first hands over what it leads. */
  async stop(...ids: readonly number[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#running.get(id)!.stop()));
  }
}
