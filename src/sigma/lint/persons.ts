/**
 * Warns of persons' ids in rules and lists. Rules see pseudonyms in their place, so an id written as the portal
 * has it equals nothing: a rule that watches one person would stay silent for ever.
 */

import { isPseudonym } from '../../event/pseudonyms.ts';
import type { Lists } from '../../lookup/list.ts';
import type { FilterDraft, RuleDraft } from '../base-rule.ts';
import { shown } from '../faults.ts';
import { forEachItem, type Section } from './fields.ts';

const REMEDY =
  'rules see persons by their pseudonyms of 16 hex digits, so nothing equals it: `vigie pseudonymise` makes them of ids';

/** Checks whole values only: a pattern or a part of a pseudonym is nobody's id. */
export function warnOfPersonIds(
  draft: RuleDraft | FilterDraft,
  section: Section,
  personFields: readonly string[],
): void {
  forEachItem(draft, section, ({ field, modifiers, values }) => {
    if (!personFields.includes(field) || modifiers.some((each) => !['all', 'cased', 'neq'].includes(each)))
      return;
    for (const value of values) {
      if (value.kind !== 'scalar' || value.value === null) continue;
      if (/[*?]/.test(value.source) || isPseudonym(value.source.toLowerCase())) continue;
      draft.faults.warning(value, 'NO_PSEUDONYM', `${shown(value.source)} is no pseudonym, and ${REMEDY}`);
    }
  });
}

/** Checks the rows of the lists in which a rule looks events up. */
export function warnOfListedPersonIds(
  { extensions, faults }: RuleDraft,
  lists: Lists,
  personFields: readonly string[],
): void {
  for (const key of ['vigie.only_listed', 'vigie.unless_listed'] as const) {
    for (const name of extensions[key] ?? []) {
      const contents = lists.get(name.text)?.contents;
      if (contents === undefined) continue;
      const column = contents.columns.findIndex((each) => personFields.includes(each));
      const row = contents.rows.findIndex((cells) => column >= 0 && !isPseudonym(cells[column]!));
      if (row < 0) continue;
      const place = `line ${contents.lines[row]} of the list ${name.text}`;
      faults.warning(name, 'NO_PSEUDONYM', `a person in ${place} is no pseudonym, and ${REMEDY}`);
    }
  }
}
