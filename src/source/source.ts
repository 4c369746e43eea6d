/**
 * Where bytes come from: a Kafka consumer group, a file or standard input, behind one interface. The
 * pipeline pulls; a source that is not pulled from stops reading, which is all the backpressure there is.
 */

import type { Landmark } from './landmarks.ts';

/** Called once per raw event; `data` is only valid during the call. `offset` is unique within a partition. */
export type EventVisitor = (data: Uint8Array, start: number, end: number, offset: number) => void;

/** A run of raw events of one partition, in offset order. */
export interface EventBatch {
  readonly kind: 'events';
  readonly partition: number;
  /** Number of events. */
  readonly count: number;
  /** Encoded bytes of all events. */
  readonly bytes: number;
  /** Offset after the last event: what to commit once everything before it is acknowledged. */
  readonly nextOffset: number;
  /** Offset up to which the partition's log is known to reach (its end), for lag; undefined for a stream. */
  readonly endOffset: number | undefined;
  forEach(visit: EventVisitor): void;
}

/** The set of partitions this process reads changed. State of all others is to be forgotten. */
export interface Assignment {
  readonly kind: 'assignment';
  readonly partitions: readonly AssignedPartition[];
  /** Partitions of the source, whoever reads them, where known. */
  readonly total?: number;
}

export interface AssignedPartition {
  readonly partition: number;
  /** Where the group resumes: first offset not committed; undefined when nothing was ever committed. */
  readonly committedOffset: number | undefined;
  /** What was stored with the commit. */
  readonly metadata: CommitMetadata | undefined;
  /** Offset after the partition's last message at the time of the assignment, where known. */
  readonly endOffset?: number;
  /** First offset that is read, where known. */
  readonly position?: number;
  /** What will never be read; undefined when reading goes on where the group left. */
  readonly gap?: InputGap;
}

/** Where reading stands in a partition, and what its log is recognised by. */
export interface ReadPosition {
  readonly partition: number;
  /** First offset not read; undefined when nothing ever was. */
  readonly nextOffset: number | undefined;
  readonly landmark?: Landmark | undefined;
}

export interface InputGap {
  /**
   * `deleted`: retention, or somebody, deleted messages before they were read. `recreated`: the topic is another
   * one of the same name; it is read from its beginning, and what was unread of the old one is gone.
   */
  readonly cause: 'deleted' | 'recreated';
  /** First offset that was not read. */
  readonly fromOffset: number;
  /** Where reading goes on: the oldest message there is. */
  readonly toOffset: number;
}

/** Travels with a committed offset. */
export interface CommitMetadata {
  /** Newest event time of the partition before the offset, ms since the epoch. */
  readonly newestEventTime: number;
  /** Earliest crossing of the process's alerts that were open then, ms since the epoch; absent when none was. */
  readonly oldestOpen?: number;
  /** Tells the topic from others of the same name, where signals carry its offsets. */
  readonly epoch?: number;
}

/** Nothing arrived for a while: a moment to flush and to let idle partitions go. */
export interface Idle {
  readonly kind: 'idle';
}

export interface Commit {
  readonly partition: number;
  readonly nextOffset: number;
  readonly metadata: CommitMetadata;
}

export interface Source {
  /** Shown to people and in dead letters: the topic, the file's path, or `stdin`. */
  readonly name: string;
  /** 'kafka' sources survive restarts by offsets; 'file' sources are read from the start each time. */
  readonly type: 'kafka' | 'file' | 'memory';
  /**
   * Batches until the input ends or the signal aborts; the first item is an Assignment. A new Assignment
   * arrives after every rebalance. Pulling the next item means the one before was processed.
   */
  read(signal: AbortSignal): AsyncIterable<EventBatch | Assignment | Idle>;
  /**
   * Answer to an Assignment: continue reading each partition here instead of at its committed offset.
   * `fromTimeMs` is event time; the source finds an offset at or before the first event that is not older.
   * Only called between two items. Returns whether anything comes from before the committed offset.
   */
  rewind(partition: number, fromTimeMs: number): Promise<boolean>;
  /**
   * The other answer to an Assignment: continue at these offsets instead of the committed ones.
   * False, and nothing is done, when a partition's log is another one or no longer holds the offset; undefined when
   * it is not to be known, for the assignment has ended or all is to stop.
   */
  resume?(positions: readonly ReadPosition[]): Promise<boolean | undefined>;
  /** What the partition's log is recognised by; undefined while nothing is known. */
  landmarkOf?(partition: number): Landmark | undefined;
  /** Stores progress. Call only after the sink acknowledged everything before the offsets. */
  commit(commits: readonly Commit[]): Promise<void>;
  /**
   * Newest event time processed of a partition, ms. A source with several partitions holds back those that
   * run far ahead of the slowest.
   */
  progress?(partition: number, newestEventTimeMs: number): void;
  /** Also holds back partitions that run far ahead of those that others read: by so much event time, ms. */
  holdBack?(ahead: (partition: number) => number): void;
  /** Whether all that is known to be in the partition was handed out. Without this method: always. */
  caughtUp?(partition: number): boolean;
  close(): Promise<void>;
}
