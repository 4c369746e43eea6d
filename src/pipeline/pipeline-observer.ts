/** What the pipeline tells of its work, for metrics, logs and progress. */

import type { Alert } from '../alert/alert.ts';
import type { Engine } from '../detect/engine.ts';
import type { WarmUp } from './rule-change.ts';
import type { RuleSet } from '../sigma/rule.ts';
import type { DeadLetter } from '../sink/sink.ts';
import type { InputGap } from '../source/source.ts';

/** Told of what happens, in batches; wiring turns it into metrics, logs and progress. */
export interface PipelineObserver {
  /**
   * The partitions of the source are these now. `total`: of the source, whoever reads them, where groups are not
   * divided over processes and that is known.
   */
  assigned?(partitions: readonly number[], total?: number): void;
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
  /** Other rules are in force, with an engine of their own that goes on from the one before. */
  rules(ruleSet: RuleSet, engine: Engine): void;
  /** The rules that are warming up are these now. */
  warmUps(warmUps: readonly WarmUp[]): void;
}

/** Saved state was written or taken up again; or could not be, and the log is read again. */
export type SnapshotEvent =
  | {
      readonly kind: 'saved' | 'loaded';
      /** That it took: to save in steps between which events went on, to load all at once. */
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
  /** Lines that the mapping leaves out, by reason; they are among the events. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Lines of a mapped log that were read with U+FFFD for bytes that are no UTF-8. */
  readonly replaced: number;
  /** Events of canaries, by their ids; they are among the events. */
  readonly canaries: number;
}

export interface PartitionLag {
  /** Messages between what was processed and the partition's end, if the source knows. */
  readonly offsets: number | undefined;
  /** Newest event time, ms since the epoch. */
  readonly newestEventTime: number;
}

/** Tells one after the other. */
export function both(first: PipelineObserver, second: Partial<PipelineObserver>): PipelineObserver {
  return {
    assigned: (...now) => {
      first.assigned?.(...now);
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
