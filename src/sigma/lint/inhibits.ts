/** Warns of inhibitions without effect: both rules must raise alerts, in the same groups. */

import type { CorrelationDraft } from '../correlation.ts';
import { shown } from '../faults.ts';
import { type BaseRule, type CorrelationRule, raisesAlerts } from '../rule.ts';

export function warnOfInhibitions(
  draft: CorrelationDraft,
  rule: CorrelationRule,
  byKey: ReadonlyMap<string, BaseRule | CorrelationRule>,
): void {
  for (const [i, place] of (draft.extensions['vigie.inhibits'] ?? []).entries()) {
    const why = withoutEffect(rule, byKey.get(rule.inhibits[i]!));
    if (why === undefined) continue;
    draft.faults.warning(place, 'INHIBITS_NOTHING', `no alert of ${shown(place.text)} is inhibited: ${why}`);
  }
}

function withoutEffect(
  rule: CorrelationRule,
  below: BaseRule | CorrelationRule | undefined,
): string | undefined {
  if (!raisesAlerts(rule)) return 'this rule raises no alert itself';
  if (below === undefined) return undefined;
  if (below.kind === 'rule' || !raisesAlerts(below)) return 'it raises none';
  if (below.key === rule.key) return 'it is this rule';
  if (JSON.stringify(below.groupBy) === JSON.stringify(rule.groupBy)) return undefined;
  return `it is grouped by ${groupOf(below)}, this rule by ${groupOf(rule)}, so they have no group in common`;
}

function groupOf({ groupBy }: CorrelationRule): string {
  return groupBy.length === 0 ? 'nothing' : groupBy.join(', ');
}
