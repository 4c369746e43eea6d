/** Warns of values that no event of the portal has: what compares with them has the same outcome for every event. */

import { formOf } from '../../event/access-event.ts';
import type { FilterDraft, RuleDraft } from '../base-rule.ts';
import { spellingsOf } from '../detection.ts';
import { shown } from '../faults.ts';
import { numberOf } from '../value.ts';
import { forEachItem, type Section } from './fields.ts';

/** As in ECS. */
const OUTCOMES = ['success', 'failure', 'unknown'];
const OPERATORS: Readonly<Record<string, string>> = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' };

/** Checks whole values only. */
export function warnOfValues(draft: RuleDraft | FilterDraft, section: Section): void {
  forEachItem(draft, section, ({ field, modifiers, values }) => {
    if (modifiers.some((each) => !['all', 'cased', 'neq'].includes(each))) return;
    for (const value of values) {
      if (value.kind !== 'scalar' || value.value === null || /[*?]/.test(value.source)) continue;
      const why = whyNever(field, value);
      if (why !== undefined) draft.faults.warning(value, 'UNKNOWN_VALUE', why);
    }
  });
}

/** Why no event has the text in this field, or undefined if one may. */
function whyNever(
  field: string,
  { value, source: text }: { readonly value: unknown; readonly source: string },
): string | undefined {
  if (field === 'event.outcome' && !OUTCOMES.includes(text.toLowerCase()))
    return `${shown(text)} is no outcome of the portal's events; there are ${OUTCOMES.join(', ')}`;
  if (field === 'source.ip' && /^[\d.]+\/\d+$|^[\da-f:]+:[\da-f:.]*\/\d+$/i.test(text))
    return `${shown(text)} is compared as text, which no address equals; write source.ip|cidr`;
  const form = formOf(field);
  if (form === undefined || !form.fits(0) || form.fits('')) return undefined;
  if (typeof value === 'number' || !Number.isNaN(numberOf(text))) return undefined;
  const [, operator = '', operand = ''] = /^([<>]=?)\s*(\S+)$/.exec(text) ?? [];
  const remedy = Number.isNaN(numberOf(operand)) ? '' : `; write ${field}|${OPERATORS[operator]}: ${operand}`;
  return `${shown(text)} is no number, and ${field} holds numbers${remedy}`;
}

/** Checks parts of texts that YAML reads as numbers, such as 10. in source.ip|startswith. */
export function warnOfPartsAsNumbers(draft: RuleDraft | FilterDraft, section: Section): void {
  forEachItem(draft, section, ({ modifiers, values }) => {
    if (!modifiers.some((each) => ['contains', 'startswith', 'endswith'].includes(each))) return;
    if (modifiers.includes('re') || modifiers.includes('fieldref')) return;
    for (const value of values) {
      if (value.kind !== 'scalar' || typeof value.value !== 'number') continue;
      const other = spellingsOf(value.value, value.source).find((text) => text !== value.source);
      if (other === undefined) continue;
      draft.faults.warning(
        value,
        'NUMBER_AS_PART',
        `${value.source} without quotes is a number, so ${other} fits as well; put it in quotes`,
      );
    }
  });
}
