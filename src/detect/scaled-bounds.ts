/**
 * `vigie.scale_by`: lower bounds that grow with a number that a lookup list holds for the group, such as the persons in
 * an adviser's caseload.
 *
 * A window that satisfies the rule's own bounds is judged once more, by the list of that moment; for a group without a
 * row the rule's own bounds are enough. So a replaced list counts for windows judged from then on.
 */

import type { Lists, View } from '../lookup/list.ts';
import { type NumberTable, numbersIn } from '../lookup/views.ts';
import type { Bound, CorrelationRule, ScaleBy } from '../sigma/rule.ts';
import { keyOf } from './values.ts';

interface Group {
  readonly fields: Readonly<Record<string, string | null>>;
}

interface ScaledRule {
  readonly scale: ScaleBy;
  /** The columns by which a row is found. */
  readonly keys: readonly string[];
  readonly numbers: View<NumberTable>;
}

export class ScaledBounds {
  readonly #rules = new Map<CorrelationRule, ScaledRule>();

  constructor(rules: readonly CorrelationRule[], lists: Lists) {
    for (const rule of rules) {
      const { scaleBy: scale } = rule;
      if (scale === undefined) continue;
      const list = lists.known(scale.list);
      const keys = list.columns.filter((column) => column !== scale.column);
      this.#rules.set(rule, { scale, keys, numbers: list.view(numbersIn(scale.column)) });
    }
  }

  /** Whether a value that satisfies the rule's own bounds also satisfies the scaled ones of a group. */
  allow(rule: CorrelationRule, group: Group, value: number): boolean {
    if (rule.scaleBy === undefined) return true;
    const number = this.numberOf(rule, group);
    if (number === undefined) return true;
    const least = rule.scaleBy.factor * number;
    return rule.bounds.every(({ op }) => (op === 'gte' ? value >= least : op !== 'gt' || value > least));
  }

  /** The number in the group's row; undefined if there is none. */
  numberOf(rule: CorrelationRule, { fields }: Group): number | undefined {
    const scaled = this.#rules.get(rule);
    if (scaled === undefined) return undefined;
    const values = scaled.keys.map((key) => fields[key] ?? null);
    return values.includes(null) ? undefined : scaled.numbers.value.byKey.get(keyOf(values));
  }

  /** The bounds that hold for a group. */
  of(rule: CorrelationRule, group: Group): readonly Bound[] {
    const number = this.numberOf(rule, group);
    if (number === undefined) return rule.bounds;
    const least = rule.scaleBy!.factor * number;
    return rule.bounds.map(({ op, value }) => ({
      op,
      value: op === 'gt' || op === 'gte' ? Math.max(value, least) : value,
    }));
  }

  /** The largest value that any group has to reach; 0 if nothing is scaled. */
  get most(): number {
    let most = 0;
    for (const { scale, numbers } of this.#rules.values())
      most = Math.max(most, scale.factor * numbers.value.largest);
    return most;
  }
}
