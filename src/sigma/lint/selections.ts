/** Selections that decide nothing. */

import { conditionNames } from '../ast.ts';
import { shown } from '../faults.ts';
import type { FilterDraft, RuleDraft } from '../base-rule.ts';

/** Warns of those that the condition does not name: an exception that somebody forgot to except. */
export function warnOfUnusedSelections(
  { root, detections, condition, faults }: RuleDraft | FilterDraft,
  section: 'detection' | 'filter',
): void {
  const used = new Set(conditionNames(condition));
  const map = root.entries.get(section)?.value;
  if (map?.kind !== 'map') return;
  for (const name of detections.keys()) {
    if (used.has(name) || name.startsWith('_')) continue;
    faults.warning(
      map.entries.get(name)!.place,
      'UNUSED_SELECTION',
      `the condition does not name ${shown(name)}, which therefore decides nothing; use it there, remove it, or begin its name with _`,
    );
  }
}
