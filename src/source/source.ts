/**
 * Where bytes come from: a Kafka consumer group, a file or standard input, behind one interface. The pipeline pulls; a
 * source that is not pulled from stops reading, which is all the backpressure there is.
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
  /** Offset after the last event, to be committed once everything before it is acknowledged. */
  readonly nextOffset: number;
  /** Known end of the partition's log, as an offset, for the lag; undefined for a stream. */
  readonly endOffset: number | undefined;
  forEach(visit: EventVisitor): void;
}

/** The set of partitions that this process reads has changed. The state of all others must be forgotten. */
export interface Assignment {
  readonly kind: 'assignment';
  readonly partitions: readonly AssignedPartition[];
  /** Number of partitions of the source, whoever reads them, if known. */
  readonly total?: number;
}

export interface AssignedPartition {
  readonly partition: number;
  /** Where the group resumes: the first offset not committed; undefined if nothing was ever committed. */
  readonly committedOffset: number | undefined;
  /** The metadata stored with the commit. */
  readonly metadata: CommitMetadata | undefined;
  /** Offset after the partition's last message at the time of the assignment, if known. */
  readonly endOffset?: number;
  /** First offset to be read, if known. */
  readonly position?: number;
  /** What will never be read; undefined if reading continues where the group stopped. */
  readonly gap?: InputGap;
}

/** How far a partition was read, and how to recognise its log. */
export interface ReadPosition {
  readonly partition: number;
  /** First unread offset; undefined if nothing was ever read. */
  readonly nextOffset: number | undefined;
  readonly landmark?: Landmark | undefined;
}

export interface InputGap {
  /**
   * `deleted`: messages were deleted, by retention or by somebody, before they were read. `recreated`: this is another
   * topic of the same name; it is read from its beginning, and unread messages of the old one are lost.
   */
  readonly cause: 'deleted' | 'recreated';
  /** First unread offset. */
  readonly fromOffset: number;
  /** Where reading continues: at the oldest message present. */
  readonly toOffset: number;
}

/** Stored with a committed offset. */
export interface CommitMetadata {
  /** Newest event time of the partition before the offset, ms since the epoch. */
  readonly newestEventTime: number;
  /** Earliest crossing of the process's alerts open at that time, ms since the epoch; absent if none was. */
  readonly oldestOpen?: number;
  /** Distinguishes topics of the same name, where signals carry their offsets. */
  readonly epoch?: number;
}

/** Nothing has arrived for a while: a moment to flush and to release idle partitions. */
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
   * Yields batches until the input ends or the signal aborts; the first item is an Assignment, and another follows
   * every rebalance. Pulling the next item means that the previous one was processed.
   */
  read(signal: AbortSignal): AsyncIterable<EventBatch | Assignment | Idle>;
  /**
   * One answer to an Assignment: continue reading the partition from this event time on instead of its committed
   * offset. The source finds an offset at or before the first event that is not older. Only called between two items.
   * Returns whether anything comes from before the committed offset.
   */
  rewind(partition: number, fromTimeMs: number): Promise<boolean>;
  /**
   * The other answer to an Assignment: continue at these offsets instead of the committed ones. Returns false, and does
   * nothing, if a partition's log is another one or no longer holds the offset; undefined if that cannot be told, since
   * the assignment has ended or the process is stopping.
   */
  resume?(positions: readonly ReadPosition[]): Promise<boolean | undefined>;
  /** What identifies the partition's log; undefined while nothing is known. */
  landmarkOf?(partition: number): Landmark | undefined;
  /** Stores progress. Call it only after the sink has acknowledged everything before the offsets. */
  commit(commits: readonly Commit[]): Promise<void>;
  /**
   * Reports the newest event time processed of a partition, ms. A source with several partitions holds back those that
   * run far ahead of the slowest.
   */
  progress?(partition: number, newestEventTimeMs: number): void;
  /** Also holds back partitions that are far ahead of those that others read; `ahead` returns ms of event time. */
  holdBack?(ahead: (partition: number) => number): void;
  /** True if everything known to be in the partition was handed out. Without this method: always true. */
  caughtUp?(partition: number): boolean;
  close(): Promise<void>;
}
