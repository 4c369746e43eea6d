/** What a correlation counts in its windows, as columns over its sightings and their comings and goings. */

import { MOST_COMBINATIONS } from '../detect/values.ts';
import type { Condition } from '../sigma/ast.ts';
import type { Bound, CorrelationRule } from '../sigma/rule.ts';
import type { Source } from './sources-sql.ts';
import { joined, sqlNumber } from './sql-text.ts';

/** What a rule counts in its windows. */
export interface Measured {
  readonly about: string;
  /** Columns of the part `sightings`, beside time and groups. */
  readonly select: (source: Source) => readonly string[];
  readonly fits: (source: Source) => readonly string[];
  /** Columns of sightings that make up a value which counts once in a window; none if each sighting counts. */
  readonly values: readonly string[];
  /** Columns of sightings from which changes are made. */
  readonly carried: readonly string[];
  readonly counters: readonly { readonly name: string; readonly change: string }[];
  readonly value: string;
  readonly holds: string;
}

export function measureOf(rule: CorrelationRule): Measured {
  const each: Measured = {
    about: 'each event in each of its groups',
    select: () => [],
    fits: () => [],
    values: [],
    carried: [],
    counters: [{ name: 'count', change: 'step.2' }],
    value: 'count_held',
    holds: boundsHold(rule.bounds, 'count_held'),
  };
  switch (rule.type) {
    case 'event_count':
      return each;
    case 'value_count': {
      const values = rule.fields.map((_, i) => `value_${i + 1}`);
      // Of a single field the engine takes any number of values on arrival.
      const isBounded = values.length > 1 || !hasLowerBounds(rule);
      return {
        ...each,
        about: 'each value in each group of its event',
        select: ({ texts }) => rule.fields.map((field, i) => `arrayJoin(${texts(field)}) AS ${values[i]!}`),
        fits: ({ texts }) =>
          isBounded ? [combinationsFit(rule.fields.map((field) => `length(${texts(field)})`))] : [],
        values,
      };
    }
    case 'value_sum': {
      const taken = hasLowerBounds(rule) ? 'x >= 0 AND x < inf' : 'abs(x) < inf';
      const amounts = ({ numbers }: Source): string =>
        `arrayFilter(x -> ${taken}, ${numbers(rule.fields[0]!)})`;
      const areWhole = (source: Source): string =>
        `arrayAll(x -> x = round(x) AND abs(x) <= ${Number.MAX_SAFE_INTEGER}, ${amounts(source)})`;
      return {
        ...each,
        about: 'each event that has an amount, in each of its groups',
        select: (source) => [`toInt64(arraySum(${amounts(source)})) AS amount`],
        fits: (source) => [
          `notEmpty(${amounts(source)})`,
          `throwIf(NOT ${areWhole(source)}, '${FRACTIONS}') = 0`,
        ],
        carried: ['amount'],
        counters: [{ name: 'sum', change: 'step.2 * amount' }],
        value: 'sum_held',
        holds: boundsHold(rule.bounds, 'sum_held'),
      };
    }
    default: {
      const marks = rule.rules.map((_, i) => `rule_${i + 1}`);
      const held = marks.map((mark) => `(${mark}_held > 0)`);
      const { ruleCondition } = rule;
      const value = rule.type === 'temporal_ordered' ? 'longest_held' : `(${held.join(' + ')})`;
      return {
        ...each,
        about: 'each event in each of its groups, with the rules that it matches',
        select: (source) =>
          source.marks.map((mark, i) => (mark === marks[i] ? mark : `${mark} AS ${marks[i]!}`)),
        carried: marks,
        counters: marks.map((name) => ({ name, change: `step.2 * ${name}` })),
        value,
        holds:
          ruleCondition === undefined
            ? boundsHold(rule.bounds, value)
            : ruleHolds(ruleCondition, (key) => held[rule.rules.indexOf(key)]!),
      };
    }
  }
}

/** Condition that lists of these lengths make no more combinations than the engine looks at. */
export function combinationsFit(lengths: readonly string[]): string {
  return `${lengths.join(' * ')} <= ${MOST_COMBINATIONS}`;
}

/** The error that ClickHouse is made to throw if a sum would not be exact. */
export const FRACTIONS = 'vigie: some amount is no whole number below 2^53';

function hasLowerBounds({ bounds }: CorrelationRule): boolean {
  return bounds.every(({ op }) => op === 'gt' || op === 'gte');
}

const OPERATORS = { gt: '>', gte: '>=', lt: '<', lte: '<=', eq: '=', neq: '!=' } as const;

export function boundsHold(bounds: readonly Bound[], value: string): string {
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
