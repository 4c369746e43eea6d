/**
 * A pipeline on a log of several partitions that dies at random moments and starts again, without a broker, a database
 * or a disk: what a dead one had acknowledged stays, and nothing else of it.
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
  /** By partition, in the order of arrival. */
  readonly logs: readonly (readonly Message[])[];
  /** Numbers from 0 to below. */
  readonly random: (below: number) => number;
  /** Whether state is saved. */
  readonly saves: boolean;
  /** Other rules, with which those start that come after a death; is told up to which event time all was committed. */
  readonly nextRules?: (newestMs: number) => RuleSet;
}

const CLOCK_MS = Date.UTC(2025, 6, 13);

/** The rows of alerts at the end; after each death a new process goes on. */
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

/** Resolves when it died, or has read and written all. */
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
      // As Kafka's source does: whatever else is under way gets its turn.
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

/** Flushes all the time, and takes nothing amiss. */
export function impatient(source: Source, options: Partial<PipelineOptions>): Pipeline {
  const { observer, ...settings } = impatience(1);
  return scripted({ async *items() {}, options: { ...settings, source, ...options }, observer }).pipeline;
}

/** What processes here have in common. `tickMs`: passes whenever somebody looks at the clock. */
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
