/** The bounds of a correlation's condition: what a value has to satisfy. */

import type { Bound } from './rule.ts';

/** Whether a value satisfies every bound. */
export function holds(bounds: readonly Bound[], value: number): boolean {
  for (let i = 0; i < bounds.length; i += 1) {
    if (!satisfies(bounds[i]!, value)) return false;
  }
  return true;
}

/** The largest number in some bounds, −∞ without bounds. If they are lower bounds, no smaller value satisfies them all. */
export function largestBound(bounds: readonly Bound[]): number {
  let largest = -Infinity;
  for (const { value } of bounds) largest = Math.max(largest, value);
  return largest;
}

/** Returns how many entries a log must be able to hold to tell whether their number satisfies the bounds. */
export function entriesFor(bounds: readonly Bound[]): number {
  return 2 * (Math.floor(Math.max(0, largestBound(bounds))) + 1);
}

function satisfies(bound: Bound, value: number): boolean {
  switch (bound.op) {
    case 'gt':
      return value > bound.value;
    case 'gte':
      return value >= bound.value;
    case 'lt':
      return value < bound.value;
    case 'lte':
      return value <= bound.value;
    case 'eq':
      return value === bound.value;
    case 'neq':
      return value !== bound.value;
  }
}

/** Whether any whole number from `least` to `most` satisfies every bound. */
export function anyCountHolds(bounds: readonly Bound[], least: number, most: number): boolean {
  // Truth changes only next to a bound, so a bound's neighbours stand for all numbers between two bounds.
  const candidates = bounds.flatMap(({ value }) => [
    Math.floor(value) - 1,
    Math.floor(value),
    Math.ceil(value),
    Math.ceil(value) + 1,
  ]);
  return [least, most, ...candidates].some(
    (value) => Number.isFinite(value) && value >= least && value <= most && holds(bounds, value),
  );
}

/** Whether any number satisfies every bound. */
export function anyNumberHolds(bounds: readonly Bound[]): boolean {
  const values = bounds.map(({ value }) => value).sort((a, b) => a - b);
  const between = values.map((value, i) => (value + (values[i + 1] ?? value + 2)) / 2);
  return [values[0]! - 1, ...values, ...between].some((value) => holds(bounds, value));
}
