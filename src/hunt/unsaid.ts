/** What of a correlation is not said in SQL. */

import type { CorrelationRule } from '../sigma/rule.ts';
import { notCompiled } from './refusal.ts';

/** Throws HUNT_NOT_COMPILED for what is not said in SQL. */
export function checkWindows(rule: CorrelationRule, isPerson: (path: string) => boolean): void {
  const refuse = (place: string, why: string): never => {
    throw notCompiled(rule, place, why);
  };
  const { type, aliases, newTerms, sequence, begunBefore, groupBy, fields } = rule;
  if (!COMPILED_TYPES.includes(type))
    refuse(`type ${type}`, `only ${COMPILED_TYPES.join(', ')} are compiled`);
  if (aliases.size > 0) refuse('aliases', 'fields that are called differently by rule are not compiled');
  if (newTerms !== undefined) refuse('vigie.new_terms', 'what is new in a group is not compiled');
  if (sequence !== undefined) refuse('vigie.sequence', 'runs of ids are not compiled');
  if (begunBefore !== undefined) refuse('vigie.begun_before', 'the order of events is not compiled');
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
