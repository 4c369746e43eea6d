/** What a consumer asks of brokers at once, how long they may wait, what becomes of its failures, and how it ends. */

import kafkajs from 'kafkajs';
import type { Cluster, Consumer, ConsumerConfig, Kafka, PartitionAssigner } from 'kafkajs';
import { KAFKA_RETRY } from './kafka-client.ts';

/**
 * A fetch is handed on whole, so this is how far partitions of a backlog drift apart: events of a group that is spread
 * over several come out of order by as much, and windows pay for that. Some thousand events over all partitions are
 * still enough that asking for them costs nothing beside.
 */
const FETCH_BYTES_PER_PARTITION = 512 * 1024;
/** Brokers fill a response in the order of partitions: all must fit, or the last ones starve. */
const FETCH_BYTES = 128 * 1024 * 1024;
/**
 * A fetch is answered once a broker has this much, or after this long, which is also the longest wait of closing and of
 * resuming a paused partition. A few hundred events a second answered as they come are as many fetches, and those cost
 * more than the events.
 */
const FETCH_LEAST_BYTES = 64 * 1024;
const FETCH_WAIT_MS = 100;
/** How soon partitions are seen that were added to the topic: until then nobody reads them, and nothing tells of their lag. */
const METADATA_AGE_MS = 10_000;

export interface ConsumerOptions {
  readonly groupId: string;
  /** Of the topic. */
  readonly partitions: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assigner: PartitionAssigner;
}

/** One that ends with what it fails with: who made it joins again with another. */
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
 * One that can be closed at any moment. When a broker comes or goes, KafkaJS sets up anew who asks which broker. Stopped
 * meanwhile, it goes on with that, and what it set up then asks for ever without a pause: the process does nothing else
 * any more, and does not end.
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

  /** Its connections: KafkaJS shows them to nobody but those who divide partitions. */
  get cluster(): Cluster | undefined {
    return this.#cluster;
  }

  /** Leaves the group. Throws nothing. */
  async close(): Promise<void> {
    // Asked only to set up anew, which it then gives up.
    if (this.#cluster !== undefined) {
      this.#cluster.getNodeIds = () => {
        throw new Error('closed');
      };
    }
    await this.consumer.disconnect().catch(() => undefined);
  }
}
