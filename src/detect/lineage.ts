/**
 * How the rules lay in streams when state was saved, so that a changed rule leaves its neighbours their state.
 *
 * Rules that share a stream share its state, whose layout follows from all of them. When some of them are changed or
 * gone, the stream goes on for the others; the former rules stay in their places, *muted*: they are measured as before
 * but report nothing. A changed rule begins in a stream of its own. Only a start without saved state assigns all rules
 * to streams anew.
 */

import type { CorrelationRule } from '../sigma/rule.ts';

/** A rule in its place, with the hash of what decides its firings (`firing-hash.ts`). */
export interface PlacedRule {
  readonly rule: CorrelationRule;
  readonly hash: string;
}

/** The rules of each stream, in their places. */
export type Lineage = readonly (readonly PlacedRule[])[];

export interface Continued {
  /** In their places: present rules that go on, and former ones that are muted. */
  readonly rules: readonly CorrelationRule[];
  readonly muted: ReadonlySet<CorrelationRule>;
}

/** The streams that go on for some of the present rules; each of these is alive in one stream at most. */
export function continueStreams(
  former: Lineage,
  correlations: readonly CorrelationRule[],
  hashOf: (key: string) => string,
): Continued[] {
  const waiting = new Map(correlations.map((rule) => [rule.key, rule]));
  return former.flatMap((stream) => {
    const muted = new Set<CorrelationRule>();
    const rules = stream.map(({ rule, hash }) => {
      const present = waiting.get(rule.key);
      if (present === undefined || hashOf(rule.key) !== hash) {
        muted.add(rule);
        return rule;
      }
      waiting.delete(rule.key);
      return present;
    });
    return muted.size === rules.length ? [] : [{ rules, muted }];
  });
}

export function lineageText(lineage: Lineage): string {
  return JSON.stringify(lineage, (_, value: unknown) => {
    if (value instanceof Map) return { [MAP]: [...(value as ReadonlyMap<unknown, unknown>)] };
    return typeof value === 'number' && !Number.isFinite(value) ? { [NUMBER]: String(value) } : value;
  });
}

export function lineageOf(text: string): Lineage {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if (MAP in value) return new Map(value[MAP] as [unknown, unknown][]);
    return NUMBER in value ? Number(value[NUMBER]) : value;
  }) as Lineage;
}

// No rule has keys of these names.
const MAP = '\0map';
const NUMBER = '\0number';
