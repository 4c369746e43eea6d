/**
 * A rule set without some of its rules, and the rules that count one account's persons in an hour.
 *
 * Rules only see events and the firings of what they refer to, and inhibition marks alerts without taking them
 * away. So the alerts of a reduced rule set are those of the whole one, less the rules left out: one pass over
 * the traffic answers for both.
 */

import { countsPersons } from '../alert/episode.ts';
import { VigieError } from '../errors.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { nearest } from '../sigma/nearest.ts';
import { dependentsOf } from './sweep.ts';

const HOUR_MS = 3_600_000;

/** Throws RULE_UNKNOWN. `names`: keys, ids, names or titles; what refers to a rule left out is left out too. */
export function withoutRules(ruleSet: RuleSet, names: readonly string[]): RuleSet {
  const correlations = ruleSet.correlations;
  const named = names.map((name) => {
    const rule = correlations.find(
      ({ key, id, name: own, title }) => key === name || id === name || own === name || title === name,
    );
    if (rule !== undefined) return rule;
    const known = correlations.map(({ key, name: own }) => own ?? key);
    const meant = nearest(name, known);
    throw new VigieError('RULE_UNKNOWN', `there is no correlation ${JSON.stringify(name)} to leave out`, {
      remedy: `${meant === undefined ? '' : `Did you mean ${meant}? `}\`vigie rules list --all\` shows all.`,
    });
  });
  const gone = closure(named, correlations);
  return { ...ruleSet, correlations: correlations.filter(({ key }) => !gone.has(key)) };
}

/**
 * Keys of the rules of signal A, and of what needs them: the distinct persons that one account reads within
 * an hour or less. Everybody watches that first; what is caught without it is caught in depth.
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
