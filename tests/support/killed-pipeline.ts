/**
 * A pipeline on a log of several partitions that dies at random moments and starts again, without a broker, a database
 * or a disk: only what a dead process had acknowledged remains.
 */

import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Alert } from '../../src/alert/alert.ts';
import type { Pipeline, PipelineOptions } from '../../src/pipeline/pipeline.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import type { Source } from '../../src/source/source.ts';
import { scripted } from '../unit/scripted-pipeline.ts';
import { GroupMember, type Message, ScriptedGroup } from './scripted-group.ts';
import { AlertTable, type Disk, ScriptedProcess, snapshotsOn } from './scripted-process.ts';

export interface World {
  readonly ruleSet: RuleSet;
  readonly latenessMs: number;
  /** By partition, in order of arrival. */
  readonly logs: readonly (readonly Message[])[];
  /** Returns a whole number from 0 to below `below`. */
  readonly random: (below: number) => number;
  /** True if state is saved. */
  readonly saves: boolean;
  /** Other rules for the processes that start after a death. Receives the newest event time that was committed. */
  readonly nextRules?: (newestMs: number) => RuleSet;
}

const CLOCK_MS = Date.UTC(2025, 6, 13);

/** The rows of alerts at the end. After each death a new process continues. */
export async function outcomeOf(world: World, deaths: number): Promise<Alert[]> {
  const group = new ScriptedGroup(world.logs);
  const table = new AlertTable();
  const disk: Disk = new Map();
  let { ruleSet } = world;
  for (let life = 0; life <= deaths; life += 1) {
    if (life === 1) ruleSet = world.nextRules?.(newestOf(group)) ?? ruleSet;
    await lifeOf(
      { ...world, ruleSet },
      { group, table, disk },
      life < deaths ? 1 + world.random(16) : Infinity,
    );
  }
  return [...table.rows.values()];
}

const newestOf = ({ committed }: ScriptedGroup): number =>
  Math.max(-Infinity, ...[...committed.values()].map(({ metadata }) => metadata.newestEventTime));

/** Resolves when the process has died, or has read and written everything. */
async function lifeOf(
  { ruleSet, latenessMs, random, saves }: World,
  { group, table, disk }: { group: ScriptedGroup; table: AlertTable; disk: Disk },
  acts: number,
): Promise<void> {
  const life = new ScriptedProcess(acts);
  const { act } = life;
  const source: GroupMember = new GroupMember(group, {
    act,
    random,
    turn: async () => {
      if (source.isThrough) return false;
      // Like Kafka's source, it lets other work run first.
      await (random(3) === 0 ? delay(4) : nextTurn());
      await act(() => undefined);
      return true;
    },
  });
  group.assign(new Map([[source, group.logs.map((_, partition) => partition)]]));
  const pipeline = impatient(source, {
    sink: table.sink(act),
    ruleSet,
    latenessMs,
    snapshots: saves ? snapshotsOn(disk, 'state', act) : undefined,
  });
  await Promise.race([life.died, pipeline.run(new AbortController().signal)]);
}

/** Flushes constantly; a dead letter or a gap is an error. */
export function impatient(source: Source, options: Partial<PipelineOptions>): Pipeline {
  const { observer, ...settings } = impatience(1);
  return scripted({ async *items() {}, options: { ...settings, source, ...options }, observer }).pipeline;
}

/** Options that the processes here share. `tickMs`: passes whenever the clock is read. */
export function impatience(tickMs: number) {
  let elapsedMs = 0;
  return {
    pseudonymKey: new Uint8Array(16),
    timestampField: '@timestamp',
    personFields: [],
    maxEventBytes: 10_000,
    mapping: undefined,
    maxFutureMs: 300_000,
    archive: false,
    idleTimeoutMs: 1e9,
    flushIntervalMs: 3,
    clock: { now: () => CLOCK_MS, elapsed: () => (elapsedMs += tickMs) },
    observer: {
      assigned: () => {},
      batch: () => {},
      deadLetter: ({ code }: { code: string }) => {
        throw new Error(code);
      },
      gap: () => {
        throw new Error('a gap');
      },
      matched: () => {},
      lag: () => {},
      rules: () => {},
    },
  };
}
