/**
 * Canaries: what a rule's own test does, done for real. The events of a test that makes the rule fire are moved to
 * now, pressed into seconds, and given accounts, organisations and addresses that are marks.
 *
 * Before it is sent, a canary is tried on the production engine with the rules and lists as they are, so that one
 * that is sent has to be detected. Not every rule has one: an hour without a login, or a month unlike those before,
 * cannot be pressed into seconds.
 */

import type { Episode } from '../alert/episode.ts';
import { Engine } from '../detect/engine.ts';
import { eventsOf, type RuleTest, type RuleTests, type TestEvent } from '../eval/rule-test-form.ts';
import { createDecoder } from '../event/create-decoder.ts';
import { isObject } from '../event/field-path.ts';
import { FieldTable } from '../event/record.ts';
import { parseTimeText } from '../event/time.ts';
import { type CorrelationRule, raisesAlerts, type RuleSet } from '../sigma/rule.ts';
import type { CanaryMarks } from './marks.ts';

/** Times of a canary's events: within a short lateness, and none of the future. */
const MOST_SPAN_MS = 20_000;
/** So that event time passes what has just happened. */
const AFTER_LATENESS_MS = 1000;
/** More is no probe but a load. */
const MOST_EVENTS = 5000;

export interface CanaryEvent {
  /** Ms since the epoch. */
  readonly time: number;
  /** By which portals key their messages. */
  readonly account: string | undefined;
  readonly json: string;
}

export interface Canary {
  readonly rule: CorrelationRule;
  /** In the order of their times. */
  readonly events: readonly CanaryEvent[];
  /**
   * For rules that judge a moment once event time has passed it: an event that nothing counts, to be sent this long
   * after the others, ms. Undefined: they fire without.
   */
  readonly laterMs: number | undefined;
  /** Group whose alert is to come. */
  readonly group: Readonly<Record<string, string | null>>;
}

export interface CanarySettings {
  readonly ruleSet: RuleSet;
  readonly marks: CanaryMarks;
  readonly timestampField: string;
  readonly personFields: readonly string[];
  readonly latenessMs: number;
}

/** The rules that raise alerts. */
export function rulesToProve({ correlations }: RuleSet): CorrelationRule[] {
  return correlations.filter(raisesAlerts);
}

/** A canary of that rule, its last event at `nowMs`, or why there is none. */
export function canaryOf(
  rule: CorrelationRule,
  tests: readonly RuleTests[],
  settings: CanarySettings,
  nowMs: number,
): Canary | string {
  const firing = tests
    .filter((of) => of.rule === rule)
    .flatMap((of) => of.tests)
    .filter(({ fires }) => fires.length > 0)
    .map((test) => ({ test, events: eventsOf(test) }))
    .sort((a, b) => a.events.length - b.events.length);
  if (firing.length === 0) return 'it has no test that makes it fire';
  let why = '';
  const all = new Set(identifying(settings.ruleSet.correlations));
  for (const { test, events } of firing) {
    for (const fields of [all, indispensable(all, rule, settings.ruleSet)]) {
      const canary = tried(rule, marked(events, fields, settings, nowMs), settings, test);
      if (typeof canary !== 'string') return canary;
      why = `${canary} (the test ${JSON.stringify(test.name)})`;
    }
  }
  return why;
}

/** Who and from where are marks, in these fields, and all of it happens within seconds up to now. Persons stay those of the test: invented ones. */
function marked(
  events: readonly TestEvent[],
  fields: ReadonlySet<string>,
  { marks, timestampField }: CanarySettings,
  nowMs: number,
): CanaryEvent[] {
  const replaced = new Map<string, string>();
  const markOf = (value: string): string => {
    const mark = replaced.get(value) ?? marks.inPlaceOf(value, nowMs);
    replaced.set(value, mark);
    return mark;
  };
  const first = events[0]!.time;
  const span = events.at(-1)!.time - first;
  const scale = Math.min(1, MOST_SPAN_MS / Math.max(1, span));
  const later = nowMs - events.at(-1)!.time;
  return events.map(({ time, event }, i) => {
    const at = Math.floor(nowMs - (span - (time - first)) * scale);
    const own = withMarks(event, (path, text) => (fields.has(path) ? markOf(text) : movedBy(later, text)));
    const all = {
      [timestampField]: new Date(at).toISOString(),
      ...own,
      // Those of the test would be copies of the canary before.
      'event.id': markOf(`event ${i}`),
    };
    return { time: at, account: accountOf(own), json: JSON.stringify(all) };
  });
}

/** The fields that rules group by, under all names that they have there. */
function identifying(correlations: readonly CorrelationRule[]): string[] {
  return correlations.flatMap(({ groupBy, aliases }) => [
    ...groupBy,
    ...groupBy.flatMap((field) => [...(aliases.get(field)?.values() ?? [])]),
  ]);
}

/**
 * Without the fields that can do without marks: a rule may group by something that others look for, such as an action.
 * The group of each rule keeps a mark, so that it is none of anybody else, and that of `rule` has nothing else.
 */
function indispensable(
  all: ReadonlySet<string>,
  rule: CorrelationRule,
  { correlations }: RuleSet,
): ReadonlySet<string> {
  const own = new Set(identifying([rule]));
  const groups = correlations.map((each) => identifying([each]));
  const timesOf = (field: string): number => groups.filter((fields) => fields.includes(field)).length;
  const kept = new Set(all);
  // An account is in most groups.
  for (const field of [...all].sort((a, b) => timesOf(a) - timesOf(b))) {
    if (own.has(field)) continue;
    kept.delete(field);
    if (groups.some((fields) => fields.includes(field) && !fields.some((each) => kept.has(each)))) {
      kept.add(field);
    }
  }
  return kept;
}

/** Without the event's id; every other text as `textOf` has it. */
function withMarks(
  event: Readonly<Record<string, unknown>>,
  textOf: (path: string, text: string) => string,
  above = '',
): Record<string, unknown> {
  const replaced = (path: string, value: unknown): unknown => {
    if (typeof value === 'string') return textOf(path, value);
    if (isObject(value)) return withMarks(value, textOf, `${path}.`);
    return Array.isArray(value) ? value.map((element) => replaced(path, element)) : value;
  };
  return Object.fromEntries(
    Object.entries(event)
      .map(([key, value]) => [`${above}${key}`, key, value] as const)
      .filter(([path]) => path !== 'event.id')
      .map(([path, key, value]) => [key, replaced(path, value)]),
  );
}

const TIME_FORM = /^\d{4}-\d\d-\d\d(T|$)/;

/** A date such as that of an account's creation stays as far from the events as it was. */
function movedBy(ms: number, text: string): string {
  const time = TIME_FORM.test(text) ? parseTimeText(text) : Number.NaN;
  return Number.isNaN(time) ? text : new Date(time + ms).toISOString();
}

function accountOf(event: Readonly<Record<string, unknown>>): string | undefined {
  const user = event['user'];
  const id = event['user.id'] ?? (isObject(user) ? user['id'] : undefined);
  return typeof id === 'string' ? id : undefined;
}

/** An event that moves event time on and that no rule looks at. */
export function laterEvent(time: number, { marks, timestampField }: CanarySettings): CanaryEvent {
  const account = marks.inPlaceOf('later', time);
  const event = { [timestampField]: new Date(time).toISOString(), 'event.id': account, 'user.id': account };
  return { time, account, json: JSON.stringify(event) };
}

/** As far as the rule's firing, or why it is not to be sent. */
function tried(
  rule: CorrelationRule,
  events: readonly CanaryEvent[],
  settings: CanarySettings,
  { lists }: RuleTest,
): Canary | string {
  const { ruleSet, marks, timestampField, personFields, latenessMs } = settings;
  const fields = new FieldTable();
  const hashKey = new Uint8Array(16);
  const engine = new Engine({ ruleSet, fields, hashKey, latenessMs });
  const decoder = createDecoder({
    fields,
    timeRequired: true,
    pseudonymKey: hashKey,
    timestampField,
    personFields,
  });
  const record = fields.newRecord();
  const crossed = (): Episode | undefined =>
    [...engine.tracker.changed].find(({ of }) => of.rule.key === rule.key);
  /** What is wrong with it. */
  const take = ({ json }: CanaryEvent): string | undefined => {
    engine.tracker.changed.clear();
    const data = Buffer.from(json);
    const fault = decoder.decode(data, 0, data.length, record);
    if (fault !== undefined) return `it holds an event that is refused: ${fault.message}`;
    engine.process(record, 0);
    const stranger = [...engine.tracker.changed].find(
      ({ of, group, crossedAt }) => raisesAlerts(of.rule) && !marks.areAll(group.fields, crossedAt),
    );
    return stranger === undefined
      ? undefined
      : `its events would raise an alert of ${JSON.stringify(stranger.of.rule.title)} that cannot be told from others`;
  };
  for (const [i, event] of events.slice(0, MOST_EVENTS).entries()) {
    const wrong = take(event);
    if (wrong !== undefined) return wrong;
    const group = crossed()?.group.fields;
    if (group !== undefined) return { rule, events: events.slice(0, i + 1), laterMs: undefined, group };
  }
  if (events.length > MOST_EVENTS) return `it takes more than ${MOST_EVENTS} events`;
  const laterMs = latenessMs + AFTER_LATENESS_MS;
  const wrong = take(laterEvent(events.at(-1)!.time + laterMs, settings));
  if (wrong !== undefined) return wrong;
  const group = crossed()?.group.fields;
  if (group !== undefined) return { rule, events, laterMs, group };
  engine.finish();
  if (crossed() !== undefined) return 'it fires only when its windows have closed';
  if (Object.keys(lists).length > 0) return 'it needs rows that the lookup lists do not have';
  return 'it does not fire within seconds of now';
}
