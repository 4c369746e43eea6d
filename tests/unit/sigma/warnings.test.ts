import { readFileSync, readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lists, LookupList } from '../../../src/lookup/list.ts';
import { anyCountHolds, anyNumberHolds, holds } from '../../../src/sigma/bounds.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { Bound } from '../../../src/sigma/rule.ts';

const folder = new URL('testdata/', import.meta.url);

/** Each file holds sound rules, and one thing about them that is hardly meant, with its one message. */
const MESSAGES: Readonly<Record<string, string>> = {
  'field-not-carried-begun':
    '27:29: warning: FIELD_NOT_CARRIED: portal.session.started_at is not in the firings of "Burst", which carry only its group-by, user.id: they hold no date and never count',
  'field-not-carried-sequence':
    '19:25: warning: FIELD_NOT_CARRIED: portal.records.ids is not in the firings of "Burst", which carry only its group-by, user.id: they hold no id for a run',
  'out-of-reach-run':
    '10:54: warning: OUT_OF_REACH: a run of 30 is out of reach: vigie.max_entries lets a group remember 29 ids',
  'no-pseudonym':
    '6:46: warning: NO_PSEUDONYM: "0012345678A" is no pseudonym, and rules see persons by their pseudonyms of 16 hex digits, so nothing equals it: `vigie pseudonymise` makes them of ids',
  'unknown-field-begun':
    '18:29: warning: UNKNOWN_FIELD: "portal.session.started" is no field of the portal\'s events; did you mean "portal.session.started_at"?',
  'unknown-field-sequence':
    '10:25: warning: UNKNOWN_FIELD: "portal.records.id" is no field of the portal\'s events; did you mean "portal.records.ids"?',
  'duplicate-rule':
    '9:1: warning: DUPLICATE_RULE: another rule is called "views" too; this one becomes "views#2": give it an id of its own',
  'field-not-carried-group':
    '23:7: warning: FIELD_NOT_CARRIED: organization.id is not in the firings of "Burst", which carry only its group-by, user.id: they are in no group here and count nowhere',
  'field-not-carried-value':
    '22:22: warning: FIELD_NOT_CARRIED: source.ip is not in the firings of "Burst", which carry no field, as it has no group-by: they hold no value to measure',
  'filter-nothing-covered':
    '9:1: warning: FILTER_COVERS_NONE: the filter changes nothing: no rule has its logsource, category webserver',
  'filter-rule-not-covered':
    '12:11: warning: FILTER_COVERS_NONE: the filter does not change "views", whose logsource is category application, product portal, not category application, product Portal',
  'fires-at-once-gte':
    '16:10: warning: FIRES_AT_ONCE: gte 0 holds for a window of one event, so the first event of each group fires; windows end at events, so that few or none came cannot be told: write a lower bound of 2 or more',
  'fires-at-once-lte':
    '16:10: warning: FIRES_AT_ONCE: lte 5 holds for a window of one event, so the first event of each group fires; windows end at events, so that few or none came cannot be told: write a lower bound of 2 or more',
  'fires-at-once-neq':
    '16:10: warning: FIRES_AT_ONCE: neq 0 holds for a window of one event, so the first event of each group fires; windows end at events, so that few or none came cannot be told: write a lower bound of 2 or more',
  'inhibits-nothing-by-part':
    '27:18: warning: INHIBITS_NOTHING: no alert of "burst" is inhibited: this rule raises no alert itself',
  'inhibits-nothing-group':
    '26:18: warning: INHIBITS_NOTHING: no alert of "burst" is inhibited: it is grouped by user.id, this rule by organization.id, user.id, so they have no group in common',
  'inhibits-nothing-itself':
    '17:18: warning: INHIBITS_NOTHING: no alert of "burst" is inhibited: it is this rule',
  'inhibits-nothing-part':
    '27:18: warning: INHIBITS_NOTHING: no alert of "burst" is inhibited: it raises none',
  'legacy-timeframe':
    '7:3: warning: LEGACY_TIMEFRAME: timeframe has no effect; a time span belongs to a correlation',
  'misplaced-key':
    '12:1: warning: MISPLACED_KEY: group-by has no effect; line 12 has it beside correlation: indent it like type and rules',
  'unused-alias':
    '15:5: warning: UNUSED_ALIAS: no group-by and no measured field is called "account", so this alias has no effect',
  'unused-selection':
    '6:3: warning: UNUSED_SELECTION: the condition does not name "filter_service", which therefore decides nothing; use it there, remove it, or begin its name with _',
  'unused-selection-global':
    '6:3: warning: UNUSED_SELECTION: the condition does not name "helpdesk", which therefore decides nothing; use it there, remove it, or begin its name with _',
  'unused-selection-filter':
    '13:3: warning: UNUSED_SELECTION: the condition does not name "helpdesk", which therefore decides nothing; use it there, remove it, or begin its name with _',
  'missing-logsource':
    '1:1: warning: MISSING_LOGSOURCE: logsource is missing; say which log this is for: category, product, service',
  'logsource-key':
    '2:12: warning: MISSING_LOGSOURCE: logsource says none of category, product, service; did you mean "category"?',
  'not-a-number-compared':
    '9:5: warning: NOT_A_NUMBER: user_agent.original holds text, which is compared only where it is a number in digits',
  'not-a-number-persons':
    '16:22: warning: NOT_A_NUMBER: portal.records.ids holds text, of which value_avg measures only what is a number in digits',
  'not-a-number-sum':
    '16:22: warning: NOT_A_NUMBER: user.id holds text, of which value_sum measures only what is a number in digits',
  'ordered-expression':
    '22:14: warning: ORDER_NOT_ASKED: a condition over rule names asks which rules matched, in any order; for the listed order write a bound such as {gte: 2}, or none',
  'out-of-reach-average': '16:10: warning: OUT_OF_REACH: no value satisfies gte 10 and lt 5',
  'out-of-reach-condition':
    '23:14: warning: OUT_OF_REACH: no window meets the condition, whichever of the rules match; at least one does in each',
  'fires-at-once-sum':
    '17:10: warning: FIRES_AT_ONCE: gte 0 holds for every window, as what is summed is not negative, so the first event of each group fires: write a lower bound above 0',
  'fires-at-once-temporal':
    '12:9: warning: FIRES_AT_ONCE: temporal refers to one rule, however often it is listed, so each of its matches fires: name another one that has to match with it, or count with event_count',
  'unused-global':
    '1:1: warning: UNUSED_GLOBAL: no rule follows to take what action: global lends: in a file, a rule is a document of its own, after ---',
  'out-of-reach-contradiction':
    '15:9: warning: OUT_OF_REACH: no value satisfies gt 3 and lt 4; a window has at least one event, so its value is a whole number from 1 on',
  'out-of-reach-group':
    '17:10: warning: OUT_OF_REACH: gte 2 is out of reach: user.id is in group-by, so a group has one value of it unless events hold lists; count another field',
  'out-of-reach-none':
    '15:9: warning: OUT_OF_REACH: no value satisfies eq 0; a window has at least one event, so its value is a whole number from 1 on',
  'out-of-reach-temporal': '23:10: warning: OUT_OF_REACH: gte 3 is out of reach: it refers to 2 rules',
  'out-of-reach-values':
    '25:9: warning: OUT_OF_REACH: gt 3 is out of reach: an event that matches has event.action as one of password-reset, record-list, record-view, unless it holds a list',
  'raises-no-alert':
    '1:8: warning: RAISES_NO_ALERT: no correlation refers to this rule, and a match alone is counted but raises no alert; correlate it, or set level: informational',
  'searches-start':
    '5:11: warning: SEARCHES_START: "(.)\\\\1.*b.*c.*d" has a back-reference, so only the first 163 characters of a value are searched; use fewer repeats, bound them, or do without the back-reference',
  'unknown-field-filter':
    '13:15: warning: UNKNOWN_FIELD: "user.role" is no field of the portal\'s events; did you mean "user.roles"?',
  'unknown-field-group':
    '13:31: warning: UNKNOWN_FIELD: "usr.id" is no field of the portal\'s events; did you mean "user.id"?',
  'unknown-field-reference':
    '6:23: warning: UNKNOWN_FIELD: "user.target.name" is no field of the portal\'s events; did you mean "user.target.id"?',
  'unknown-field-alias':
    '17:14: warning: UNKNOWN_FIELD: "account" is no field of the portal\'s events, and the alias does not say which field "Views" has for it',
  'unknown-field-value':
    '14:32: warning: UNKNOWN_FIELD: "portal.records.id" is no field of the portal\'s events; did you mean "portal.records.ids"?',
  'unknown-field':
    '6:7: warning: UNKNOWN_FIELD: "event.acton" is no field of the portal\'s events; did you mean "event.action"?',
  'unused-rule':
    '20:18: warning: UNUSED_RULE: "resets" does not occur in the condition: its events only end windows; use it there or remove it here',
  'out-of-reach-terms':
    '16:28: warning: OUT_OF_REACH: user.id is in group-by, so a group has one value of it, which is never new, unless events hold lists; watch another field',
  'unknown-field-term':
    '16:28: warning: UNKNOWN_FIELD: "source.as.numbr" is no field of the portal\'s events; did you mean "source.as.number"?',
  'field-not-carried-term':
    '26:11: warning: FIELD_NOT_CARRIED: source.as.number is not in the firings of "Burst", which carry only its group-by, user.id: they show nothing new and do not count',
  'unknown-value-outcome':
    '6:30: warning: UNKNOWN_VALUE: "failed" is no outcome of the portal\'s events; there are success, failure, unknown',
  'unknown-value-network':
    '6:16: warning: UNKNOWN_VALUE: "10.0.0.0/8" is compared as text, which no address equals; write source.ip|cidr',
  'unknown-value-number':
    '6:27: warning: UNKNOWN_VALUE: ">= 100" is no number, and portal.records.count holds numbers; write portal.records.count|gte: 100',
  'number-as-part':
    '6:27: warning: NUMBER_AS_PART: 10. without quotes is a number, so 10 fits as well; put it in quotes',
  'yaml-tag': '1:8: warning: YAML_TAG: Unresolved tag: !portal',
};

function warningsOf(name: string): string[] {
  const text = readFileSync(new URL(`${name}.warn.yaml`, folder), 'utf8');
  return parseRules([{ file: name, text }], { lint: true }).faults.map(
    ({ line, column, severity, code, message }) => `${line}:${column}: ${severity}: ${code}: ${message}`,
  );
}

describe('every file of a rule that is hardly meant is warned of with its one message', () => {
  test.each(Object.entries(MESSAGES))('%s', (name, message) => {
    expect(warningsOf(name)).toEqual([message]);
  });

  test('every file in the folder is in the table', () => {
    const files = readdirSync(folder)
      .filter((file) => file.endsWith('.warn.yaml'))
      .map((file) => file.replace('.warn.yaml', ''));
    expect(files.sort()).toEqual(Object.keys(MESSAGES).sort());
  });
});

const PORTAL = 'logsource: {category: application, product: portal}';

/** Codes for a rule on the portal's log and the correlation `body` over it. */
function codes(body: string, logsource = PORTAL): string[] {
  const rule = `title: Views\nname: views\nlevel: informational\n${logsource}\ndetection: {s: {event.action: record-view}, condition: s}\n`;
  const text = `${rule}---\ntitle: Many\nname: many\ncorrelation: {rules: views, timespan: 1h, ${body}}\n`;
  return parseRules([{ file: 'f', text }], { lint: true }).faults.map(({ code }) => code);
}

/** Codes for a rule on the portal's log with this selection. */
function warned(detection: string, personFields: readonly string[] = ['portal.records.ids']): string[] {
  const text = `title: T\nlevel: informational\n${PORTAL}\ndetection: {s: {${detection}}, condition: s}\n`;
  return parseRules([{ file: 'f', text }], { lint: true, personFields }).faults.map(({ code }) => code);
}

/** Messages for a rule on the portal's log that looks events up in a list with this person. */
function listed(id: string): string[] {
  const contents = { columns: ['user.id', 'portal.records.ids'], rows: [['u-1', id]], lines: [3] };
  const lists = new Lists([new LookupList('vip', 'vip.csv', contents)]);
  const text = `title: T\nlevel: informational\n${PORTAL}\nvigie.only_listed: [vip]\ndetection: {s: {user.id: u-1}, condition: s}\n`;
  return parseRules([{ file: 'f', text }], { lint: true, lists }).faults.map(({ message }) => message);
}

test('a list that names persons by their ids is warned of where a rule asks it, by the line', () => {
  expect(listed('0409db0a6ab4a690')).toEqual([]);
  expect(listed('0012345678A')).toEqual([
    expect.stringMatching(/^a person in line 3 of the list vip is no pseudonym, and /),
  ]);
});

describe('what may well be meant is not warned of', () => {
  test.each([
    ['one event that opens an alert', 'type: event_count, condition: {gte: 1}'],
    ['more than none', 'type: event_count, condition: {gt: 0}'],
    ['a range', 'type: event_count, condition: {gte: 2, lte: 10}'],
    ['exactly one', 'type: event_count, condition: {eq: 1}'],
    ['an average below a bound', 'type: value_avg, condition: {field: portal.records.count, lt: 2}'],
    ['a sum other than zero', 'type: value_sum, condition: {field: portal.records.count, neq: 0}'],
    [
      'as many values as the rule lets through',
      'type: value_count, condition: {field: event.action, gte: 1}',
    ],
    [
      'several values of two fields, one of them fixed',
      'type: value_count, condition: {field: [event.action, user.id], gte: 9}',
    ],
    [
      'an alias for fields that are known',
      'type: event_count, group-by: who, aliases: {who: {views: user.id}}, condition: {gte: 9}',
    ],
    ['a temporal rule without a condition', 'type: temporal'],
  ])('%s', (_name, body) => {
    expect(codes(body)).toEqual([]);
  });

  test('parts of pseudonyms, absent persons, and ids where the configuration has no persons', () => {
    expect(warned('portal.records.ids: 12')).toEqual(['NO_PSEUDONYM']);
    expect(warned("portal.records.ids: ['*', '0409*']")).toEqual([]);
    expect(warned('portal.records.ids: null')).toEqual([]);
    expect(warned("portal.records.ids|startswith: '0409'")).toEqual([]);
    expect(warned('portal.records.ids: 12', ['user.target.id'])).toEqual([]);
    expect(warned('user.target.id|neq: u-1', ['user.target.id'])).toEqual(['NO_PSEUDONYM']);
  });

  test('values that an event may have, and parts of values', () => {
    expect(warned('portal.records.count: [0x10, 0o17, "1e3"]')).toEqual([]);
    expect(warned('event.outcome: [Success, "fail*"], source.ip: [10.0.0.1, "::1"]')).toEqual([]);
    expect(warned('http.response.status_code: ["404", 5.0e2, "5??"], source.ip|cidr: 10.0.0.0/8')).toEqual(
      [],
    );
    expect(
      warned(
        'source.ip|startswith: ["10.", 172, 9007199254740993], url.path: /a/1, event.outcome|endswith: ed',
      ),
    ).toEqual([]);
  });

  test('fields of other logs, whose vocabularies are their own', () => {
    const body = 'type: value_count, group-by: Image, condition: {field: CommandLine, gte: 3}';
    expect(codes(body, 'logsource: {category: process_creation, product: windows}')).toEqual([]);
    expect(codes(body)).toEqual(['UNKNOWN_FIELD', 'UNKNOWN_FIELD']);
  });

  test('a chain over the fields that its parent groups by, also under an alias', () => {
    const parent =
      'type: event_count, group-by: user.id, condition: {gte: 3}}\n---\ntitle: Sprees\ncorrelation: {rules: many, timespan: 1d, ';
    const chained = (rest: string): string[] => codes(`${parent}${rest}`);
    expect(chained('type: event_count, group-by: user.id, condition: {gte: 2}')).toEqual([]);
    expect(chained('type: value_count, condition: {field: user.id, gte: 2}')).toEqual([]);
    expect(
      chained('type: event_count, group-by: who, aliases: {who: {many: user.id}}, condition: {gte: 2}'),
    ).toEqual([]);
    expect(chained('type: event_count, group-by: who, condition: {gte: 2}')).toEqual(['FIELD_NOT_CARRIED']);
  });
});

test('a rule to which a correlation with faults refers is not said to be referred to by none', () => {
  const text = `title: Views\nname: views\n${PORTAL}\ndetection: {s: {event.action: record-view}, condition: s}\n`;
  const checked = (correlation: string): string[] =>
    parseRules(
      [{ file: 'f', text: `${text}---\ntitle: Many\ncorrelation: {timespan: 1x, ${correlation}}\n` }],
      {
        lint: true,
      },
    ).faults.map(({ code }) => code);
  expect(checked('type: event_count, rules: [views], condition: {gte: 3}')).toEqual(['BAD_DURATION']);
  expect(checked('type: temporal, condition: not (views)')).toEqual(['BAD_DURATION']);
  expect(checked('type: event_count, rules: [Views], condition: {gte: 3}')).toEqual([
    'RAISES_NO_ALERT',
    'BAD_DURATION',
    'UNKNOWN_RULE',
  ]);
});

test('only a check asks for these warnings: loading rules for work stays as quick and as quiet', () => {
  for (const name of ['out-of-reach-none', 'unknown-field', 'raises-no-alert', 'field-not-carried-group']) {
    const text = readFileSync(new URL(`${name}.warn.yaml`, folder), 'utf8');
    const [plain, linted] = [
      parseRules([{ file: name, text }]),
      parseRules([{ file: name, text }], { lint: true }),
    ];
    expect(plain.faults).toEqual([]);
    expect({ ...linted, faults: [] }).toEqual(plain);
  }
});

const bound = (value: fc.Arbitrary<number>): fc.Arbitrary<Bound> =>
  fc.record({ op: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'neq'), value });

describe('whether bounds can hold', () => {
  const halves = fc.integer({ min: -6, max: 20 }).map((half) => half / 2);
  const bounds = fc.array(bound(halves), { minLength: 1, maxLength: 4 });

  test('for counts is what trying every count says', () => {
    fc.assert(
      fc.property(bounds, fc.integer({ min: 1, max: 12 }), (some, most) => {
        const counts = Array.from({ length: most }, (_, i) => i + 1);
        expect(anyCountHolds(some, 1, most)).toBe(counts.some((value) => holds(some, value)));
        const many = Array.from({ length: 50 }, (_, i) => i + 1);
        expect(anyCountHolds(some, 1, Infinity)).toBe(many.some((value) => holds(some, value)));
      }),
    );
  });

  test('for other numbers is what trying numbers in fine steps says', () => {
    const steps = Array.from({ length: 200 }, (_, i) => i / 8 - 8);
    fc.assert(
      fc.property(bounds, (some) => {
        expect(anyNumberHolds(some)).toBe(steps.some((value) => holds(some, value)));
      }),
    );
  });
});
