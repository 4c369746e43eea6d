/**
 * The firings of a correlation as SQL over the events that match its base rules.
 *
 * Windows truly slide, and none is counted from scratch: what a window holds comes in with its event and goes out
 * one timespan later, so the running sum of comings and goings, in order of time, is what the window (t −
 * timespan, t] holds. A distinct value goes out when it is seen again, if that is sooner. Each step is one sort,
 * however much a window holds.
 *
 * A firing is the end of a true window after none for longer than the resolve timeout, as in
 * docs/rule-language.md.
 */

import type { Lists } from '../lookup/list.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import { unusualOf } from './baseline-sql.ts';
import { combinationsFit, type Measured, measureOf } from './measured-sql.ts';
import { orderedOf } from './ordered-sql.ts';
import { type Part, rowsOver, select } from './parts.ts';
import { scaledOf } from './scaled-sql.ts';
import type { GroupColumn, Source } from './sources-sql.ts';
import { joined, type SqlNames } from './sql-text.ts';
import type { LongestPart } from './statement-length.ts';

export interface Windows {
  readonly groups: readonly GroupColumn[];
  /** The last has the true windows, each with the time of the one before it. */
  readonly parts: readonly Part[];
}

/** The windows over the rows of `sources`. Throws HUNT_NOT_COMPILED. */
export function windowsOf(
  rule: CorrelationRule,
  sources: readonly Source[],
  lists: Lists,
  names: SqlNames,
  longest: LongestPart,
): Windows {
  const { timespanMs, resolveTimeoutMs, baseline, scaleBy } = rule;
  const groups = rule.groupBy.map((field) => ({ field, column: names.name('g', field) }));
  const keys = groups.map(({ column }) => column);
  const measured = measureOf(rule);
  const sightings: Part = {
    name: names.part('sightings'),
    about: measured.about,
    sql: sources.map((source) => sightingsOf(rule, source, groups, measured)).join('\nUNION ALL\n'),
  };
  const windows =
    rule.type === 'temporal_ordered'
      ? orderedOf(timespanMs, measured.carried, keys, names)
      : slidingOf(timespanMs, measured, keys, names);
  const values: Part = {
    name: names.part('values'),
    about: 'what it is worth',
    sql: select(
      [...keys, 'at', `${measured.value} AS value`],
      `FROM ${names.part('windows')}\nWHERE ${joined('and', ['is_end', ...(baseline === undefined ? [measured.holds] : [])])}`,
    ),
  };
  const unusual = baseline === undefined ? [] : unusualOf(rule, baseline, keys, names);
  const reached = [values, ...unusual];
  const columnOf = new Map(groups.map(({ field, column }) => [field, column]));
  const scaled =
    scaleBy === undefined
      ? []
      : scaledOf(rule, scaleBy, lists, columnOf, reached.at(-1)!.name, names, longest);
  const judged = [...reached, ...scaled];
  const trueWindows: Part = {
    name: names.part('true_windows'),
    about: 'with the time of the one before it in its group, long ago where there is none',
    sql: select(
      [
        ...keys,
        'at',
        'value',
        `lagInFrame(at, 1, at - ${resolveTimeoutMs + 1}) ${rowsOver(keys, 'at', 'ROWS BETWEEN 1 PRECEDING AND CURRENT ROW')} AS before`,
      ],
      `FROM ${judged.at(-1)!.name}`,
    ),
  };
  return { groups, parts: [sightings, ...windows, ...judged, trueWindows] };
}

function sightingsOf(
  { missingFields }: CorrelationRule,
  source: Source,
  groups: readonly GroupColumn[],
  measured: Measured,
): string {
  const mayMiss = missingFields === 'group';
  const inGroups = groups.map(({ field, column }) => {
    const texts = source.texts(field);
    const values = `arrayDistinct(${texts})`;
    return `arrayJoin(${mayMiss ? `if(empty(${texts}), [NULL], ${values})` : values}) AS ${column}`;
  });
  const sizes = groups.map(({ field }) => {
    const size = `length(arrayDistinct(${source.texts(field)}))`;
    return mayMiss ? `greatest(1, ${size})` : size;
  });
  const wanted = [
    ...(source.where === undefined ? [] : [source.where]),
    ...(groups.length === 0 ? [] : [combinationsFit(sizes)]),
    ...measured.fits(source),
  ];
  return select(
    ['at', ...inGroups, ...measured.select(source)],
    `FROM ${source.from}${wanted.length === 0 ? '' : `\nWHERE ${wanted.join('\n  AND ')}`}`,
  );
}

/** Parts that follow `sightings`; the last has what each window holds. */
function slidingOf(
  timespanMs: number,
  { carried, counters, values }: Measured,
  keys: readonly string[],
  names: SqlNames,
): readonly Part[] {
  const again = `leadInFrame(at, 1, at + ${timespanMs}) OVER (PARTITION BY ${[...keys, ...values].join(', ')} ORDER BY at ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)`;
  const stays: Part = {
    name: names.part('stays'),
    about: 'from when to when each is in the window that ends then',
    sql: select(
      [
        ...keys,
        ...carried,
        'at',
        `${values.length === 0 ? `at + ${timespanMs}` : `least(at + ${timespanMs}, ${again})`} AS gone`,
      ],
      `FROM ${names.part('sightings')}`,
    ),
  };
  const comings: Part = {
    name: names.part('comings'),
    about: 'what comes and goes, each at its time',
    sql: select(
      [...keys, ...carried, 'arrayJoin([(at, 1), (gone, -1)]) AS step'],
      `FROM ${names.part('stays')}`,
    ),
  };
  const steps: Part = {
    name: names.part('steps'),
    about: 'all that does so at one time, as a window ends where something comes',
    sql: select(
      [
        ...keys,
        'step.1 AS at',
        ...counters.map(({ name, change }) => `sum(${change}) AS ${name}`),
        'max(step.2) = 1 AS is_end',
      ],
      `FROM ${names.part('comings')}\nGROUP BY ${[...keys, 'step.1'].join(', ')}`,
    ),
  };
  const windows: Part = {
    name: names.part('windows'),
    about: 'what the window holds that ends there',
    sql: select(
      [
        ...keys,
        'at',
        'is_end',
        ...counters.map(({ name }) => `sum(${name}) ${rowsOver(keys, 'at')} AS ${name}_held`),
      ],
      `FROM ${names.part('steps')}`,
    ),
  };
  return [stays, comings, steps, windows];
}
