/** Three brokers, of which some go: what is promised of one holds of a cluster. */

import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SignalTopic } from '../../src/sink/signal-topic.ts';
import { cleanUp, temporaryFolder, until } from '../support/cli.ts';
import { endsOf } from '../faults/readers.ts';
import { connection, testClient, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { NativeCluster } from '../support/native-cluster.ts';

const native = testKafka()?.kind === 'native';
let cluster: NativeCluster;
beforeAll(async () => {
  if (!native) return;
  cluster = await NativeCluster.start(temporaryFolder());
}, 120_000);
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
