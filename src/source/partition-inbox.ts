/**
 * Fetched batches not yet pulled, for the partitions of one generation of the consumer group, and the choice of the
 * partition that goes next.
 *
 * Invariant: at most one batch per partition waits. The fetcher waits with it, which is the backpressure.
 *
 * Partitions advance together in event time. The partition furthest behind is pulled first. One that is more than
 * `maxSkewMs` ahead of the slowest partition with lag is held back, after another `slack` messages, because everything
 * that waits for the slowest one (watermarks) would pile up meanwhile. (A few messages do no harm, and in a sparse log
 * one batch may span hours: each would wait for the one before it.) A partition with lag that has delivered nothing for
 * `STALLED_MS` of wall time (its leader is down) holds nobody back.
 */

import type { Clock } from '../clock.ts';
import type { EventBatch } from './source.ts';

/** `taken`: the pipeline pulled it. `held`: fetch it again later. `dropped`: its generation or position is outdated. */
export type Fate = 'taken' | 'held' | 'dropped';

export interface PartitionStart {
  readonly partition: number;
  /** First offset to read. */
  readonly position: number;
  /** Offset after the partition's last message at the time of the assignment. */
  readonly endOffset: number;
  /** Newest event time before the position, if known. */
  readonly newestEventTimeMs: number | undefined;
}

export interface InboxOptions {
  readonly maxSkewMs: number;
  /** Number of messages that a partition may read while it is ahead. Default: none. */
  readonly slack?: number;
  readonly clock: Clock;
  /** How far a partition is ahead of the slowest one that another process reads, ms of event time. */
  readonly ahead?: (partition: number) => number;
  /** Stops and restarts the fetching of a partition. */
  readonly pause: (partition: number) => void;
  readonly resume: (partition: number) => void;
}

const STALLED_MS = 30_000;

interface Slot {
  readonly partition: number;
  position: number;
  endOffset: number;
  newestEventTimeMs: number | undefined;
  /** Something was pulled: from now on, an unknown event time holds nobody back. */
  started: boolean;
  activeAtMs: number;
  held: boolean;
  /** Position at which the partition came to be ahead; undefined while it is not. */
  aheadFrom: number | undefined;
  waiting: { readonly batch: EventBatch; readonly settle: (fate: Fate) => void } | undefined;
}

export class PartitionInbox {
  readonly #options: InboxOptions;
  readonly #slots: Map<number, Slot>;

  constructor(starts: readonly PartitionStart[], options: InboxOptions) {
    this.#options = options;
    const activeAtMs = options.clock.elapsed();
    this.#slots = new Map(
      starts.map((start) => [
        start.partition,
        { ...start, started: false, activeAtMs, held: false, aheadFrom: undefined, waiting: undefined },
      ]),
    );
  }

  /** First offset of the partition not yet pulled; undefined if it is not assigned. */
  position(partition: number): number | undefined {
    return this.#slots.get(partition)?.position;
  }

  /** True if nothing is known to lie after the position. */
  caughtUp(partition: number): boolean {
    const slot = this.#slots.get(partition);
    return slot === undefined || slot.position >= slot.endOffset;
  }

  /** Resolves once the batch's fate is known. */
  offer(batch: EventBatch): Promise<Fate> {
    const slot = this.#slots.get(batch.partition);
    if (slot === undefined) return Promise.resolve('dropped');
    slot.waiting?.settle('dropped');
    slot.endOffset = batch.endOffset ?? batch.nextOffset;
    slot.activeAtMs = this.#options.clock.elapsed();
    if (this.#isTooFar(slot)) {
      this.#hold(slot);
      return Promise.resolve('held');
    }
    return new Promise((resolve) => {
      slot.waiting = { batch, settle: resolve };
    });
  }

  /** The waiting batch of the partition furthest behind in event time; undefined if none waits. */
  take(): EventBatch | undefined {
    this.#review();
    let chosen: Slot | undefined;
    for (const slot of this.#slots.values()) {
      if (slot.waiting !== undefined && (chosen === undefined || eventTime(slot) < eventTime(chosen))) {
        chosen = slot;
      }
    }
    if (chosen?.waiting === undefined) return undefined;
    const { batch, settle } = chosen.waiting;
    chosen.waiting = undefined;
    chosen.position = batch.nextOffset;
    chosen.started = true;
    chosen.activeAtMs = this.#options.clock.elapsed();
    settle('taken');
    return batch;
  }

  /** Up to here the offsets hold nothing for the reader (control records, compacted messages). */
  skip(partition: number, nextOffset: number, endOffset: number): void {
    const slot = this.#slots.get(partition);
    if (slot === undefined) return;
    if (slot.waiting === undefined) slot.position = Math.max(slot.position, nextOffset);
    slot.endOffset = Math.max(slot.endOffset, endOffset);
  }

  /** Newest event time processed of the partition, ms. Never moves back. */
  progress(partition: number, newestEventTimeMs: number): void {
    const slot = this.#slots.get(partition);
    if (slot === undefined) return;
    slot.newestEventTimeMs = Math.max(slot.newestEventTimeMs ?? newestEventTimeMs, newestEventTimeMs);
  }

  /** Continues at another offset; a waiting batch of the partition is dropped. */
  rewind(partition: number, position: number): void {
    const slot = this.#slots.get(partition);
    if (slot === undefined) return;
    this.#settle(slot, 'dropped');
    slot.position = position;
  }

  /** For the end of the generation. */
  dropAll(): void {
    for (const slot of this.#slots.values()) this.#settle(slot, 'dropped');
  }

  #settle(slot: Slot, fate: Fate): void {
    slot.waiting?.settle(fate);
    slot.waiting = undefined;
  }

  #hold(slot: Slot): void {
    this.#settle(slot, 'held');
    slot.held = true;
    this.#options.pause(slot.partition);
  }

  /** Holds back partitions that ran ahead, and releases others; half the skew as hysteresis avoids flapping. */
  #review(): void {
    for (const slot of this.#slots.values()) {
      if (slot.held) {
        if (this.#isAhead(slot, this.#options.maxSkewMs / 2)) continue;
        slot.held = false;
        slot.aheadFrom = undefined;
        this.#options.resume(slot.partition);
      } else if (this.#isTooFar(slot)) {
        this.#hold(slot);
      }
    }
  }

  #isTooFar(slot: Slot): boolean {
    const { maxSkewMs, slack = 0 } = this.#options;
    if (this.#isAhead(slot, maxSkewMs)) slot.aheadFrom ??= slot.position;
    else slot.aheadFrom = undefined;
    return slot.aheadFrom !== undefined && slot.position - slot.aheadFrom >= slack;
  }

  #isAhead(slot: Slot, skewMs: number): boolean {
    if (slot.newestEventTimeMs === undefined) return false;
    if ((this.#options.ahead?.(slot.partition) ?? 0) > skewMs) return true;
    const now = this.#options.clock.elapsed();
    for (const other of this.#slots.values()) {
      if (other === slot || other.position >= other.endOffset) continue;
      if (other.waiting === undefined && now - other.activeAtMs > STALLED_MS) continue;
      if (slot.newestEventTimeMs - eventTime(other) > skewMs) return true;
    }
    return false;
  }
}

/** A partition's event time. While unknown: before all others until it has started, after them from then on. */
function eventTime(slot: Slot): number {
  return slot.newestEventTimeMs ?? (slot.started ? Infinity : -Infinity);
}
