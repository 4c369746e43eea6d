/** What of the windows of a correlation is counted, as columns over its sightings and their comings and goings. */

import { MOST_COMBINATIONS } from '../detect/values.ts';
import type { Condition } from '../sigma/ast.ts';
import type { Bound, CorrelationRule } from '../sigma/rule.ts';
import type { ArchivedFields } from './archived-fields.ts';
import { joined } from './condition-sql.ts';
import { sqlNumber } from './sql-text.ts';

/** What of the windows of a rule is counted. */
export interface Measured {
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

export function measureOf(
  rule: CorrelationRule,
  conditions: readonly string[],
  fields: ArchivedFields,
): Measured {
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
export function combinationsFit(lengths: readonly string[]): string {
  return `${lengths.join(' * ')} <= ${MOST_COMBINATIONS}`;
}

/** What ClickHouse is made to say where a sum would not be exact. */
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
