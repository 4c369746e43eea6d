/** Warns of bounds that no window can satisfy, and of bounds that the first event satisfies. */

import { pathOf } from '../aliases.ts';
import { plural } from '../../figures.ts';
import { type Condition, conditionNames, type Detection, isMet } from '../ast.ts';
import { anyCountHolds, anyNumberHolds, holds } from '../bounds.ts';
import type { CorrelationDraft } from '../correlation.ts';
import { fold } from '../fold.ts';
import { literalOf } from '../pattern.ts';
import type { BaseRule, Bound, CorrelationRule } from '../rule.ts';
import { conditionPlace, correlationPlace, extensionPlace, termPlace } from './places.ts';

type ByKey = ReadonlyMap<string, BaseRule | CorrelationRule>;

/** The largest possible count, and why. */
interface Most {
  readonly most: number;
  readonly because: string;
}

const UNLIMITED: Most = { most: Infinity, because: '' };

export function warnOfBounds(draft: CorrelationDraft, rule: CorrelationRule, byKey: ByKey): void {
  warnOfLongRuns(draft, rule);
  warnOfConditions(draft, rule);
  warnOfOneRule(draft, rule);
  const { bounds } = draft;
  const [first] = bounds;
  if (first === undefined) return;
  const text = bounds.map(({ op, value }) => `${op} ${value}`).join(' and ');
  const place = conditionPlace(draft, first.op);
  const counts = ['event_count', 'value_count', 'temporal', 'temporal_ordered'].includes(rule.type);
  const satisfiable = counts ? anyCountHolds(bounds, 1, Infinity) : anyNumberHolds(bounds);
  if (!satisfiable) {
    const range = counts ? '; a window has at least one event, so its value is a whole number from 1 on' : '';
    draft.faults.warning(place, 'OUT_OF_REACH', `no value satisfies ${text}${range}`);
    return;
  }
  warnOfConstantTerms(draft, rule);
  if (rule.type === 'value_sum' && bounds.every(holdsAnySum)) {
    const message = `${text} holds for every window, as what is summed is not negative, so the first event of each group fires: write a lower bound above 0`;
    draft.faults.warning(place, 'FIRES_AT_ONCE', message);
  }
  if (!counts) return;
  const { most, because } = mostOf(rule, byKey);
  if (!anyCountHolds(bounds, 1, most)) {
    draft.faults.warning(place, 'OUT_OF_REACH', `${text} is out of reach: ${because}`);
  } else if (holds(bounds, 1) && !bounds.some(wantsEvents)) {
    draft.faults.warning(
      place,
      'FIRES_AT_ONCE',
      `${text} holds for a window of one event, so the first event of each group fires; windows end at events, so that few or none came cannot be told: write a lower bound of 2 or more`,
    );
  }
}

/**
 * Warns if all watched fields are in group-by: a group has one value of each, which is not new once the group is
 * known.
 */
function warnOfConstantTerms(draft: CorrelationDraft, { groupBy, newTerms }: CorrelationRule): void {
  if (newTerms === undefined || newTerms.fields.some((field) => !groupBy.includes(field))) return;
  const [field] = newTerms.fields;
  draft.faults.warning(
    termPlace(draft, field!),
    'OUT_OF_REACH',
    `${newTerms.fields.join(', ')} is in group-by, so a group has one value of it, which is never new, unless events hold lists; watch another field`,
  );
}

/** Warns of a run longer than a group remembers. */
function warnOfLongRuns(draft: CorrelationDraft, { sequence, maxEntries }: CorrelationRule): void {
  if (sequence === undefined || maxEntries === undefined || maxEntries >= sequence.minRun) return;
  draft.faults.warning(
    extensionPlace(draft, 'vigie.sequence', 'min_run'),
    'OUT_OF_REACH',
    `a run of ${sequence.minRun} is out of reach: vigie.max_entries lets a group remember ${maxEntries} ids`,
  );
}

/** Most names of which all combinations are tried. */
const MOST_NAMES = 12;

/** Warns of a condition over rule names that no window meets. */
function warnOfConditions(draft: CorrelationDraft, { ruleCondition, rules }: CorrelationRule): void {
  if (ruleCondition === undefined) return;
  const names = conditionNames(ruleCondition);
  if (names.length > MOST_NAMES) return;
  // Some rule has matched in every window, though perhaps none that the condition names.
  const least = rules.length > names.length ? 0 : 1;
  for (let matched = least; matched < 2 ** names.length; matched += 1) {
    if (isMet(ruleCondition, (name) => ((matched >> names.indexOf(name)) & 1) === 1)) return;
  }
  draft.faults.warning(
    conditionPlace(draft, ''),
    'OUT_OF_REACH',
    'no window meets the condition, whichever of the rules match; at least one does in each',
  );
}

/** Warns of a temporal rule that lists one rule several times: each match of that rule fires. */
function warnOfOneRule(draft: CorrelationDraft, { type, rules, ruleCondition }: CorrelationRule): void {
  if (!type.startsWith('temporal') || draft.bounds.length > 0 || ruleCondition !== undefined) return;
  if (rules.length > 1 || draft.rules?.length === 1) return;
  const message = `${type} refers to one rule, however often it is listed, so each of its matches fires: name another one that has to match with it, or count with event_count`;
  draft.faults.warning(correlationPlace(draft, 'type'), 'FIRES_AT_ONCE', message);
}

function holdsAnySum({ op, value }: Bound): boolean {
  return (op === 'gte' && value <= 0) || (op === 'gt' && value < 0);
}

/** Whether the bound excludes a window without events and is not `neq`. */
function wantsEvents(bound: Bound): boolean {
  return bound.op !== 'neq' && !holds([bound], 0);
}

function mostOf(rule: CorrelationRule, byKey: ByKey): Most {
  if (rule.type === 'event_count') return UNLIMITED;
  if (rule.type !== 'value_count') {
    const most = rule.rules.length;
    return { most, because: `it refers to ${plural(most, 'rule')}` };
  }
  const free = rule.fields.filter((field) => !rule.groupBy.includes(field));
  if (free.length === 0) {
    const what = rule.fields.join(', ');
    return {
      most: 1,
      because: `${what} is in group-by, so a group has one value of it unless events hold lists; count another field`,
    };
  }
  const [field] = free;
  if (free.length > 1 || field === undefined) return UNLIMITED;
  const values = new Set<string>();
  for (const key of rule.rules) {
    const of = byKey.get(key);
    const pinned = of?.kind === 'rule' ? pinnedValues(of, pathOf(rule, key, field)) : undefined;
    if (pinned === undefined) return UNLIMITED;
    for (const value of pinned) values.add(value);
  }
  const list = [...values].sort().join(', ');
  return {
    most: values.size,
    because: `an event that matches has ${field} ${values.size === 1 ? 'as' : 'as one of'} ${list}, unless it holds a list`,
  };
}

/** Folded texts one of which the field must equal for the rule to match; undefined if it may hold others. */
function pinnedValues(rule: BaseRule, path: string): ReadonlySet<string> | undefined {
  const ofDetection = (node: Detection): ReadonlySet<string> | undefined => {
    if (node.kind === 'and' || node.kind === 'or') return combined(node.kind, node.parts.map(ofDetection));
    if (node.kind !== 'field' || node.path !== path || node.test.kind !== 'text') return undefined;
    const literal = literalOf(node.test.pattern);
    return literal === undefined ? undefined : new Set([fold(literal)]);
  };
  const ofCondition = (node: Condition): ReadonlySet<string> | undefined => {
    if (node.kind === 'not') return undefined;
    if (node.kind === 'ref') return ofDetection(rule.detections.get(node.name)!);
    return combined(node.kind, node.parts.map(ofCondition));
  };
  return ofCondition(rule.condition);
}

function combined(
  kind: 'and' | 'or',
  parts: readonly (ReadonlySet<string> | undefined)[],
): ReadonlySet<string> | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (kind === 'or')
    return known.length < parts.length ? undefined : new Set(known.flatMap((part) => [...part]));
  return known.toSorted((a, b) => a.size - b.size)[0];
}
