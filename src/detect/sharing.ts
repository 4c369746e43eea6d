/**
 * Which correlation rules share a stream, and with it the state that they need.
 *
 * Rules that count the same events in the same groups go to one stream. A stream is limited by the bits with which each
 * event of its log marks the measures it holds a value for; rules that measure the same share a bit, so any number of
 * thresholds on a few measures is one stream.
 */

import { hasNot } from '../sigma/ast.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import { MEASURES } from '../window/event-log.ts';

/** The rules of each stream. */
export function draftStreams(correlations: readonly CorrelationRule[]): CorrelationRule[][] {
  const drafts = new Map<string, { rules: CorrelationRule[]; measures: Set<string> }[]>();
  for (const rule of correlations) {
    const key = streamKey(rule);
    const measure = measureKey(rule);
    const alike = drafts.get(key) ?? [];
    const draft = alike.find(({ measures }) => measures.has(measure) || measures.size < MEASURES);
    if (draft === undefined) alike.push({ rules: [rule], measures: new Set(measure && [measure]) });
    else {
      draft.rules.push(rule);
      if (measure !== '') draft.measures.add(measure);
    }
    drafts.set(key, alike);
  }
  return [...drafts.values()].flat().map(({ rules }) => rules);
}

/** The same text for rules that can share a stream. */
export function streamKey(rule: CorrelationRule): string {
  return JSON.stringify([
    // If rules have aliases, the first rule that an event matches decides which fields its values are read from.
    rule.aliases.size === 0 ? [...rule.rules].sort() : rule.rules,
    rule.groupBy,
    [...rule.aliases].map(([alias, by]) => [alias, [...by]]),
    rule.missingFields,
    rule.newTerms && [rule.newTerms, rule.maxEntries],
  ]);
}

/** The same text for rules that the same events of a stream hold a value for; empty if every event does. */
export function measureKey(rule: CorrelationRule): string {
  if (rule.fields.length === 0) return '';
  const kind = rule.type === 'value_count' ? 'texts' : 'numbers';
  return JSON.stringify([kind, isClosing(rule), ...rule.fields]);
}

export function isTemporal({ type }: CorrelationRule): boolean {
  return type === 'temporal' || type === 'temporal_ordered';
}

/** Whether more events can make a true window false. */
export function isClosing({ type, bounds, ruleCondition, sequence, begunBefore }: CorrelationRule): boolean {
  return (
    sequence !== undefined ||
    begunBefore !== undefined ||
    type === 'value_avg' ||
    type === 'value_median' ||
    type === 'value_percentile' ||
    bounds.some(({ op }) => op !== 'gt' && op !== 'gte') ||
    (ruleCondition !== undefined && hasNot(ruleCondition))
  );
}
