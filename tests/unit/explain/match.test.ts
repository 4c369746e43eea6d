/** The tree tells why; the verdict is the matcher's, and both say the same. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../../src/event/create-decoder.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { compileExplanation, type Explanation, type MatchExplanation } from '../../../src/explain/match.ts';
import { listsOf } from '../lookup/lists.ts';
import { load, ruleText } from '../sigma/matching.ts';

function explain(detection: string, event: unknown, root = ''): MatchExplanation {
  const fields = new FieldTable();
  const explanation = compileExplanation(load(ruleText(detection, root)).rules[0]!, fields);
  const decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  const data = Buffer.from(JSON.stringify(event));
  const fault = decoder.decode(data, 0, data.length, record);
  if (fault !== undefined) throw new Error(fault.message);
  return explanation(record);
}

/** The tree as lines: `+` holds, `-` does not. */
function lines({ holds, what, parts = [] }: Explanation, indent = ''): string[] {
  return [`${indent}${holds ? '+' : '-'} ${what}`, ...parts.flatMap((part) => lines(part, `${indent}  `))];
}

/** What is said of the one test of a selection. */
const said = (line: string, event: unknown, root = ''): string =>
  explain(`sel:\n  ${line}\ncondition: sel`, event, root).tree.parts![0]!.what;

test('every node of the condition has its truth, every test its value and what was wanted', () => {
  const detection = [
    'read: {event.action: [record-view, record-list], portal.records.count|gte: 10}',
    'service: {user.roles: service}',
    'condition: read and not service',
  ].join('\n');
  const event = {
    event: { action: 'record-search' },
    portal: { records: { count: 12 } },
    user: { roles: ['rgc'] },
  };
  const { matches, tree } = explain(detection, event);
  expect(matches).toBe(false);
  expect(lines(tree)).toEqual([
    '- read and not service',
    '  - read',
    '    - event.action = "record-search": none of record-view, record-list',
    '    + portal.records.count = 12: is gte 10',
    '  + not service',
    '    - service',
    '      - user.roles = ["rgc"]: is not service',
  ]);
});

describe('a test is told in words', () => {
  const event = {
    '@timestamp': '2025-07-12T20:00:00Z',
    a: 'Hello world',
    n: 'many',
    ip: '10.1.2.3',
    other: 'hello',
    gone: null,
  };
  test.each([
    ['a: hello world', 'a = "Hello world": is "hello world"'],
    ['a: hello*', 'a = "Hello world": is like hello*'],
    ['a|cased: hello*', 'a = "Hello world": is not like hello* (letter case counts)'],
    ['a: [x, y, hello*]', 'a = "Hello world": is like hello*'],
    ['a|contains: "*"', 'a = "Hello world": is like *'],
    [String.raw`a: 1\*2`, String.raw`a = "Hello world": is not "1\\*2"`],
    ['b: [x, y]', 'b is absent: none of x, y'],
    ['b: x', 'b is absent: wanted x'],
    ['b: null', 'b is absent: is null or absent'],
    ['gone: x', 'gone = null: is not x'],
    ['a|exists: false', 'a = "Hello world": it was to be absent'],
    ['a|re: W.rld', 'a = "Hello world": /W.rld/ is not found in it'],
    ['ip|cidr: 10.0.0.0/8', 'ip = "10.1.2.3": is in 10.0.0.0/8'],
    ['n|gte: 3', 'n = "many": no number, so not gte 3'],
    ['a|fieldref|startswith: other', 'a = "Hello world": is starting with other = "hello"'],
    ['a|fieldref: nothing', 'a = "Hello world": nothing is absent'],
    ["'@timestamp|hour|gte': 19", '@timestamp = "2025-07-12T20:00:00Z": its hour in UTC, 20, is gte 19'],
    ['a|hour: 3', 'a = "Hello world": no time, so not hour 3'],
    ['a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]', 'a = "Hello world": none of 1, 2, 3, 4, 5, 6, 7, 8 and 2 more'],
  ])('%s', (line, words) => {
    expect(said(line, event)).toBe(words);
  });

  test('a time part is that of the rule’s time zone', () => {
    expect(said("'@timestamp|hour': 22", event, 'vigie.timezone: Europe/Paris\n')).toBe(
      '@timestamp = "2025-07-12T20:00:00Z": its hour in Europe/Paris, 22, is 22',
    );
  });

  test('a keyword is told with the place where it was found, or that it was nowhere', () => {
    const found = explain('words: [nothing, world]\ncondition: words', { x: { y: ['a', event.a] } });
    expect(lines(found.tree)).toEqual(['+ words', '  + x.y = "Hello world": is like *world*']);
    const missed = explain('words: [nothing, like]\ncondition: words', event);
    expect(lines(missed.tree)).toEqual([
      '- words',
      '  - keywords *nothing*, *like*: in no value of the event',
    ]);
  });

  test('a value that is too long for a line is shortened in words, and whole as data', () => {
    const long = 'x'.repeat(500);
    const [leaf] = explain('sel: {a: y}\ncondition: sel', { a: long }).tree.parts!;
    expect(leaf!.what.length).toBeLessThan(150);
    expect(leaf!.value).toBe(long);
  });
});

test('persons’ ids are shown as pseudonyms only', () => {
  const event = { portal: { records: { ids: ['0012345678A'] } } };
  for (const detection of [
    'sel: {portal.records.ids: 0012345678A}\ncondition: sel',
    "sel: ['*']\ncondition: sel",
  ]) {
    const shown = JSON.stringify(explain(detection, event).tree);
    expect(shown).toMatch(/"[0-9a-f]{16}"/);
    expect(shown.replaceAll(/is not \w+/g, '')).not.toContain('0012345678A');
  }
});

describe('the truth of the tree', () => {
  const item = fc.oneof(
    fc
      .tuple(
        fc.constantFrom('a', 'b', 'c.d'),
        fc.constantFrom('', '|contains', '|cased', '|neq', '|startswith'),
      )
      .chain(([field, modifier]) =>
        fc
          .constantFrom(
            '1',
            'x',
            'X*',
            '"*x*"',
            "''",
            'true',
            '[1, x]',
            '[y, x, 2, z, w]',
            '[x*, 2, 10.0.0.1]',
          )
          .map((value) => `${field}${modifier}: ${value}`),
      ),
    fc.constantFrom(
      'a: null',
      'c.d|neq: null',
      'a|re: x+',
      'b|re|i: [X, "^$"]',
      'a|cidr: 10.0.0.0/8',
      'b|cidr: [10.0.0.1/32, 192.168.0.0/16]',
      'a|gte: 2',
      'b|lt: [1, 0]',
      'a|exists: true',
      'b|exists: false',
      'a|fieldref: b',
      'a|fieldref|contains: [b, c.d]',
      'b|contains|all: [x, y]',
      'a|hour: 3',
      'b|year|gte: 2025',
    ),
  );
  const map = fc
    .uniqueArray(item, { minLength: 1, maxLength: 3, selector: (line) => line.split(':')[0] })
    .map((items) => `{${items.map((line) => line.replace(/^([^:]+):/, '"$1":')).join(', ')}}`);
  const selection = fc.oneof(
    { weight: 4, arbitrary: map },
    { weight: 2, arbitrary: fc.tuple(map, map).map((maps) => `[${maps.join(', ')}]`) },
    { weight: 1, arbitrary: fc.constantFrom('[x]', '[nowhere, "10.*"]', '{"|all": [x, 1]}') },
  );
  const condition = fc.constantFrom(
    's and t',
    's or t',
    'not s',
    's and not t',
    '1 of them',
    'all of them',
    'not (s or t)',
    '(s and t) or u',
    's or (t and not u)',
    'not (not s)',
  );
  const scalar = fc.constantFrom<unknown>(
    1,
    2,
    '1',
    '2.5',
    'x',
    'X',
    'xy',
    '',
    null,
    true,
    'y',
    '10.0.0.1',
    '192.168.3.4',
    undefined,
    '2025-07-12T03:00:00Z',
    { e: 'x' },
  );
  const value = fc.oneof(
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  );
  const event = fc.record({ a: value, b: value, c: fc.record({ d: value }) });

  test('is the matcher’s verdict, on random rules and events', () => {
    let matched = 0;
    let all = 0;
    fc.assert(
      fc.property(
        fc.tuple(selection, selection, selection, condition),
        fc.array(event, { minLength: 1, maxLength: 5 }),
        ([s, t, u, text], events) => {
          for (const each of events) {
            const { matches, tree } = explain(`s: ${s}\nt: ${t}\nu: ${u}\ncondition: ${text}`, each);
            expect(tree.holds).toBe(matches);
            all += 1;
            if (matches) matched += 1;
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(matched / all).toBeGreaterThan(0.1);
    expect(matched / all).toBeLessThan(0.9);
  });

  test('is made of the truths of its parts', () => {
    const consistent = ({ holds, what, parts }: Explanation): boolean => {
      if (parts === undefined) return true;
      const truths = parts.map((part) => part.holds);
      const expected = [truths.every(Boolean), truths.some(Boolean), !truths[0]];
      return expected.includes(holds) && parts.every(consistent) && what !== '';
    };
    fc.assert(
      fc.property(selection, selection, event, (s, t, each) =>
        consistent(explain(`s: ${s}\nt: ${t}\ncondition: s and not t`, each).tree),
      ),
    );
  });
});

describe('what a rule asks of lists and working hours', () => {
  test('is told with the event’s values, and with its local time', () => {
    const lists = listsOf({ egress: 'organization.id,source.ip\n1,10.0.0.0/8\n' });
    const root =
      'vigie.timezone: Europe/Paris\nvigie.off_hours: {hours: 07:00-19:00, holidays: FR}\nvigie.unless_listed: egress\n';
    const told = (event: object): string[] => {
      const fields = new FieldTable();
      const [rule] = load(ruleText('sel: {a: 1}\ncondition: sel', root), { lists }).rules;
      const explanation = compileExplanation(rule!, fields, lists);
      const decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: new Uint8Array(16) });
      const record = fields.newRecord();
      const data = Buffer.from(JSON.stringify({ a: 1, ...event }));
      decoder.decode(data, 0, data.length, record);
      return lines(explanation(record).tree);
    };
    expect(
      told({
        '@timestamp': '2025-07-14T08:00:00Z',
        organization: { id: '1' },
        source: { ip: '10.1.2.3' },
      }),
    ).toEqual([
      '- sel and vigie.off_hours and not vigie.unless_listed',
      '  + sel',
      '    + a = 1: is 1',
      '  + vigie.off_hours',
      '    + Monday 2025-07-14 10:00 in Europe/Paris: a holiday',
      '  - not vigie.unless_listed',
      '    + vigie.unless_listed',
      '      + organization.id = "1", source.ip = "10.1.2.3": in the list egress',
    ]);
    expect(told({ '@timestamp': '2025-07-15T08:00:00Z', organization: { id: '1' } }).slice(3)).toEqual([
      '  - vigie.off_hours',
      '    - Tuesday 2025-07-15 10:00 in Europe/Paris: within working hours',
      '  + not vigie.unless_listed',
      '    - vigie.unless_listed',
      '      - organization.id = "1", source.ip is absent: not in the list egress',
    ]);
  });
});
