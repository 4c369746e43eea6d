/** Gauges of an engine's state and lag: of a process's only engine, or of one among its shards. */

import type { Clock } from '../clock.ts';
import type { Engine } from '../detect/engine.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { PartitionLag } from '../pipeline/pipeline-observer.ts';
import type { Level } from '../sigma/rule.ts';

export interface EngineGauges {
  readonly openAlerts: OpenAlerts;
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

interface OpenLabels {
  readonly rule: string;
  readonly level: Level;
}

/** Numbers of open alerts by rule and level, of all shards of the process. */
export class OpenAlerts {
  readonly #metrics: Metrics;
  readonly #counts = new Map<string, number>();
  /** Series that end once they are at 0, because their rule is gone or has another level. */
  readonly #ending = new Set<string>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Shows the series of a rule that is in force. */
  begin(labels: OpenLabels): void {
    this.#ending.delete(keyOf(labels));
    this.add(labels, 0);
  }

  add(labels: OpenLabels, by: number): void {
    const key = keyOf(labels);
    const count = (this.#counts.get(key) ?? 0) + by;
    this.#counts.set(key, count);
    if (count === 0 && this.#ending.has(key)) this.#metrics.alertsOpen.remove({ ...labels });
    else this.#metrics.alertsOpen.set({ ...labels }, count);
  }

  /** Removes the series, but not while another shard has such alerts because it has not taken the new rules yet. */
  end(labels: OpenLabels): void {
    this.#ending.add(keyOf(labels));
    this.add(labels, 0);
  }
}

function keyOf({ rule, level }: OpenLabels): string {
  return `${level} ${rule}`;
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
    openAlerts: new OpenAlerts(metrics),
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
  readonly #openAlerts: OpenAlerts;
  readonly #shards = new Map<number, Engine>();
  /** Rule → shard → event time until which it is warming up there, ms. */
  readonly #warming = new Map<string, Map<number, number>>();
  readonly #saved = new Map<number, SavedState>();
  /** The assigned shards: one that moved away still reports once more. */
  #kept: ReadonlySet<number> = new Set();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#openAlerts = new OpenAlerts(metrics);
  }

  of(shard: number): EngineGauges {
    return {
      openAlerts: this.#openAlerts,
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
