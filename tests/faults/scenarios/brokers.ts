/**
 * A cluster of three brokers, of which one is killed or restarted, two are away at once, or what they lead is handed
 * round, while one process reads, or two share a topic of signals.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Deployment } from '../deployment.ts';
import type { Round, Scenario } from '../round.ts';

const PARTITIONS = 6;
/** What would say that something is missing; nothing is. */
const LOSSES = new Set<unknown>(['INPUT_GAP', 'TOPIC_RECREATED', 'SIGNALS_GAP']);

export const brokers: Scenario = {
  name: 'brokers',
  does: 'of three brokers some are killed, stopped, or hand over what they lead',
  async play(round: Round) {
    const world = await round.world.ofThree();
    const shared = round.seed % 2 === 1;
    const input = shared ? round.unkeyedInput(PARTITIONS) : round.input(3);
    const it = await round.deploy(input, shared ? { signals: 'own state' } : {}, world);
    const members = [it.start(), ...(shared ? [it.start({ slot: 1 })] : [])];
    for (const member of members) await it.joined(member);
    const faults = shuffled(round, [killLeader, handOver, ...(round.brief ? [] : [killTwo, restart])]);
    const done: string[] = [shared ? 'signals' : 'alone'];
    for (const [i, fault] of faults.entries()) {
      // Goes on through the fault: whoever produces waits, too.
      const feeding = it.feed((i + 1) / (faults.length + 1), 3000);
      await delay(round.random(1500));
      done.push(await fault(round, it));
      for (const { running } of members) {
        await it.until('it is ready', async () => (await running.get('/readyz')).status === 200);
      }
      await feeding;
    }
    await it.feed(1, 1000);
    await it.finish();
    const lost = members.flatMap(({ running }) => running.logs.filter(({ code }) => LOSSES.has(code)));
    if (lost.length > 0) throw new Error(`it says that something is missing: ${JSON.stringify(lost[0])}`);
    await round.compare(it, input);
    return done.join(', ');
  },
};

function shuffled<T>(round: Round, all: readonly T[]): T[] {
  const keys = new Map(all.map((each) => [each, round.random(1_000_000)]));
  return all.toSorted((a, b) => keys.get(a)! - keys.get(b)!);
}

/** Each says what was done. */
type Fault = (round: Round, it: Deployment) => Promise<string>;

const killLeader: Fault = async (round, { world, topic }) => {
  const [leader] = await world.leadersOf(topic);
  await world.cluster!.kill(leader!);
  await delay(round.random(6000));
  await world.cluster!.startAgain(leader!);
  return `broker ${leader!} killed`;
};

/** Neither can the third take anything over, nor has what is written enough replicas. */
const killTwo: Fault = async (round, { world: { cluster } }) => {
  const [one, other] = shuffled(round, cluster!.ids) as [number, number];
  await cluster!.kill(one, other);
  await delay(round.random(6000));
  await cluster!.startAgain(one, other);
  return `brokers ${one} and ${other} killed`;
};

const restart: Fault = async (round, { world: { cluster } }) => {
  const id = round.one(cluster!.ids);
  await cluster!.stop(id);
  await cluster!.startAgain(id);
  return `broker ${id} restarted`;
};

/** No connection ends: whoever reads or writes learns it from the answers. */
const handOver: Fault = async (round, { world, topics }) => {
  const by = 1 + round.random(2);
  for (const topic of topics) {
    const leaders = await world.leadersOf(topic);
    const { ids } = world.cluster!;
    const partitionAssignment = leaders.map((leader, partition) => {
      const first = (ids.indexOf(leader) + by) % ids.length;
      return { partition, replicas: [...ids.slice(first), ...ids.slice(0, first)] };
    });
    await world.admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
    const wanted = partitionAssignment.map(({ replicas }) => replicas[0]);
    while ((await world.leadersOf(topic)).join() !== wanted.join()) await delay(100);
  }
  return 'leaders moved';
};
