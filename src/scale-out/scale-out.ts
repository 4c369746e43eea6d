/**
 * A process of a scaled-out detector, which runs both halves side by side: it matches its partitions of the input and
 * correlates its shards. Two consumer groups decide which ones these are.
 */

import { existsSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Engine } from '../detect/engine.ts';
import { LagGauges, ShardGauges } from '../service/engine-gauges.ts';
import type { VigieError } from '../errors.ts';
import { eventSettings } from '../pipeline/event-intake.ts';
import type { PipelineSummary } from '../pipeline/intake.ts';
import { MatchStage } from './match-stage.ts';
import type { Metrics } from '../metrics/registry.ts';
import { Pipeline, type PipelineOptions } from '../pipeline/pipeline.ts';
import { both, type PipelineObserver } from '../pipeline/pipeline-observer.ts';
import { Shards } from './shards.ts';
import { otherShards, SIGNAL_CODES, signalIntake } from './signal-intake.ts';
import { keyCheckOf } from '../signal/format.ts';
import type { RouterCounts } from '../signal/router.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { SharedSink } from '../sink/shared-sink.ts';
import type { SignalSink } from '../sink/signal-topic.ts';
import { SnapshotFile } from '../pipeline/snapshot-file.ts';
import type { SnapshotOptions } from '../pipeline/snapshots.ts';
import type { Source } from '../source/source.ts';
import { Telemetry } from '../service/telemetry.ts';

export interface ScaleOutOptions {
  /** `source` is the input; everything else also applies to each shard. */
  readonly pipeline: Omit<PipelineOptions, 'intakeOf' | 'snapshots'>;
  readonly snapshots: (Omit<SnapshotOptions, 'file'> & { readonly folder: string }) | undefined;
  readonly signals: SignalSink;
  readonly signalsSource: Source;
  /** Number of partitions of the signals topic. */
  readonly shards: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Told of alerts, in addition to metrics and log. */
  readonly alerts: PipelineObserver['alerts'] | undefined;
  /** Other rules came into force for matching. */
  readonly onRules: (ruleSet: RuleSet) => void;
}

/** Shards of which a data folder holds saved state. */
export function shardsSavedIn(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(STATE_FILE))
    .map((name) => Number(name.slice(STATE_FILE.length)))
    .filter((shard) => Number.isInteger(shard));
}

const STATE_FILE = 'state-shard-';
/** Two processes that share a folder may both have the same shard for a moment. */
const WRITER = `${hostname()}-${process.pid}`;

/** How many problems of one code get a log line each. */
const LOGGED_TROUBLES = 20;

export class ScaleOut {
  readonly #match: MatchStage;
  readonly #shards: Shards;

  constructor(options: ScaleOutOptions) {
    const { pipeline, metrics, logger, signals, signalsSource, shards } = options;
    const sink = new SharedSink(pipeline.sink);
    const keyCheck = keyCheckOf(pipeline.pseudonymKey);
    const lags = new LagGauges(metrics, pipeline.clock);
    const matched = matchCounter(pipeline.ruleSet, metrics);
    this.#match = new MatchStage({
      ...pipeline,
      signals,
      shards,
      keyCheck,
      sink,
      observer: {
        assigned: (partitions) => pipeline.observer.assigned(partitions),
        batch: (batch) => pipeline.observer.batch(batch),
        deadLetter: (letter) => pipeline.observer.deadLetter(letter),
        gap: (...gap) => pipeline.observer.gap(...gap),
        lag: (lag) => lags.show(lag),
        matched: matched.note,
        rules: (ruleSet) => {
          matched.rules(ruleSet);
          options.onRules(ruleSet);
        },
      },
    });
    const gauges = new ShardGauges(metrics);
    pipeline.source.holdBack?.(aheadInShards(gauges, pipeline));
    const onTrouble = troubles(metrics, logger);
    const onAssigned = (own: ReadonlySet<number>, total = shards): void => {
      gauges.keep(own);
      if (total !== shards) onTrouble(otherShards(shards, total));
    };
    this.#shards = new Shards(
      signalsSource,
      shards,
      pipeline.ruleSet,
      onAssigned,
      (index, of, lane, ruleSet) => {
        const { pseudonymKey: hashKey, latenessMs, clock } = pipeline;
        const telemetry = new Telemetry(
          metrics,
          logger.child({ shard: index }),
          ruleSet,
          clock,
          gauges.of(index),
        );
        const shard = new Pipeline({
          ...pipeline,
          source: lane,
          sink,
          // A shard reads only Vigie's own messages.
          deadLetters: { write: async () => {}, close: async () => {} },
          ruleSet,
          // Of signals, no batches or dead letters are reported: the input is counted where it is matched.
          observer: both(telemetry, { alerts: options.alerts }),
          snapshots: options.snapshots && {
            ...options.snapshots,
            file: new SnapshotFile(join(options.snapshots.folder, `${STATE_FILE}${index}`), WRITER),
          },
          intakeOf: (rules) =>
            signalIntake(
              {
                shard: { index, of },
                hashKey,
                keyCheck,
                latenessMs,
                settings: eventSettings(pipeline),
                onTaken: (counts) => {
                  metrics.signalsTaken.inc(counts.signals);
                  metrics.signalsRepeated.inc(counts.copies);
                },
                onTrouble,
              },
              rules,
            ),
        });
        const onEnd = (): void => {
          telemetry.forgetOpen();
          telemetry.ended();
        };
        return { pipeline: shard, onEnd };
      },
    );
  }

  /** Like `Pipeline.replaceRules`. */
  replaceRules(ruleSet: RuleSet | undefined): void {
    this.#match.replaceRules(ruleSet);
    // Some shards may already have taken the next rules, and others not yet those that matching uses.
    this.#shards.replaceRules(ruleSet ?? this.#match.ruleSet);
  }

  /** Runs until the signal aborts. A failure of one half ends the other, and is thrown. */
  async run(stop: AbortSignal): Promise<PipelineSummary> {
    const failed = new AbortController();
    const either = AbortSignal.any([stop, failed.signal]);
    const orFail = <T>(half: Promise<T>): Promise<T> =>
      half.catch((error: unknown) => {
        failed.abort(error);
        throw error;
      });
    const halves = [orFail(this.#match.run(either)), orFail(this.#shards.run(either))] as const;
    await Promise.allSettled(halves);
    // Not the reason with which the other half was ended.
    failed.signal.throwIfAborted();
    return halves[0];
  }
}

/**
 * How far a partition of the input is ahead of the slowest one, whoever reads that, by what the shards here were told;
 * ms of event time. A shard holds everything in between in memory. Nobody waits for a slowest partition that stands
 * still: its broker may be down.
 */
function aheadInShards(
  gauges: ShardGauges,
  { clock, latenessMs }: Pick<PipelineOptions, 'clock' | 'latenessMs'>,
): (partition: number) => number {
  const moved = new WeakMap<Engine, { readonly watermark: number; readonly atMs: number }>();
  return (partition) => {
    const now = clock.elapsed();
    let most = 0;
    for (const engine of gauges.engines) {
      const { watermark } = engine.watermarks;
      if (watermark === -Infinity) continue;
      let last = moved.get(engine);
      if (last?.watermark !== watermark) moved.set(engine, (last = { watermark, atMs: now }));
      const ahead = engine.watermarks.newestOf(partition) - watermark - latenessMs;
      if (now - last.atMs < STALLED_MS) most = Math.max(most, ahead);
    }
    return most;
  };
}

const STALLED_MS = 10_000;

const NOTHING_COUNTED: RouterCounts = { signals: 0, matches: [], canaryMatches: 0, missingGroup: new Map() };

/** Turns the growing counts of a router into counters. */
function matchCounter(first: RuleSet, metrics: Metrics) {
  let ruleSet = first;
  let of: RouterCounts | undefined;
  let before = NOTHING_COUNTED;
  return {
    note: (counts: RouterCounts, sent: { readonly bytes: number }): void => {
      if (of !== counts) [of, before] = [counts, NOTHING_COUNTED];
      metrics.signalsSent.inc(counts.signals - before.signals);
      metrics.signalBytes.inc(sent.bytes);
      counts.matches.forEach((total, rule) => {
        const grown = total - (before.matches[rule] ?? 0);
        if (grown > 0) metrics.ruleMatches.inc({ rule: ruleSet.rules[rule]!.key }, grown);
      });
      metrics.canaryMatches.inc(counts.canaryMatches - before.canaryMatches);
      for (const [rule, total] of counts.missingGroup) {
        metrics.eventsWithoutGroup.inc({ rule }, total - (before.missingGroup.get(rule) ?? 0));
      }
      before = { ...counts, matches: [...counts.matches], missingGroup: new Map(counts.missingGroup) };
    },
    rules: (now: RuleSet): void => {
      ruleSet = now;
    },
  };
}

function troubles(metrics: Metrics, logger: Logger): (problem: VigieError) => void {
  // Prometheus sees growth only from a value that it has scraped.
  for (const code of SIGNAL_CODES) metrics.signalTroubles.inc({ code }, 0);
  const logged = new Map<string, number>();
  return ({ code, message, remedy }) => {
    metrics.signalTroubles.inc({ code });
    const before = logged.get(code) ?? 0;
    logged.set(code, before + 1);
    if (before < LOGGED_TROUBLES) logger.error({ code, remedy }, message);
  };
}
