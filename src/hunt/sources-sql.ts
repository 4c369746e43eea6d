/**
 * What a correlation counts, as rows: the archived events that match its base rules, and the firings of the
 * correlations that it refers to, each as an event with the `group-by` values of its rule as fields.
 */

import { pathOf } from '../sigma/aliases.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { ArchivedFields } from './archived-fields.ts';
import { joined } from './sql-text.ts';

/** The rows of a part whose column `at` is their time. */
export interface Source {
  readonly from: string;
  /** Undefined: all rows. */
  readonly where: string | undefined;
  /** List of the texts of a field, which is named as in the correlation. */
  readonly texts: (field: string) => string;
  readonly numbers: (field: string) => string;
  /** For each rule of the correlation, in order, whether a row is a match of it. */
  readonly marks: readonly string[];
}

/** A group-by field and the column with its value; null if an event without the field is in a group. */
export interface GroupColumn {
  readonly field: string;
  readonly column: string;
}

/**
 * The events of a part, which must have the `columns`: once or, if rules name fields differently, once per rule.
 * `conditions` are undefined for rules that are correlations.
 */
export function eventSources(
  rule: CorrelationRule,
  conditions: readonly (string | undefined)[],
  fields: ArchivedFields,
  from: string,
): { readonly sources: readonly Source[]; readonly columns: ReadonlySet<string> } {
  const columns = new Set<string>();
  const column = (name: string): string => {
    columns.add(name);
    return name;
  };
  const marks = conditions.map((condition, i) => condition && `rule_${i + 1}`);
  const sourceOf = (key: string, mine: readonly (string | undefined)[]): Source => ({
    from,
    where:
      rule.aliases.size === 0
        ? undefined
        : joined(
            'or',
            mine.filter((mark) => mark !== undefined),
          ),
    texts: (field) => column(fields.texts(pathOf(rule, key, field))),
    numbers: (field) => column(fields.numbers(pathOf(rule, key, field))),
    marks: mine.map((mark) => mark ?? '0'),
  });
  const bases = marks.flatMap((mark, i) => (mark === undefined ? [] : [i]));
  // Asks which rules an event matches only where it makes a difference.
  if (rule.aliases.size > 0 || rule.type.startsWith('temporal'))
    for (const i of bases) column(`${conditions[i]!} AS ${marks[i]!}`);
  const sources =
    rule.aliases.size === 0
      ? [sourceOf('', marks)].slice(0, bases.length)
      : bases.map((i) =>
          sourceOf(
            rule.rules[i]!,
            marks.map((mark, other) => (other === i ? mark : undefined)),
          ),
        );
  return { sources, columns };
}

/** The firings of one of the rules, in the part `name` with the columns of its groups. */
export function firingSource(
  rule: CorrelationRule,
  index: number,
  name: string,
  groups: readonly GroupColumn[],
): Source {
  const texts = (field: string): string => {
    const path = pathOf(rule, rule.rules[index]!, field);
    const column = groups.find((group) => group.field === path)?.column;
    return column === undefined
      ? `CAST([], 'Array(String)')`
      : `if(isNull(${column}), [], [assumeNotNull(${column})])`;
  };
  return {
    from: name,
    where: undefined,
    texts,
    numbers: texts,
    marks: rule.rules.map((_, i) => (i === index ? '1' : '0')),
  };
}
