/** Aliases: a field of a correlation may have another name in each of the rules that it refers to. */

import type { CorrelationRule } from './rule.ts';

/** Path of a field of the correlation in events, or firings, that matched the rule with this key. */
export function pathOf({ aliases }: Pick<CorrelationRule, 'aliases'>, key: string, field: string): string {
  return aliases.get(field)?.get(key) ?? field;
}
