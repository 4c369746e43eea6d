/** Selections that decide nothing. */

import { conditionNames } from '../ast.ts';
import type { FilterDraft, RuleDraft } from '../base-rule.ts';
import { shown } from '../faults.ts';
import type { Place } from '../faults.ts';
import type { YamlEntry } from '../yaml-tree.ts';

/** Warns of those that no condition names: an exception that somebody forgot to except. */
export function warnOfUnusedSelections(drafts: readonly (RuleDraft | FilterDraft)[]): void {
  /** A selection of a global document is several rules', and its place one. */
  const done = new Set<Place>();
  for (const draft of drafts) {
    const used = new Set(conditionNames(draft.condition));
    for (const { key, place } of selectionsOf(draft)) if (used.has(key)) done.add(place);
  }
  for (const draft of drafts) {
    for (const { key, place } of selectionsOf(draft)) {
      if (key.startsWith('_') || done.has(place)) continue;
      done.add(place);
      draft.faults.warning(
        place,
        'UNUSED_SELECTION',
        `the condition does not name ${shown(key)}, which therefore decides nothing; use it there, remove it, or begin its name with _`,
      );
    }
  }
}

function selectionsOf({ kind, root, detections }: RuleDraft | FilterDraft): YamlEntry[] {
  const section = root.entries.get(kind === 'rule' ? 'detection' : 'filter')?.value;
  if (section?.kind !== 'map') return [];
  return [...section.entries.values()].filter(({ key }) => detections.has(key));
}
