/**
 * Random rules over a fixed set of base rules: thresholds of one to six, windows of a second to half a minute,
 * timeouts shorter than, equal to and longer than the window.
 */

import * as fc from 'fast-check';
import type { BaseDocument, ConditionMap, CorrelationDocument, Measure } from './documents.ts';

/** `read` and `big` overlap; nothing refers to `login`, so it reports matches of its own. */
export const BASE_RULES: readonly BaseDocument[] = [
  baseRule('read', { action: 'read' }),
  baseRule('write', { action: ['write', 'edit'] }),
  baseRule('big', { action: 'read', size: 'big' }),
  baseRule('login', { action: 'login' }),
];

function baseRule(name: string, selection: Record<string, string | string[]>): BaseDocument {
  return {
    title: `Rule ${name}`,
    name,
    logsource: { category: 'portal' },
    detection: { selection, condition: 'selection' },
  };
}

type Draft = Omit<CorrelationDocument, 'title' | 'name'>;

const seconds = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((amount) => `${amount}s`);

const frame = fc.record({
  timespan: fc.oneof({ weight: 4, arbitrary: seconds(1, 8) }, { weight: 1, arbitrary: fc.constant('30s') }),
  groupBy: fc.constantFrom(undefined, ['user'], ['user'], ['org'], ['user', 'org']),
  timeout: fc.option(fc.oneof(seconds(1, 12), fc.constant('40s')), { nil: undefined }),
  missing: fc.constantFrom(undefined, undefined, 'skip' as const, 'group' as const),
  rules: fc.constantFrom(['read'], ['read', 'write'], ['big', 'read'], ['big', 'write', 'read']),
  /** Of a group-by or measured field, where one of the rules has another; an event may match two of them. */
  aliased: fc.constantFrom(undefined, undefined, 'user', 'person'),
});

const lower = (max: number): fc.Arbitrary<{ gte: number } | { gt: number }> =>
  fc.oneof(
    fc.integer({ min: 1, max }).map((gte) => ({ gte })),
    fc.integer({ min: 0, max: max - 1 }).map((gt) => ({ gt })),
    fc.integer({ min: 1, max }).map((above) => ({ gte: above - 0.5 })),
  );

const draft = (
  kind: fc.Arbitrary<{ type: Measure; condition: ConditionMap | string | undefined }>,
): fc.Arbitrary<Draft> =>
  fc
    .tuple(kind, frame)
    .map(([{ type, condition }, { timespan, groupBy, timeout, missing, aliased, ...of }]) => {
      const temporal = type.startsWith('temporal');
      const rules =
        typeof condition === 'string'
          ? ['read', 'write', 'login'].filter((rule) => condition.includes(rule))
          : temporal
            ? ['read', 'write', 'login']
            : of.rules;
      return {
        correlation: {
          type,
          rules,
          ...(groupBy === undefined ? {} : { 'group-by': groupBy }),
          ...(aliased === undefined ? {} : { aliases: { [aliased]: { read: 'org' } } }),
          timespan,
          ...(condition === undefined ? {} : { condition }),
        },
        ...(timeout === undefined ? {} : { 'vigie.resolve_timeout': timeout }),
        ...(missing === undefined ? {} : { 'vigie.missing_fields': missing }),
      };
    });

/** Counts and sums with a lower bound: the rules that fire inside the window. */
const thresholdRule = draft(
  fc.oneof(
    lower(6).map((condition) => ({ type: 'event_count' as const, condition })),
    lower(6).map((bound) => ({ type: 'value_count' as const, condition: { field: 'person', ...bound } })),
    lower(4).map((bound) => ({
      type: 'value_count' as const,
      condition: { field: ['person', 'org'], ...bound },
    })),
    lower(20).map((bound) => ({ type: 'value_sum' as const, condition: { field: 'bytes', ...bound } })),
  ),
);

/** Threshold rules whose bound follows what a group did before, over a few short buckets. */
const baselinedRule = fc
  .record({
    rule: thresholdRule,
    bucketSeconds: fc.constantFrom(1, 2, 5, 7),
    phases: fc.constantFrom(undefined, undefined, 1, 2, 3),
    seasons: fc.integer({ min: 1, max: 6 }),
    minSamples: fc.integer({ min: 1, max: 6 }),
    factor: fc.constantFrom(0, 0.5, 1, 2.5),
  })
  .map(({ rule, bucketSeconds, phases, seasons, minSamples, factor }): Draft => {
    const seasonSeconds = bucketSeconds * (phases ?? 1);
    // The seasons that the window itself reaches into are no history.
    const own = Math.ceil(Number.parseInt(rule.correlation.timespan, 10) / seasonSeconds);
    return {
      ...rule,
      'vigie.baseline': {
        history: `${seasonSeconds * (own + seasons)}s`,
        bucket: `${bucketSeconds}s`,
        ...(phases === undefined ? {} : { season: `${seasonSeconds}s` }),
        factor,
        min_samples: Math.min(minSamples, seasons),
      },
    };
  });

/** Several rules that occur in one window, in any order or in the listed one. */
const temporalRule = draft(
  fc.record({
    type: fc.constantFrom('temporal' as const, 'temporal_ordered' as const),
    condition: fc.constantFrom<(ConditionMap | undefined)[]>(undefined, { gte: 2 }, { gte: 3 }, { gt: 1 }),
  }),
);

/** Rules that another event may still make false, so that only a closed window is judged. */
const closingRule = draft(
  fc.oneof(
    fc
      .record({
        type: fc.constantFrom('event_count' as const, 'value_count' as const, 'value_sum' as const),
        bounds: fc.constantFrom<ConditionMap[]>(
          { lte: 2 },
          { lt: 3 },
          { eq: 2 },
          { neq: 1 },
          { gte: 2, lte: 4 },
          { gt: 1, lt: 4 },
        ),
      })
      .map(({ type, bounds }) => ({
        type,
        condition:
          type === 'event_count' ? bounds : { field: type === 'value_count' ? 'person' : 'bytes', ...bounds },
      })),
    fc
      .record({
        type: fc.constantFrom('value_avg' as const, 'value_median' as const, 'value_percentile' as const),
        percentile: fc.constantFrom(0, 25, 50, 75, 100),
        bounds: fc.constantFrom<ConditionMap[]>({ gte: 3 }, { gt: 2.5 }, { lte: 2 }, { eq: 3 }),
      })
      .map(({ type, percentile, bounds }) => ({
        type,
        condition: { field: 'bytes', ...bounds, ...(type === 'value_percentile' ? { percentile } : {}) },
      })),
    fc.record({
      // Which asks for no order here.
      type: fc.constantFrom('temporal' as const, 'temporal_ordered' as const),
      condition: fc.constantFrom(
        'read and not write',
        'read and login',
        'write or (read and not login)',
        'not (read or write)',
      ),
    }),
  ),
);

/** Counts that also want a run of consecutive persons. */
const sequenceRule = fc
  .tuple(
    draft(
      fc.oneof(
        lower(3).map((condition) => ({ type: 'event_count' as const, condition })),
        lower(3).map((bound) => ({ type: 'value_count' as const, condition: { field: 'person', ...bound } })),
        fc.constant({ type: 'event_count' as const, condition: { gte: 2, lte: 6 } }),
      ),
    ),
    fc.record({ min_run: fc.constantFrom(2, 2, 3, 4), max_step: fc.constantFrom(1, 2, 4) }),
  )
  .map(([rule, run]): Draft => ({ ...rule, 'vigie.sequence': { field: 'person', ...run } }));

/** Temporal rules that count only what began before the newest login. */
const begunBeforeRule = fc
  .tuple(
    draft(
      fc.record({
        type: fc.constantFrom('temporal' as const, 'temporal_ordered' as const),
        condition: fc.constantFrom<(ConditionMap | undefined)[]>(
          undefined,
          { gte: 2 },
          { gte: 1 },
          { gt: 1 },
        ),
      }),
    ),
    fc.constantFrom<{ rules: string[]; rule: string }[]>(
      { rules: ['login', 'read'], rule: 'login' },
      { rules: ['login', 'read', 'write'], rule: 'login' },
      { rules: ['read', 'login', 'big'], rule: 'login' },
      { rules: ['read', 'big'], rule: 'big' },
    ),
  )
  .map(([draft, { rules, rule }]): Draft => ({
    ...draft,
    correlation: { ...draft.correlation, rules },
    'vigie.begun_before': { field: 'started', rule },
  }));

/** Threshold rules, also with a baseline or a run, that count only what is new in a group: that is little. */
const newTermsRule = fc
  .record({
    rule: fc.oneof({ weight: 3, arbitrary: thresholdRule }, baselinedRule, sequenceRule),
    fields: fc.constantFrom<(string | string[])[]>('person', ['bytes'], ['person', 'bytes'], 'org'),
    history: seconds(1, 9),
    gte: fc.constantFrom(1, 1, 2),
    groupBy: fc.constantFrom(undefined, undefined, ['user'], ['org']),
    timeout: fc.option(seconds(1, 3), { nil: undefined }),
  })
  .map(({ rule, fields, history, gte, groupBy, timeout }): Draft => {
    const { condition, 'group-by': _, ...correlation } = rule.correlation;
    const field = typeof condition === 'object' ? condition.field : undefined;
    return {
      ...rule,
      correlation: {
        ...correlation,
        ...(groupBy === undefined ? {} : { 'group-by': groupBy }),
        condition: { gte, ...(field === undefined ? {} : { field }) },
      },
      ...(timeout === undefined ? {} : { 'vigie.resolve_timeout': timeout }),
      'vigie.new_terms': { fields, history },
    };
  });

/** Rules of every kind over the same events of the same groups, which share what they can: streams, logs, windows. */
const mixed = fc
  .record({
    drafts: fc.array(
      fc.oneof(
        { weight: 2, arbitrary: thresholdRule },
        {
          weight: 2,
          arbitrary: closingRule.filter(
            ({ correlation: { condition, rules } }) => typeof condition === 'object' || rules.length > 2,
          ),
        },
        baselinedRule,
        temporalRule,
        sequenceRule,
        begunBeforeRule.filter(({ 'vigie.begun_before': before }) => before?.rule === 'login'),
      ),
      { minLength: 2, maxLength: 5 },
    ),
    frame,
    inOneTimespan: fc.boolean(),
  })
  .map(({ drafts, frame: { groupBy, missing, timespan }, inOneTimespan }): Draft[] =>
    drafts.map(({ correlation: { aliases: _aliases, 'group-by': _groupBy, ...correlation }, ...root }) => ({
      ...root,
      'vigie.missing_fields': missing ?? 'skip',
      correlation: {
        ...correlation,
        rules: ['read', 'write', 'login'],
        ...(groupBy === undefined ? {} : { 'group-by': groupBy }),
        ...(inOneTimespan && root['vigie.baseline'] === undefined ? { timespan } : {}),
      },
    })),
  );

/** A rule over the firings of another, `c0`, alone or together with events. */
const chain = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: thresholdRule }, baselinedRule, newTermsRule),
    fc.record({
      type: fc.constantFrom('event_count' as const, 'value_count' as const, 'temporal' as const),
      rules: fc.constantFrom(['c0'], ['c0', 'login']),
      groupBy: fc.constantFrom(undefined, ['user'], ['org']),
      timespan: seconds(1, 30),
      bound: lower(3),
    }),
    fc.boolean(),
  )
  .map(([parent, { type, rules, groupBy, timespan, bound }, generate]): Draft[] => [
    parent,
    {
      correlation: {
        type,
        rules,
        ...(groupBy === undefined ? {} : { 'group-by': groupBy }),
        timespan,
        condition: type === 'value_count' ? { field: 'user', ...bound } : bound,
        generate,
      },
    },
  ]);

const several = (rule: fc.Arbitrary<Draft>): fc.Arbitrary<Draft[]> =>
  fc.array(rule, { minLength: 1, maxLength: 4 });

export const RULE_FAMILIES = {
  thresholds: several(thresholdRule),
  newTerms: several(fc.oneof({ weight: 4, arbitrary: newTermsRule }, thresholdRule)),
  baselined: several(fc.oneof({ weight: 4, arbitrary: baselinedRule }, thresholdRule)),
  temporal: several(temporalRule),
  closing: several(closingRule),
  chains: chain,
  sequences: several(sequenceRule),
  beginnings: several(begunBeforeRule),
  mixed,
};

export type Family = keyof typeof RULE_FAMILIES;

export const FAMILIES = Object.keys(RULE_FAMILIES) as Family[];
