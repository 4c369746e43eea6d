/**
 * How a Kafka consumer gets its windows back after a restart or a rebalance: it reads again from before the committed
 * offsets, far enough that every window and every open alert is whole at the committed offset.
 *
 * From = min(event times, crossings of open alerts, as committed) − longest (timespan + resolve timeout + history) −
 * lateness − 1 ms. All of it is committed with the offsets. Windows that end later than From + timespan are whole, and
 * later than From + timespan + history they are judged by a whole history; an episode that crosses more than a resolve
 * timeout after that cannot be the rest of an older one. So alerts with an earlier crossing are not written: they are
 * complete in the database, or will be met again. The exception are alerts that go on later than all that was
 * committed: these would have been among the open ones if their rule had been as it is now and had seen everything.
 *
 * If nothing says how old the events of a partition are (nothing committed yet, or not by Vigie), From is the beginning
 * of the log.
 */

import type { Episode } from '../alert/episode.ts';
import { NOTHING_AGAIN, type ReadAgain } from './intake.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { AssignedPartition, ReadPosition } from '../source/source.ts';

/** A window that ends at the watermark is judged only once the watermark is past it, so it is still to be reported. */
const NOT_YET_MS = 1;

/** Event times between which committed events were read again; no beginning if nothing was. */
type Between = Pick<RestorePlan, 'fromTimeMs' | 'toTimeMs'>;

export class RestorePlan {
  /** Event time from which this process, or the one before, read again; undefined if it began with nothing. */
  readonly fromTimeMs: number | undefined;
  /** Newest event time committed at that time. */
  readonly toTimeMs: number;
  readonly #again: ReadonlyMap<number, ReadAgain>;
  readonly #waiting: Set<number>;
  /** Offsets read again so far. */
  restored = 0;

  private constructor({ fromTimeMs, toTimeMs }: Between, again: ReadonlyMap<number, ReadAgain>) {
    this.fromTimeMs = fromTimeMs;
    this.toTimeMs = toTimeMs;
    this.#again = again;
    this.#waiting = new Set(again.keys());
  }

  static none(): RestorePlan {
    return new RestorePlan({ fromTimeMs: undefined, toTimeMs: Infinity }, new Map());
  }

  static of(partitions: readonly AssignedPartition[], ruleSet: RuleSet, latenessMs: number): RestorePlan {
    const again = new Map<number, ReadAgain>();
    let from = Infinity;
    let toTimeMs = -Infinity;
    for (const assigned of partitions) {
      const { partition, committedOffset, metadata, endOffset, position = 0 } = assigned;
      if (committedOffset !== undefined && committedOffset > 0) {
        const before = readBefore(assigned);
        again.set(partition, before);
        // Committed without metadata (by another tool): only the whole log is sure to be enough.
        toTimeMs = Math.max(toTimeMs, before.newestMs);
        from = Math.min(from, before.newestMs, metadata?.oldestOpen ?? Infinity);
      } else if (endOffset === undefined || position < endOffset) {
        // Never committed, and not empty: its events may be older, by any time, than what the others have committed.
        from = -Infinity;
      }
    }
    if (again.size === 0 || ruleSet.correlations.length === 0) return RestorePlan.none();
    const fromTimeMs = from - longestReachOf(ruleSet) - latenessMs - NOT_YET_MS;
    return new RestorePlan({ fromTimeMs, toTimeMs }, again);
  }

  /**
   * For state saved before the committed offsets: what came after it is read again. `before`: the plan that the state
   * was made with.
   */
  static after(
    partitions: readonly AssignedPartition[],
    positions: readonly ReadPosition[],
    before: Between,
  ): RestorePlan {
    const again = new Map<number, ReadAgain>();
    for (const { partition, nextOffset = 0 } of positions) {
      const assigned = partitions.find((each) => each.partition === partition);
      if (nextOffset < (assigned?.committedOffset ?? 0)) again.set(partition, readBefore(assigned!));
    }
    return new RestorePlan(before, again);
  }

  again(partition: number): ReadAgain {
    return this.#again.get(partition) ?? NOTHING_AGAIN;
  }

  /** Whether an event at this offset was processed before the restart. */
  covers(partition: number, offset: number): boolean {
    return offset < this.again(partition).untilOffset;
  }

  /** Call after each batch; true once, when the last partition is back where it was. */
  finishes(partition: number, nextOffset: number): boolean {
    return !this.covers(partition, nextOffset) && this.skips(partition);
  }

  /** Nothing of the partition is read again, e.g. retention removed it; true if it was the last one to wait for. */
  skips(partition: number): boolean {
    return this.#waiting.delete(partition) && this.#waiting.size === 0;
  }

  /** Partitions that are not yet back where they were. */
  get waiting(): readonly number[] {
    return [...this.#waiting];
  }

  get unfinished(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether an alert may be written: it crosses where windows are whole, or goes on later than what was committed. */
  reliable({ crossedAt, lastTrueAt, of: { rule } }: Episode): boolean {
    if (this.fromTimeMs === undefined) return true;
    return crossedAt > this.fromTimeMs + reachOf(rule) || lastTrueAt > this.toTimeMs;
  }
}

function readBefore({ committedOffset = 0, metadata }: AssignedPartition): ReadAgain {
  return { untilOffset: committedOffset, newestMs: metadata?.newestEventTime ?? -Infinity };
}

/** How far back reading again may have to go beyond the oldest open alert, ms. */
export function longestReachOf({ correlations }: RuleSet): number {
  return Math.max(0, ...correlations.map(reachOf));
}

/** How far before an alert's crossing there are events that affect it, ms. */
function reachOf(rule: CorrelationRule): number {
  return windowReachOf(rule) + rule.resolveTimeoutMs;
}

/** How far before the end of a window there are events that decide whether it is true, ms. */
export function windowReachOf({ timespanMs, baseline, newTerms }: CorrelationRule): number {
  // The oldest bucket begins up to a bucket before the history.
  const baselineMs = baseline === undefined ? 0 : baseline.historyMs + baseline.bucketMs;
  // Whether a group was known a history ago follows from the history before that.
  const termsMs = newTerms === undefined ? 0 : 2 * newTerms.historyMs;
  return timespanMs + baselineMs + termsMs;
}
