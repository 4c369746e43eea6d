/**
 * `vigie.baseline`: a lower bound that follows the group's own history. The bound of the standard part stays as a
 * floor. What a window is compared with, and when: detect/baseline-gate.ts and window/value-history.ts.
 */

import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { missing, readChoice, readMap, refuseOtherKeys } from '../reader.ts';
import type { Baseline } from '../rule.ts';
import type { YamlMap } from '../yaml-tree.ts';
import { readCount, readDuration, readNumber } from './extension.ts';
import type { Measured } from './extension.ts';
import { hasLowerBounds } from './lower-bounds.ts';

const KEYS = ['history', 'bucket', 'season', 'method', 'factor', 'min_samples'] as const;

/** Most numbers that a group holds per rule: one per bucket. */
const MAX_BUCKETS = 4_096;

export function readBaseline(root: YamlMap, key: string, faults: Faults): Baseline | undefined {
  const map = readMap(root, key, faults);
  if (map === undefined) return undefined;
  const before = faults.errors;
  refuseOtherKeys(map, KEYS, key, faults);
  need(map, 'history', 'say how far back to look, e.g. history: 28d', faults);
  need(map, 'bucket', 'say of how long a time each sample is the largest value, e.g. bucket: 1d', faults);
  need(map, 'factor', 'say how many deviations above the median are still usual, e.g. factor: 4', faults);
  need(map, 'min_samples', 'say how many samples are enough to go by, e.g. min_samples: 10', faults);
  const historyMs = given(map, 'history', readDuration, faults);
  const bucketMs = given(map, 'bucket', readDuration, faults);
  const seasonMs = given(map, 'season', readDuration, faults) ?? bucketMs;
  readChoice(map, 'method', ['mad'], faults);
  const factor = given(map, 'factor', readNumber, faults);
  const minSamples = given(map, 'min_samples', readCount, faults);
  if (faults.errors > before) return undefined;
  const baseline = { historyMs, bucketMs, seasonMs, factor, minSamples } as Baseline;
  return isWhole(map, baseline, faults) ? baseline : undefined;
}

/** Whether history and season are whole buckets, and these not too many. Reports faults. */
function isWhole(map: YamlMap, { historyMs, bucketMs, seasonMs }: Baseline, faults: Faults): boolean {
  const before = faults.errors;
  const source = (key: string): string => shown(textOf(map, key));
  for (const [key, ms] of [
    ['history', historyMs],
    ['season', seasonMs],
  ] as const) {
    if (ms % bucketMs === 0) continue;
    faults.error(
      map.entries.get(key)!.value,
      'BAD_VALUE',
      `${key} is ${source(key)}; expected a multiple of the bucket, ${source('bucket')}`,
    );
  }
  if (faults.errors === before && historyMs / bucketMs > MAX_BUCKETS) {
    faults.error(
      map.entries.get('bucket')!.value,
      'BAD_VALUE',
      `a history of ${source('history')} in buckets of ${source('bucket')} is ${historyMs / bucketMs} buckets for every group; at most ${MAX_BUCKETS} are held: use longer buckets`,
    );
  }
  return faults.errors === before;
}

/** Checks a baseline against its rule. */
export function fitBaseline(
  root: YamlMap,
  key: string,
  rule: Measured,
  faults: Faults,
  baseline: Baseline,
): void {
  if (!hasLowerBounds(root, key, rule, faults)) return;
  if (root.entries.has('vigie.sequence')) {
    faults.error(
      root.entries.get(key)!.place,
      'MISPLACED_EXTENSION',
      `${key} and vigie.sequence do not go together; write two rules`,
    );
    return;
  }
  const most = mostSamples(baseline, rule.timespanMs);
  if (baseline.minSamples <= most) return;
  const { value } = root.entries.get(key)!;
  const map = value as YamlMap;
  faults.error(
    map.entries.get('min_samples')!.value,
    'BAD_NUMBER',
    `min_samples is ${baseline.minSamples}, but a window is never compared with more than ${Math.max(0, most)} buckets of this history${map.entries.has('season') ? ' that are in the same phase of the season' : ''}; use a longer history or fewer samples`,
  );
}

/** The most buckets that a window can be compared with. */
function mostSamples({ historyMs, seasonMs }: Baseline, timespanMs: number): number {
  // The window's own bucket does not count, nor do those at the end of the history that the timespan reaches into.
  return Math.floor(historyMs / seasonMs) - Math.max(1, Math.ceil(timespanMs / seasonMs)) + 1;
}

function need(map: YamlMap, key: string, reason: string, faults: Faults): void {
  if (!map.entries.has(key)) missing(map, key, reason, faults);
}

function given<T>(
  map: YamlMap,
  key: string,
  read: (map: YamlMap, key: string, faults: Faults) => T | undefined,
  faults: Faults,
): T | undefined {
  return map.entries.has(key) ? read(map, key, faults) : undefined;
}

function textOf(map: YamlMap, key: string): string {
  const value = map.entries.get(key)?.value;
  return value?.kind === 'scalar' ? value.source : '';
}
