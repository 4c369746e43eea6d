/** What the pipeline reports of its work, for metrics, logs and progress. */

import type { Alert } from '../alert/alert.ts';
import type { Engine } from '../detect/engine.ts';
import type { WarmUp } from './rule-change.ts';
import type { RuleSet } from '../sigma/rule.ts';
import type { DeadLetter } from '../sink/sink.ts';
import type { InputGap } from '../source/source.ts';

/** Receives what happens, in batches; wiring turns it into metrics, logs and progress. */
export interface PipelineObserver {
  /**
   * The source's partitions are now these. `total`: all partitions of the source, whoever reads them; given where
   * groups are not divided over processes and the number is known.
   */
  assigned(partitions: readonly number[], total?: number): void;
  batch(batch: BatchCounts): void;
  deadLetter(letter: DeadLetter): void;
  /** Acknowledged rows. `opened`: first write of this alert by this process. `ackMs`: batch read → acknowledged. */
  alerts(written: readonly { readonly alert: Alert; readonly opened: boolean }[], ackMs: number): void;
  /** After each flush. */
  state(engine: Engine, lag: ReadonlyMap<number, PartitionLag>, restoring: boolean): void;
  /** Part of a partition of the source will never be read. */
  gap(source: string, partition: number, gap: InputGap): void;
  restore(state: 'started' | 'finished', events: number): void;
  snapshot(event: SnapshotEvent): void;
  /** Other rules are in force, with an engine of their own that goes on from the previous one. */
  rules(ruleSet: RuleSet, engine: Engine): void;
  /** The rules that are warming up are now these. */
  warmUps(warmUps: readonly WarmUp[]): void;
}

/** State was saved or loaded, or that failed. */
export type SnapshotEvent =
  | {
      readonly kind: 'saved' | 'loaded';
      /** Time it took: saving in steps between which events went on, loading in one go. */
      readonly seconds: number;
      readonly bytes: number;
      /** Wall time, ms since the epoch. */
      readonly takenAtMs: number;
    }
  | { readonly kind: 'refused' | 'failed'; readonly code: string; readonly reason: string };

export interface BatchCounts {
  readonly events: number;
  readonly bytes: number;
  readonly restored: number;
  /** Lines that the mapping leaves out, by reason; included in `events`. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Lines of a mapped log that were read with U+FFFD in place of bytes that are not UTF-8. */
  readonly replaced: number;
  /** Events of canaries, recognised by their ids; included in `events`. */
  readonly canaries: number;
}

export interface PartitionLag {
  /** Messages between what was processed and the partition's end, if the source knows. */
  readonly offsets: number | undefined;
  /** Newest event time, ms since the epoch. */
  readonly newestEventTime: number;
}

/** An observer of some of it. */
type Observing = { readonly [K in keyof PipelineObserver]?: PipelineObserver[K] | undefined };

/** Calls one after the other. */
export function both(first: PipelineObserver, second: Observing): PipelineObserver {
  return {
    assigned: (...now) => {
      first.assigned(...now);
      second.assigned?.(...now);
    },
    batch: (batch) => {
      first.batch(batch);
      second.batch?.(batch);
    },
    deadLetter: (letter) => {
      first.deadLetter(letter);
      second.deadLetter?.(letter);
    },
    alerts: (written, ackMs) => {
      first.alerts(written, ackMs);
      second.alerts?.(written, ackMs);
    },
    state: (engine, lag, restoring) => {
      first.state(engine, lag, restoring);
      second.state?.(engine, lag, restoring);
    },
    gap: (source, partition, gap) => {
      first.gap(source, partition, gap);
      second.gap?.(source, partition, gap);
    },
    restore: (state, events) => {
      first.restore(state, events);
      second.restore?.(state, events);
    },
    snapshot: (event) => {
      first.snapshot(event);
      second.snapshot?.(event);
    },
    rules: (ruleSet, engine) => {
      first.rules(ruleSet, engine);
      second.rules?.(ruleSet, engine);
    },
    warmUps: (warmUps) => {
      first.warmUps(warmUps);
      second.warmUps?.(warmUps);
    },
  };
}
