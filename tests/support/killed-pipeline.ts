/**
 * A pipeline on a log of several partitions that dies at random moments and starts again, without a broker, a database
 * or a disk: what a dead one had acknowledged stays, and nothing else of it.
 */

import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Alert } from '../../src/alert/alert.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { SavingPace } from '../../src/pipeline/saving-pace.ts';
import { SnapshotFile, UnfinishedFile } from '../../src/pipeline/snapshot-file.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import type { AlertSink, StoredAlerts } from '../../src/sink/sink.ts';
import type { Commit, ReadPosition } from '../../src/source/source.ts';
import { batch, scripted, silentSink, type Item } from '../unit/scripted-pipeline.ts';
import { storedIn } from './stored-bytes.ts';

/** An event, and its time as the broker knows it. */
export interface LogLine {
  readonly text: string;
  readonly timeMs: number;
}

export interface World {
  readonly ruleSet: RuleSet;
  readonly latenessMs: number;
  /** By partition, in the order of arrival. */
  readonly logs: readonly (readonly LogLine[])[];
  /** Numbers from 0 to below. */
  readonly random: (below: number) => number;
  /** Whether state is saved. */
  readonly saves: boolean;
}

/** Saves without pauses: a life is short. */
const AT_ONCE = new (class extends SavingPace {
  override after = (): number => 0;
})({ now: () => 0, elapsed: () => 0 });
const CLOCK_MS = Date.UTC(2025, 6, 13);

/** What outlives a process. */
class Outside {
  readonly rows = new Map<string, Alert>();
  readonly committed = new Map<number, Commit>();
  state: Uint8Array | undefined;
}

/** The rows of alerts at the end; after each death a new process goes on. */
export async function outcomeOf(world: World, deaths: number): Promise<Alert[]> {
  const outside = new Outside();
  for (let life = 0; life < deaths; life += 1) await new Life(world, outside, 1 + world.random(16)).end;
  await new Life(world, outside, Infinity).end;
  return [...outside.rows.values()];
}

class Life {
  /** Resolves when it died, or has read and written all. */
  readonly end: Promise<void>;
  readonly #world: World;
  readonly #outside: Outside;
  readonly #died = Promise.withResolvers<void>();
  /** Acts until it dies. */
  #left: number;
  #elapsedMs = 0;
  readonly #next: number[];

  constructor(world: World, outside: Outside, acts: number) {
    this.#world = world;
    this.#outside = outside;
    this.#left = acts;
    this.#next = world.logs.map((_, partition) => outside.committed.get(partition)?.nextOffset ?? 0);
    const pipeline = this.#pipeline();
    this.end = Promise.race([this.#died.promise, pipeline.run(new AbortController().signal)]).then(
      () => undefined,
    );
  }

  /** Whatever is seen from outside happens whole, or not at all and nothing after it. */
  async #act<T>(effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.#left <= 0) {
      this.#died.resolve();
      return new Promise<never>(() => undefined);
    }
    this.#left -= 1;
    return effect();
  }

  #pipeline(): Pipeline {
    const { ruleSet, latenessMs, logs, saves } = this.#world;
    const { committed } = this.#outside;
    const { pipeline, source } = scripted({
      items: () => this.#read(),
      options: {
        sink: this.#sink(),
        ruleSet,
        latenessMs,
        maxEventBytes: 10_000,
        idleTimeoutMs: 1e9,
        flushIntervalMs: 3,
        clock: { now: () => CLOCK_MS, elapsed: () => (this.#elapsedMs += 1) },
        snapshots: saves ? { file: this.#file(), intervalMs: 1, group: 'vigie', pace: AT_ONCE } : undefined,
      },
      observer: {
        deadLetter: ({ code }) => {
          throw new Error(code);
        },
      },
    });
    source.rewind = async (partition, fromTimeMs) => {
      const before = committed.get(partition)?.nextOffset ?? 0;
      const first = logs[partition]!.findIndex(({ timeMs }) => timeMs >= fromTimeMs);
      this.#next[partition] = first < 0 ? before : Math.min(first, before);
      return this.#next[partition] < before;
    };
    source.resume = async (positions: readonly ReadPosition[]) => {
      for (const { partition, nextOffset = 0 } of positions) this.#next[partition] = nextOffset;
      return true;
    };
    source.commit = (commits) =>
      this.#act(() => {
        for (const commit of commits) committed.set(commit.partition, commit);
      });
    source.caughtUp = (partition) => this.#next[partition]! >= logs[partition]!.length;
    return pipeline;
  }

  async *#read(): AsyncGenerator<Item> {
    const { logs, random } = this.#world;
    yield {
      kind: 'assignment',
      partitions: logs.map((log, partition) => {
        const commit = this.#outside.committed.get(partition);
        return {
          partition,
          committedOffset: commit?.nextOffset,
          metadata: commit?.metadata,
          endOffset: log.length,
        };
      }),
    };
    for (;;) {
      const open = logs.flatMap((log, partition) => (this.#next[partition]! < log.length ? [partition] : []));
      if (open.length === 0) return;
      const partition = open[random(open.length)]!;
      const from = this.#next[partition]!;
      const lines = logs[partition]!.slice(from, from + 1 + random(3));
      this.#next[partition] = from + lines.length;
      // As Kafka's source does: whatever else is under way gets its turn.
      await (random(3) === 0 ? delay(4) : nextTurn());
      await this.#act(() => undefined);
      const texts = lines.map(({ text }) => text);
      yield { ...batch(partition, from + lines.length, ...texts), endOffset: logs[partition]!.length };
    }
  }

  #sink(): AlertSink {
    const { rows } = this.#outside;
    return {
      ...silentSink,
      stored: async (ids): Promise<StoredAlerts> =>
        new Map(ids.flatMap((id) => (rows.has(id) ? [[id, rows.get(id)!]] : []))),
      alertsSince: async (since) =>
        [...rows.values()].filter(
          ({ rule, status, lastEventAt }) =>
            status !== 'merged' && lastEventAt >= (since.get(rule) ?? Infinity),
        ),
      writeAlerts: (alerts) =>
        this.#act(() => {
          for (const alert of alerts) {
            if (alert.version >= (rows.get(alert.alertId)?.version ?? 0)) rows.set(alert.alertId, alert);
          }
        }),
    };
  }

  #file(): SnapshotFile {
    const act = this.#act.bind(this);
    const outside = this.#outside;
    return new (class extends SnapshotFile {
      override open = async () => outside.state && storedIn(outside.state);
      override begin = async () => {
        const chunks: Uint8Array[] = [];
        return Object.assign(Object.create(UnfinishedFile.prototype) as UnfinishedFile, {
          write: async (pieces: readonly Uint8Array[]) =>
            void chunks.push(...pieces.map((piece) => piece.slice())),
          keep: () => act(() => void (outside.state = Buffer.concat(chunks))),
          drop: async () => {},
        });
      };
    })('state');
  }
}
