/** Gauges of an engine's state and lag: of a process's only engine, or of one among its shards. */

import type { Clock } from '../clock.ts';
import type { Engine } from '../detect/engine.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { PartitionLag } from '../pipeline/pipeline-observer.ts';

export interface EngineGauges {
  show(engine: Engine, lag: ReadonlyMap<number, PartitionLag>): void;
  /** Event time until which a rule is warming up, ms since the epoch; undefined once it no longer is. */
  warming(rule: string, untilMs: number | undefined): void;
  /** The data folder now holds this state. */
  saved(state: SavedState): void;
}

interface SavedState {
  readonly bytes: number;
  readonly takenAtMs: number;
}

/** Lag by partition of the source. */
export class LagGauges {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  #partitions: readonly number[] = [];

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  show(lag: ReadonlyMap<number, PartitionLag>): void {
    const { lagOffsets, lagTime } = this.#metrics;
    const now = this.#clock.now();
    // The last lag of a partition that another process reads now would stay here for ever.
    for (const partition of this.#partitions) {
      if (lag.has(partition)) continue;
      lagOffsets.remove({ partition: String(partition) });
      lagTime.remove({ partition: String(partition) });
    }
    this.#partitions = [...lag.keys()];
    for (const [partition, { offsets, newestEventTime }] of lag) {
      const labels = { partition: String(partition) };
      if (offsets !== undefined) lagOffsets.set(labels, offsets);
      if (Number.isFinite(newestEventTime)) lagTime.set(labels, (now - newestEventTime) / 1000);
    }
  }
}

export function onlyEngine(metrics: Metrics, clock: Clock): EngineGauges {
  const lags = new LagGauges(metrics, clock);
  return {
    show: (engine, lag) => {
      lags.show(lag);
      const { watermark } = engine.watermarks;
      if (Number.isFinite(watermark)) metrics.watermark.set(watermark / 1000);
      const { groups, bytes } = engine.size();
      metrics.stateGroups.set(groups);
      metrics.stateBytes.set(bytes);
    },
    warming: (rule, untilMs) => showWarming(metrics, rule, untilMs),
    saved: (state) => showSaved(metrics, [state]),
  };
}

function showWarming({ ruleWarming }: Metrics, rule: string, untilMs: number | undefined): void {
  if (untilMs === undefined) ruleWarming.remove({ rule });
  else ruleWarming.set({ rule }, untilMs / 1000);
}

/** Total size, and the time of the oldest state, from which a restart reads again. */
function showSaved({ stateSavedBytes, stateSavedTime }: Metrics, states: readonly SavedState[]): void {
  stateSavedBytes.set(states.reduce((sum, { bytes }) => sum + bytes, 0));
  stateSavedTime.set(states.length === 0 ? 0 : Math.min(...states.map(({ takenAtMs }) => takenAtMs)) / 1000);
}

/** Sums over the shards of a process; event time is that of the shard furthest behind. */
export class ShardGauges {
  readonly #metrics: Metrics;
  readonly #shards = new Map<number, Engine>();
  /** Rule → shard → event time until which it is warming up there, ms. */
  readonly #warming = new Map<string, Map<number, number>>();
  readonly #saved = new Map<number, SavedState>();
  /** The assigned shards: one that moved away still reports once more. */
  #kept: ReadonlySet<number> = new Set();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  of(shard: number): EngineGauges {
    return {
      show: (engine, lag) => {
        if (!this.#kept.has(shard)) return;
        this.#shards.set(shard, engine);
        const behind = lag.get(shard)?.offsets;
        if (behind !== undefined) this.#metrics.shardLag.set({ shard: String(shard) }, behind);
        this.#show();
      },
      warming: (rule, untilMs) => {
        if (!this.#kept.has(shard)) return;
        const shards = this.#warming.get(rule) ?? new Map<number, number>();
        this.#warming.set(rule, shards);
        if (untilMs === undefined) shards.delete(shard);
        else shards.set(shard, untilMs);
        this.#showWarming(rule, shards);
      },
      saved: (state) => {
        if (!this.#kept.has(shard)) return;
        this.#saved.set(shard, state);
        showSaved(this.#metrics, [...this.#saved.values()]);
      },
    };
  }

  /** Engines of the shards, as last shown. */
  get engines(): Iterable<Engine> {
    return this.#shards.values();
  }

  /** Sets the shards of the process. */
  keep(shards: ReadonlySet<number>): void {
    this.#kept = shards;
    for (const shard of this.#shards.keys()) {
      if (shards.has(shard)) continue;
      this.#shards.delete(shard);
      this.#metrics.shardLag.remove({ shard: String(shard) });
    }
    for (const [rule, warming] of this.#warming) {
      for (const shard of warming.keys()) if (!shards.has(shard)) warming.delete(shard);
      this.#showWarming(rule, warming);
    }
    for (const shard of this.#saved.keys()) if (!shards.has(shard)) this.#saved.delete(shard);
    showSaved(this.#metrics, [...this.#saved.values()]);
    this.#metrics.shards.set(shards.size);
    this.#show();
  }

  #showWarming(rule: string, shards: ReadonlyMap<number, number>): void {
    showWarming(this.#metrics, rule, shards.size === 0 ? undefined : Math.max(...shards.values()));
    if (shards.size === 0) this.#warming.delete(rule);
  }

  #show(): void {
    const engines = [...this.#shards.values()];
    const sizes = engines.map((engine) => engine.size());
    this.#metrics.stateGroups.set(sizes.reduce((sum, { groups }) => sum + groups, 0));
    this.#metrics.stateBytes.set(sizes.reduce((sum, { bytes }) => sum + bytes, 0));
    const watermark = Math.min(...engines.map(({ watermarks }) => watermarks.watermark));
    if (Number.isFinite(watermark)) this.#metrics.watermark.set(watermark / 1000);
  }
}
