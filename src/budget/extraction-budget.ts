/**
 * How many persons one account, organisation or creator of accounts can read without firing any rule: what the rules
 * leave to a patient thief who knows them.
 *
 * Only what cannot be evaded counts as a bound: lower bounds on distinct persons or on the sum of records, over reads
 * that match the rule's conditions (checked with the production matcher), in groups that the taker cannot vary. Counts
 * of events do not, since a page may show any number of persons; nor do rules that require more than a volume. So the
 * budget never understates what can be taken.
 */

import { pathOf } from '../sigma/aliases.ts';
import { createDecoder } from '../event/create-decoder.ts';
import { DEFAULT_PERSON_FIELDS } from '../event/decoder-options.ts';
import { FieldTable } from '../event/record.ts';
import type { LookupList } from '../lookup/list.ts';
import { numbersIn } from '../lookup/views.ts';
import type { Detection } from '../sigma/ast.ts';
import { isPortal } from '../sigma/lint/fields.ts';
import { compileMatcher } from '../sigma/matcher.ts';
import { type BaseRule, type CorrelationRule, raisesAlerts, type RuleSet } from '../sigma/rule.ts';
import { type Limit, mostWithin } from './most-within.ts';
import {
  eventOf,
  listedFields,
  type Scope,
  SCOPES,
  type Taker,
  TAKERS,
  type Way,
  waysWith,
} from './ways-to-read.ts';

const HOUR_MS = 3_600_000;

/** A month is 30 days, as in timespans. */
export const HORIZONS = { hour: HOUR_MS, day: 24 * HOUR_MS, month: 30 * 24 * HOUR_MS } as const;
export type Horizon = keyof typeof HORIZONS;

export interface Amount {
  /** Persons; Infinity if no rule bounds them. */
  readonly most: number;
  /** True if it binds only those whose own habit (`vigie.baseline`) is no larger. */
  readonly habit: boolean;
  readonly by: readonly CorrelationRule[];
}

type Amounts = Readonly<Record<Horizon, Amount>>;

/** Ways to read under the same bounds, each taken alone. */
interface WaysBudget extends Amounts {
  readonly ways: readonly Way[];
}

/** The bound on all ways combined. */
export interface TakerBudget extends Amounts {
  readonly taker: Taker['name'];
  readonly persons: Scope;
  /** Largest first. */
  readonly byWays: readonly WaysBudget[];
}

interface RuleLimit extends Limit {
  readonly rule: CorrelationRule;
  /** Over longer durations the limit adapts to the group's own behaviour. */
  readonly upToMs: number;
}

/** Undefined if no alert concerns a portal's log. */
export function extractionBudget(
  ruleSet: RuleSet,
  personFields: readonly string[] = DEFAULT_PERSON_FIELDS,
): readonly TakerBudget[] | undefined {
  const alerting = ruleSet.correlations.filter(raisesAlerts);
  if (!areAnyOnPortal(alerting, ruleSet)) return undefined;
  const limits = alerting.flatMap((rule) => limitOf(rule, ruleSet, personFields));
  const matching = matchingRules(ruleSet, personFields);
  const allWays = waysWith(askedLists(ruleSet));
  return TAKERS.flatMap((taker) =>
    (Object.keys(SCOPES) as Scope[]).map((persons) => {
      /** Keyed by the rules that apply. */
      const held = new Map<string, { limits: readonly RuleLimit[]; ways: Way[] }>();
      for (const way of allWays) {
        const listed = way.listed === undefined ? {} : listedFields(ruleSet.lists.known(way.listed));
        const matched = matching({ ...eventOf(taker, persons, way, personFields), ...listed });
        const holding = limits.filter(({ rule }) =>
          rule.rules.some((key) => matched.has(key) && isAboutTaker(rule, key, taker)),
        );
        const key = holding.map(({ rule }) => rule.key).join('\n');
        const known = held.get(key);
        if (known === undefined) held.set(key, { limits: holding, ways: [way] });
        else known.ways.push(way);
      }
      return { taker: taker.name, persons, ...budgetOf(limits, allWays, [...held.values()]) };
    }),
  );
}

function budgetOf(
  limits: readonly RuleLimit[],
  allWays: readonly Way[],
  held: readonly { readonly limits: readonly RuleLimit[]; readonly ways: readonly Way[] }[],
): Pick<TakerBudget, Horizon | 'byWays'> {
  const common = limits.filter((limit) => held.every((each) => each.limits.includes(limit)));
  /** Keyed by the resulting figures, as some of the rules that apply make no difference. */
  const byWays = new Map<string, WaysBudget>();
  for (const each of held) {
    const ofWays = amounts((durationMs) => amountWithin(each.limits, durationMs));
    const key = JSON.stringify(
      [ofWays.hour, ofWays.day, ofWays.month].map(({ most, by }) => [
        String(most),
        by.map((rule) => rule.key),
      ]),
    );
    const { ways = [] } = byWays.get(key) ?? {};
    byWays.set(key, {
      ...ofWays,
      ways: allWays.filter((way) => ways.includes(way) || each.ways.includes(way)),
    });
  }
  return {
    ...amounts((durationMs) =>
      lesser(
        amountWithin(common, durationMs),
        sumOf(held.map((each) => amountWithin(each.limits, durationMs))),
      ),
    ),
    byWays: [...byWays.values()].sort(byAmount),
  };
}

function amounts(within: (durationMs: number) => Amount): Amounts {
  return { hour: within(HORIZONS.hour), day: within(HORIZONS.day), month: within(HORIZONS.month) };
}

function byAmount(a: Amounts, b: Amounts): number {
  for (const horizon of ['month', 'day', 'hour'] as const) {
    if (a[horizon].most !== b[horizon].most) return b[horizon].most > a[horizon].most ? 1 : -1;
  }
  return 0;
}

/** The stronger of two bounds that both hold: one on everybody before one on those of small habit. */
function lesser(a: Amount, b: Amount): Amount {
  if (a.habit !== b.habit && Math.max(a.most, b.most) < Infinity) return a.habit ? b : a;
  return a.most <= b.most ? a : b;
}

/** The bound on a taker who uses several ways, each bounded separately. */
function sumOf(all: readonly Amount[]): Amount {
  return {
    most: all.reduce((sum, { most }) => sum + most, 0),
    habit: all.some(({ habit }) => habit),
    by: [...new Set(all.flatMap(({ by }) => by))],
  };
}

function amountWithin(limits: readonly RuleLimit[], durationMs: number): Amount {
  const hard = mostWithin(
    limits.filter(({ upToMs }) => upToMs === Infinity),
    durationMs,
  );
  const habit = hard.most === Infinity;
  const { most, by } = habit
    ? mostWithin(
        limits.filter(({ upToMs }) => upToMs >= durationMs),
        durationMs,
      )
    : hard;
  return { most, habit: habit && most < Infinity, by: by.map(({ rule }) => rule) };
}

/** The most persons that a window can hold without firing the rule, if there is such a number. */
function limitOf(rule: CorrelationRule, { lists }: RuleSet, personFields: readonly string[]): RuleLimit[] {
  const { type, fields, timespanMs, bounds, scaleBy, baseline } = rule;
  const [field] = fields;
  if (field === undefined || fields.length > 1) return [];
  const countsPersons = type === 'value_count' && personFields.includes(field);
  const sumsRecords = type === 'value_sum' && field === 'portal.records.count';
  if (!countsPersons && !sumsRecords) return [];
  if ((rule.sequence ?? rule.newTerms ?? rule.begunBefore) !== undefined) return [];
  // The largest among all groups.
  const scaled =
    scaleBy === undefined
      ? 0
      : scaleBy.factor * lists.known(scaleBy.list).view(numbersIn(scaleBy.column)).value.largest;
  let most = 0;
  for (const { op, value } of bounds) {
    const bound = Math.max(value, scaled);
    if (op === 'gt') most = Math.max(most, Math.floor(bound));
    else if (op === 'gte') most = Math.max(most, Math.ceil(bound) - 1);
    else return [];
  }
  const upToMs = baseline === undefined ? Infinity : baseline.minSamples * baseline.bucketMs;
  return [{ rule, timespanMs, most, upToMs }];
}

/** True if everything that the taker reads falls into one group of the rule. */
function isAboutTaker(rule: CorrelationRule, key: string, { same }: Taker): boolean {
  return rule.groupBy.every((field) => same.includes(pathOf(rule, key, field)));
}

/** The lists that rules look events up in. */
function askedLists({ rules, lists }: RuleSet): LookupList[] {
  const names = new Set<string>();
  const visit = (detection: Detection): void => {
    if (detection.kind === 'listed') names.add(detection.list);
    else if (detection.kind === 'and' || detection.kind === 'or') detection.parts.forEach(visit);
    else if (detection.kind === 'not') visit(detection.part);
  };
  for (const { detections } of rules) for (const detection of detections.values()) visit(detection);
  return [...names].sort().map((name) => lists.known(name));
}

/** Returns a function from an event to the keys of the base rules it matches. */
function matchingRules(
  { rules, lists }: RuleSet,
  personFields: readonly string[],
): (event: Readonly<Record<string, unknown>>) => ReadonlySet<string> {
  const fields = new FieldTable();
  const matcher = compileMatcher(rules, fields, lists);
  const decoder = createDecoder({
    fields,
    timeRequired: true,
    personFields,
    pseudonymKey: new Uint8Array(16),
  });
  const record = fields.newRecord();
  return (event) => {
    const bytes = Buffer.from(JSON.stringify(event));
    const fault = decoder.decode(bytes, 0, bytes.length, record);
    if (fault !== undefined) throw new Error(`${fault.code}: ${fault.message}`);
    const count = matcher.match(record);
    return new Set([...matcher.matched.subarray(0, count)].map((i) => rules[i]!.key));
  };
}

function areAnyOnPortal(correlations: readonly CorrelationRule[], ruleSet: RuleSet): boolean {
  const byKey = new Map<string, BaseRule | CorrelationRule>(
    [...ruleSet.rules, ...ruleSet.correlations].map((each) => [each.key, each]),
  );
  const isOnPortal = (rule: BaseRule | CorrelationRule | undefined): boolean => {
    if (rule?.kind === 'rule') return isPortal(rule.logsource);
    return rule?.rules.some((key) => isOnPortal(byKey.get(key))) ?? false;
  };
  return correlations.some(isOnPortal);
}
