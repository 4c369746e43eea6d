/**
 * The firings of a correlation as SQL over the events that match its base rules.
 *
 * Windows truly slide, and none is counted anew: what a window holds comes in with its event and goes out one timespan
 * later, so the running sum of comings and goings, in the order of time, is what the window (t − timespan, t] holds. A
 * distinct value goes out when it is seen again, if that is sooner. Each step is one sort, however much a window holds.
 *
 * A firing is a true window end after none for longer than the resolve timeout, as in docs/rule-language.md.
 */

import type { Lists } from '../lookup/list.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { ArchivedFields } from './archived-fields.ts';
import { unusualOf } from './baseline-sql.ts';
import { joined } from './condition-sql.ts';
import { boundsHold, combinationsFit, measureOf } from './measured-sql.ts';
import { type Part, rowsOver, select } from './parts.ts';
import { scaledOf } from './scaled-sql.ts';
import type { SqlNames } from './sql-text.ts';

/** A group-by field, and the column that has its value; null where an event without it is in a group. */
export interface GroupColumn {
  readonly field: string;
  readonly column: string;
}

export interface Windows {
  readonly groups: readonly GroupColumn[];
  /** Columns that the part `matched` has to have beside `at`, each an expression over a row of the archive. */
  readonly columns: readonly string[];
  /** The parts that follow; the last has the true windows, each with the time of the one before it. */
  readonly parts: readonly Part[];
}

/** `conditions`: of the base rules, in the order of `rule.rules`. Throws HUNT_NOT_COMPILED. */
export function windowsOf(
  rule: CorrelationRule,
  conditions: readonly string[],
  fields: ArchivedFields,
  lists: Lists,
  names: SqlNames,
): Windows {
  const { timespanMs, resolveTimeoutMs, baseline, scaleBy } = rule;
  const groups = rule.groupBy.map((field) => ({
    field,
    texts: fields.texts(field),
    column: names.name('g', field),
  }));
  const measured = measureOf(rule, conditions, fields);
  const keys = groups.map(({ column }) => column);
  const { counters, carried } = measured;
  const mayMiss = rule.missingFields === 'group';
  const inGroups = groups.map(({ texts, column }) => {
    const values = `arrayDistinct(${texts})`;
    return `arrayJoin(${mayMiss ? `if(empty(${texts}), [NULL], ${values})` : values}) AS ${column}`;
  });
  const sizes = groups.map(({ texts }) => `length(arrayDistinct(${texts}))`);
  const fits = [
    ...(groups.length === 0
      ? []
      : [combinationsFit(mayMiss ? sizes.map((size) => `greatest(1, ${size})`) : sizes)]),
    ...measured.fits,
  ];
  const sightings: Part = {
    name: 'sightings',
    about: measured.about,
    sql: select(
      ['at', ...inGroups, ...measured.select],
      `FROM matched${fits.length === 0 ? '' : `\nWHERE ${fits.join('\n  AND ')}`}`,
    ),
  };
  const again = `leadInFrame(at, 1, at + ${timespanMs}) OVER (PARTITION BY ${[...keys, ...measured.values].join(', ')} ORDER BY at ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)`;
  const stays: Part = {
    name: 'stays',
    about: 'from when to when each is in the window that ends then',
    sql: select(
      [
        ...keys,
        ...carried,
        'at',
        `${measured.values.length === 0 ? `at + ${timespanMs}` : `least(at + ${timespanMs}, ${again})`} AS gone`,
      ],
      'FROM sightings',
    ),
  };
  const comings: Part = {
    name: 'comings',
    about: 'what comes and goes, each at its time',
    sql: select([...keys, ...carried, 'arrayJoin([(at, 1), (gone, -1)]) AS step'], 'FROM stays'),
  };
  const steps: Part = {
    name: 'steps',
    about: 'all that does so at one time, as a window ends where something comes',
    sql: select(
      [
        ...keys,
        'step.1 AS at',
        ...counters.map(({ name, change }) => `sum(${change}) AS ${name}`),
        'max(step.2) = 1 AS is_end',
      ],
      `FROM comings\nGROUP BY ${[...keys, 'step.1'].join(', ')}`,
    ),
  };
  const windows: Part = {
    name: 'windows',
    about: 'what the window holds that ends there',
    sql: select(
      [
        ...keys,
        'at',
        'is_end',
        ...counters.map(({ name }) => `sum(${name}) ${rowsOver(keys, 'at')} AS ${name}_held`),
      ],
      'FROM steps',
    ),
  };
  const holds = measured.holds ?? boundsHold(rule.bounds, measured.value);
  const values: Part = {
    name: 'values',
    about: 'what it is worth',
    sql: select(
      [...keys, 'at', `${measured.value} AS value`],
      `FROM windows\nWHERE ${joined('and', ['is_end', ...(baseline === undefined ? [holds] : [])])}`,
    ),
  };
  const unusual = baseline === undefined ? [] : unusualOf(rule, baseline, keys);
  const reached = [values, ...unusual];
  const columnOf = new Map(groups.map(({ field, column }) => [field, column]));
  const scaled = scaleBy === undefined ? [] : scaledOf(rule, scaleBy, lists, columnOf, reached.at(-1)!.name);
  const judged = [...reached, ...scaled];
  const trueWindows: Part = {
    name: 'true_windows',
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
  return {
    groups: groups.map(({ field, column }) => ({ field, column })),
    columns: [...groups.map(({ texts }) => texts), ...measured.columns],
    parts: [sightings, stays, comings, steps, windows, ...judged, trueWindows],
  };
}
