/**
 * A member of a consumer group that is told to stop at the very moment when KafkaJS has noticed a lost broker and
 * recreates its fetchers. No real cluster loses a broker on cue, so the member is shown a non-existent one (98) that
 * then disappears; everything else is real. It prints a line once it reads, and leaves when its standard input ends.
 *
 *   node leave-beside-lost-broker.ts BROKER TOPIC GROUP
 */

import { once } from 'node:events';
import kafkajs from 'kafkajs';
import type { Cluster } from 'kafkajs';
import { systemClock } from '../../src/clock.ts';
import { KafkaSource } from '../../src/source/kafka-source.ts';

const [broker, topic, groupId] = process.argv.slice(2);
if (groupId === undefined) throw new Error('usage: leave-beside-lost-broker.ts BROKER TOPIC GROUP');

const stop = new AbortController();
const { roundRobin } = kafkajs.PartitionAssigners;
let isGone = false;
kafkajs.PartitionAssigners.roundRobin = (config) => {
  showBroker(config.cluster);
  return roundRobin(config);
};

function showBroker(cluster: Cluster): void {
  const real = cluster.getNodeIds.bind(cluster);
  cluster.getNodeIds = () => {
    if (!isGone) return [...real(), 98];
    stop.abort();
    return real();
  };
}

const source = new KafkaSource({
  brokers: [broker!],
  clientId: 'leave-beside-lost-broker',
  topic: topic!,
  groupId,
  clock: systemClock,
  onProblem: (problem) => problem && process.stderr.write(`${problem.message}\n`),
  log: () => undefined,
});
process.stdin.resume();
void once(process.stdin, 'end').then(() => (isGone = true));
for await (const item of source.read(stop.signal)) {
  if (item.kind === 'events') process.stdout.write('reading\n');
}
await source.close();
