/**
 * Three processes in one group, of which again and again one is killed, stopped, started, or halted: it stands still
 * until the group has given its partitions to others, and goes on as if it still had them. In every other round they
 * share a topic of signals, and so the groups of all shipped rules, on partitions that are keyed by nothing; in the
 * others the rules are grouped by the key of the partitions.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Deployment, Member } from '../deployment.ts';
import type { Round, Scenario } from '../round.ts';

const PARTITIONS = 6;
const PROCESSES = 3;
const DISTURBANCES = 4;

export const rebalance: Scenario = {
  name: 'rebalance',
  does: 'three processes in one group; every few seconds one is killed, stopped, halted or added',
  async play(round: Round) {
    const shared = round.seed % 2 === 0;
    const input = shared ? round.unkeyedInput(PARTITIONS) : round.input(PARTITIONS);
    const signals = round.one(['own state', 'shared state'] as const);
    const it = await round.deploy(input, {
      spool: round.random(3) === 0,
      ...(shared ? { signals } : {}),
    });
    const done = [shared ? `signals, ${signals}` : 'keyed'];
    const members = Array.from({ length: PROCESSES }, (_, slot) => it.start({ slot }));
    await Promise.all(members.map(({ running }) => running.message('running')));
    const pauses = Array.from({ length: DISTURBANCES }, () => 500 + round.random(2500));
    const feeding = it.feed(
      1,
      pauses.reduce((sum, pause) => sum + pause, 0),
    );
    for (const pause of pauses) {
      await delay(pause);
      done.push(await disturb(round, it));
    }
    await feeding;
    if (it.members.every(({ ended }) => ended !== undefined)) it.start();
    await it.finish();
    await round.compare(it, input);
    return done.join(', ');
  },
};

/** Says what was done. */
async function disturb(round: Round, it: Deployment): Promise<string> {
  const living = it.members.filter(({ ended }) => ended === undefined);
  if (living.length < PROCESSES && (living.length < 2 || round.random(2) === 0)) {
    const free = [0, 1, 2].find((slot) => living.every((member) => member.slot !== slot))!;
    it.start({ slot: free });
    return `${free} added`;
  }
  const member = round.one(living);
  // Who dies while it joins leaves a name in the group that nobody knows, for the session timeout; scenario kill
  // has such deaths.
  await it.joined(member);
  switch (round.random(3)) {
    case 0:
      await it.kill(member);
      return `${member.slot} killed`;
    case 1:
      await it.stop(member);
      return `${member.slot} stopped`;
    default:
      await halt(round, it, member);
      return `${member.slot} halted`;
  }
}

async function halt(round: Round, it: Deployment, { running }: Member): Promise<void> {
  // Not while it joins: no broker gives up who waits for its answer, and one that is told to never answers.
  for (;;) {
    await it.until('the group is stable', () => it.isStable());
    process.kill(running.pid, 'SIGSTOP');
    if (await it.isStable()) break;
    process.kill(running.pid, 'SIGCONT');
  }
  await it.expel(running);
  // The others notice with their next heartbeat.
  await delay(round.random(4000));
  process.kill(running.pid, 'SIGCONT');
}
