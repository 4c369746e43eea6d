/**
 * What rules on the order of matches and of ids look at: temporal correlations and `vigie.sequence`.
 *
 * References are numbered as in `plan.ts`.
 */

import type { EpisodeRule } from '../alert/episode.ts';
import type { FieldTable } from '../event/record.ts';
import { pathOf } from '../sigma/aliases.ts';
import { isMet } from '../sigma/ast.ts';
import { entriesFor, holds } from '../sigma/bounds.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { SequenceSpec } from '../window/sequence-measure.ts';
import type { TemporalSpec } from '../window/temporal-log.ts';

export type Fields = Pick<FieldTable, 'slot' | 'linkedSlot'>;

/**
 * Entries a rule on averages, percentiles or closing windows holds per group unless `vigie.max_entries` is set; a count
 * holds more if its bounds need more.
 */
export const DEFAULT_MAX_ENTRIES = 10_000;
/** Most that a count holds for its bounds: with larger ones, it is judged on the newest entries. */
const MOST_FOR_BOUNDS = 1_000_000;

/** A temporal rule whose condition more events can only make true: judged on arrival. */
export interface PlannedTemporal extends EpisodeRule {
  readonly spec: TemporalSpec;
  /** Reference → its place in the rule's list. */
  readonly places: ReadonlyMap<number, number>;
  /** The same place as a list, for events that matched nothing else: nearly all. */
  readonly alone: ReadonlyMap<number, readonly number[]>;
  /** `vigie.begun_before`: slot of the date, and place of the rule before whose newest match the date must lie. */
  readonly begunBefore: { readonly slot: number; readonly place: number } | undefined;
}

export interface PlannedSequence {
  readonly slotOf: (ref: number) => number;
  readonly spec: SequenceSpec;
}

export function planTemporal(
  rule: CorrelationRule,
  indexOf: ReadonlyMap<string, number>,
  fields: Fields,
): Omit<PlannedTemporal, keyof EpisodeRule> {
  const { timespanMs, bounds, ruleCondition, begunBefore } = rule;
  const placeOf = new Map(rule.rules.map((key, place) => [key, place]));
  return {
    places: new Map(rule.rules.map((key, place) => [indexOf.get(key)!, place])),
    alone: new Map(rule.rules.map((key, place) => [indexOf.get(key)!, [place]])),
    begunBefore: begunBefore && {
      slot: fields.slot(begunBefore.field),
      place: placeOf.get(begunBefore.rule)!,
    },
    spec: {
      timespanMs,
      rules: rule.rules.length,
      ordered: rule.type === 'temporal_ordered',
      maxEntries: rule.maxEntries ?? DEFAULT_MAX_ENTRIES,
      holds:
        ruleCondition === undefined
          ? (_, value) => holds(bounds, value)
          : (seen) => isMet(ruleCondition, (name) => seen[placeOf.get(name)!]!),
    },
  };
}

export function planSequence(
  rule: CorrelationRule,
  indexOf: ReadonlyMap<string, number>,
  fields: Fields,
): PlannedSequence | undefined {
  const { sequence, rules, timespanMs, maxEntries } = rule;
  if (sequence === undefined) return undefined;
  const { field, minRun, maxStep } = sequence;
  const slots = new Map(
    rules.map((key) => [indexOf.get(key)!, fields.linkedSlot(pathOf(rule, key, field), maxStep)]),
  );
  return {
    slotOf: (ref) => slots.get(ref)!,
    spec: { timespanMs, minRun, steps: maxStep, maxIds: maxEntries ?? DEFAULT_MAX_ENTRIES },
  };
}

/**
 * Returns how many entries a closing log may hold. For counts these are never fewer than the bounds need: a log that
 * has just dropped its oldest still holds more than the largest bound, and what it dropped makes no difference.
 */
export function maxEntriesOf({ maxEntries, type, bounds }: CorrelationRule): number {
  const counts = type === 'event_count' || type === 'value_count';
  return Math.max(
    maxEntries ?? DEFAULT_MAX_ENTRIES,
    counts ? Math.min(MOST_FOR_BOUNDS, entriesFor(bounds)) : 0,
  );
}
