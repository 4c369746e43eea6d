/**
 * Warnings about rules that are sound but hardly what was meant: they can never fire, fire at once, use a field
 * that no event has, compare text as a number or with what no event holds, name a person by an id, have a selection
 * that decides nothing, or raise nothing. Only `rules check` asks for them; they change neither what is loaded nor how
 * it fires.
 */

import type { Lists } from '../../lookup/list.ts';
import type { FilterDraft, RuleDraft } from '../base-rule.ts';
import type { CorrelationDraft } from '../correlation.ts';
import type { Draft } from '../names.ts';
import type { BaseRule, CorrelationRule } from '../rule.ts';
import { warnOfBounds } from './bounds.ts';
import { warnOfUncarriedFields } from './chains.ts';
import { warnOfUnusedSelections } from './selections.ts';
import { isPortal, warnOfCorrelatedFields, warnOfFields, warnOfUnknownColumns } from './fields.ts';
import { warnOfInhibitions } from './inhibits.ts';
import { warnOfListedPersonIds, warnOfPersonIds } from './persons.ts';
import { warnOfPartsAsNumbers, warnOfValues } from './values.ts';

/**
 * Adds the warnings to the faults of the documents' files. `loaded`: what the sound drafts became, in the same
 * order.
 */
export function lint(
  drafts: readonly Draft[],
  filters: readonly FilterDraft[],
  loaded: { readonly rules: readonly BaseRule[]; readonly correlations: readonly CorrelationRule[] },
  lists: Lists,
  personFields: readonly string[],
): void {
  const sound = drafts.filter((draft) => draft.sound);
  const rules = sound
    .filter((draft) => draft.kind === 'rule')
    .map((draft, i): [RuleDraft, BaseRule] => [draft, loaded.rules[i]!]);
  const correlations = sound
    .filter((draft) => draft.kind === 'correlation')
    .map((draft, i): [CorrelationDraft, CorrelationRule] => [draft, loaded.correlations[i]!]);
  const byKey = new Map(
    [...rules, ...correlations].map(([, rule]): [string, BaseRule | CorrelationRule] => [rule.key, rule]),
  );
  warnOfUnusedSelections([...rules.map(([draft]) => draft), ...filters.filter((filter) => filter.sound)]);
  const referred = new Set(correlations.flatMap(([, rule]) => rule.rules));
  // Correlations with faults are not loaded, but refer to rules.
  const named = new Set(
    drafts.flatMap((draft) => (draft.kind === 'correlation' && !draft.sound ? referencesOf(draft) : [])),
  );
  for (const [draft, rule] of rules) {
    warnOfPartsAsNumbers(draft, 'detection');
    if (!isPortal(rule.logsource)) continue;
    warnOfFields(draft, 'detection', personFields);
    warnOfValues(draft, 'detection');
    warnOfUnknownColumns(draft, lists);
    warnOfPersonIds(draft, 'detection', personFields);
    warnOfListedPersonIds(draft, lists, personFields);
    const isReferred = referred.has(rule.key) || named.has(rule.id ?? '') || named.has(rule.name ?? '');
    if (!isReferred && rule.level !== 'informational') {
      draft.faults.warning(
        draft.root.entries.get('title')?.value ?? draft.root,
        'RAISES_NO_ALERT',
        'no correlation refers to this rule, and a match alone is counted but raises no alert; correlate it, or set level: informational',
      );
    }
  }
  for (const filter of filters) {
    warnOfPartsAsNumbers(filter, 'filter');
    if (!isPortal(filter.logsource)) continue;
    warnOfFields(filter, 'filter', personFields);
    warnOfValues(filter, 'filter');
    warnOfPersonIds(filter, 'filter', personFields);
  }
  for (const [draft, rule] of correlations) {
    warnOfBounds(draft, rule, byKey);
    warnOfUncarriedFields(draft, rule, byKey);
    warnOfCorrelatedFields(draft, rule, byKey, personFields);
    warnOfInhibitions(draft, rule, byKey);
  }
}

/** Ids and names, and keywords of the condition. */
function referencesOf({ rules, expression }: CorrelationDraft): readonly string[] {
  return rules?.map(({ text }) => text) ?? expression?.text.match(/[^\s()|]+/g) ?? [];
}
