/** A pipeline on a source that says what it is told to, with a clock driven by hand and a sink that takes all. */

import type { Clock } from '../../src/clock.ts';
import { Pipeline, type PipelineOptions } from '../../src/pipeline/pipeline.ts';
import type { PipelineObserver } from '../../src/pipeline/pipeline-observer.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { AlertSink } from '../../src/sink/sink.ts';
import type { Assignment, Commit, EventBatch, Idle, Source } from '../../src/source/source.ts';
import { ALL_RULES } from './cli/fixtures.ts';

export const T0 = Date.UTC(2025, 6, 12, 20);
export const LATENESS_MS = 60_000;

export type Item = EventBatch | Assignment | Idle;

export function batch(partition: number, nextOffset: number, ...lines: (string | Buffer)[]): EventBatch {
  return {
    kind: 'events',
    partition,
    count: lines.length,
    bytes: 0,
    nextOffset,
    endOffset: nextOffset,
    forEach: (visit) => {
      for (const [i, line] of lines.entries()) {
        const data = typeof line === 'string' ? Buffer.from(line) : line;
        visit(data, 0, data.length, nextOffset - lines.length + i);
      }
    },
  };
}

const none = async (): Promise<void> => {};

/** Takes all and knows nothing. */
export const silentSink: AlertSink = {
  open: none,
  stored: async () => new Map(),
  writeAlerts: none,
  writeEvents: none,
  close: none,
};

export interface Script {
  /** What the source yields; it may turn the clock on in between. */
  readonly items: (clock: { elapsedMs: number }) => AsyncGenerator<Item>;
  /** Whether a partition goes back when asked to. Default no. */
  readonly rewinds?: boolean;
  readonly options?: Partial<PipelineOptions>;
  readonly observer?: Partial<PipelineObserver>;
}

/** The pipeline, its source, and what it committed. */
export function scripted({ items, rewinds = false, options, observer }: Script): {
  readonly pipeline: Pipeline;
  readonly commits: Commit[];
  /** What the pipeline reads; may be given what Kafka's has besides. */
  readonly source: Source;
} {
  const time = { elapsedMs: 0 };
  const clock: Clock = {
    now: () => T0 + 3_600_000 + time.elapsedMs,
    elapsed: () => time.elapsedMs,
  };
  const commits: Commit[] = [];
  const source: Source = {
    name: 'scripted',
    type: 'kafka',
    read: () => items(time),
    rewind: async () => rewinds,
    commit: async (made) => {
      commits.push(...made);
    },
    close: none,
  };
  const pipeline = new Pipeline({
    source,
    sink: silentSink,
    deadLetters: { write: none, close: none },
    ruleSet: parseRules([{ file: 'rules.yml', text: ALL_RULES }]),
    pseudonymKey: new Uint8Array(16),
    timestampField: '@timestamp',
    personFields: [],
    maxEventBytes: 1000,
    mapping: undefined,
    latenessMs: LATENESS_MS,
    maxFutureMs: 300_000,
    idleTimeoutMs: 30_000,
    flushIntervalMs: 0,
    archive: false,
    clock,
    ...options,
    observer: {
      assigned: () => {},
      batch: () => {},
      deadLetter: () => {},
      alerts: () => {},
      state: () => {},
      gap: () => {},
      restore: () => {},
      snapshot: () => {},
      rules: () => {},
      warmUps: () => {},
      ...observer,
    },
  });
  return { pipeline, commits, source };
}
