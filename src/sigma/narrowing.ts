/** Turns the `vigie.*` keys of a rule on single events into selections that are ANDed to its condition. */

import type { Condition, Detection } from './ast.ts';
import type { RuleDraft } from './base-rule.ts';
import { HOLIDAY_REGIONS } from './holidays.ts';
import type { PlacedText } from './reader.ts';

/** Selections named after their key, a name that no selection of a rule may have, and the conditions over them. */
export function narrowingOf({ extensions }: RuleDraft): {
  readonly detections: readonly (readonly [string, Detection])[];
  readonly conditions: readonly Condition[];
} {
  const added: [string, Detection][] = [];
  const conditions: Condition[] = [];
  const add = (name: string, detection: Detection, negated = false): void => {
    added.push([name, detection]);
    const ref: Condition = { kind: 'ref', name };
    conditions.push(negated ? { kind: 'not', part: ref } : ref);
  };
  const offHours = extensions['vigie.off_hours'];
  if (offHours !== undefined) {
    const name = offHours.holidays?.text;
    const holidays =
      name === undefined ? undefined : HOLIDAY_REGIONS.includes(name) ? { region: name } : { list: name };
    add('vigie.off_hours', { kind: 'off-hours', hours: { ...offHours, holidays } });
  }
  const only = extensions['vigie.only_listed'];
  if (only !== undefined) add('vigie.only_listed', inAny(only));
  const unless = extensions['vigie.unless_listed'];
  if (unless !== undefined) add('vigie.unless_listed', inAny(unless), true);
  return { detections: added, conditions };
}

function inAny(lists: readonly PlacedText[]): Detection {
  const parts = lists.map(({ text }): Detection => ({ kind: 'listed', list: text }));
  return parts.length === 1 ? parts[0]! : { kind: 'or', parts };
}
