/**
 * The threshold sweep: copies of every correlation with scaled bounds, judged beside the original in one pass.
 *
 * A copy differs only in its bounds (and in the factor of `vigie.scale_by`, which is a bound too), so it shares its
 * original's windows. It inhibits nothing and no original refers to it, so the originals' alerts are the same with and
 * without a sweep. Rules that refer to a swept rule are copied along, referring to the copy, so thresholds inside a
 * chain are swept too.
 */

import type { Condition } from '../sigma/ast.ts';
import { raisesAlerts, type Bound, type CorrelationRule, type RuleSet } from '../sigma/rule.ts';

export const FACTORS: readonly number[] = [0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4];

/** One setting of one rule's threshold. */
interface SweepPoint {
  /** Key of the rule whose threshold is scaled. */
  readonly of: string;
  readonly factor: number;
  /** All factors that round to these bounds, including this one. */
  readonly stands: readonly number[];
  readonly bounds: readonly Bound[];
  /** Keys of the rules whose alerts count: the rule and its dependents. */
  readonly alerting: readonly string[];
}

export interface Sweep {
  /** The originals and the copies. */
  readonly ruleSet: RuleSet;
  readonly originals: readonly CorrelationRule[];
  readonly points: readonly SweepPoint[];
}

export function sweepOf(ruleSet: RuleSet, factors: readonly number[] = FACTORS): Sweep {
  const copies: CorrelationRule[] = [];
  const points: SweepPoint[] = [];
  for (const rule of ruleSet.correlations) {
    const affected = [rule, ...dependentsOf(rule, ruleSet.correlations)];
    const alerting = affected.filter(raisesAlerts).map(({ key }) => key);
    if (alerting.length === 0 || !isSwept(rule)) continue;
    const seen = new Map<string, number[]>();
    for (const factor of [1, ...factors.filter((factor) => factor !== 1)]) {
      const bounds = rule.bounds.map((bound) => scaled(bound, factor));
      const scaleBy = rule.scaleBy && { ...rule.scaleBy, factor: rule.scaleBy.factor * factor };
      const id = JSON.stringify([bounds, scaleBy ?? null]);
      const same = seen.get(id);
      if (same !== undefined) {
        same.push(factor);
        continue;
      }
      const stands = [factor];
      seen.set(id, stands);
      if (factor === 1) {
        points.push({ of: rule.key, factor, stands, bounds, alerting });
        continue;
      }
      const renamed = new Map(affected.map(({ key }) => [key, `${key} (${rule.key} × ${factor})`]));
      for (const original of affected) {
        copies.push({ ...copyOf(original, renamed), ...(original === rule ? { bounds, scaleBy } : {}) });
      }
      const alertingCopies = alerting.map((key) => renamed.get(key)!);
      points.push({ of: rule.key, factor, stands, bounds, alerting: alertingCopies });
    }
  }
  points.sort((a, b) => (a.of === b.of ? a.factor - b.factor : 0));
  return {
    ruleSet: { ...ruleSet, correlations: [...ruleSet.correlations, ...copies] },
    originals: ruleSet.correlations,
    points,
  };
}

/** Bounds on the number of rules seen, and equalities, have no smaller or larger setting to compare. */
function isSwept({ type, bounds }: CorrelationRule): boolean {
  return (
    type !== 'temporal' &&
    type !== 'temporal_ordered' &&
    bounds.length > 0 &&
    bounds.every(({ op }) => op !== 'eq' && op !== 'neq')
  );
}

/** Whole numbers stay whole, rounded up, so a count never falls to 0, which every event satisfies. */
function scaled({ op, value }: Bound, factor: number): Bound {
  if (factor === 1) return { op, value };
  const exact = value * factor;
  // 0.7 × 10 is 7, whatever the last binary digit.
  const raised = Number.isInteger(value) ? Math.ceil(Number(exact.toPrecision(12))) : exact;
  return { op, value: raised };
}

/** Every correlation that refers to the rule, directly or indirectly. */
export function dependentsOf(
  rule: CorrelationRule,
  correlations: readonly CorrelationRule[],
): CorrelationRule[] {
  const keys = new Set([rule.key]);
  const found: CorrelationRule[] = [];
  for (let grew = true; grew;) {
    grew = false;
    for (const candidate of correlations) {
      if (keys.has(candidate.key) || !candidate.rules.some((key) => keys.has(key))) continue;
      keys.add(candidate.key);
      found.push(candidate);
      grew = true;
    }
  }
  return found;
}

function copyOf(rule: CorrelationRule, renamed: ReadonlyMap<string, string>): CorrelationRule {
  const name = (key: string): string => renamed.get(key) ?? key;
  const { ruleCondition, begunBefore } = rule;
  return {
    ...rule,
    key: name(rule.key),
    rules: rule.rules.map(name),
    aliases: new Map(
      [...rule.aliases].map(([alias, by]) => [
        alias,
        new Map([...by].map(([key, field]) => [name(key), field])),
      ]),
    ),
    ruleCondition: ruleCondition === undefined ? undefined : renamedIn(ruleCondition, name),
    begunBefore: begunBefore && { ...begunBefore, rule: name(begunBefore.rule) },
    inhibits: [],
  };
}

function renamedIn(condition: Condition, name: (key: string) => string): Condition {
  switch (condition.kind) {
    case 'ref':
      return { kind: 'ref', name: name(condition.name) };
    case 'not':
      return { kind: 'not', part: renamedIn(condition.part, name) };
    case 'and':
    case 'or':
      return { kind: condition.kind, parts: condition.parts.map((part) => renamedIn(part, name)) };
  }
}
