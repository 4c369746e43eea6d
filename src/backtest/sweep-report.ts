/** What each threshold of a sweep would have cost in false alerts, caught, and missed. */

import type { Bound, Level } from '../sigma/rule.ts';
import type { JobResult } from './jobs.ts';
import { atLeast, rateBase, rounded } from './rates.ts';
import { FACTORS, type Sweep } from './sweep.ts';

interface SweepOutcome {
  readonly factor: number;
  /** Per day and 10,000 accounts, inhibited alerts included; null without benign traffic. */
  readonly falseAlertsPerDay: number | null;
  /** Incident → records gone by the first alert. Missed incidents are absent. */
  readonly recordsLost: Readonly<Record<string, number>>;
}

interface RuleSweep {
  readonly rule: string;
  /** Repeated here, as a rule that only feeds others is not among the report's rules. */
  readonly title: string;
  readonly level: Level;
  readonly points: readonly (SweepOutcome & { readonly bounds: readonly Bound[] })[];
}

export interface SweepReport {
  /** All thresholds scaled by the same factor; alerts at medium or above. */
  readonly together: readonly SweepOutcome[];
  readonly rules: readonly RuleSweep[];
}

export function sweepReport({ originals, points }: Sweep, jobs: readonly JobResult[]): SweepReport {
  const base = rateBase(jobs.filter(({ benign }) => benign).map(({ judgement }) => judgement));
  const outcome = (factor: number, keys: ReadonlySet<string>): SweepOutcome => {
    let alerts = 0;
    const recordsLost: Record<string, number> = {};
    for (const { benign, judgement } of jobs) {
      if (benign) {
        for (const row of judgement.falseAlerts) if (keys.has(row.rule)) alerts += row.alerts;
      }
      for (const { incident, rule, first } of judgement.hits) {
        if (!keys.has(rule)) continue;
        const { name } = judgement.incidents[incident]!;
        recordsLost[name] = Math.min(recordsLost[name] ?? Infinity, first.taken.records);
      }
    }
    return { factor, falseAlertsPerDay: base === 0 ? null : rounded(alerts / base), recordsLost };
  };

  const byRule = Map.groupBy(points, ({ of }) => of);
  const rules = new Map(originals.map((rule) => [rule.key, rule]));
  return {
    together: FACTORS.map((factor) => {
      // Dependents of a rule are not counted with it here, as they are scaled themselves.
      const keys = originals
        .filter(({ alertsAlone, level }) => alertsAlone && atLeast(level, 'medium'))
        .map(({ key }) => byRule.get(key)?.find(({ stands }) => stands.includes(factor))?.alerting[0] ?? key);
      return outcome(factor, new Set(keys));
    }),
    rules: [...byRule].map(([rule, own]) => ({
      rule,
      title: rules.get(rule)!.title,
      level: rules.get(rule)!.level,
      points: own.map(({ factor, bounds, alerting }) => ({ ...outcome(factor, new Set(alerting)), bounds })),
    })),
  };
}
