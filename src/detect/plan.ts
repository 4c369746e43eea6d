/**
 * Correlation rules → streams, measures and horizons, so that rules share what they measure.
 *
 * A *stream* is the events that match any of a set of base rules, grouped by the same fields. On a stream,
 * rules that measure the same field share one *measure*, and those with the same timespan one *horizon*;
 * a high and a critical threshold on the same count cost one window and two comparisons.
 */

import type { FieldTable } from '../event/record.ts';
import type { Bound, CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { Horizon } from '../window/horizon.ts';

/** A rule on a horizon. */
export interface Watcher {
  readonly rule: CorrelationRule;
  /** Bit of the measure in the event log. */
  readonly measure: number;
}

export interface PlannedHorizon extends Horizon {
  readonly watchers: readonly Watcher[];
  /** The largest value any watcher needs to be told exactly. */
  readonly mostThreshold: number;
}

interface Measure {
  /** 1, 2, 4, …: marks the events that hold a value for it. Bit 1 is every event. */
  readonly bit: number;
  readonly horizons: readonly PlannedHorizon[];
}

export interface DistinctMeasure extends Measure {
  /** One slot, or several for distinct tuples. */
  readonly slots: readonly number[];
}

export interface SumMeasure extends Measure {
  readonly slot: number;
}

export interface StreamPlan {
  readonly groupBy: readonly string[];
  /** Base rule index → slots of the group-by values in an event that matched it (aliases differ by rule). */
  readonly keySlots: ReadonlyMap<number, readonly number[]>;
  /** All base rules read the same slots. */
  readonly uniformKey: readonly number[] | undefined;
  readonly groupMissing: boolean;
  readonly counts: readonly PlannedHorizon[];
  readonly distincts: readonly DistinctMeasure[];
  readonly sums: readonly SumMeasure[];
  readonly rules: readonly CorrelationRule[];
  /** Longest timespan of any rule. */
  readonly longestMs: number;
  readonly maxGroups: number;
}

export interface Plan {
  readonly streams: readonly StreamPlan[];
  /** Base rule index → the streams its matches go to. */
  readonly streamsOf: readonly (readonly number[])[];
}

/** A stream has at most this many measures; further rules go to a stream of their own. */
const MEASURES = 30;

/** Groups a stream holds at most unless a rule says otherwise with `vigie.max_groups`. */
export const DEFAULT_MAX_GROUPS = 1_000_000;

export function planCorrelations(ruleSet: RuleSet, fields: FieldTable): Plan {
  const indexOf = new Map(ruleSet.rules.map((rule, index) => [rule.key, index]));
  const drafts = new Map<string, CorrelationRule[]>();
  for (const rule of ruleSet.correlations) {
    const key = JSON.stringify([
      [...rule.rules].sort(),
      rule.groupBy,
      [...rule.aliases].map(([alias, by]) => [alias, [...by]]),
      rule.missingFields,
    ]);
    const draft = drafts.get(key);
    if (draft === undefined || draft.length >= MEASURES)
      drafts.set(draft === undefined ? key : `${key}${drafts.size}`, [rule]);
    else draft.push(rule);
  }
  const streams: StreamPlan[] = [];
  const streamsOf: number[][] = ruleSet.rules.map(() => []);
  for (const rules of drafts.values()) {
    for (const key of new Set(rules[0]!.rules)) streamsOf[indexOf.get(key)!]!.push(streams.length);
    streams.push(planStream(rules, indexOf, fields));
  }
  return { streams, streamsOf };
}

function planStream(
  rules: readonly CorrelationRule[],
  indexOf: ReadonlyMap<string, number>,
  fields: FieldTable,
): StreamPlan {
  const [{ groupBy, aliases, missingFields, rules: references }] = rules as [CorrelationRule];
  const keySlots = new Map(
    references.map((key) => [
      indexOf.get(key)!,
      groupBy.map((field) => fields.slot(aliases.get(field)?.get(key) ?? field)),
    ]),
  );
  let nextBit = 1;
  const measured = <T>(
    type: CorrelationRule['type'],
    build: (bit: number, of: CorrelationRule[]) => T,
  ): T[] => {
    const byField = new Map<string, CorrelationRule[]>();
    for (const rule of rules) {
      if (rule.type !== type) continue;
      const key = JSON.stringify(rule.fields);
      byField.set(key, [...(byField.get(key) ?? []), rule]);
    }
    return [...byField.values()].map((of) => {
      nextBit *= 2;
      return build(nextBit, of);
    });
  };
  return {
    groupBy,
    keySlots,
    uniformKey: aliases.size === 0 ? [...keySlots.values()][0]! : undefined,
    groupMissing: missingFields === 'group',
    counts: horizonsOf(
      rules.filter((rule) => rule.type === 'event_count'),
      1,
    ),
    distincts: measured('value_count', (bit, of) => ({
      bit,
      slots: of[0]!.fields.map((field) => fields.slot(field)),
      horizons: horizonsOf(of, bit),
    })),
    sums: measured('value_sum', (bit, of) => ({
      bit,
      slot: fields.slot(of[0]!.fields[0]!),
      horizons: horizonsOf(of, bit),
    })),
    rules,
    longestMs: Math.max(...rules.map((rule) => rule.timespanMs)),
    maxGroups: Math.min(...rules.map((rule) => rule.maxGroups ?? DEFAULT_MAX_GROUPS)),
  };
}

function horizonsOf(rules: readonly CorrelationRule[], measure: number): PlannedHorizon[] {
  const byTimespan = new Map<number, Watcher[]>();
  for (const rule of rules) {
    const watchers = byTimespan.get(rule.timespanMs) ?? [];
    watchers.push({ rule, measure });
    byTimespan.set(rule.timespanMs, watchers);
  }
  return [...byTimespan].map(([timespanMs, watchers]) => ({
    timespanMs,
    watchers,
    leastThreshold: Math.min(...watchers.map(({ rule }) => leastOf(rule.bounds))),
    mostThreshold: Math.max(...watchers.map(({ rule }) => leastOf(rule.bounds))) + 1,
  }));
}

/** A value below this satisfies no lower bound. */
function leastOf(bounds: readonly Bound[]): number {
  return Math.max(...bounds.map((bound) => bound.value));
}

/** Whether a value satisfies every bound. */
export function holds(bounds: readonly Bound[], value: number): boolean {
  return bounds.every((bound) => {
    switch (bound.op) {
      case 'gt':
        return value > bound.value;
      case 'gte':
        return value >= bound.value;
      case 'lt':
        return value < bound.value;
      case 'lte':
        return value <= bound.value;
      case 'eq':
        return value === bound.value;
      case 'neq':
        return value !== bound.value;
    }
  });
}
