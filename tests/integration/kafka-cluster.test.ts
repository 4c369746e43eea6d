/** Three brokers, of which some go: what is promised of one holds of a cluster. */

import kafkajs from 'kafkajs';
import type { Admin, Cluster } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SignalTopic } from '../../src/sink/signal-topic.ts';
import { cleanUp, temporaryFolder, until } from '../support/cli.ts';
import { endsOf } from '../faults/readers.ts';
import { closeReaders, Reader } from '../support/kafka-reader.ts';
import { connection, produce, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { NativeCluster } from '../support/native-cluster.ts';

const native = testKafka()?.kind === 'native';
let cluster: NativeCluster;
beforeAll(async () => {
  if (!native) return;
  cluster = await NativeCluster.start(temporaryFolder());
}, 120_000);
afterEach(closeReaders);
afterAll(async () => {
  await cluster?.kill(...cluster.ids);
  await cleanUp();
});

test.runIf(native)(
  'signals whose partition gets another leader while they are sent are there once the sending is over',
  async () => {
    const topic = uniqueName('signals');
    const admin = testClient(cluster.brokers).admin();
    await admin.connect();
    await admin.createTopics({
      topics: [
        {
          topic,
          replicaAssignment: [
            { partition: 0, replicas: [1, 2, 3] },
            { partition: 1, replicas: [2, 3, 1] },
          ],
        },
      ],
    });
    const signals = new SignalTopic({
      ...connection(cluster.brokers),
      topic,
      partitions: 2,
      retentionMs: 3_600_000,
    });
    await signals.open();
    await signals.send([[Buffer.from('0: before')], [Buffer.from('1: before')]]);
    await lead(admin, topic, [1, 1]);
    // The sender does not know it yet.
    await signals.send([[Buffer.from('0: after')], [Buffer.from('1: after')]]);
    await signals.close();
    const there = await endsOf(admin, topic);
    await admin.disconnect();
    expect(Math.min(...there)).toBeGreaterThanOrEqual(2);
  },
  60_000,
);

test.runIf(native)(
  'a group whose coordinator is killed is joined again without waiting for the member that could not say goodbye',
  async () => {
    const topic = uniqueName('input');
    const groupId = uniqueName('group');
    const admin = testClient(cluster.brokers).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 3 }] });
    // Somebody else's, which has no leader while any of the brokers is away.
    await admin.createTopics({
      topics: [
        {
          topic: uniqueName('alone'),
          replicaAssignment: cluster.ids.map((id, partition) => ({ partition, replicas: [id] })),
        },
      ],
    });
    const reader = new Reader(topic, { brokers: cluster.brokers, groupId, sessionTimeoutMs: 300_000 });
    await reader.assignment();
    const coordinator = await coordinatorOf(groupId);
    await cluster.kill(coordinator);
    expect((await reader.assignment()).partitions).toHaveLength(2);
    await produce(cluster.brokers, topic, [{ value: 'after', partition: 1 }]);
    await reader.until(() => reader.values.includes('after'));
    await cluster.startAgain(coordinator);
    await admin.disconnect();
  },
  90_000,
);

/** The broker that coordinates a group. */
async function coordinatorOf(groupId: string): Promise<number> {
  const found = Promise.withResolvers<Cluster>();
  const consumer = testClient(cluster.brokers).consumer({
    groupId,
    partitionAssigners: [
      (config) => {
        found.resolve(config.cluster);
        return kafkajs.PartitionAssigners.roundRobin(config);
      },
    ],
  });
  await consumer.connect();
  const asked = await found.promise;
  await asked.refreshMetadata();
  const { coordinator } = await asked.findGroupCoordinatorMetadata({ groupId });
  await consumer.disconnect();
  return coordinator.nodeId;
}

/** Has them lead, by partition. */
async function lead(admin: Admin, topic: string, leaders: readonly number[]): Promise<void> {
  const partitionAssignment = leaders.map((leader, partition) => ({
    partition,
    replicas: [leader, ...cluster.ids.filter((id) => id !== leader)],
  }));
  await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
  await until(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]!.partitions.every(({ partitionId, leader }) => leader === leaders[partitionId]);
  });
}
