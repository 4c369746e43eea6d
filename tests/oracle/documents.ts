/**
 * The Sigma documents that the oracle understands, as plain objects: what `yaml` yields for a rule file is
 * what the oracle evaluates, so nothing is translated between the two sides of a comparison.
 *
 * The subset is chosen for obviousness: base rules are ANDed equalities on flat fields.
 */

export type Scalar = string | number | boolean | null;
export type EventField = Scalar | readonly Scalar[];
export type Operator = 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq';

/** One line of the log, in arrival order. Event time in ms; events without an id are never duplicates. */
export interface OracleEvent {
  readonly time: number;
  readonly id?: string;
  readonly fields: Readonly<Record<string, EventField>>;
}

export interface BaseDocument {
  readonly title: string;
  readonly name: string;
  readonly logsource: { readonly category: string };
  readonly detection: {
    /** field → its value, or a list of values of which one suffices. */
    readonly selection: Readonly<Record<string, string | readonly string[]>>;
    readonly condition: 'selection';
  };
}

export type Measure =
  | 'event_count'
  | 'value_count'
  | 'value_sum'
  | 'value_avg'
  | 'value_percentile'
  | 'value_median'
  | 'temporal'
  | 'temporal_ordered';

/** Bounds are ANDed; a text is a boolean condition over rule names. */
export type ConditionMap = Readonly<Partial<Record<Operator, number>>> & {
  readonly field?: string | readonly string[];
  readonly percentile?: number;
};

export interface CorrelationDocument {
  readonly title: string;
  readonly name: string;
  readonly correlation: {
    readonly type: Measure;
    readonly rules: readonly string[];
    readonly 'group-by'?: readonly string[];
    readonly timespan: string;
    readonly condition?: ConditionMap | string;
    readonly aliases?: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly generate?: boolean;
  };
  readonly 'vigie.resolve_timeout'?: string;
  /** Known to the engine only: the oracle holds everything. */
  readonly 'vigie.max_entries'?: number;
  readonly 'vigie.missing_fields'?: 'skip' | 'group';
  readonly 'vigie.baseline'?: {
    readonly history: string;
    readonly bucket: string;
    readonly season?: string;
    readonly method?: 'mad';
    readonly factor: number;
    readonly min_samples: number;
  };
  readonly 'vigie.new_terms'?: { readonly fields: string | readonly string[]; readonly history: string };
  readonly 'vigie.sequence'?: {
    readonly field: string;
    readonly min_run: number;
    readonly max_step?: number;
  };
  readonly 'vigie.begun_before'?: { readonly field: string; readonly rule: string };
}

export type OracleDocument = BaseDocument | CorrelationDocument;

export const isCorrelation = (document: OracleDocument): document is CorrelationDocument =>
  'correlation' in document;

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `10s`, `5m`, `2h`, `1d` → ms. */
export function durationMs(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (amount === undefined) throw new Error(`not a duration the oracle reads: ${text}`);
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

/** The operators that a condition sets, in a fixed order. */
export function boundsOf(document: CorrelationDocument): Partial<Record<Operator, number>> {
  const { condition, rules } = document.correlation;
  // A temporal rule that bounds nothing wants all its rules.
  if (condition === undefined) return { gte: rules.length };
  if (typeof condition === 'string') return {};
  const bounds: Partial<Record<Operator, number>> = {};
  for (const op of ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const) {
    const limit = condition[op];
    if (limit !== undefined) bounds[op] = limit;
  }
  return Object.keys(bounds).length === 0 ? { gte: rules.length } : bounds;
}
