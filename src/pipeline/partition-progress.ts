/**
 * How far the partitions were read, and what a commit says of it.
 *
 * Guarantee: a commit carries all that another process needs to have the same windows and alerts: the newest event
 * time, and the time from which alerts are open or windows are still to be judged.
 */

import type { Engine } from '../detect/engine.ts';
import { raisesAlerts } from '../sigma/rule.ts';
import type { AssignedPartition, Commit, CommitMetadata, EventBatch, Source } from '../source/source.ts';
import type { PartitionLag } from './pipeline-observer.ts';
import type { RestorePlan } from './restore-plan.ts';

/** How far a partition was read. */
export interface ReadState {
  nextOffset: number;
  endOffset: number | undefined;
  /** Time of the last batch with an event in it, on the clock of `Listening`. */
  lastEventAt: number;
}

export class PartitionProgress {
  readonly #latenessMs: number;
  readonly #partitions = new Map<number, ReadState>();
  /** Metadata of the offsets that the group had committed, by partition. */
  readonly #committed = new Map<number, CommitMetadata>();
  /** Where reading goes on in partitions from which nothing was read yet. */
  readonly #begun = new Map<number, ReadState>();

  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs;
  }

  /** The partitions have changed. */
  clear(): void {
    this.#partitions.clear();
    this.#committed.clear();
    this.#begun.clear();
  }

  /** What is in the gap will never be read: the next commit is past it. */
  resume({ partition, metadata, committedOffset, endOffset, gap }: AssignedPartition, now: number): void {
    if (metadata !== undefined) this.#committed.set(partition, metadata);
    if (committedOffset !== undefined) {
      this.#begun.set(partition, { nextOffset: committedOffset, endOffset, lastEventAt: now });
    }
    if (gap === undefined || gap.cause === 'recreated') return;
    this.#partitions.set(partition, { nextOffset: gap.toOffset, endOffset, lastEventAt: now });
  }

  /** `lastEventAt`: unchanged if the batch had no event. */
  read({ partition, nextOffset, endOffset }: EventBatch, lastEventAt: number): void {
    this.#partitions.set(partition, { nextOffset, endOffset, lastEventAt });
  }

  nextOffset(partition: number): number | undefined {
    return this.#partitions.get(partition)?.nextOffset;
  }

  lastEventAt(partition: number): number | undefined {
    return this.#partitions.get(partition)?.lastEventAt;
  }

  /** `newestOf`: newest event time of a partition. */
  commits(engine: Engine, restore: RestorePlan, newestOf: (partition: number) => number): Commit[] {
    const oldestOpen = this.#oldestOpen(engine, restore);
    return [...this.#partitions]
      .filter(([partition, { nextOffset }]) => !restore.covers(partition, nextOffset - 1))
      .map(([partition, { nextOffset }]) => ({
        partition,
        nextOffset,
        metadata: {
          newestEventTime: this.#newest(partition, newestOf),
          ...(oldestOpen === Infinity ? {} : { oldestOpen }),
        },
      }));
  }

  lag(source: Pick<Source, 'caughtUp'>, newestOf: (partition: number) => number): Map<number, PartitionLag> {
    const partitions = new Map([...this.#begun, ...this.#partitions]);
    return lagOf(partitions, source, (partition) => this.#newest(partition, newestOf));
  }

  #newest(partition: number, newestOf: (partition: number) => number): number {
    return Math.max(newestOf(partition), this.#committed.get(partition)?.newestEventTime ?? -Infinity);
  }

  /** Whether a partition is read that had nothing committed. */
  get #isAnew(): boolean {
    return [...this.#partitions.keys()].some((partition) => !this.#committed.has(partition));
  }

  /** Earliest crossing of an open alert, or start of the windows still to be judged. */
  #oldestOpen({ tracker, watermarks }: Engine, restore: RestorePlan): number {
    let oldest = Infinity;
    // Partitions that are ahead wait for one that is behind. Their next owner may not have that one.
    const waitsSince = (judgedTo: number): void => {
      if (Number.isFinite(judgedTo) && judgedTo < watermarks.newest) oldest = Math.min(oldest, judgedTo);
    };
    waitsSince(watermarks.watermark + this.#latenessMs);
    // Until every partition has shown an event nothing is judged, except what came before the last commit.
    if (watermarks.watermark === -Infinity && this.#isAnew) oldest = -Infinity;
    for (const episode of tracker.open) {
      if (raisesAlerts(episode.of.rule) && restore.reliable(episode)) {
        oldest = Math.min(oldest, episode.crossedAt);
      }
    }
    // Until everything judged before is judged again, not every alert that was open is open again.
    for (const before of this.#committed.values()) {
      if (watermarks.watermark < before.newestEventTime - this.#latenessMs) {
        oldest = Math.min(oldest, before.oldestOpen ?? Infinity);
        waitsSince(before.newestEventTime);
      }
    }
    return oldest;
  }
}

/**
 * `newestOf`: newest event time of a partition. What the source skipped after the last batch, such as an aborted
 * transaction, is no lag.
 */
export function lagOf(
  partitions: ReadonlyMap<number, ReadState>,
  source: Pick<Source, 'caughtUp'>,
  newestOf: (partition: number) => number,
): Map<number, PartitionLag> {
  return new Map(
    [...partitions].map(([partition, { nextOffset, endOffset }]) => {
      const end = source.caughtUp?.(partition) === true ? nextOffset : endOffset;
      const offsets = end === undefined ? undefined : Math.max(0, end - nextOffset);
      return [partition, { offsets, newestEventTime: newestOf(partition) }];
    }),
  );
}
