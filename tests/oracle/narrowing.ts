/**
 * What the narrowing keys leave of a rule's events and windows, recomputed from all of them.
 */

import { durationMs, type CorrelationDocument } from './documents.ts';
import type { Entry } from './measures.ts';

/**
 * `vigie.new_terms`: the entries that count, of all that a group has. A late entry counts nowhere, and what it
 * shows is known to those that were not judged when it came.
 */
export function newOnly<T extends Omit<Entry, 'values'>>(
  document: CorrelationDocument,
  entries: readonly T[],
): readonly T[] {
  const { history } = document['vigie.new_terms'] ?? {};
  if (history === undefined) return entries;
  const historyMs = durationMs(history);
  const punctual = entries.filter(({ countsFrom }) => countsFrom === -Infinity);
  const times = punctual.map(({ time }) => time).sort((a, b) => a - b);
  return punctual.filter(({ time, terms }) => {
    let since = Infinity;
    let before = -Infinity;
    for (const each of times.filter((t) => t <= time)) {
      if (each - before >= historyMs) since = each;
      before = each;
    }
    if (time - since < historyMs) return false;
    const seen = entries.filter((e) => e.time > time - historyMs && e.time < time && e.countsFrom <= time);
    return terms.some((term) => !seen.some((e) => e.terms.includes(term)));
  });
}

interface Valued {
  readonly end: number;
  readonly value: number;
}

/** `vigie.baseline`: a window is true only if it is worth more than this; `windows` are all of the group. */
export function usualUpTo(document: CorrelationDocument, windows: readonly Valued[], end: number): number {
  const baseline = document['vigie.baseline'];
  if (baseline === undefined) return -Infinity;
  const timespanMs = durationMs(document.correlation.timespan);
  const bucketMs = durationMs(baseline.bucket);
  const seasonMs = durationMs(baseline.season ?? baseline.bucket);
  const own = end - (end % bucketMs);
  const oldest = own - durationMs(baseline.history);
  const samples: number[] = [];
  for (let start = oldest; start < own; start += bucketMs) {
    const next = start + bucketMs;
    const begun = windows.some((window) => window.end >= oldest && window.end < next);
    const overBeforeTheWindow = next - 1 <= end - timespanMs;
    if (!begun || !overBeforeTheWindow || (own - start) % seasonMs !== 0) continue;
    const inside = windows.filter((window) => window.end >= start && window.end < next);
    samples.push(Math.max(0, ...inside.map(({ value }) => value)));
  }
  if (samples.length < baseline.min_samples) return -Infinity;
  const usual = median(samples);
  return usual + baseline.factor * (1.4826 * median(samples.map((sample) => Math.abs(sample - usual))));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const above = sorted[Math.floor(sorted.length / 2)]!;
  return sorted.length % 2 === 1 ? above : (sorted[sorted.length / 2 - 1]! + above) / 2;
}
