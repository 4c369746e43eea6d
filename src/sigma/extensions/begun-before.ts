/**
 * `vigie.begun_before`: events of the other rules count only if the date in one of their fields lies before the
 * newest event of a named rule.
 */

import { hasNot } from '../ast.ts';
import type { Condition } from '../ast.ts';
import { fieldNameFault } from '../field-name.ts';
import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { missing, readMap, readText, refuseOtherKeys } from '../reader.ts';
import type { PlacedText } from '../reader.ts';
import type { Bound } from '../rule.ts';
import type { YamlMap } from '../yaml-tree.ts';

/** As written. The rule's name is resolved once all documents are known. */
export interface BegunBeforeDraft {
  readonly field: string;
  readonly rule: PlacedText;
}

export function readBegunBefore(root: YamlMap, key: string, faults: Faults): BegunBeforeDraft | undefined {
  const map = readMap(root, key, faults);
  if (map === undefined) return undefined;
  const before = faults.errors;
  refuseOtherKeys(map, ['field', 'rule'], key, faults);
  if (!map.entries.has('field')) {
    missing(map, 'field', 'name a date field, e.g. portal.session.started_at', faults);
  }
  if (!map.entries.has('rule')) {
    missing(
      map,
      'rule',
      'name the rule, one of rules, before whose newest event the date has to lie',
      faults,
    );
  }
  const field = readText(map, 'field', faults);
  const rule = readText(map, 'rule', faults);
  const fieldFault = field === undefined ? undefined : fieldNameFault(field.text);
  if (fieldFault !== undefined) faults.error(field!, 'BAD_VALUE', fieldFault);
  return faults.errors > before ? undefined : { field: field!.text, rule: rule! };
}

/**
 * Checks what the key needs of its correlation: another rule beside the named one, and a condition that fewer
 * events cannot make true. Otherwise the key would widen the rule instead of narrowing it.
 */
export function checkBegunBefore(
  { rule }: BegunBeforeDraft,
  rules: number,
  bounds: readonly Bound[],
  condition: Condition | undefined,
  faults: Faults,
): void {
  if (rules < 2) {
    faults.error(
      rule,
      'BAD_VALUE',
      `vigie.begun_before is about the other rules, and there is none beside ${shown(rule.text)}; add one to rules`,
    );
  }
  const widening = bounds.find(({ op }) => op !== 'gt' && op !== 'gte')?.op;
  const why = widening ?? (condition !== undefined && hasNot(condition) ? 'not' : undefined);
  if (why !== undefined) {
    faults.error(
      rule,
      'BAD_VALUE',
      `vigie.begun_before leaves events out, which can make a condition with ${why} true; it needs one that only more events make true`,
    );
  }
}
