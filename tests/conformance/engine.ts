/** What the loader and `vigie eval` say, in the words of the case files. */

import type { EvalLine } from '../../src/eval.ts';
import type { Fault, RuleSet } from '../../src/sigma/rule.ts';
import type { Matches } from './case-files.ts';

export function errorsOf(ruleSet: RuleSet): Fault[] {
  return ruleSet.faults.filter(({ severity }) => severity === 'error');
}

/** Rule → positions of the events it matches; `expected` rules are there also when they match none. */
export function matchesOf(lines: readonly EvalLine[], expected: readonly string[]): Matches {
  const matches: Record<string, number[]> = Object.fromEntries(expected.map((rule) => [rule, []]));
  for (const line of lines) {
    if (line.type === 'match') (matches[line.rule] ??= []).push(line.event.index);
  }
  for (const indexes of Object.values(matches)) indexes.sort((a, b) => a - b);
  return matches;
}
