/** Which rules a backtest judges with: the loaded ones, minus those left out, plus a sweep's copies. */

import type { Placeholders } from '../sigma/detection.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { type Sweep, sweepOf } from './sweep.ts';
import { withoutRules } from './without.ts';

export interface RuleChoice {
  readonly paths: readonly string[];
  /** Folder of lookup lists that replaces those of the generated country. */
  readonly listsFolder: string | undefined;
  /** Values of `%name%` under `expand`. */
  readonly placeholders: Placeholders;
  /** Names of rules to leave out. */
  readonly without: readonly string[];
  readonly sweep: boolean;
}

/** Throws RULE_UNKNOWN, ARGUMENT_INVALID. */
export function chosenRules(
  loaded: RuleSet,
  { without, sweep }: Pick<RuleChoice, 'without' | 'sweep'>,
): Sweep {
  const ruleSet = withoutRules(loaded, without);
  return sweep ? sweepOf(ruleSet) : { ruleSet, originals: ruleSet.correlations, points: [] };
}
