/**
 * What a rule's windows were worth in one group before: per bucket of time the largest value of any window
 * that ended in it, and from that what is usual (`vigie.baseline`).
 *
 * Buckets are aligned to the epoch. A window that ends at t, in bucket c, is compared with the buckets from
 * c − history up to the last one that was over a timespan before t, so that no event of the window is its own
 * history; of these only the ones in the phase of c, and none before the first in which the group had a window
 * at all. A bucket without windows is worth 0. So what is usual at t follows from the events of the last
 * history, timespan and bucket alone: an older past changes nothing, and forgetting it loses nothing.
 *
 * Usual is up to median + factor × MAD, where MAD is the median absolute deviation from the median × 1.4826,
 * which estimates the standard deviation of normal values and is not moved by less than half of the samples
 * (Hampel 1974; Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). Where more than half of the
 * samples are equal it is 0, and any value above the median is unusual. No mean steps in there: one earlier
 * burst would excuse the next.
 */

import type { Baseline } from '../sigma/rule.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

/** What a window is compared with. */
export interface Usual {
  readonly samples: number;
  readonly median: number;
  /** MAD × 1.4826. */
  readonly deviation: number;
  /** Values up to this are usual; −Infinity while there are too few samples. */
  readonly upTo: number;
}

const NORMAL = 1.4826;
const NONE: number[] = [];

export class ValueHistory {
  readonly #baseline: Baseline;
  readonly #timespanMs: number;
  /**
   * Number of a bucket that windows ended in and the largest value there, in turn, by bucket. A list that grows in
   * place has room for many more, and most groups' hold a few.
   */
  #largest: number[] = NONE;
  /** Newest bucket with a value that is an estimate. */
  #estimatedBucket = -Infinity;
  #known: { readonly bucket: number; readonly last: number; readonly usual: Usual } | undefined;

  constructor(baseline: Baseline, timespanMs: number) {
    this.#baseline = baseline;
    this.#timespanMs = timespanMs;
  }

  /** Buckets held: at most those of the history and of what is newer than the watermark. */
  get length(): number {
    return this.#largest.length / 2;
  }

  /** A window that ends at `endMs` is worth `value` or more. No window ends before the watermark any more. */
  note(endMs: number, value: number, estimated: boolean, watermark: number): void {
    const bucket = this.#bucketOf(endMs);
    const largest = this.#largest;
    if (estimated) this.#estimatedBucket = Math.max(this.#estimatedBucket, bucket);
    let at = largest.length - 2;
    while (at >= 0 && largest[at]! > bucket) at -= 2;
    if (largest[at] === bucket) {
      if (value > largest[at + 1]!) largest[at + 1] = value;
      return;
    }
    const noted = largest.toSpliced(at + 2, 0, bucket, value);
    const oldest = this.#bucketOf(watermark) - this.#reach;
    let gone = 0;
    while (noted[gone]! < oldest) gone += 2;
    this.#largest = gone === 0 ? noted : noted.slice(gone);
  }

  /**
   * A window that ends in [fromMs, toMs] and is worth no more than this changes nothing; −Infinity where some bucket
   * between knows of no window yet, or of exact ones only while the window's value is an estimate.
   */
  leastIn(fromMs: number, toMs: number, estimated: boolean): number {
    const largest = this.#largest;
    const from = this.#bucketOf(fromMs);
    const to = this.#bucketOf(toMs);
    if (estimated && this.#estimatedBucket < to) return -Infinity;
    let least = Infinity;
    let known = 0;
    for (let at = largest.length - 2; at >= 0 && largest[at]! >= from; at -= 2) {
      if (largest[at]! > to) continue;
      least = Math.min(least, largest[at + 1]!);
      known += 1;
    }
    return known === to - from + 1 ? least : -Infinity;
  }

  /** What a window that ends at `endMs` is compared with is final once the watermark is past this time. */
  finalAfter(endMs: number): number {
    return (this.#lastBefore(endMs) + 1) * this.#baseline.bucketMs - 1;
  }

  /** To be asked only when it is final. */
  usualAt(endMs: number): Usual {
    const bucket = this.#bucketOf(endMs);
    const last = this.#lastBefore(endMs);
    if (this.#known?.bucket !== bucket || this.#known.last !== last) {
      this.#known = { bucket, last, usual: this.#usualOf(this.#samples(bucket, last)) };
    }
    return this.#known.usual;
  }

  /** Whether that rests on a value that was an estimate. */
  estimatedAt(endMs: number): boolean {
    return this.#estimatedBucket >= this.#bucketOf(endMs) - this.#reach;
  }

  /** Event time from which on no window is compared with what is held. */
  get outOfReachFrom(): number {
    const newest = this.#largest.at(-2);
    return newest === undefined ? -Infinity : (newest + this.#reach + 1) * this.#baseline.bucketMs;
  }

  save(to: SectionWriter): void {
    to.numbers(this.#largest);
    to.f64(this.#estimatedBucket);
  }

  load(from: SectionReader): void {
    this.#largest = from.numbers();
    this.#estimatedBucket = from.f64();
  }

  get #reach(): number {
    return this.#baseline.historyMs / this.#baseline.bucketMs;
  }

  #bucketOf(timeMs: number): number {
    return Math.floor(timeMs / this.#baseline.bucketMs);
  }

  /** The last bucket that was over before the window that ends at `endMs` began. */
  #lastBefore(endMs: number): number {
    return this.#bucketOf(endMs - this.#timespanMs + 1) - 1;
  }

  #samples(bucket: number, last: number): Float64Array {
    const largest = this.#largest;
    const season = this.#baseline.seasonMs / this.#baseline.bucketMs;
    let at = 0;
    while (at < largest.length && largest[at]! < bucket - this.#reach) at += 2;
    const first = largest[at] ?? Infinity;
    const least = Math.ceil((bucket - last) / season);
    const most = Math.floor((bucket - first) / season);
    const samples = new Float64Array(Math.max(0, most - least + 1));
    for (; at < largest.length && largest[at]! <= last; at += 2) {
      const seasons = (bucket - largest[at]!) / season;
      if (Number.isInteger(seasons)) samples[seasons - least] = largest[at + 1]!;
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

/** Sorts the values. */
function medianOf(values: Float64Array): number {
  values.sort();
  const middle = values.length >>> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}
