/**
 * The values that a rule's windows had in one group before: per bucket of time the largest value of any window that
 * ended in it, and from these what is usual (`vigie.baseline`).
 *
 * Buckets are aligned to the epoch. A window that ends at t, in bucket c, is compared with the buckets from c − history
 * up to the last one that was over a timespan before t, so that no event of the window is its own history; of these
 * only the ones in the phase of c, and none before the first in which the group had a window at all. A bucket without
 * windows has the value 0. So what is usual at t follows from the events of the last history, timespan and bucket
 * alone: an older past changes nothing, and forgetting it loses nothing.
 *
 * Usual is up to median + factor × MAD, where MAD is the median absolute deviation from the median × 1.4826, which
 * estimates the standard deviation of normal values and is not moved by less than half of the samples (Hampel 1974;
 * Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). If more than half of the samples are equal, it is 0,
 * and any value above the median is unusual. No mean is used instead then: one earlier burst would excuse the next.
 *
 * The histories of all groups lie in one store, a row for each bucket with windows, sorted by bucket: its number, and
 * the largest value.
 */

import type { Baseline } from '../sigma/rule.ts';
import { Run, RunStore } from './run-store.ts';

/** What a window is compared with. */
export interface Usual {
  readonly samples: number;
  readonly median: number;
  /** MAD × 1.4826. */
  readonly deviation: number;
  /** Values up to this are usual; −Infinity while there are too few samples. */
  readonly upTo: number;
}

/** The history of one group. */
export class ValueHistory {
  readonly run = new Run();
  /** Newest bucket with a value that is an estimate. */
  estimatedBucket = -Infinity;
}

/** What is usual in a group, cached from one window to the next. */
interface Known {
  /** Offset of the group's history. */
  readonly at: number;
  readonly bucket: number;
  readonly last: number;
  readonly usual: Usual;
}

/** Most groups cached: those with windows that currently reach a rule's own bound. */
const MOST_KNOWN = 256;
const NORMAL = 1.4826;
const ROW_BYTES = 16;

export class ValueHistories extends RunStore {
  readonly #baseline: Baseline;
  readonly #timespanMs: number;
  /** Last results, by the offset of the history, which identifies the group. */
  readonly #known: (Known | undefined)[] = Array.from({ length: MOST_KNOWN });

  constructor(baseline: Baseline, timespanMs: number) {
    super(ROW_BYTES);
    this.#baseline = baseline;
    this.#timespanMs = timespanMs;
  }

  /**
   * Notes that a window that ends at `endMs` has the value `value` or more. No window before the watermark can change
   * any more. Keeps at most the buckets of the history and those newer than the watermark.
   */
  note(history: ValueHistory, endMs: number, value: number, estimated: boolean, watermark: number): void {
    const { run } = history;
    const bucket = this.#bucketOf(endMs);
    if (estimated) history.estimatedBucket = Math.max(history.estimatedBucket, bucket);
    const upTo = this.countUpTo(run, bucket);
    if (upTo > 0 && this.timeAt(run.first + upTo - 1) === bucket) {
      const at = this.#valueOf(run.first + upTo - 1);
      if (value > this.f64[at]!) this.f64[at] = value;
      return;
    }
    const row = this.insert(run, upTo);
    this.f64[this.#valueOf(row) - 1] = bucket;
    this.f64[this.#valueOf(row)] = value;
    this.dropFront(run, this.countUpTo(run, this.#bucketOf(watermark) - this.#reach - 1));
  }

  /**
   * A window that ends in [fromMs, toMs] with at most this value changes nothing. −Infinity if some bucket in that
   * range has no window yet or, if `estimated`, the last one has no estimate yet.
   */
  leastIn({ run, estimatedBucket }: ValueHistory, fromMs: number, toMs: number, estimated: boolean): number {
    const from = this.#bucketOf(fromMs);
    const to = this.#bucketOf(toMs);
    if (estimated && estimatedBucket < to) return -Infinity;
    const before = this.countUpTo(run, from - 1);
    const upTo = this.countUpTo(run, to);
    if (upTo - before < to - from + 1) return -Infinity;
    let least = Infinity;
    for (let i = before; i < upTo; i += 1) least = Math.min(least, this.f64[this.#valueOf(run.first + i)]!);
    return least;
  }

  /** What a window that ends at `endMs` is compared with is final once the watermark is past this time. */
  finalAfter(endMs: number): number {
    return (this.#lastBefore(endMs) + 1) * this.#baseline.bucketMs - 1;
  }

  /** What is usual at `endMs`; call only once final. */
  usualAt({ run }: ValueHistory, endMs: number): Usual {
    // An empty history has offset 0, which may be another's.
    if (run.length === 0) return this.#usualOf(new Float64Array(0));
    const at = run.offset;
    const bucket = this.#bucketOf(endMs);
    const last = this.#lastBefore(endMs);
    const known = this.#known[at % MOST_KNOWN];
    if (known?.at === at && known.bucket === bucket && known.last === last) return known.usual;
    const usual = this.#usualOf(this.#samples(run, bucket, last));
    this.#known[at % MOST_KNOWN] = { at, bucket, last, usual };
    return usual;
  }

  /** Whether `usualAt` rests on a value that was an estimate. */
  estimatedAt({ estimatedBucket }: ValueHistory, endMs: number): boolean {
    return estimatedBucket >= this.#bucketOf(endMs) - this.#reach;
  }

  /** Event time from which on no window is compared with what is held. */
  outOfReachFrom({ run }: ValueHistory): number {
    if (run.length === 0) return -Infinity;
    const newest = this.timeAt(run.first + run.length - 1);
    return (newest + this.#reach + 1) * this.#baseline.bucketMs;
  }

  /** A cached result goes with its block. */
  protected override recycle(offset: number, capacity: number): void {
    if (this.#known[offset % MOST_KNOWN]?.at === offset) this.#known[offset % MOST_KNOWN] = undefined;
    super.recycle(offset, capacity);
  }

  get #reach(): number {
    return this.#baseline.historyMs / this.#baseline.bucketMs;
  }

  /** Index of a row's value. */
  #valueOf(row: number): number {
    return 2 * row + 1;
  }

  #bucketOf(timeMs: number): number {
    return Math.floor(timeMs / this.#baseline.bucketMs);
  }

  /** The last bucket that was over before the window that ends at `endMs` began. */
  #lastBefore(endMs: number): number {
    return this.#bucketOf(endMs - this.#timespanMs + 1) - 1;
  }

  #samples(run: Run, bucket: number, last: number): Float64Array {
    const season = this.#baseline.seasonMs / this.#baseline.bucketMs;
    const before = this.countUpTo(run, bucket - this.#reach - 1);
    const upTo = this.countUpTo(run, last);
    const first = before < run.length ? this.timeAt(run.first + before) : Infinity;
    const least = Math.ceil((bucket - last) / season);
    const most = Math.floor((bucket - first) / season);
    const samples = new Float64Array(Math.max(0, most - least + 1));
    for (let row = run.first + before; row < run.first + upTo; row += 1) {
      const seasons = (bucket - this.timeAt(row)) / season;
      if (Number.isInteger(seasons)) samples[seasons - least] = this.f64[this.#valueOf(row)]!;
    }
    return samples;
  }

  #usualOf(samples: Float64Array): Usual {
    const { factor, minSamples } = this.#baseline;
    if (samples.length === 0) return { samples: 0, median: 0, deviation: 0, upTo: -Infinity };
    const median = medianOf(samples);
    const deviation = NORMAL * medianOf(samples.map((sample) => Math.abs(sample - median)));
    return {
      samples: samples.length,
      median,
      deviation,
      upTo: samples.length < minSamples ? -Infinity : median + factor * deviation,
    };
  }
}

/** Median; sorts the values. */
function medianOf(values: Float64Array): number {
  values.sort();
  const middle = values.length >>> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}
