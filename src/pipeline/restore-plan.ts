/**
 * How a Kafka consumer gets its windows back after a restart or a rebalance: it reads again from before the
 * committed offsets, far enough that every window and every open alert is whole at the committed offset.
 *
 * From = min(event times, crossings of open alerts, as committed) − longest (timespan + resolve timeout + history)
 * − lateness − 1 ms. All of it travels with the offsets. Windows that end later than
 * From + timespan are whole, and later than From + timespan + history they are judged by a history that is whole; an
 * episode whose crossing lies later than that and a resolve timeout cannot be the rest of an older one. So alerts with
 * an earlier crossing are not written: they are complete in the database, or will be met again. But for those that go
 * on later than all that was committed: they would have been among the open ones if their rule had been as it is now
 * and had seen all.
 *
 * Where nothing says how old the events of a partition are (nothing committed yet, or not by Vigie), From is
 * the beginning of the log.
 */

import type { Episode } from '../alert/episode.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { AssignedPartition, ReadPosition } from '../source/source.ts';

/** A window that ends at the watermark is judged once that is past it: it was not, and is still to be told of. */
const NOT_YET_MS = 1;

/** Event times between which was read again what had been committed; no beginning where nothing was. */
type ReadAgain = Pick<RestorePlan, 'fromTimeMs' | 'toTimeMs'>;

export class RestorePlan {
  /** Event time that is read again from, by this process or the one before; undefined when it began with nothing. */
  readonly fromTimeMs: number | undefined;
  /** Newest event time that was committed then. */
  readonly toTimeMs: number;
  /** Partition → offset where the group resumes. */
  readonly #until: ReadonlyMap<number, number>;
  /** Partition → newest event time that was committed. */
  readonly #newest: ReadonlyMap<number, number | undefined>;
  readonly #waiting: Set<number>;
  /** Offsets read again so far. */
  restored = 0;

  private constructor(
    { fromTimeMs, toTimeMs }: ReadAgain,
    until: ReadonlyMap<number, number>,
    partitions: readonly AssignedPartition[],
  ) {
    this.fromTimeMs = fromTimeMs;
    this.toTimeMs = toTimeMs;
    this.#until = until;
    this.#newest = new Map(
      partitions.map(({ partition, metadata }) => [partition, metadata?.newestEventTime]),
    );
    this.#waiting = new Set(until.keys());
  }

  static none(): RestorePlan {
    return new RestorePlan({ fromTimeMs: undefined, toTimeMs: Infinity }, new Map(), []);
  }

  static of(partitions: readonly AssignedPartition[], ruleSet: RuleSet, latenessMs: number): RestorePlan {
    const until = new Map<number, number>();
    let from = Infinity;
    let toTimeMs = -Infinity;
    for (const { partition, committedOffset, metadata, endOffset, position = 0 } of partitions) {
      if (committedOffset !== undefined && committedOffset > 0) {
        until.set(partition, committedOffset);
        // Committed without metadata (by another tool): only the whole log is sure to be enough.
        toTimeMs = Math.max(toTimeMs, metadata?.newestEventTime ?? -Infinity);
        from = Math.min(from, metadata?.newestEventTime ?? -Infinity, metadata?.oldestOpen ?? Infinity);
      } else if (endOffset === undefined || position < endOffset) {
        // Never committed, and something is there: its events may be older than what the others have committed, by any time.
        from = -Infinity;
      }
    }
    if (until.size === 0 || ruleSet.correlations.length === 0) return RestorePlan.none();
    const fromTimeMs = from - longestReachOf(ruleSet) - latenessMs - NOT_YET_MS;
    return new RestorePlan({ fromTimeMs, toTimeMs }, until, partitions);
  }

  /**
   * Of state that was saved before the committed offsets: what came after it is read again. `before`: the plan that it
   * goes back to.
   */
  static after(
    partitions: readonly AssignedPartition[],
    positions: readonly ReadPosition[],
    before: ReadAgain,
  ): RestorePlan {
    const committed = new Map(
      partitions.map(({ partition, committedOffset }) => [partition, committedOffset]),
    );
    const until = new Map<number, number>();
    for (const { partition, nextOffset = 0 } of positions) {
      const offset = committed.get(partition) ?? 0;
      if (nextOffset < offset) until.set(partition, offset);
    }
    return new RestorePlan(before, until, partitions);
  }

  /** Whether an event at this offset was processed before the restart. */
  covers(partition: number, offset: number): boolean {
    return offset < (this.#until.get(partition) ?? 0);
  }

  /** Newest event time of what it covers of the partition; −Infinity when that is not known. */
  newestBefore(partition: number): number {
    return this.#newest.get(partition) ?? -Infinity;
  }

  /** To be called after each batch; true once, when the last partition is back where it was. */
  finishes(partition: number, nextOffset: number): boolean {
    if (this.covers(partition, nextOffset)) return false;
    return this.#waiting.delete(partition) && this.#waiting.size === 0;
  }

  /** Nothing of the partition is read again, e.g. retention took it; true when it was the last one to wait for. */
  skips(partition: number): boolean {
    return this.#waiting.delete(partition) && this.#waiting.size === 0;
  }

  /** Partitions that are not back where they were. */
  get waiting(): readonly number[] {
    return [...this.#waiting];
  }

  get unfinished(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether an alert may be written: it lies where windows are whole, or comes to there. */
  reliable({ crossedAt, lastTrueAt, of: { rule } }: Episode): boolean {
    if (this.fromTimeMs === undefined) return true;
    return crossedAt > this.fromTimeMs + reachOf(rule) || lastTrueAt > this.toTimeMs;
  }
}

/** How far back reading again may have to go beyond the oldest open alert, ms. */
export function longestReachOf({ correlations }: RuleSet): number {
  return Math.max(0, ...correlations.map(reachOf));
}

/** How far before an alert's crossing lie events that decide on it, ms. */
function reachOf(rule: CorrelationRule): number {
  return windowReachOf(rule) + rule.resolveTimeoutMs;
}

/** How far before the end of a window lie events that decide whether it is true, ms. */
export function windowReachOf({ timespanMs, baseline, newTerms }: CorrelationRule): number {
  // The oldest bucket begins up to a bucket before the history.
  const baselineMs = baseline === undefined ? 0 : baseline.historyMs + baseline.bucketMs;
  // Whether a group was known a history ago follows from the history before that.
  const termsMs = newTerms === undefined ? 0 : 2 * newTerms.historyMs;
  return timespanMs + baselineMs + termsMs;
}
