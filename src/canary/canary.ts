/**
 * Canaries: a rule's own test, run against the live service. The events of a test that makes the rule fire are moved to
 * the present, compressed into seconds, and given marks as accounts, organisations and addresses.
 *
 * Before a canary is sent, it is tried on the production engine with the current rules and lists, so a canary that is
 * sent has to be detected. Not every rule has one: an hour without a login, or a month unlike those before, cannot be
 * compressed into seconds.
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

/** Longest span of a canary's event times: within even a short allowed lateness, with no time in the future. */
const MOST_SPAN_MS = 20_000;
/** Added to the allowed lateness, so that the watermark passes the canary's events. */
const AFTER_LATENESS_MS = 1000;
/** With more events it would be a load, not a probe. */
const MOST_EVENTS = 5000;

export interface CanaryEvent {
  /** Ms since the epoch. */
  readonly time: number;
  /** Portals key their messages by it. */
  readonly account: string | undefined;
  readonly json: string;
}

export interface Canary {
  readonly rule: CorrelationRule;
  /** In time order. */
  readonly events: readonly CanaryEvent[];
  /**
   * For rules that judge a moment only once the watermark has passed it: an event that no rule counts has to follow the
   * others by this time, ms. Undefined: they fire without it.
   */
  readonly laterMs: number | undefined;
  /** Group whose alert is expected. */
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

/** Returns a canary of the rule whose last event is at `nowMs`, or the reason why there is none. */
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

/**
 * Replaces the values of these fields, which say who acts and from where, by marks, and compresses the events into the
 * seconds before `nowMs`. Persons stay those of the test, which are invented.
 */
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
      // With the ids of the test, every canary would be a duplicate of the one before.
      'event.id': markOf(`event ${i}`),
    };
    return { time: at, account: accountOf(own), json: JSON.stringify(all) };
  });
}

/** The fields that rules group by, under all their aliases. */
function identifying(correlations: readonly CorrelationRule[]): string[] {
  return correlations.flatMap(({ groupBy, aliases }) => [
    ...groupBy,
    ...groupBy.flatMap((field) => [...(aliases.get(field)?.values() ?? [])]),
  ]);
}

/**
 * Leaves out the fields that can do without marks, as a rule may group by a field that others match on, such as an
 * action. The group of every rule keeps a mark, so that it is nobody else's, and the group of `rule` has nothing but
 * marks.
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
  // Fields of few groups first: an account is in most groups.
  for (const field of [...all].sort((a, b) => timesOf(a) - timesOf(b))) {
    if (own.has(field)) continue;
    kept.delete(field);
    if (groups.some((fields) => fields.includes(field) && !fields.some((each) => kept.has(each)))) {
      kept.add(field);
    }
  }
  return kept;
}

/** Copies the event without its id, with every other text replaced by `textOf`. */
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

/** Dates, such as an account's creation, keep their distance from the events. */
function movedBy(ms: number, text: string): string {
  const time = TIME_FORM.test(text) ? parseTimeText(text) : Number.NaN;
  return Number.isNaN(time) ? text : new Date(time + ms).toISOString();
}

function accountOf(event: Readonly<Record<string, unknown>>): string | undefined {
  const user = event['user'];
  const id = event['user.id'] ?? (isObject(user) ? user['id'] : undefined);
  return typeof id === 'string' ? id : undefined;
}

/** An event that advances the watermark and that no rule matches. */
export function laterEvent(time: number, { marks, timestampField }: CanarySettings): CanaryEvent {
  const account = marks.inPlaceOf('later', time);
  const event = { [timestampField]: new Date(time).toISOString(), 'event.id': account, 'user.id': account };
  return { time, account, json: JSON.stringify(event) };
}

/** Returns the canary up to the event on which the rule fires, or the reason not to send it. */
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
  /** Processes an event. Returns what is wrong with it, if anything. */
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
