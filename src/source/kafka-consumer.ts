/** How much a consumer fetches at once, how long brokers may wait, what happens on failures, and how it ends. */

import kafkajs from 'kafkajs';
import type { Cluster, Consumer, ConsumerConfig, Kafka, PartitionAssigner } from 'kafkajs';
import { KAFKA_RETRY } from './kafka-client.ts';

/**
 * A fetch is handed on whole, so the partitions of a backlog drift apart by this much: events of a group that is spread
 * over several arrive out of order to that extent, which makes windows expensive. Some thousand events over all
 * partitions are still enough to make the cost of fetching negligible.
 */
const FETCH_BYTES_PER_PARTITION = 512 * 1024;
/** Brokers fill a response in partition order: all partitions must fit, or the last ones starve. */
const FETCH_BYTES = 128 * 1024 * 1024;
/**
 * A broker answers a fetch once it has this much, or after this long, which is also the longest wait on closing and on
 * resuming a paused partition. A few hundred events a second, answered as they come, would be as many fetches, and
 * those cost more than the events.
 */
const FETCH_LEAST_BYTES = 64 * 1024;
const FETCH_WAIT_MS = 100;
/** How soon partitions added to the topic are noticed, ms: until then nobody reads them or reports their lag. */
const METADATA_AGE_MS = 10_000;

export interface ConsumerOptions {
  readonly groupId: string;
  /** Partitions of the topic. */
  readonly partitions: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assigner: PartitionAssigner;
}

/** A consumer that ends with its first failure: its creator joins again with a new one. */
export function createConsumer(kafka: Kafka, options: ConsumerOptions): ClosableConsumer {
  const { groupId, partitions, sessionTimeoutMs, heartbeatIntervalMs, assigner } = options;
  return new ClosableConsumer(kafka, {
    groupId,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs,
    maxBytesPerPartition: Math.min(FETCH_BYTES_PER_PARTITION, Math.ceil(FETCH_BYTES / partitions)),
    maxBytes: FETCH_BYTES,
    minBytes: FETCH_LEAST_BYTES,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    metadataMaxAge: METADATA_AGE_MS,
    partitionAssigners: [assigner],
    retry: { ...KAFKA_RETRY, restartOnFailure: () => Promise.resolve(false) },
  });
}

/**
 * A consumer that can be closed at any moment. When a broker comes or goes, KafkaJS rebuilds its fetchers. If it is
 * stopped meanwhile, it still completes that, and the new fetchers then poll for ever without a pause: the process does
 * nothing else any more, and never ends.
 */
export class ClosableConsumer {
  readonly consumer: Consumer;
  #cluster: Cluster | undefined;

  constructor(kafka: Kafka, config: ConsumerConfig) {
    const { partitionAssigners = [kafkajs.PartitionAssigners.roundRobin] } = config;
    this.consumer = kafka.consumer({
      ...config,
      partitionAssigners: partitionAssigners.map((assigner) => (of) => {
        this.#cluster = of.cluster;
        return assigner(of);
      }),
    });
  }

  /** The consumer's connections, which KafkaJS shows only to partition assigners. */
  get cluster(): Cluster | undefined {
    return this.#cluster;
  }

  /** Leaves the group. Never throws. */
  async close(): Promise<void> {
    // KafkaJS calls this only to rebuild fetchers, and then gives up.
    if (this.#cluster !== undefined) {
      this.#cluster.getNodeIds = () => {
        throw new Error('closed');
      };
    }
    await this.consumer.disconnect().catch(() => undefined);
  }
}
