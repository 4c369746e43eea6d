/**
 * `vigie.scale_by` as SQL: of the true windows of a group that has a row in the list, those that reach its number
 * too.
 *
 * Only rows that ask for more than the rule does are used: in a list of all accounts those are few.
 */

import { mayBeShortened, shortText } from '../detect/short-text.ts';
import { valuesOf } from '../detect/values.ts';
import type { Lists } from '../lookup/list.ts';
import { numbersIn } from '../lookup/views.ts';
import type { CorrelationRule, ScaleBy } from '../sigma/rule.ts';
import { type Part, select } from './parts.ts';
import { notCompiled } from './refusal.ts';
import { joined, sqlDouble, type SqlNames, sqlText } from './sql-text.ts';
import type { LongestPart } from './statement-length.ts';

/** Parts that follow `from`, which has `at` and `value` of true windows; the last has those that remain. */
export function scaledOf(
  rule: CorrelationRule,
  { list: name, column, factor }: ScaleBy,
  lists: Lists,
  columnOf: ReadonlyMap<string, string>,
  from: string,
  names: SqlNames,
  longest: LongestPart,
): readonly Part[] {
  const refuse = (why: string): never => {
    throw notCompiled(rule, 'vigie.scale_by', `the list ${name} ${why}`);
  };
  const list = lists.known(name);
  const fields = list.columns.filter((each) => each !== column);
  const lower = rule.bounds.filter(({ op }) => op === 'gt' || op === 'gte');
  const least = Math.min(...lower.map(({ value }) => value));
  const rows = [...list.view(numbersIn(column)).value.byKey]
    .map(([key, number]) => ({ cells: valuesOf(key, fields.length) as string[], least: factor * number }))
    .filter((row) => row.least > least)
    // Groups have shortened texts, so none has a longer one.
    .filter(({ cells }) => cells.every((cell) => shortText(cell) === cell));
  if (rows.some(({ cells }) => cells.some(mayBeShortened)))
    refuse('has a value of the length to which groups are shortened');
  if (rows.length === 0) return [];
  const keys = [...columnOf.values()];
  const reached = joined(
    'and',
    lower.map(({ op }) => `value ${op === 'gt' ? '>' : '>='} least`),
  );
  // Literals alone: with functions in each row, twice the length, and ten times as long to analyse.
  const tuples = rows
    .map((row) => `(${[...row.cells.map(sqlText), sqlDouble(row.least)].join(', ')})`)
    .join(', ');
  longest.note(rule, `vigie.scale_by, list ${name}`, tuples);
  const cells = fields.map((_, i) => `cell_${i + 1}`);
  const same = fields.map((field, i) => `${columnOf.get(field)!} = ${cells[i]!}`);
  // A list of one number alone has one row, which holds for all groups.
  const join =
    same.length === 0
      ? `CROSS JOIN ${names.part('least')}`
      : `LEFT JOIN ${names.part('least')} ON ${same.join(' AND ')}`;
  return [
    {
      name: names.part('least'),
      about: `what groups have to reach by the list ${name}, where that is more than the rule asks`,
      sql: select(
        [
          ...cells.map((cell, i) => `one.${i + 1} AS ${cell}`),
          `toNullable(${fields.length === 0 ? 'one' : `one.${fields.length + 1}`}) AS least`,
        ],
        `FROM (SELECT arrayJoin([${tuples}]) AS one)`,
      ),
    },
    {
      name: names.part('scaled'),
      about: 'the windows that reach it',
      sql: select([...keys, 'at', 'value'], `FROM ${from} ${join}\nWHERE ifNull(${reached}, true)`),
    },
  ];
}
