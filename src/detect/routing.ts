/**
 * Which field decides where the events of a stream are correlated, so that every group lies whole in one shard.
 *
 * A group's shard follows from the text of one of its group-by values (`shardOf`), whatever that field is called, so
 * rules by account share the signals of an account. Rules that need each other's state must be in the same shard: those
 * of one stream, a chain and what it refers to, and rules that inhibit each other in the same group. Such rules are
 * routed by a field that they have in common, as resolved at each end of a chain. If they have none, all their events
 * go to one shard: exact, but more processes do not help there.
 *
 * Guarantee: the same rules have the same routes in every process, in whatever order files were read.
 */

import { pathOf } from '../sigma/aliases.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import { streamKey } from './sharing.ts';

interface Route {
  /** Place of the deciding field in the group-by; undefined if everything goes to one shard. */
  readonly field: number | undefined;
  /** Stands for the field's value if there is no such field. */
  readonly fixed: string;
}

/** By key of the correlation. Rules that can share a stream have the same route. */
export type Routes = ReadonlyMap<string, Route>;

export function routesOf(correlations: readonly CorrelationRule[]): Routes {
  const liked = likes(correlations);
  return new Map(
    componentsOf(correlations).flatMap(({ rules, links }) => {
      const found = sharedFields(rules, links, liked);
      const fixed = rules.map(({ key }) => key).toSorted()[0]!;
      return rules.map((rule): [string, Route] => {
        const field = found?.get(rule);
        return [rule.key, { field: field === undefined ? undefined : rule.groupBy.indexOf(field), fixed }];
      });
    }),
  );
}

/** Keys of correlations whose events all go to one shard, because no field says how to divide them. */
export function unscaled(routes: Routes): string[] {
  return [...routes].filter(([, { field }]) => field === undefined).map(([key]) => key);
}

/** The shard of a group, by the text of the deciding value; `null` for the group of events without one. */
export function shardOf(value: string | null, shards: number): number {
  // FNV-1a over UTF-16 units, then mixed, because its low bits alone follow the last unit too closely.
  let hash = value === null ? 0x9e3779b9 : 0x811c9dc5;
  const text = value ?? '';
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % shards;
}

/** Two rules of one component, whose deciding fields must agree. */
interface Link {
  readonly a: CorrelationRule;
  readonly b: CorrelationRule;
  /** Whether routing `a` by one field and `b` by the other brings them together. */
  readonly agrees: (a: string, b: string) => boolean;
}

interface Component {
  readonly rules: readonly CorrelationRule[];
  readonly links: readonly Link[];
}

const same = (a: string, b: string): boolean => a === b;

function linksOf(correlations: readonly CorrelationRule[]): Link[] {
  const byKey = new Map(correlations.map((rule) => [rule.key, rule]));
  const links: Link[] = [];
  const streams = Map.groupBy(correlations, streamKey).values();
  for (const [first, ...others] of streams)
    for (const b of others) links.push({ a: first!, b, agrees: same });
  for (const a of correlations) {
    for (const key of a.rules) {
      const b = byKey.get(key);
      if (b !== undefined) links.push({ a, b, agrees: (own, parents) => pathOf(a, key, own) === parents });
    }
    for (const key of a.inhibits) {
      const b = byKey.get(key);
      // Only alerts of the same group inhibit each other.
      if (b !== undefined && JSON.stringify(a.groupBy) === JSON.stringify(b.groupBy)) {
        links.push({ a, b, agrees: same });
      }
    }
  }
  return links;
}

function componentsOf(correlations: readonly CorrelationRule[]): Component[] {
  const links = linksOf(correlations);
  const linked = new Map<CorrelationRule, Link[]>(correlations.map((rule) => [rule, []]));
  for (const link of links) {
    linked.get(link.a)!.push(link);
    linked.get(link.b)!.push(link);
  }
  const seen = new Set<CorrelationRule>();
  return correlations.flatMap((start) => {
    if (seen.has(start)) return [];
    const rules = [start];
    seen.add(start);
    for (const rule of rules) {
      for (const { a, b } of linked.get(rule)!) {
        for (const next of [a, b]) {
          if (seen.has(next)) continue;
          seen.add(next);
          rules.push(next);
        }
      }
    }
    return [{ rules, links: links.filter(({ a }) => rules.includes(a)) }];
  });
}

/** How many rules are grouped by a field alone: routed by the same field, they share signals. */
function likes(correlations: readonly CorrelationRule[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { groupBy } of correlations) {
    if (groupBy.length === 1) counts.set(groupBy[0]!, (counts.get(groupBy[0]!) ?? 0) + 1);
  }
  return counts;
}

/** A field for each rule such that all links agree; undefined if there is none. */
function sharedFields(
  rules: readonly CorrelationRule[],
  links: readonly Link[],
  liked: ReadonlyMap<string, number>,
): ReadonlyMap<CorrelationRule, string> | undefined {
  const byLiking = (fields: readonly string[]): string[] =>
    [...new Set(fields)].toSorted((a, b) => (liked.get(b) ?? 0) - (liked.get(a) ?? 0));
  for (const first of byLiking(rules[0]!.groupBy)) {
    const chosen = new Map([[rules[0]!, first]]);
    // Rules come in the order in which links lead to them, so each has a neighbour that has chosen.
    for (const rule of rules.slice(1)) {
      const fits = byLiking(rule.groupBy).find((field) => agrees(rule, field, chosen, links));
      if (fits === undefined) break;
      chosen.set(rule, fits);
    }
    if (chosen.size === rules.length) return chosen;
  }
  return undefined;
}

function agrees(
  rule: CorrelationRule,
  field: string,
  chosen: ReadonlyMap<CorrelationRule, string>,
  links: readonly Link[],
): boolean {
  return links.every((link) => {
    const [a, b] = [link.a, link.b].map((each) => (each === rule ? field : chosen.get(each)));
    return a === undefined || b === undefined || link.agrees(a, b);
  });
}
