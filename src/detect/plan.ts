/**
 * Correlation rules → streams, measures and horizons, so that rules share what they measure.
 *
 * A *stream* is the events that match any of a set of base rules, grouped by the same fields. On a stream, rules that
 * measure the same field share one *measure*, and those with the same timespan one *horizon*; a high and a critical
 * threshold on the same count cost one window and two comparisons.
 */

import type { EpisodeRule } from '../alert/episode.ts';
import type { FieldTable } from '../event/record.ts';
import { holds, largestBound } from '../sigma/bounds.ts';
import type { Baseline, Bound, CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { Horizon } from '../window/horizon.ts';
import { pathOf } from '../sigma/aliases.ts';
import { firingHashes } from './firing-hash.ts';
import { continueStreams, type Lineage } from './lineage.ts';
import type { PlannedNovelty } from './novelty-gate.ts';
import { keyedPath } from './placement.ts';
import {
  DEFAULT_MAX_ENTRIES,
  type Fields,
  maxEntriesOf,
  type PlannedSequence,
  type PlannedTemporal,
  planSequence,
  planTemporal,
} from './plan-temporal.ts';
import type { Routes } from './routing.ts';
import { draftStreams, isClosing, isTemporal, measureKey } from './sharing.ts';

export interface PlannedHorizon extends Horizon {
  /** Sorted by bounds, the lowest first: if one does not hold, none after it does. */
  readonly watchers: readonly EpisodeRule[];
  /** The largest value any watcher needs to know exactly. */
  readonly mostThreshold: number;
  /** The baseline of all watchers, and the number of its gate in a group; undefined if they have none. */
  readonly baseline: (Baseline & { readonly gate: number }) | undefined;
}

interface Measure {
  /** 1, 2, 4, …: marks the events that hold a value for the measure. Bit 1 is every event. */
  readonly bit: number;
  readonly horizons: readonly PlannedHorizon[];
}

interface DistinctMeasure extends Measure {
  /** Slots of the field, or of several for distinct tuples, under their own names. */
  readonly fields: readonly number[];
  readonly slotsOf: SlotsOf;
}

interface SumMeasure extends Measure {
  readonly slotsOf: SlotsOf;
}

/** Slots of the measured fields in an event that matched a reference: an alias differs by rule. */
type SlotsOf = (ref: number) => readonly number[];

/** Rules that more events can make false: judged once the watermark is past a window's end. */
export interface PlannedClosing {
  /** All its rules are muted: nothing need be measured. */
  readonly muted: boolean;
  /** They differ only in their bounds; a temporal rule is always alone. */
  readonly watchers: readonly [EpisodeRule, ...EpisodeRule[]];
  /** Slots of the measured field or tuple; none for counts and temporal rules. */
  readonly slotsOf: SlotsOf;
  /** Set for temporal rules. */
  readonly temporal: PlannedTemporal | undefined;
  /** `vigie.sequence`: slot of the ids in an event that matched a reference, and what a run is. */
  readonly sequence: PlannedSequence | undefined;
  readonly maxEntries: number;
}

/** References are numbered: base rules by their index, then correlations by theirs. */
export interface StreamPlan {
  readonly groupBy: readonly string[];
  /** Reference → slots of the group-by values in an event that matched it (aliases differ by rule). */
  readonly keySlots: ReadonlyMap<number, readonly number[]>;
  /** Reference → slots in which events hold those values: the same slots, except in a shard (`placement.ts`). */
  readonly valueSlots: ReadonlyMap<number, readonly number[]>;
  /** The slots, if all references read the same ones. */
  readonly uniformKey: readonly number[] | undefined;
  readonly groupMissing: boolean;
  readonly counts: readonly PlannedHorizon[];
  readonly distincts: readonly DistinctMeasure[];
  readonly sums: readonly SumMeasure[];
  readonly temporals: readonly PlannedTemporal[];
  readonly closings: readonly PlannedClosing[];
  /** Horizons of rules with a baseline, by gate. */
  readonly baselined: readonly PlannedHorizon[];
  /** The gate before the stream, if its rules count only what is new. */
  readonly novelty: PlannedNovelty | undefined;
  /** Rules that report windows. */
  readonly rules: readonly CorrelationRule[];
  /** All rules that have a place in the stream's state, in that order: these and the muted ones. */
  readonly places: readonly CorrelationRule[];
  /** Longest timespan of any of `places`. */
  readonly longestMs: number;
  readonly maxGroups: number;
}

export interface Plan {
  readonly streams: readonly StreamPlan[];
  /** Reference → the streams that it feeds. */
  readonly streamsOf: readonly (readonly number[])[];
  /**
   * Correlations in the order in which a chain works: each after those it refers to. Entry i holds the rules of depth i
   * (0: refers to rules on events only).
   */
  readonly depths: readonly (readonly CorrelationRule[])[];
}

const NONE: ReadonlySet<CorrelationRule> = new Set();

/** Groups a stream holds at most unless a rule says otherwise with `vigie.max_groups`. */
const DEFAULT_MAX_GROUPS = 1_000_000;

/**
 * `former`: where the rules lay in the saved state to be loaded. `routes`: given in a shard, where deciding fields have
 * slots for the shard's own values.
 */
export function planCorrelations(
  ruleSet: RuleSet,
  fields: FieldTable,
  former: Lineage = [],
  routes?: Routes,
): Plan {
  const references = [...ruleSet.rules, ...ruleSet.correlations];
  const indexOf = new Map(references.map((rule, index) => [rule.key, index]));
  const streams: StreamPlan[] = [];
  const streamsOf: number[][] = references.map(() => []);
  const continued =
    former.length === 0 ? [] : continueStreams(former, ruleSet.correlations, firingHashes(ruleSet, routes));
  const placed = new Set(continued.flatMap(({ rules }) => rules));
  const begun = draftStreams(ruleSet.correlations.filter((rule) => !placed.has(rule)));
  for (const { rules, muted } of [...continued, ...begun.map((rules) => ({ rules, muted: NONE }))]) {
    for (const key of new Set(rules[0]!.rules)) streamsOf[indexOf.get(key)!]!.push(streams.length);
    const present = rules.find((rule) => !muted.has(rule))!;
    streams.push(planStream(rules, muted, indexOf, fields, routes?.get(present.key)?.field));
  }
  return { streams, streamsOf, depths: depthsOf(ruleSet.correlations) };
}

/** The rules of a stream as the tracker knows them, in the plan's order. */
export function watchersOf({
  counts,
  distincts,
  sums,
  temporals,
  closings,
}: StreamPlan): readonly EpisodeRule[] {
  const horizons = [...counts, ...[...distincts, ...sums].flatMap((measure) => measure.horizons)];
  return [...[...horizons, ...closings].flatMap(({ watchers }) => watchers), ...temporals];
}

function depthsOf(correlations: readonly CorrelationRule[]): CorrelationRule[][] {
  const byKey = new Map(correlations.map((rule) => [rule.key, rule]));
  const depths = new Map<CorrelationRule, number>();
  const depthOf = (rule: CorrelationRule): number => {
    const known = depths.get(rule);
    if (known !== undefined) return known;
    const parents = rule.rules.flatMap((key) => byKey.get(key) ?? []);
    const depth = parents.length === 0 ? 0 : 1 + Math.max(...parents.map(depthOf));
    depths.set(rule, depth);
    return depth;
  };
  const levels: CorrelationRule[][] = [];
  for (const rule of correlations) (levels[depthOf(rule)] ??= []).push(rule);
  return levels;
}

function planStream(
  rules: readonly CorrelationRule[],
  muted: ReadonlySet<CorrelationRule>,
  indexOf: ReadonlyMap<string, number>,
  fields: FieldTable,
  deciding: number | undefined,
): StreamPlan {
  const [{ groupBy, aliases, missingFields, newTerms, rules: references }] = rules as [CorrelationRule];
  /** By reference. */
  const slotsBy = (
    names: readonly string[],
    slotOf: (path: string, place: number) => number,
  ): ReadonlyMap<number, readonly number[]> =>
    new Map(
      references.map((key) => [
        indexOf.get(key)!,
        names.map((field, place) => slotOf(pathOf(rules[0]!, key, field), place)),
      ]),
    );
  const valueSlots = slotsBy(groupBy, (path) => fields.slot(path));
  const keySlots =
    deciding === undefined
      ? valueSlots
      : slotsBy(groupBy, (path, place) => fields.slot(place === deciding ? keyedPath(path) : path));
  const fieldsFor = (of: readonly CorrelationRule[]): Fields =>
    of.every((rule) => muted.has(rule)) ? whereKnown(fields) : fields;
  const slotsOf = (names: readonly string[], from: Fields = fields): SlotsOf => {
    const byRef = slotsBy(names, (path) => from.slot(path));
    return (ref) => byRef.get(ref)!;
  };
  const bits = new Map([['', 1]]);
  const bitOf = (rule: CorrelationRule): number => {
    const key = measureKey(rule);
    const bit = bits.get(key) ?? 2 ** bits.size;
    bits.set(key, bit);
    return bit;
  };
  const watcher = (rule: CorrelationRule, measure: number): EpisodeRule => ({
    rule,
    muted: muted.has(rule),
    measure,
  });
  const watcherOf = (measure: number) => (rule: CorrelationRule) => watcher(rule, measure);
  const arriving = rules.filter((rule) => !isClosing(rule));
  const measured = <T>(
    type: CorrelationRule['type'],
    build: (bit: number, of: CorrelationRule[]) => T,
  ): T[] => {
    const byField = new Map<string, CorrelationRule[]>();
    for (const rule of arriving) {
      if (rule.type !== type) continue;
      const key = JSON.stringify(rule.fields);
      byField.set(key, [...(byField.get(key) ?? []), rule]);
    }
    return [...byField.values()].map((of) => build(bitOf(of[0]!), of));
  };
  const baselined: PlannedHorizon[] = [];
  return {
    groupBy,
    keySlots,
    valueSlots,
    uniformKey: aliases.size === 0 ? [...keySlots.values()][0]! : undefined,
    groupMissing: missingFields === 'group',
    counts: horizonsOf(
      arriving.filter((rule) => rule.type === 'event_count'),
      watcherOf(1),
      baselined,
    ),
    distincts: measured('value_count', (bit, of) => ({
      bit,
      fields: of[0]!.fields.map((field) => fieldsFor(of).slot(field)),
      slotsOf: slotsOf(of[0]!.fields, fieldsFor(of)),
      horizons: horizonsOf(of, watcherOf(bit), baselined),
    })),
    sums: measured('value_sum', (bit, of) => ({
      bit,
      slotsOf: slotsOf(of[0]!.fields, fieldsFor(of)),
      horizons: horizonsOf(of, watcherOf(bit), baselined),
    })),
    temporals: arriving
      .filter(isTemporal)
      .map((rule) => ({ ...watcher(rule, 1), ...planTemporal(rule, indexOf, fieldsFor([rule])) })),
    closings: closingsOf(rules.filter(isClosing)).map((of) => ({
      watchers: [watcher(of[0], bitOf(of[0])), ...of.slice(1).map((rule) => watcher(rule, bitOf(rule)))],
      muted: of.every((rule) => muted.has(rule)),
      slotsOf: slotsOf(of[0].fields, fieldsFor(of)),
      temporal: isTemporal(of[0])
        ? { ...watcher(of[0], 1), ...planTemporal(of[0], indexOf, fieldsFor(of)) }
        : undefined,
      sequence: planSequence(of[0], indexOf, fieldsFor(of)),
      maxEntries: Math.max(...of.map(maxEntriesOf)),
    })),
    baselined,
    novelty: newTerms && {
      historyMs: newTerms.historyMs,
      maxTerms: rules[0]!.maxEntries ?? DEFAULT_MAX_ENTRIES,
      slotsOf: slotsOf(newTerms.fields),
    },
    rules: rules.filter((rule) => !muted.has(rule)),
    places: rules,
    longestMs: Math.max(...rules.map((rule) => rule.timespanMs)),
    maxGroups: Math.min(...rules.map((rule) => rule.maxGroups ?? DEFAULT_MAX_GROUPS)),
  };
}

/** For muted rules: a field that nobody else asked for gets slot −1, which holds nothing. */
function whereKnown(fields: FieldTable): Fields {
  const slot = (path: string): number => fields.find(path) ?? -1;
  return { slot, linkedSlot: slot };
}

/** Closing rules, those that differ only in their bounds together. */
function closingsOf(rules: readonly CorrelationRule[]): [CorrelationRule, ...CorrelationRule[]][] {
  const alike = new Map<string, [CorrelationRule, ...CorrelationRule[]]>();
  for (const rule of rules) {
    const { type, fields, timespanMs, percentile, maxEntries, sequence } = rule;
    const own = isTemporal(rule) ? rule.key : '';
    const key = JSON.stringify([type, fields, timespanMs, percentile, maxEntries, sequence, own]);
    const others = alike.get(key);
    if (others === undefined) alike.set(key, [rule]);
    else others.push(rule);
  }
  return [...alike.values()];
}

/** `baselined`: receives the horizons that have a baseline. */
function horizonsOf(
  rules: readonly CorrelationRule[],
  watcherOf: (rule: CorrelationRule) => EpisodeRule,
  baselined: PlannedHorizon[],
): PlannedHorizon[] {
  const horizons = new Map<string, CorrelationRule[]>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.timespanMs, rule.baseline]);
    horizons.set(key, [...(horizons.get(key) ?? []), rule]);
  }
  return [...horizons.values()].map((alike) => {
    const sorted = alike.toSorted((a, b) => compareBounds(a.bounds, b.bounds));
    const [{ timespanMs, baseline, bounds }] = sorted as [CorrelationRule];
    const horizon = {
      timespanMs,
      watchers: sorted.map(watcherOf),
      // A baseline is made of all windows, including those that no rule would look at.
      leastThreshold: baseline === undefined ? largestBound(bounds) : 0,
      leastBound: largestBound(bounds),
      mostThreshold: largestBound(sorted.at(-1)!.bounds) + 1,
      baseline: baseline && { ...baseline, gate: baselined.length },
    };
    if (baseline !== undefined) baselined.push(horizon);
    return horizon;
  });
}

/** Orders conditions of lower bounds: what satisfies a later one satisfies all before it. */
function compareBounds(a: readonly Bound[], b: readonly Bound[]): number {
  const least = largestBound(a);
  return least - largestBound(b) || Number(holds(b, least)) - Number(holds(a, least));
}
