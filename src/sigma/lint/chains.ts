/** Warns of chains that lead nowhere: a firing carries only the group-by values of its rule. */

import { pathOf } from '../aliases.ts';
import type { CorrelationDraft } from '../correlation.ts';
import { type Place, shown } from '../faults.ts';
import type { BaseRule, CorrelationRule } from '../rule.ts';
import { extensionPlace, groupByPlace, measurePlace, termPlace } from './places.ts';

export function warnOfUncarriedFields(
  draft: CorrelationDraft,
  rule: CorrelationRule,
  byKey: ReadonlyMap<string, BaseRule | CorrelationRule>,
): void {
  const { groupBy, fields, missingFields, sequence, begunBefore, newTerms } = rule;
  const warn = (
    field: string,
    place: Place,
    consequence: string,
    keys = rule.rules,
    aliases = rule.aliases,
  ): void => {
    for (const key of keys) {
      const parent = byKey.get(key);
      if (parent?.kind !== 'correlation') continue;
      const path = pathOf({ aliases }, key, field);
      if (parent.groupBy.includes(path)) continue;
      const carried =
        parent.groupBy.length === 0
          ? 'no field, as it has no group-by'
          : `only its group-by, ${parent.groupBy.join(', ')}`;
      draft.faults.warning(
        place,
        'FIELD_NOT_CARRIED',
        `${path} is not in the firings of ${shown(parent.title)}, which carry ${carried}: ${consequence}`,
      );
    }
  };
  if (missingFields === 'skip') {
    for (const field of groupBy)
      warn(field, groupByPlace(draft, field), 'they are in no group here and count nowhere');
  }
  for (const field of fields) warn(field, measurePlace(draft, field), 'they hold no value to measure');
  for (const field of newTerms?.fields ?? [])
    warn(field, termPlace(draft, field), 'they show nothing new and do not count');
  if (sequence !== undefined) {
    const place = extensionPlace(draft, 'vigie.sequence', 'field');
    warn(sequence.field, place, 'they hold no id for a run');
  }
  if (begunBefore !== undefined) {
    const place = extensionPlace(draft, 'vigie.begun_before', 'field');
    const others = rule.rules.filter((key) => key !== begunBefore.rule);
    warn(begunBefore.field, place, 'they hold no date and never count', others, new Map());
  }
}
