/**
 * `temporal_ordered` as SQL: how many of its rules, taken in their order, match one after another in the window.
 *
 * For each length, the chain that begins latest is enough: it is in the window if any is. A chain of length k that
 * ends with rule j continues the latest one of length k − 1 that ended with an earlier rule, at that time or
 * before; so each length is a running maximum over the one before it. Matches of one time are in order.
 */

import { type Part, rowsOver, select } from './parts.ts';
import type { SqlNames } from './sql-text.ts';

/** Parts that follow `sightings`, which has these marks of the rules; the last has the value of every window. */
export function orderedOf(
  timespanMs: number,
  marks: readonly string[],
  keys: readonly string[],
  names: SqlNames,
): readonly Part[] {
  /** The latest beginning of a chain of this length that ends with a rule before `before`; NEVER if there is none. */
  const latest = (length: number, before: number): string =>
    `greatest(${[NEVER, ...marks.flatMap((_, j) => (j >= length - 1 && j < before ? [begin(length, j)] : []))].join(', ')})`;
  const lengths = marks.map((_, k) => k + 1);
  const over = rowsOver(keys, 'at');
  const seen: Part = {
    name: names.part('seen'),
    about: 'the rules that match at each time',
    sql: select(
      [...keys, 'at', ...marks.map((mark) => `max(${mark}) AS matches_${mark}`)],
      `FROM ${names.part('sightings')}\nGROUP BY ${[...keys, 'at'].join(', ')}`,
    ),
  };
  const chains = lengths.map((length): Part => ({
    name: names.part(`chains_${length}`),
    about: `when the latest ${length} of them in order began, by the last of these`,
    sql: select(
      [
        '*',
        ...marks.flatMap((mark, j) => {
          if (j < length - 1) return [];
          const from = length === 1 ? 'at' : latest(length - 1, j);
          return [`max(if(matches_${mark} > 0, ${from}, ${NEVER})) ${over} AS ${begin(length, j)}`];
        }),
      ],
      `FROM ${names.part(length === 1 ? 'seen' : `chains_${length - 1}`)}`,
    ),
  }));
  const inWindow = (beginning: string): string => `(${beginning} > at - ${timespanMs})`;
  const longest = lengths.map((length) => inWindow(latest(length, marks.length))).join(' + ');
  const windows: Part = {
    name: names.part('windows'),
    about: 'which of them are in the window that ends there, and the most in order',
    sql: select(
      [
        ...keys,
        'at',
        'true AS is_end',
        ...marks.map((mark, j) => `${inWindow(begin(1, j))} AS ${mark}_held`),
        `${longest} AS longest_held`,
      ],
      `FROM ${names.part(`chains_${marks.length}`)}`,
    ),
  };
  return [seen, ...chains, windows];
}

const NEVER = `toInt64(${Number.MIN_SAFE_INTEGER})`;

function begin(length: number, last: number): string {
  return `begin_${length}_${last + 1}`;
}
