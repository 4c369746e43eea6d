/** Valid Sigma that the engine does not execute yet. Refused, because ignoring it would detect something else. */

import type { CorrelationRule } from './rule.ts';

const EXECUTED_TYPES: readonly string[] = ['event_count', 'value_count', 'value_sum'];

/** What of a checked correlation is not executed yet, or undefined. `correlations` holds all keys of such. */
export function unsupported(rule: CorrelationRule, correlations: ReadonlySet<string>): string | undefined {
  if (!EXECUTED_TYPES.includes(rule.type)) {
    return `correlations of type ${rule.type} are not executed yet; executed are ${EXECUTED_TYPES.join(', ')}`;
  }
  const upper = rule.bounds.find(({ op }) => op !== 'gt' && op !== 'gte');
  if (upper !== undefined) {
    return `the bound ${upper.op} is not executed yet; executed are gt and gte`;
  }
  const chained = rule.rules.find((key) => correlations.has(key));
  if (chained !== undefined) {
    return `correlations over correlations are not executed yet, and ${chained} is one; refer to rules on events`;
  }
  return undefined;
}
