/**
 * The firings of a correlation as SQL over the events that match its base rules.
 *
 * Windows truly slide, and none is counted anew: what a window holds comes in with its event and goes out one timespan
 * later, so the running sum of comings and goings, in the order of time, is what the window (t − timespan, t] holds. A
 * distinct value goes out when it is seen again, if that is sooner. Each step is one sort, however much a window holds.
 *
 * A firing is a true window end after none for longer than the resolve timeout, as in docs/rule-language.md.
 */

import { MOST_COMBINATIONS } from '../detect/values.ts';
import type { Condition } from '../sigma/ast.ts';
import type { Bound, CorrelationRule } from '../sigma/rule.ts';
import type { ArchivedFields } from './archived-fields.ts';
import { joined } from './condition-sql.ts';
import { notCompiled } from './refusal.ts';
import { indented, type SqlNames, sqlNumber } from './sql-text.ts';

/** A group-by field, and the column that has its value; null where an event without it is in a group. */
export interface GroupColumn {
  readonly field: string;
  readonly column: string;
}

/** A named part of a statement. */
export interface Part {
  readonly name: string;
  readonly about: string;
  readonly sql: string;
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
  names: SqlNames,
): Windows {
  const { timespanMs, resolveTimeoutMs } = rule;
  const groups = rule.groupBy.map((field) => ({
    field,
    texts: fields.texts(field),
    column: names.name('g', field),
  }));
  const measured = measureOf(rule, conditions, fields);
  const keys = groups.map(({ column }) => column);
  const { counters, carried } = measured;
  const overTime = (frame = ''): string =>
    `OVER (${keys.length === 0 ? '' : `PARTITION BY ${keys.join(', ')} `}ORDER BY at${frame})`;
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
      [...keys, 'at', 'is_end', ...counters.map(({ name }) => `sum(${name}) ${overTime()} AS ${name}_held`)],
      'FROM steps',
    ),
  };
  const values: Part = {
    name: 'values',
    about: 'what it is worth',
    sql: select(
      [...keys, 'at', `${measured.value} AS value`],
      `FROM windows\nWHERE is_end AND ${measured.holds ?? boundsHold(rule.bounds, measured.value)}`,
    ),
  };
  const trueWindows: Part = {
    name: 'true_windows',
    about: 'with the time of the one before it in its group, long ago where there is none',
    sql: select(
      [
        ...keys,
        'at',
        'value',
        `lagInFrame(at, 1, at - ${resolveTimeoutMs + 1}) ${overTime(' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW')} AS before`,
      ],
      'FROM values',
    ),
  };
  return {
    groups: groups.map(({ field, column }) => ({ field, column })),
    columns: [...groups.map(({ texts }) => texts), ...measured.columns],
    parts: [sightings, stays, comings, steps, windows, values, trueWindows],
  };
}

function select(columns: readonly string[], rest: string): string {
  return `SELECT\n${indented(columns.join(',\n'))}\n${rest}`;
}

/** What of the windows of a rule is counted. */
interface Measured {
  readonly about: string;
  /** Of the part `matched`. */
  readonly columns: readonly string[];
  /** Of the part `sightings`, beside time and groups. */
  readonly select: readonly string[];
  readonly fits: readonly string[];
  /** Columns of sightings that make up a value which counts once in a window; none where each sighting counts. */
  readonly values: readonly string[];
  /** Columns of sightings that changes are made of. */
  readonly carried: readonly string[];
  readonly counters: readonly { readonly name: string; readonly change: string }[];
  readonly value: string;
  /** Undefined: the bounds decide. */
  readonly holds: string | undefined;
}

function measureOf(rule: CorrelationRule, conditions: readonly string[], fields: ArchivedFields): Measured {
  const each: Measured = {
    about: 'each event in each of its groups',
    columns: [],
    select: [],
    fits: [],
    values: [],
    carried: [],
    counters: [{ name: 'count', change: 'step.2' }],
    value: 'count_held',
    holds: undefined,
  };
  switch (rule.type) {
    case 'event_count':
      return each;
    case 'value_count': {
      const texts = rule.fields.map((field) => fields.texts(field));
      const values = rule.fields.map((_, i) => `value_${i + 1}`);
      // Of one field the engine takes any number on arrival.
      const isBounded = texts.length > 1 || !hasLowerBounds(rule);
      return {
        ...each,
        about: 'each value in each group of its event',
        columns: texts,
        select: texts.map((field, i) => `arrayJoin(${field}) AS ${values[i]!}`),
        fits: isBounded ? [combinationsFit(texts.map((field) => `length(${field})`))] : [],
        values,
      };
    }
    case 'value_sum': {
      const numbers = fields.numbers(rule.fields[0]!);
      const taken = hasLowerBounds(rule) ? 'x >= 0 AND x < inf' : 'abs(x) < inf';
      const amounts = `arrayFilter(x -> ${taken}, ${numbers})`;
      const isWhole = `arrayAll(x -> x = round(x) AND abs(x) <= ${Number.MAX_SAFE_INTEGER}, ${amounts})`;
      return {
        ...each,
        about: 'each event that has an amount, in each of its groups',
        columns: [numbers],
        select: [`toInt64(arraySum(${amounts})) AS amount`],
        fits: [`notEmpty(${amounts})`, `throwIf(NOT ${isWhole}, '${FRACTIONS}') = 0`],
        carried: ['amount'],
        counters: [{ name: 'sum', change: 'step.2 * amount' }],
        value: 'sum_held',
      };
    }
    default: {
      const marks = conditions.map((_, i) => `rule_${i + 1}`);
      const held = marks.map((mark) => `(${mark}_held > 0)`);
      const { ruleCondition } = rule;
      return {
        ...each,
        about: 'each event in each of its groups, with the rules that it matches',
        columns: conditions.map((condition, i) => `${condition} AS ${marks[i]!}`),
        select: marks,
        carried: marks,
        counters: marks.map((name) => ({ name, change: `step.2 * ${name}` })),
        value: `(${held.join(' + ')})`,
        holds: ruleCondition && ruleHolds(ruleCondition, (key) => held[rule.rules.indexOf(key)]!),
      };
    }
  }
}

/** Condition that lists of values of these lengths make no more combinations than the engine looks at. */
function combinationsFit(lengths: readonly string[]): string {
  return `${lengths.join(' * ')} <= ${MOST_COMBINATIONS}`;
}

/** What ClickHouse is made to say where a sum would not be exact. */
export const FRACTIONS = 'vigie: some amount is no whole number below 2^53';

function hasLowerBounds({ bounds }: CorrelationRule): boolean {
  return bounds.every(({ op }) => op === 'gt' || op === 'gte');
}

const OPERATORS = { gt: '>', gte: '>=', lt: '<', lte: '<=', eq: '=', neq: '!=' } as const;

function boundsHold(bounds: readonly Bound[], value: string): string {
  return joined(
    'and',
    bounds.map(({ op, value: bound }) => `${value} ${OPERATORS[op]} ${sqlNumber(bound)}`),
  );
}

function ruleHolds(condition: Condition, isHeld: (key: string) => string): string {
  switch (condition.kind) {
    case 'ref':
      return isHeld(condition.name);
    case 'not':
      return `NOT (${ruleHolds(condition.part, isHeld)})`;
    default:
      return joined(
        condition.kind,
        condition.parts.map((part) => ruleHolds(part, isHeld)),
      );
  }
}

/** Throws HUNT_NOT_COMPILED for what is not said in SQL. */
export function checkWindows(rule: CorrelationRule, isPerson: (path: string) => boolean): void {
  const refuse = (place: string, why: string): never => {
    throw notCompiled(rule, place, why);
  };
  const { type, aliases, baseline, newTerms, sequence, begunBefore, scaleBy, groupBy, fields } = rule;
  if (!COMPILED_TYPES.includes(type))
    refuse(`type ${type}`, `only ${COMPILED_TYPES.join(', ')} are compiled`);
  if (aliases.size > 0) refuse('aliases', 'fields that are called differently by rule are not compiled');
  if (baseline !== undefined) refuse('vigie.baseline', 'what a group did before is not compiled');
  if (newTerms !== undefined) refuse('vigie.new_terms', 'what is new in a group is not compiled');
  if (sequence !== undefined) refuse('vigie.sequence', 'runs of ids are not compiled');
  if (begunBefore !== undefined) refuse('vigie.begun_before', 'the order of events is not compiled');
  if (scaleBy !== undefined) refuse('vigie.scale_by', 'bounds that come from a list are not compiled');
  for (const paths of [groupBy, fields]) {
    if (new Set(paths).size < paths.length) refuse('group-by or field', 'it names one field twice');
  }
  for (const path of [...groupBy, ...fields]) {
    if (path === 'event.id') refuse(`field ${path}`, 'the archive gives events without an id one of its own');
    if (!path.isWellFormed()) refuse(`field ${path}`, 'its name is no well-formed text');
  }
  if (type === 'value_sum' && isPerson(fields[0]!))
    refuse(`field ${fields[0]}`, 'ids of persons are no amounts');
}

const COMPILED_TYPES: readonly CorrelationRule['type'][] = [
  'event_count',
  'value_count',
  'value_sum',
  'temporal',
];
