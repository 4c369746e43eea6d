/** Plays one round of a scenario and says how it went. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { Round } from './round.ts';
import type { Memory, Scenario } from './round.ts';
import type { World } from './world.ts';

export interface Played {
  readonly ms: number;
  /** What was done to it. */
  readonly done?: string;
  /** What went wrong, and where the logs of its processes are. */
  readonly failure?: string;
}

/** Logs of rounds that failed, and of others on request. */
const LOG_FOLDER = join('.vigie', 'faults');

export async function playRound(
  scenario: Scenario,
  seed: number,
  world: World,
  memory: Memory,
  { keepAllLogs = false, brief = false } = {},
): Promise<Played> {
  const round = new Round(seed, world, memory, brief);
  const since = Date.now();
  const passed = (): number => Date.now() - since;
  try {
    const done = await scenario.play(round);
    const logs = keepAllLogs ? `; logs: ${keepLogs(scenario.name, round)}` : '';
    return { ms: passed(), done: `${done}${logs}` };
  } catch (error) {
    const failure = `${messageOf(error)}\nlogs: ${keepLogs(scenario.name, round)}`;
    return { ms: passed(), failure };
  } finally {
    world.calm();
    for (const deployment of round.deployments) await deployment.end();
  }
}

/** Returns the folder. */
function keepLogs(name: string, { seed, deployments }: Round): string {
  const folder = join(LOG_FOLDER, `${name}-${seed}`);
  mkdirSync(folder, { recursive: true });
  const members = deployments.flatMap((deployment) => deployment.members);
  for (const [i, { running, slot }] of members.entries()) {
    const lines = running.logs.map((line) => JSON.stringify(line)).join('\n');
    writeFileSync(join(folder, `${i}-in-slot-${slot}.log`), `${lines}\n`);
  }
  return folder;
}
