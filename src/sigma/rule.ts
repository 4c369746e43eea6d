/** Loaded Sigma documents, as the engine takes them: checked, with every name resolved. */

import type { Lists } from '../lookup/list.ts';
import type { Condition, Detection } from './ast.ts';
import type { Sequence } from './extensions/sequence.ts';
import type { OwnTests } from './extensions/tests.ts';

/** From least to most severe. */
export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** Properties of every document. */
export interface RuleMeta {
  /** Identity in output, state and metrics: the id, else the name, else the title. */
  readonly key: string;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly title: string;
  readonly level: Level;
  readonly status: string | undefined;
  readonly description: string;
  readonly tags: readonly string[];
  readonly falsePositives: readonly string[];
  readonly references: readonly string[];
  /** `vigie.runbook`: what to check, how to contain, whom to notify. */
  readonly runbook: string;
  /** `vigie.tests`: used only by the test runner. */
  readonly tests: OwnTests | undefined;
  readonly file: string;
  readonly line: number;
  /** False for a base rule or correlation that others refer to, unless one of those says `generate: true`. */
  readonly alertsAlone: boolean;
}

export interface Logsource {
  readonly category?: string;
  readonly product?: string;
  readonly service?: string;
}

/** A rule on one event. */
export interface BaseRule extends RuleMeta {
  readonly kind: 'rule';
  readonly logsource: Logsource;
  readonly detections: ReadonlyMap<string, Detection>;
  /** The conditions (a list is ORed into one), with the filters that apply already ANDed in. */
  readonly condition: Condition;
  /** IANA name of the zone for time-part modifiers and working hours. Default UTC. */
  readonly timezone: string;
}

export type CorrelationType =
  | 'event_count'
  | 'value_count'
  | 'temporal'
  | 'temporal_ordered'
  | 'value_sum'
  | 'value_avg'
  | 'value_percentile'
  | 'value_median';

export type BoundOperator = 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq';

export interface Bound {
  readonly op: BoundOperator;
  readonly value: number;
}

/** `vigie.baseline`: the largest values of earlier buckets, and how far above them is still usual. */
export interface Baseline {
  /** A multiple of the bucket. */
  readonly historyMs: number;
  readonly bucketMs: number;
  /** Buckets a multiple of this apart are comparable; equals the bucket if all are. */
  readonly seasonMs: number;
  /** Deviations above the median that are still usual. */
  readonly factor: number;
  readonly minSamples: number;
}

/** `vigie.new_terms`: fields in which an event must show new values. */
export interface NewTerms {
  readonly fields: readonly string[];
  readonly historyMs: number;
}

export interface CorrelationRule extends RuleMeta {
  readonly kind: 'correlation';
  readonly type: CorrelationType;
  /** Keys of the referenced rules or correlations, in the order written. */
  readonly rules: readonly string[];
  readonly groupBy: readonly string[];
  /** Alias → (key of a referenced rule → field path). */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly timespanMs: number;
  /** ANDed; empty only for a temporal rule with a `ruleCondition`. */
  readonly bounds: readonly Bound[];
  /** `condition.field`: one path, or several for distinct tuples; empty for counts. */
  readonly fields: readonly string[];
  /** For value_percentile, 0 to 100. */
  readonly percentile: number | undefined;
  /** Extended condition over rule keys of a temporal correlation (SEP 198). */
  readonly ruleCondition: Condition | undefined;
  readonly resolveTimeoutMs: number;
  readonly missingFields: 'skip' | 'group';
  readonly maxGroups: number | undefined;
  readonly maxEntries: number | undefined;
  readonly baseline: Baseline | undefined;
  readonly newTerms: NewTerms | undefined;
  /** `vigie.sequence`: the window must hold a run of consecutive ids too. */
  readonly sequence: Sequence | undefined;
  /**
   * `vigie.begun_before`: events of the other rules count only if their date in the field lies before the newest
   * event of this rule (key).
   */
  readonly begunBefore: { readonly field: string; readonly rule: string } | undefined;
  /** Keys of the rules whose open alerts in the same group an alert of this rule inhibits. */
  readonly inhibits: readonly string[];
  /** `vigie.scale_by`: lower bounds are at least `factor` × the number in `column` of the group's row. */
  readonly scaleBy: ScaleBy | undefined;
}

export interface ScaleBy {
  /** Name of a lookup list; its columns other than `column` are group-by fields. */
  readonly list: string;
  readonly column: string;
  readonly factor: number;
}

/** A fault or warning at a place in a file. Lines and columns count from 1. */
export interface Fault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

export interface RuleSet {
  readonly rules: readonly BaseRule[];
  readonly correlations: readonly CorrelationRule[];
  readonly documents: number;
  readonly filters: number;
  readonly faults: readonly Fault[];
  /** The lookup lists that the rules may name. */
  readonly lists: Lists;
}

/**
 * Whether the firings of a correlation become alerts. A correlation at level `informational` is a part of others:
 * in Sigma that level asks for no alert, and operators would not read one. `vigie eval` shows its firings all the
 * same.
 */
export function raisesAlerts({ alertsAlone, level }: CorrelationRule): boolean {
  return alertsAlone && level !== 'informational';
}

/** Remedy if none of the rules raises alerts. */
export const NO_ALERTS_REMEDY =
  'Correlate the rules on single events, at a level above informational: an event_count with gte: 1 alerts on each.';

/** The rules that a person means by a key or, failing that, by an id, a name or a title. */
export function rulesCalled<R extends BaseRule | CorrelationRule>(
  called: string,
  rules: readonly R[],
): readonly R[] {
  const exact = rules.find(({ key }) => key === called);
  return exact === undefined
    ? rules.filter(({ id, name, title }) => [id, name, title].includes(called))
    : [exact];
}
