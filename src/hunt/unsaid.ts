/** What of a correlation cannot be said in SQL. */

import type { CorrelationRule } from '../sigma/rule.ts';
import { notCompiled } from './refusal.ts';
import { pathOf } from '../sigma/aliases.ts';

/** Throws HUNT_NOT_COMPILED for what is not compiled to SQL. `chained`: the correlations among its rules. */
export function checkWindows(
  rule: CorrelationRule,
  chained: readonly (CorrelationRule | undefined)[],
  isPerson: (path: string) => boolean,
): void {
  const refuse = (place: string, why: string): never => {
    throw notCompiled(rule, place, why);
  };
  const { type, aliases, newTerms, sequence, begunBefore, groupBy, fields } = rule;
  if (!COMPILED_TYPES.includes(type))
    refuse(`type ${type}`, `only ${COMPILED_TYPES.join(', ')} are compiled`);
  if (newTerms !== undefined) refuse('vigie.new_terms', 'what is new in a group is not compiled');
  if (sequence !== undefined) refuse('vigie.sequence', 'runs of ids are not compiled');
  if (begunBefore !== undefined) refuse('vigie.begun_before', 'dates in fields are not compiled');
  if (type === 'value_sum' && chained.some((each) => each !== undefined))
    refuse('type value_sum', 'firings have no amounts');
  // An event that matches two rules counts once in a group, by the values that it has under one of them.
  if (aliases.size > 0 && !type.startsWith('temporal') && rule.rules.length > 1)
    refuse('aliases', `fields that are called differently by rule are not compiled for ${type}`);
  for (const paths of [groupBy, fields]) {
    if (new Set(paths).size < paths.length) refuse('group-by or field', 'it names one field twice');
  }
  for (const path of [...groupBy, ...fields].flatMap((field) =>
    rule.rules.map((key) => pathOf(rule, key, field)),
  )) {
    if (path === 'event.id') refuse(`field ${path}`, 'the archive gives events without an id one of its own');
    if (!path.isWellFormed()) refuse(`field ${path}`, 'its name is no well-formed text');
    if (type === 'value_sum' && isPerson(path)) refuse(`field ${path}`, 'ids of persons are no amounts');
  }
}

const COMPILED_TYPES: readonly CorrelationRule['type'][] = [
  'event_count',
  'value_count',
  'value_sum',
  'temporal',
  'temporal_ordered',
];
