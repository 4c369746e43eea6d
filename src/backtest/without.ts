/**
 * A rule set without some of its rules, and the rules that count one account's persons in an hour.
 *
 * Rules see only events and the firings of the rules they refer to, and inhibition marks alerts without removing them.
 * So the alerts of a reduced rule set are those of the whole set minus those of the rules left out, and one pass over
 * the traffic answers for both.
 */

import { countsPersons } from '../alert/episode.ts';
import { VigieError } from '../errors.ts';
import { type CorrelationRule, rulesCalled, type RuleSet } from '../sigma/rule.ts';
import { nearest } from '../sigma/nearest.ts';
import { dependentsOf } from './sweep.ts';

const HOUR_MS = 3_600_000;

/**
 * Throws RULE_UNKNOWN, ARGUMENT_INVALID. `names`: keys, ids, names or titles. Dependents of a rule left out are left
 * out too.
 */
export function withoutRules(ruleSet: RuleSet, names: readonly string[]): RuleSet {
  const { correlations } = ruleSet;
  const named = names.map((name) => correlationCalled(name, ruleSet));
  const gone = closure(named, correlations);
  return { ...ruleSet, correlations: correlations.filter(({ key }) => !gone.has(key)) };
}

function correlationCalled(name: string, { rules, correlations }: RuleSet): CorrelationRule {
  const [found, ...others] = rulesCalled(name, correlations);
  const asked = JSON.stringify(name);
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined) {
    throw new VigieError('ARGUMENT_INVALID', `${others.length + 1} correlations are called ${asked}`, {
      remedy: `Give their ids: ${[found, ...others].map(({ key }) => key).join(', ')}`,
    });
  }
  if (rulesCalled(name, rules).length > 0) {
    throw new VigieError('RULE_UNKNOWN', `${asked} is a rule on single events, which raises no alert`, {
      remedy: 'Leave out the correlations that count it; `vigie rules list` shows them.',
    });
  }
  const meant = nearest(
    name,
    correlations.map(({ key, name: own }) => own ?? key),
  );
  throw new VigieError('RULE_UNKNOWN', `there is no correlation ${asked} to leave out`, {
    remedy: `${meant === undefined ? '' : `Did you mean ${meant}? `}\`vigie rules list --all\` shows all.`,
  });
}

/**
 * Keys of the rules of signal A, the distinct persons that one account reads within an hour or less, and of their
 * dependents. Everybody watches signal A first; what is caught without it is caught in depth.
 */
export function personsPerAccountHour(correlations: readonly CorrelationRule[]): ReadonlySet<string> {
  return closure(
    correlations.filter(
      (rule) =>
        countsPersons(rule) &&
        rule.groupBy.length === 1 &&
        rule.groupBy[0] === 'user.id' &&
        rule.timespanMs <= HOUR_MS,
    ),
    correlations,
  );
}

function closure(rules: readonly CorrelationRule[], all: readonly CorrelationRule[]): Set<string> {
  return new Set(rules.flatMap((rule) => [rule, ...dependentsOf(rule, all)]).map(({ key }) => key));
}
