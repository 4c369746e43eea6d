/**
 * What one window is worth, recomputed from nothing but the entries in it, and whether that is enough.
 */

import { boundsOf, type CorrelationDocument, type Operator } from './documents.ts';

/** An event as one rule and group see it. */
export interface Entry {
  readonly time: number;
  /** The same event under two referenced rules has one identity. */
  readonly identity: string;
  /** The referenced rules that it matched. */
  readonly members: Set<string>;
  /** Texts to count distinctly or numbers to add; empty for rules that measure no field. */
  readonly values: readonly (string | number)[];
  /** Combinations of the fields that `vigie.new_terms` watches. */
  readonly terms: readonly string[];
  /** The earliest window end that it counts in: -Infinity unless it came late. */
  readonly countsFrom: number;
  /** For `vigie.sequence`: the ids, in the order of their list. */
  readonly ids: readonly string[];
  /** For `vigie.begun_before`: ms since the epoch. */
  readonly begun: number | undefined;
}

export interface Judgement {
  readonly value: number;
  readonly holds: boolean;
}

/** Judges one window. `held` is everything that counts in it; never empty. */
export function judge(document: CorrelationDocument, held: readonly Entry[]): Judgement {
  const { type, condition } = document.correlation;
  const seen = new Set(held.flatMap((entry) => [...entry.members]));
  if (typeof condition === 'string') return { value: seen.size, holds: isTrue(condition, seen) };
  const value = measure(document, held, seen);
  const holds = Object.entries(boundsOf(document)).every(([op, limit]) =>
    compare(op as Operator, value, limit),
  );
  if (Number.isNaN(value)) throw new Error(`${type} of an empty window`);
  return { value, holds };
}

function measure(document: CorrelationDocument, held: readonly Entry[], seen: ReadonlySet<string>): number {
  const { type, rules, condition } = document.correlation;
  const values = held.flatMap((entry) => entry.values);
  const numbers = values.map(Number).sort((a, b) => a - b);
  switch (type) {
    case 'event_count':
      return held.length;
    case 'value_count':
      return new Set(values).size;
    case 'value_sum':
      return sum(numbers);
    case 'value_avg':
      return sum(numbers) / numbers.length;
    case 'value_median':
      return percentile(numbers, 50);
    case 'value_percentile':
      return percentile(numbers, typeof condition === 'object' ? (condition.percentile ?? NaN) : NaN);
    case 'temporal':
      return seen.size;
    case 'temporal_ordered':
      return longestInOrder(rules, held);
  }
}

/** Rounded once. A double that is no less than 0.1 is a whole number of 2^-56. */
const sum = (numbers: readonly number[]): number =>
  Number(numbers.reduce((total, number) => total + BigInt(number * 2 ** 56), 0n)) / 2 ** 56;

/** Linear interpolation between the closest ranks of sorted numbers. */
function percentile(sorted: readonly number[], percent: number): number {
  const rank = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(rank)] ?? NaN;
  const above = sorted[Math.ceil(rank)] ?? NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** The most rules, taken in the listed order, that occur one after another; equal times are in order. */
function longestInOrder(rules: readonly string[], held: readonly Entry[]): number {
  let longest = 0;
  for (let subset = 1; subset < 2 ** rules.length; subset++) {
    const chosen = rules.filter((_, i) => (subset >> i) & 1);
    let now = -Infinity;
    for (const rule of chosen) {
      const from = now;
      // Taking the earliest possible sighting each time leaves the most room for the next.
      now = Math.min(...held.filter((e) => e.time >= from && e.members.has(rule)).map((e) => e.time));
    }
    if (now < Infinity) longest = Math.max(longest, chosen.length);
  }
  return longest;
}

function compare(op: Operator, value: number, limit: number): boolean {
  switch (op) {
    case 'gt':
      return value > limit;
    case 'gte':
      return value >= limit;
    case 'lt':
      return value < limit;
    case 'lte':
      return value <= limit;
    case 'eq':
      return value === limit;
    case 'neq':
      return value !== limit;
  }
}

/** A boolean condition over names: `not` binds tighter than `and`, `and` tighter than `or`; parentheses. */
function isTrue(condition: string, seen: ReadonlySet<string>): boolean {
  const tokens = condition.match(/[()]|[^\s()]+/g) ?? [];
  const take = (keyword: string): boolean => {
    if (tokens[0]?.toLowerCase() !== keyword) return false;
    tokens.shift();
    return true;
  };
  const either = (): boolean => {
    let result = both();
    // Both sides are always read, so that their tokens are consumed.
    while (take('or')) result = both() || result;
    return result;
  };
  const both = (): boolean => {
    let result = single();
    while (take('and')) result = single() && result;
    return result;
  };
  const single = (): boolean => {
    if (take('not')) return !single();
    if (!take('(')) return seen.has(tokens.shift() ?? '');
    const result = either();
    if (!take(')')) throw new Error(`unclosed parenthesis: ${condition}`);
    return result;
  };
  const result = either();
  if (tokens.length > 0) throw new Error(`cannot read the rest of "${condition}": ${tokens.join(' ')}`);
  return result;
}
