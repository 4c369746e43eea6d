import { describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { testsOfFile } from '../../../src/eval/rule-test-form.ts';
import { runRuleTests, type RuleTestResult } from '../../../src/eval/rule-tests.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { listsOf } from '../lookup/lists.ts';
import { ALL_RULES } from '../cli/fixtures.ts';

const ruleSet = parseRules([{ file: 'rules.yml', text: ALL_RULES }]);
const BURST = '11111111-0000-4000-8000-000000000003';

function runFile(file: string, text: string, rules: RuleSet): RuleTestResult[] {
  return runRuleTests(testsOfFile(file, text, rules), rules);
}

/** Runs one test of the burst rule over reads of two accounts, three each, a second apart. */
function run(fires: string, events = READS): readonly string[] {
  const [result] = runFile(
    'burst.tests.yml',
    `rule: ${BURST}\ntests:\n  - name: reads\n    events:\n${events}\n    fires: ${fires}\n`,
    ruleSet,
  );
  expect(result).toMatchObject({ file: 'burst.tests.yml', rule: BURST, name: 'reads' });
  expect(result!.passed).toBe(result!.differences.length === 0);
  return result!.differences;
}

const READS = ['a', 'b']
  .map(
    (user) =>
      `      - {repeat: 3, from: 2025-07-12T20:00:00Z, every: 1s, event: {event.action: record-view, user.id: ${user}, service.name: k}}`,
  )
  .join('\n');
const AT = 'at: 2025-07-12T20:00:02Z';
const A = 'group: {service.name: k, user.id: a}';
const B = 'group: {user.id: b, service.name: k}';

/** Of events that do not make the rule fire. */
const silent = (events: string): unknown =>
  run('[{at: 2025-07-12T20:00:02Z}]', `      - {repeat: 4, from: 2025-07-12T20:00:00Z, ${events}}`);

describe('a test of a rule', () => {
  test.each([
    ['everything', `[{${AT}, ${A}, value: 3}, {${AT}, ${B}, value: 3}]`],
    ['no value', `[{${AT}, ${A}}, {${AT}, ${B}}]`],
    ['no group', `[{${AT}, value: 3}, {${AT}, value: 3}]`],
    ['only the time', `[{${AT}}, {${AT}}]`],
    ['the vague before the precise', `[{${AT}}, {${AT}, ${A}, value: 3}]`],
  ])('passes when the firings that it names are those there are, naming %s', (_, fires) => {
    expect(run(fires)).toEqual([]);
  });

  test('takes a time without an offset for UTC, as events do, whatever the time zone of the machine', () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Europe/Paris';
    try {
      expect(run('[{at: 2025-07-12T20:00:02}, {at: 2025-07-12T20:00:02}]')).toEqual([]);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  test('fails for each firing that is missing and for each that is too many', () => {
    expect(run(`[{${AT}, ${A}, value: 4}, {${AT}, ${B}}]`)).toEqual([
      'expected, did not fire: at 2025-07-12T20:00:02.000Z, group {"service.name":"k","user.id":"a"}, value 4',
      'fired, not expected: at 2025-07-12T20:00:02.000Z, group {"user.id":"a","service.name":"k"}, value 3',
    ]);
    expect(run('[]')).toHaveLength(2);
    expect(run(`[{${AT}}, {${AT}}, {${AT}}]`)).toEqual([
      'expected, did not fire: at 2025-07-12T20:00:02.000Z',
    ]);
  });

  test('says of a rule that stays silent what it took of the events, and how near it came', () => {
    expect(silent('every: 9s, event: {event.action: record-view, user.id: u, service.name: k}')).toEqual([
      'expected, did not fire: at 2025-07-12T20:00:02.000Z',
      'it counts read 4; nearest: group {"user.id":"u","service.name":"k"}, value 2 at 2025-07-12T20:00:09.000Z',
    ]);
    expect(silent('every: 1s, event: {event.action: record-view, user.id: u}')).toEqual([
      'expected, did not fire: at 2025-07-12T20:00:02.000Z',
      'it counts read 4, 4 without user.id, service.name',
    ]);
  });

  test('counts repetitions into the events, with {i}, its remainder, digits, days, and lists', () => {
    const users =
      '      - {repeat: 6, from: 2025-07-12T20:00:00Z, every: 500ms, event: {event.action: record-view, user.id: "u{i%2}", service.name: "k", event.id: "e{i}"}}';
    expect(run('[{at: 2025-07-12T20:00:02Z}, {at: 2025-07-12T20:00:02.500Z}]', users)).toEqual([]);
    const padded =
      '      - {repeat: 3, days: 2, from: 2025-07-12T20:00:00Z, every: 1s, event: {event.action: record-view, user.id: "u{day}-{i%1:3}", service.name: k}}';
    expect(
      run(
        '[{at: 2025-07-12T20:00:02Z, group: {service.name: k, user.id: u0-000}}, {at: 2025-07-13T20:00:02Z, group: {service.name: k, user.id: u1-000}}]',
        padded,
      ),
    ).toEqual([]);
    const listed =
      '      - {repeat: 1, from: 2025-07-12T20:00:00Z, list: {field: user.id, size: 4}, event: {event.action: record-view, service.name: k}}';
    expect(run('[]', listed)).toEqual([]);
  });

  test('counts repetitions into nested events as into dotted ones', () => {
    const nested = `      - {repeat: 3, from: 2025-07-12T20:00:00Z, every: 1s, event: {event: {action: record-view}, user: {id: 'u{i}'}, service: {name: k}}}`;
    expect(run('[]', nested)).toEqual([]);
  });

  test.each([
    ['event.acton: record-view', '"event.acton"', 'did you mean "event.action"'],
    ['event: {actoin: record-view}', '"event.actoin"', 'did you mean "event.action"'],
    [
      'event.action: record-view}, list: {field: portal.record.ids, size: 2',
      '"portal.record.ids"',
      'did you mean',
    ],
  ])('with a misspelt field is refused, as it would be silent for that: %s', (field, name, meant) => {
    const events = `      - {repeat: 3, from: 2025-07-12T20:00:00Z, event: {user.id: u, service.name: k, ${field}}}`;
    const typo = () => run('[]', events);
    expect(typo).toThrow(expect.objectContaining({ code: 'RULE_TEST_INVALID' }));
    expect(typo).toThrow(name);
    expect(typo).toThrow(meant);
  });

  test('may give its events what else a log holds', () => {
    const events = `      - {repeat: 3, from: 2025-07-12T20:00:00Z, every: 1s, event: {event.action: record-view, user.id: 'u{i}', service.name: k, vendor.build: 7}}`;
    expect(run('[]', events)).toEqual([]);
  });

  test('may give its events whatever the loaded rules read', () => {
    const own = parseRules([{ file: 'own.yml', text: ALL_RULES.replaceAll('service.name', 'own.app.name') }]);
    const text = `rule: ${BURST}\ntests:\n  - name: own\n    events:\n${READS.replaceAll('service.name: k', 'own: {app: {name: k}}')}\n    fires: [{${AT}}, {${AT}}]\n`;
    expect(runFile('own.tests.yml', text, own)).toMatchObject([{ passed: true }]);
  });

  test('shows events that are refused instead of passing without them', () => {
    const broken =
      '      - {from: 2025-07-12T20:00:00Z, event: {"@timestamp": soon, event.action: record-view}}';
    expect(run('[]', broken)).toEqual([expect.stringMatching(/^event 0 is refused: BAD_TIME: /)]);
  });

  test('of a base rule names the times of its matches', () => {
    const text = `rule: read\ntests:\n  - {name: reads, events: [{from: 2025-07-12T20:00:00Z, event: {event.action: record-view}}], fires: [{at: 2025-07-12T20:00:00Z}]}\n`;
    expect(runFile('read.tests.yml', text, ruleSet)).toMatchObject([{ passed: true }]);
  });
});

describe('the lists of a test', () => {
  const lists = listsOf({ hosting: 'source.as.number\n1\n', loads: 'user.id,n\n' });
  const listed = parseRules(
    [
      {
        file: 'rules.yml',
        text: 'title: R\nname: hosted\nlogsource: {category: c}\nvigie.only_listed: hosting\ndetection: {s: {a: 1}, condition: s}\n',
      },
    ],
    { lists },
  );
  const EVENTS =
    'events: [{from: 2025-07-12T20:00:00Z, event: {a: 1, source.as.number: 1}}, {from: 2025-07-12T20:01:00Z, event: {a: 1, source.as.number: 64500}}]';
  const results = (given: string, fires: string): RuleTestResult[] =>
    runFile(
      'h.tests.yml',
      `rule: hosted\ntests:\n  - {name: given, ${given}${EVENTS}, fires: [${fires}]}\n  - {name: none, ${EVENTS}, fires: []}\n`,
      listed,
    );

  test('are those that it gives, and empty when it gives none, whatever the loaded lists hold', () => {
    const passed = results('lists: {hosting: [{source.as.number: 64500}]}, ', '{at: 2025-07-12T20:01:00Z}');
    expect(passed).toMatchObject([{ passed: true }, { passed: true }]);
    expect(lists.known('hosting').contents.rows).toEqual([['1']]);
  });

  test.each([
    ['lists: {hostings: []}, ', /given: lists: there is no list "hostings"; did you mean "hosting"\?/],
    ['lists: {loads: [{user.id: u}]}, ', /a row of loads has user\.id, n, not user\.id/],
    ['lists: {hosting: [{source.as.number: 10.0.0.1/8}]}, ', /hosting, row 1: "10\.0\.0\.1\/8" .*no network/],
  ])('are refused when they are none: %s', (given, message) => {
    expect(() => results(given, '')).toThrow(message);
    expect(lists.known('hosting').contents.rows).toEqual([['1']]);
  });
});

describe('persons in the lists and groups of a test', () => {
  const vips = listsOf({ vips: 'portal.records.ids\n' });
  const rules = parseRules(
    [
      {
        file: 'vip.yml',
        text: `title: Read\nname: read\nlogsource: {product: p}\nvigie.only_listed: [vips]\ndetection: {s: {a: 1}, condition: s}\n---
title: Crowd\nname: crowd\ncorrelation: {type: value_count, rules: [read], group-by: [portal.records.ids, b], timespan: 1h, condition: {field: user.id, gte: 2}}\n`,
      },
    ],
    { lists: vips },
  );
  const results = (cell: string, person: string): RuleTestResult[] =>
    runFile(
      'vip.tests.yml',
      `rule: crowd
tests:
  - name: crowd
    lists: {vips: [{portal.records.ids: ${cell}}]}
    events: [{repeat: 2, from: 2025-07-12T20:00:00Z, event: {a: 1, b: c, user.id: 'u-{i}', portal.records.ids: [12]}}]
    fires: [{at: 2025-07-12T20:00:00Z, group: {portal.records.ids: '${person}', b: c}}]\n`,
      rules,
    );

  test('are written as in its events', () => {
    expect(results('12', '12')).toMatchObject([{ passed: true }]);
    expect(results('13', '12')).toMatchObject([{ passed: false }]);
    expect(results('12', '13')).toMatchObject([{ passed: false }]);
  });

  test('have the name that an alias gives them', () => {
    const aliased = parseRules([
      {
        file: 'who.yml',
        text: `title: Read\nname: read\nlogsource: {product: p}\ndetection: {s: {a: 1}, condition: s}\n---
title: Often\nname: often\ncorrelation: {type: temporal, rules: [read], group-by: [who], aliases: {who: {read: portal.records.ids}}, timespan: 1h}\n`,
      },
    ]);
    expect(aliased.faults).toEqual([]);
    const [result] = runFile(
      'who.tests.yml',
      `rule: often
tests:
  - name: one
    events: [{from: 2025-07-12T20:00:00Z, event: {a: 1, portal.records.ids: [12]}}]
    fires: [{at: 2025-07-12T20:00:00Z, group: {who: '12'}}]\n`,
      aliased,
    );
    expect(result!.differences).toEqual([]);
  });

  test('may be the pseudonyms that a test shows', () => {
    const shown = results('12', '13')[0]!
      .differences.join()
      .match(/[0-9a-f]{16}/g)!;
    expect(shown).toHaveLength(1);
    expect(results(`'${shown[0]}'`, shown[0])).toMatchObject([{ passed: true }]);
  });
});

test('a misspelt key of a test is told with the one that was meant, and a missing one as missing', () => {
  const text =
    'rule: read\ntests: [{name: a, event: [], fires: []}, {name: b, events: [{form: 2025-07-12T20:00:00Z, event: {}}], fires: [{grup: {}, at: 2025-07-12T20:00:00Z}]}]\n';
  expect(() => testsOfFile('a.tests.yml', text, ruleSet)).toThrow(
    'a.tests.yml: tests.0.events: is missing; tests.0: there is no key "event"; did you mean "events"?; tests.1.events.0.from: expected a time such as 2025-07-12T20:00:00Z; tests.1.events.0: there is no key "form"; did you mean "from"?; tests.1.fires.0: there is no key "grup"; did you mean "group"?',
  );
});

test.each([
  ['no YAML', 'rule: [', /^burst\.tests\.yml: /],
  ['no tests', 'rule: read\n', /tests: /],
  ['a key that there is not', 'rule: read\ntests: [{name: a, events: [], fire: []}]\n', /fires?/],
  [
    'a time that is none',
    'rule: read\ntests: [{name: a, events: [{from: soon, event: {}}], fires: []}]\n',
    /tests\.0\.events\.0\.from: expected a time such as/,
  ],
  [
    'a duration that is none',
    'rule: read\ntests: [{name: a, events: [{from: 2025-07-12T20:00:00Z, every: 5, event: {}}], fires: []}]\n',
    /tests\.0\.events\.0\.every: /,
  ],
  [
    'a pause without its unit',
    'rule: read\ntests: [{name: a, events: [{from: 2025-07-12T20:00:00Z, every: 60, event: {}}], fires: []}]\n',
    /every: expected a duration such as 20s or 250ms$/,
  ],
  [
    'a group that YAML takes for a number',
    'rule: read\ntests: [{name: a, events: [{from: 2025-07-12T20:00:00Z, event: {}}], fires: [{group: {user.id: 007}, at: 2025-07-12T20:00:00Z}]}]\n',
    /group\.user\.id: expected a text, in quotes where it looks like something else$/,
  ],
  [
    'a misspelt key',
    'rule: read\ntest: []\ntests: [{name: a, events: [{from: 2025-07-12T20:00:00Z, event: {}}], fires: []}]\n',
    /burst\.tests\.yml: there is no key "test"; did you mean "tests"\?$/,
  ],
  [
    'the tests of two rules',
    'rule: read\ntests: []\n---\nrule: other\ntests: []\n',
    /burst\.tests\.yml: it holds several documents; give each rule a file of its own$/,
  ],
  [
    'a rule that is not loaded',
    'rule: other\ntests: [{name: a, events: [{from: 2025-07-12T20:00:00Z, event: {}}], fires: []}]\n',
    /no loaded rule has the id or name "other"/,
  ],
])('a test file with %s is refused by name and place', (_, text, message) => {
  let thrown: unknown;
  try {
    runFile('burst.tests.yml', text, ruleSet);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(VigieError);
  expect(thrown).toMatchObject({
    code: 'RULE_TEST_INVALID',
    message: expect.stringMatching(message) as string,
    remedy: expect.stringMatching(/\w/) as string,
  });
});
