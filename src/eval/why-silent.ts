/** Why a correlation did not fire on the events of a test: what it counted, and how close it came. */

import { CorrelationExplainer } from '../explain/correlation.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';

export function whySilent(rule: CorrelationRule, ruleSet: RuleSet, events: readonly string[]): string {
  const explainer = new CorrelationExplainer(ruleSet, rule);
  for (const [line, json] of events.entries()) {
    const data = Buffer.from(json);
    explainer.take(data, 0, data.length, line);
  }
  const { references, groups } = explainer.finish();
  const names = new Map(
    [...ruleSet.rules, ...ruleSet.correlations].map(({ key, name }) => [key, name ?? key]),
  );
  const found = references.map(({ rule: key, found: times, withoutGroup }) => {
    const without = withoutGroup === 0 ? '' : `, ${withoutGroup} without ${rule.groupBy.join(', ')}`;
    return `${names.get(key) ?? key} ${times}${without}`;
  });
  const [best] = groups;
  const near =
    best?.nearest === undefined
      ? ''
      : `; nearest: group ${JSON.stringify(best.group)}, value ${best.nearest.value} at ${new Date(best.nearest.to).toISOString()}`;
  return `it counts ${found.join('; ')}${near}`;
}
