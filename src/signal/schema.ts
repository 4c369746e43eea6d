/** What a set of rules needs of signals, the same in every process with these rules loaded. */

import { Evidence } from '../detect/evidence.ts';
import { matchHashes } from '../detect/firing-hash.ts';
import { planCorrelations } from '../detect/plan.ts';
import { FieldTable } from '../event/record.ts';
import type { RuleSet } from '../sigma/rule.ts';

/** Fields that correlations and alerts read, not those that only base rules look at. */
export function signalFields(ruleSet: RuleSet): readonly string[] {
  const fields = new FieldTable();
  // Asks for fields as the engine does.
  Evidence.ask(fields);
  planCorrelations(ruleSet, fields);
  return fields.paths;
}

/** Names of base rules in signals, by index; undefined for rules that no correlation refers to. */
export function signalRules(ruleSet: RuleSet): readonly (string | undefined)[] {
  const referred = new Set(ruleSet.correlations.flatMap(({ rules }) => rules));
  const hashes = matchHashes(ruleSet);
  return ruleSet.rules.map(({ key }, i) => (referred.has(key) ? hashes[i] : undefined));
}
