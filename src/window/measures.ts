/** The running values of closing windows, one small class each. */

import type { Coverage, SlidingMeasure } from './closing-log.ts';
import { RoundedOnce } from './rounded-once.ts';

type Holds = (value: number) => boolean;

abstract class Valued<T> implements SlidingMeasure<T> {
  readonly #holds: Holds;

  constructor(holds: Holds) {
    this.#holds = holds;
  }

  abstract enter(held: T): void;
  abstract leave(held: T): void;
  protected abstract value(): number;

  judge(_endMs: number, lost = false): { holds: boolean; value: number } {
    const value = this.value();
    return { holds: this.#holds(value) && this.mayHold(lost), value };
  }

  /** `lost`: the window has lost entries. */
  protected mayHold(_lost: boolean): boolean {
    return true;
  }
}

/** Number of events. */
export class CountMeasure extends Valued<null> {
  #count = 0;
  override enter(): void {
    this.#count += 1;
  }
  override leave(): void {
    this.#count -= 1;
  }
  protected override value(): number {
    return this.#count;
  }
}

/** Number of distinct texts. */
export class DistinctMeasure extends Valued<readonly string[]> {
  readonly #held = new Map<string, number>();
  override enter(texts: readonly string[]): void {
    for (const text of texts) this.#held.set(text, (this.#held.get(text) ?? 0) + 1);
  }
  override leave(texts: readonly string[]): void {
    for (const text of texts) {
      const left = this.#held.get(text)! - 1;
      if (left === 0) this.#held.delete(text);
      else this.#held.set(text, left);
    }
  }
  coverage(): Coverage<readonly string[]> {
    const seen = new Set<string>();
    return {
      covers(texts) {
        const before = seen.size;
        for (const text of texts) seen.add(text);
        return seen.size === before;
      },
    };
  }
  protected override value(): number {
    return this.#held.size;
  }
}

/**
 * Sum, average or percentile of numbers, which are kept sorted: sums are computed anew for each window, so they do not
 * drift. Percentiles interpolate linearly between the closest ranks.
 */
export class NumbersMeasure extends Valued<readonly number[]> {
  readonly #sorted: number[] = [];
  readonly #of: 'sum' | 'average' | { readonly percentile: number };

  constructor(of: 'sum' | 'average' | { readonly percentile: number }, holds: Holds) {
    super(holds);
    this.#of = of;
  }
  override enter(numbers: readonly number[]): void {
    for (const number of numbers) this.#sorted.splice(this.#rank(number), 0, number);
  }
  override leave(numbers: readonly number[]): void {
    for (const number of numbers) this.#sorted.splice(this.#rank(number) - 1, 1);
  }
  protected override value(): number {
    const sorted = this.#sorted;
    if (typeof this.#of === 'object') {
      const rank = (this.#of.percentile / 100) * (sorted.length - 1);
      const below = sorted[Math.floor(rank)]!;
      return below + (sorted[Math.ceil(rank)]! - below) * (rank - Math.floor(rank));
    }
    const sum = new RoundedOnce();
    for (const number of sorted) sum.add(number);
    return this.#of === 'sum' ? sum.value : sum.value / sorted.length;
  }
  /** Says nothing on a sum of which a part is lost; averages and percentiles are estimated from the rest. */
  protected override mayHold(lost: boolean): boolean {
    return !lost || this.#of !== 'sum';
  }
  /** How many numbers are not larger. */
  #rank(number: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
