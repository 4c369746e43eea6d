/**
 * What decides the firings of rules, as a hash: saved state is taken only where it is the same.
 *
 * It covers everything of the rules and of those they refer to, at any depth, that can change a match, a window
 * or an episode, down to the columns of the lists they ask. What only people read (title, description, runbook,
 * references, tests) is left out, and so is what marks alerts without deciding on them: level and inhibition. Of
 * a rule that has neither id nor name the title is its identity, and so decides.
 */

import { createHash } from 'node:crypto';
import { type BaseRule, type CorrelationRule, raisesAlerts, type RuleSet } from '../sigma/rule.ts';
import type { PlacedRule } from './lineage.ts';
import type { Routes } from './routing.ts';

/**
 * Key of a rule → hash of what decides its firings. `routes`: where groups are divided over shards, those of which
 * a shard has state follow from them.
 */
export function firingHashes(ruleSet: RuleSet, routes?: Routes): (key: string) => string {
  const { rules: base, correlations } = ruleSet;
  const byKey = new Map<string, BaseRule | CorrelationRule>(
    [...base, ...correlations].map((rule) => [rule.key, rule]),
  );
  const known = new Map<string, string>();
  const textOf = textsWith(ruleSet);
  const ruleHash = (key: string): string => {
    const hash = known.get(key);
    if (hash !== undefined) return hash;
    const rule = byKey.get(key)!;
    const below = rule.kind === 'rule' ? undefined : [key, rule.rules.map(ruleHash)];
    const route = routes?.get(key);
    // What stands for a field that there is decides nothing, and follows from the names of other rules.
    const decides = route === undefined ? [] : [route.field ?? route.fixed];
    const made = sha256(textOf([withoutMeta(rule), below, ...decides]));
    known.set(key, made);
    return made;
  };
  return ruleHash;
}

/** Rules that raise alerts: key → the first 16 digits of the hash of what decides their firings, wherever they run. */
export function alertingHashes(ruleSet: RuleSet): ReadonlyMap<string, string> {
  const hashOf = firingHashes(ruleSet);
  const alerting = ruleSet.correlations.filter(raisesAlerts);
  return new Map(alerting.map(({ key }) => [key, hashOf(key).slice(0, 16)]));
}

/** Of a stream: the order of its rules decides where in its state each of them is found. */
export function streamHash(rules: readonly PlacedRule[]): string {
  // Persons are counted for alerts only.
  const counted = rules.some(({ rule }) => raisesAlerts(rule));
  return sha256(JSON.stringify([counted, rules.map(({ hash }) => hash)]));
}

/** By index: base rules under what decides which events match them. Two of them never share a hash. */
export function matchHashes(ruleSet: RuleSet): string[] {
  const textOf = textsWith(ruleSet);
  return ruleSet.rules.map((rule) => sha256(textOf([rule.key, withoutMeta(rule)])).slice(0, 16));
}

function textsWith({ lists }: RuleSet): (content: unknown) => string {
  return (content) =>
    JSON.stringify(content, (name, value: unknown) => {
      if (value instanceof Map) return [...(value as ReadonlyMap<unknown, unknown>)];
      if (name === 'list' && typeof value === 'string') return [value, lists.get(value)?.columns];
      return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** All but what is left out, so that a new key of a rule decides unless somebody says otherwise. */
function withoutMeta(rule: BaseRule | CorrelationRule): object {
  const decides: Record<string, unknown> = { ...rule };
  for (const name of META) delete decides[name];
  return decides;
}

const META = [
  'key',
  'id',
  'name',
  'title',
  'level',
  'status',
  'description',
  'tags',
  'falsePositives',
  'references',
  'runbook',
  'tests',
  'file',
  'line',
  'alertsAlone',
  'inhibits',
] as const satisfies (keyof BaseRule | keyof CorrelationRule)[];
