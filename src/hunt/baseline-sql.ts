/**
 * `vigie.baseline` as SQL: of the windows that reach a rule's bounds, those above what was usual in their group,
 * with the samples and the arithmetic of `window/value-history.ts`.
 *
 * There is a row for each bucket in which a group has windows. It carries the windows that reach the bounds, and
 * sees the buckets of its history. All windows of a bucket are compared with the same samples, except for where
 * these end: at the last bucket that was over before the window began, which is one of two. So medians are taken
 * once or twice a bucket, however many windows there are.
 */

import type { Baseline, CorrelationRule } from '../sigma/rule.ts';
import { boundsHold } from './measured-sql.ts';
import { type Part, rowsOver, select } from './parts.ts';
import { sqlNumber, type SqlNames } from './sql-text.ts';

const NORMAL = 1.4826;

/** Parts that follow `values`, which has every window; the last has `at` and `value` of the unusual ones. */
export function unusualOf(
  { timespanMs, bounds }: CorrelationRule,
  { historyMs, bucketMs, seasonMs, factor, minSamples }: Baseline,
  keys: readonly string[],
  names: SqlNames,
): readonly Part[] {
  const bucketOf = (at: string): string => `toInt64(floor(${at} / ${bucketMs}))`;
  const lastBefore = (at: string): string => `${bucketOf(`(${at} - ${timespanMs - 1})`)} - 1`;
  const season = seasonMs / bucketMs;
  const frame = `RANGE BETWEEN ${historyMs / bucketMs} PRECEDING AND CURRENT ROW`;
  const above = `arrayFilter(x -> ${lastBefore('x.1')} = last AND x.2 > up_to, reaching)`;
  return [
    {
      name: names.part('buckets'),
      about: 'the largest value of each bucket, and its windows that reach the bounds',
      sql: select(
        [
          ...keys,
          `${bucketOf('at')} AS bucket`,
          'max(value) AS largest',
          `groupArrayIf((at, value), ${boundsHold(bounds, 'value')}) AS reaching`,
        ],
        `FROM ${names.part('values')}\nGROUP BY ${[...keys, 'bucket'].join(', ')}`,
      ),
    },
    {
      name: names.part('histories'),
      about: 'with the buckets of its history, itself included',
      sql: select(
        [
          ...keys,
          'bucket',
          'reaching',
          `groupArray((bucket, toFloat64(largest))) ${rowsOver(keys, 'bucket', frame)} AS history`,
        ],
        `FROM ${names.part('buckets')}`,
      ),
    },
    {
      name: names.part('ends'),
      about: 'for each last bucket that was over before one of these windows began',
      sql: select(
        [
          ...keys,
          'bucket',
          'reaching',
          'history',
          `arrayJoin(arrayDistinct(arrayMap(x -> ${lastBefore('x.1')}, reaching))) AS last`,
        ],
        `FROM ${names.part('histories')}`,
      ),
    },
    {
      name: names.part('samples'),
      about:
        'the samples up to there, in order: from the first bucket that had a window, 0 where one had none',
      sql: select(
        [
          ...keys,
          'reaching',
          'last',
          `arrayFilter(x -> x.1 <= last AND (bucket - x.1) % ${season} = 0, history) AS had`,
          `intDiv(bucket - arrayMin(x -> x.1, history), ${season}) - intDiv(bucket - last + ${season - 1}, ${season}) + 1 AS size`,
          `arraySort(arrayResize(arrayMap(x -> x.2, had), greatest(0, size), toFloat64(0))) AS samples`,
        ],
        `FROM ${names.part('ends')}`,
      ),
    },
    {
      name: names.part('usual'),
      about: 'what is usual after these',
      sql: select(
        [
          ...keys,
          'reaching',
          'last',
          `${medianOf('samples')} AS median`,
          'arraySort(arrayMap(x -> abs(x - median), samples)) AS deviations',
          `if(length(samples) < ${minSamples}, -inf, median + ${sqlNumber(factor)} * (${NORMAL} * ${medianOf('deviations')})) AS up_to`,
        ],
        `FROM ${names.part('samples')}`,
      ),
    },
    {
      name: names.part('unusual'),
      about: 'the windows that are worth more',
      sql: select(
        [...keys, `arrayJoin(${above}) AS one`, 'one.1 AS at', 'one.2 AS value'],
        `FROM ${names.part('usual')}`,
      ),
    },
  ];
}

/** Median of a sorted list; if its length is odd, both elements are the same. */
function medianOf(list: string): string {
  return `((${list}[intDiv(length(${list}) + 1, 2)] + ${list}[intDiv(length(${list}), 2) + 1]) / 2)`;
}
