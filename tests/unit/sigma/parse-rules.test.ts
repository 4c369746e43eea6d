import { describe, expect, test } from 'vitest';
import { formatCondition } from '../../../src/sigma/ast.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { CorrelationRule, RuleSet } from '../../../src/sigma/rule.ts';
import { bench, load, ruleText } from './matching.ts';

function parse(text: string): RuleSet {
  return parseRules([{ file: 'rules.yml', text }]);
}

function codes(set: RuleSet): string[] {
  return set.faults.map(({ severity, code }) => `${severity} ${code}`);
}

const VIEWS = `title: Views
name: views
id: 0e95725d-7320-415d-80f7-004da920fc11
logsource: {category: portal, service: kairos}
detection:
  selection: {event.action: record-view}
  condition: selection
`;

function correlation(body: string, root = ''): string {
  return `${VIEWS}---\ntitle: Many views\nname: many\n${root}correlation:\n${body
    .trim()
    .split('\n')
    .map((line) => `  ${line.trim()}`)
    .join('\n')}\n`;
}

const COUNT = 'type: event_count\nrules: views\ntimespan: 2h\ncondition: {gte: 10}';

function onlyCorrelation(text: string): CorrelationRule {
  return load(text).correlations[0]!;
}

describe('the keys of a rule', () => {
  test('are read, with their defaults', () => {
    const text = `${VIEWS}level: high\nstatus: test\ndescription: d\ntags: [attack.t1119]\nfalsepositives: [exports]\nreferences: r\nvigie.runbook: call the DPO\n`;
    expect(load(text).rules[0]).toMatchObject({
      key: '0e95725d-7320-415d-80f7-004da920fc11',
      id: '0e95725d-7320-415d-80f7-004da920fc11',
      name: 'views',
      title: 'Views',
      level: 'high',
      status: 'test',
      description: 'd',
      tags: ['attack.t1119'],
      falsePositives: ['exports'],
      references: ['r'],
      runbook: 'call the DPO',
      file: 'rules.yml',
      line: 1,
      logsource: { category: 'portal', service: 'kairos' },
      timezone: 'UTC',
      alertsAlone: true,
    });
    expect(load(ruleText('sel: {a: 1}\ncondition: sel')).rules[0]).toMatchObject({
      key: 'Test rule',
      level: 'medium',
      description: '',
      tags: [],
      status: undefined,
    });
  });

  test('may be others too, only vigie.* has to be known', () => {
    expect(
      codes(parse(`${VIEWS}author: me\ndate: 2025-07-12\ncustom: {a: [1]}\nregression_tests_path: x\n`)),
    ).toEqual([]);
  });

  test('need no UUID as id', () => {
    expect(load(VIEWS.replace(/id: .*/, 'id: views-1')).rules[0]!.key).toBe('views-1');
  });

  test('without a logsource are a warning, and the rule loads', () => {
    const set = parse('title: T\ndetection: {sel: {a: 1}, condition: sel}\n');
    expect(codes(set)).toEqual(['warning MISSING_LOGSOURCE']);
    expect(set.rules).toHaveLength(1);
  });

  test('a timeframe without an aggregation is a warning', () => {
    expect(codes(parse(ruleText('sel: {a: 1}\ntimeframe: 5m\ncondition: sel')))).toEqual([
      'warning LEGACY_TIMEFRAME',
    ]);
  });

  test('two rules of one name both load, under different keys, with a warning', () => {
    const set = parse(`${VIEWS}---\n${VIEWS}`);
    expect(set.rules.map(({ key }) => key)).toEqual([
      '0e95725d-7320-415d-80f7-004da920fc11',
      '0e95725d-7320-415d-80f7-004da920fc11#2',
    ]);
    expect(codes(set)).toEqual(['warning DUPLICATE_RULE']);
  });
});

describe('documents and collections', () => {
  test('empty documents and comments do not count', () => {
    const set = parse(`---\n# nothing\n---\n${VIEWS}---\n`);
    expect([set.documents, set.rules.length, codes(set)]).toEqual([1, 1, []]);
  });

  test('an empty file is no fault', () => {
    expect(parse('')).toMatchObject({ documents: 0, rules: [], faults: [] });
  });

  test('aliases and merge keys are resolved', () => {
    const set = load(
      ruleText(
        'base: &base {a: 1}\nsel:\n  <<: *base\n  b: 2\nlist: {c: &l [x, y]}\nother: {d: *l}\ncondition: sel and other',
      ),
    );
    expect(bench(set).matches({ a: 1, b: 2, d: 'y' })).toHaveLength(1);
    expect(bench(set).matches({ b: 2, d: 'y' })).toHaveLength(0);
  });

  test('action: global lends its keys until a reset; the rule wins where both have one', () => {
    const set = load(`action: global
title: Global
level: high
logsource: {product: portal}
detection: {common: {user.roles: rgc}, condition: common and sel}
---
title: One
detection: {sel: {a: 1}}
---
title: Two
level: low
detection: {sel: {a: 2}}
---
action: reset
---
title: Three
logsource: {product: portal}
detection: {sel: {a: 1}, condition: sel}
`);
    expect(set.documents).toBe(5);
    expect(set.rules.map(({ title, level }) => `${title} ${level}`)).toEqual([
      'One high',
      'Two low',
      'Three medium',
    ]);
    const { matches } = bench(set);
    expect(matches({ a: 1, user: { roles: ['rgc'] } })).toEqual(['One', 'Three']);
    expect(matches({ a: 1 })).toEqual(['Three']);
  });

  test('action: repeat is the rule before with changes', () => {
    const set = load(
      `${ruleText('sel: {a: 1}\ncondition: sel')}---\naction: repeat\ntitle: Again\ndetection: {sel: {a: 2}}\n`,
    );
    const { matches } = bench(set);
    expect(matches({ a: 2 })).toEqual(['Again']);
    expect(matches({ a: 1 })).toEqual(['Test rule']);
  });
});

const filter = (rules: string, logsource = 'category: portal'): string =>
  `---\ntitle: Robots\nname: robots\nlogsource: {${logsource}}\nfilter:\n  rules: ${rules}\n  selection: {user.id|startswith: svc-}\n  condition: not selection\n`;

describe('filters', () => {
  const event = { event: { action: 'record-view' }, user: { id: 'svc-7' } };

  test.each([
    ['by id', '[0e95725d-7320-415d-80f7-004da920fc11]', 'category: portal', 0],
    ['by name', 'views', 'service: kairos', 0],
    ['any', 'any', 'category: portal', 0],
    ['any, with another logsource', 'any', 'category: webserver', 1],
    ['by name, with an attribute that the rule lacks', 'views', 'product: portal', 1],
  ])('a filter names its rules %s', (_name, rules, logsource, expected) => {
    const set = load(VIEWS + filter(rules, logsource));
    expect(set.filters).toBe(1);
    expect(bench(set).matches(event)).toHaveLength(expected);
    expect(bench(set).matches({ ...event, user: { id: 'u-1' } })).toHaveLength(1);
  });

  test('several filters on one rule all apply, and patterns stay within their document', () => {
    const second = filter('any').replace('title: Robots', 'title: Other').replace('svc-', 'test-');
    const set = load(
      `${VIEWS.replace('condition: selection', 'condition: all of them')}${filter('any')}${second}`,
    );
    const { matches } = bench(set);
    expect(matches({ ...event, user: { id: 'test-1' } })).toEqual([]);
    expect(matches(event)).toEqual([]);
    expect(matches({ ...event, user: { id: 'u-1' } })).toEqual(['Views']);
    expect(formatCondition(set.rules[0]!.condition)).toBe(
      'selection and not filter robots: selection and not filter robots (2): selection',
    );
  });

  test('a filter that names a rule which nobody has is not loaded, and changes no rule', () => {
    const set = parse(VIEWS + filter('[views, veiws]'));
    expect(codes(set)).toEqual(['error UNKNOWN_RULE']);
    expect(set.filters).toBe(0);
    expect(bench(set).matches(event)).toHaveLength(1);
  });

  test('filters of other files apply too, and never to correlations', () => {
    const set = parseRules([
      { file: 'filter.yml', text: filter('any').replace('---\n', '') },
      { file: 'rules.yml', text: correlation(COUNT) },
    ]);
    expect(set.faults).toEqual([]);
    expect(bench(set).matches(event)).toEqual([]);
  });
});

describe('correlations', () => {
  test('are read with their defaults', () => {
    expect(onlyCorrelation(correlation(COUNT))).toMatchObject({
      kind: 'correlation',
      key: 'many',
      type: 'event_count',
      rules: ['0e95725d-7320-415d-80f7-004da920fc11'],
      groupBy: [],
      timespanMs: 7_200_000,
      bounds: [{ op: 'gte', value: 10 }],
      fields: [],
      percentile: undefined,
      ruleCondition: undefined,
      resolveTimeoutMs: 7_200_000,
      missingFields: 'skip',
      maxGroups: undefined,
      inhibits: [],
      alertsAlone: true,
    });
  });

  test('are read in full', () => {
    const rule = onlyCorrelation(
      correlation(
        `type: value_count
        rules: [0e95725d-7320-415d-80f7-004da920fc11]
        group-by: [who, organization.id]
        timespan: 1M
        condition: {gt: 100, gte: 5, field: [portal.records.ids, service.name]}
        aliases: {who: {views: user.id}}`,
        'vigie.resolve_timeout: 2h\nvigie.missing_fields: group\nvigie.max_groups: 9\nvigie.max_entries: 8\nvigie.inhibits: views\n',
      ),
    );
    expect(rule).toMatchObject({
      type: 'value_count',
      groupBy: ['who', 'organization.id'],
      timespanMs: 30 * 86_400_000,
      bounds: [
        { op: 'gt', value: 100 },
        { op: 'gte', value: 5 },
      ],
      fields: ['portal.records.ids', 'service.name'],
      resolveTimeoutMs: 7_200_000,
      missingFields: 'group',
      maxGroups: 9,
      maxEntries: 8,
      inhibits: ['0e95725d-7320-415d-80f7-004da920fc11'],
    });
    expect(rule.aliases.get('who')).toEqual(new Map([['0e95725d-7320-415d-80f7-004da920fc11', 'user.id']]));
  });

  test('may stand before the rules they refer to, and in another file', () => {
    const [rule, many] = correlation(COUNT).split('---\n');
    const set = parseRules([
      { file: 'b.yml', text: many! },
      { file: 'a.yml', text: rule! },
    ]);
    expect(set.faults).toEqual([]);
    expect(set.correlations[0]!.rules).toEqual(['0e95725d-7320-415d-80f7-004da920fc11']);
  });

  test.each([
    ['referenced rules do not alert alone', '', '', false],
    ['unless the correlation generates', '\ngenerate: true', '', true],
    ['or says so at its root', '', 'generate: true\n', true],
  ])('%s', (_name, inside, root, expected) => {
    expect(load(correlation(COUNT + inside, root)).rules[0]!.alertsAlone).toBe(expected);
  });

  test.each([
    ['type: temporal\nrules: [views]\ntimespan: 1h'],
    ['type: temporal\nrules: [views]\ntimespan: 1h\ncondition: not views'],
    ['type: temporal\ntimespan: 1h\ncondition: views AND NOT (views)'],
    ['type: temporal_ordered\nrules: [views]\ntimespan: 1h\ncondition: {gte: 1}'],
    ['type: value_avg\nrules: views\ntimespan: 1h\ncondition: {gte: 1.5, field: a}'],
    ['type: value_median\nrules: views\ntimespan: 1h\ncondition: {gte: 1, field: a}'],
    ['type: value_percentile\nrules: views\ntimespan: 1h\ncondition: {gte: 1, field: a, percentile: 95}'],
    ['type: event_count\nrules: views\ntimespan: 1h\ncondition: {gt: 1, lte: 9}'],
    ['type: event_count\nrules: views\ntimespan: 1h\ncondition: {eq: 0}'],
    ['type: value_sum\nrules: views\ntimespan: 1h\ncondition: {neq: 3, field: a}'],
  ])('every type and bound loads: %s', (body) => {
    const set = parse(correlation(body));
    expect(codes(set)).toEqual([]);
    expect(set.correlations).toHaveLength(1);
  });

  test('are not loaded when a rule they need is faulty, and that rule alone is blamed', () => {
    const set = parse(correlation(COUNT).replace('event.action:', 'event.action|contians:'));
    expect(codes(set)).toEqual(['error UNKNOWN_MODIFIER']);
    expect([...set.rules, ...set.correlations]).toEqual([]);
  });
});

test('a legacy aggregation is answered with a correlation that loads once the blanks are filled', () => {
  const set = parse(
    VIEWS.replace(
      'condition: selection',
      'timeframe: 30s\n  condition: selection | count() by user.id >= 20',
    ),
  );
  const advice = /correlation: (\{.*\})$/.exec(set.faults[0]!.message)![1]!;
  const rule = onlyCorrelation(`${VIEWS}---\ntitle: Many\ncorrelation: ${advice}\n`);
  expect(rule).toMatchObject({
    type: 'event_count',
    groupBy: ['user.id'],
    timespanMs: 30_000,
    bounds: [{ op: 'gte', value: 20 }],
  });
});
