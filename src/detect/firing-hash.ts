/**
 * A hash of what decides the firings of rules: saved state is loaded only if the hash is the same.
 *
 * It covers everything of the rules and of those they refer to, at any depth, that can change a match, a window or an
 * episode, down to the columns of the lists they ask. Left out is what only people read (title, description, runbook,
 * references, tests) and what marks alerts without deciding on them (level, inhibition). A rule with neither id nor
 * name is identified by its title, so there the title decides.
 */

import { createHash } from 'node:crypto';
import { type BaseRule, type CorrelationRule, raisesAlerts, type RuleSet } from '../sigma/rule.ts';
import type { PlacedRule } from './lineage.ts';
import type { Routes } from './routing.ts';

/**
 * Key of a rule → hash of what decides its firings. `routes`: given where groups are divided over shards, as they
 * decide which groups a shard holds.
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
    // If there is a deciding field, `fixed` decides nothing, and it follows from the names of other rules.
    const decides = route === undefined ? [] : [route.field ?? route.fixed];
    const made = sha256(textOf([withoutMeta(rule), below, ...decides]));
    known.set(key, made);
    return made;
  };
  return ruleHash;
}

/** Rules that raise alerts: key → first 16 digits of the hash of what decides their firings, wherever they run. */
export function alertingHashes(ruleSet: RuleSet): ReadonlyMap<string, string> {
  const hashOf = firingHashes(ruleSet);
  const alerting = ruleSet.correlations.filter(raisesAlerts);
  return new Map(alerting.map(({ key }) => [key, hashOf(key).slice(0, 16)]));
}

/** Hash of a stream. The order of its rules counts: it decides where each rule lies in the state. */
export function streamHash(rules: readonly PlacedRule[]): string {
  // Persons are counted for alerts only.
  const counted = rules.some(({ rule }) => raisesAlerts(rule));
  return sha256(JSON.stringify([counted, rules.map(({ hash }) => hash)]));
}

/** By index: hash of the base rule's key and of what decides which events match. No two rules share a hash. */
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

/** All but the keys in `META`, so that a new key of a rule decides unless it is listed there. */
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
