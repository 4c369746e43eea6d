/** What a hunt refuses, and that the documentation says so. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { VigieError } from '../../../src/errors.ts';
import { shortText } from '../../../src/detect/short-text.ts';
import { loadRules } from '../../../src/files/rule-files.ts';
import { type CompiledHunt, compileHunt } from '../../../src/hunt/compile-hunt.ts';
import { LookupList, Lists } from '../../../src/lookup/list.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { BaseRule, CorrelationRule, RuleSet } from '../../../src/sigma/rule.ts';
import { columnOf } from '../../../src/sink/event-row.ts';

function load(documents: readonly object[], lists: readonly LookupList[] = []): RuleSet {
  const text = documents.map((document) => stringify(document)).join('---\n');
  const ruleSet = parseRules([{ file: 'rules.yml', text }], { lists: new Lists(lists) });
  expect(ruleSet.faults.filter(({ severity }) => severity === 'error')).toEqual([]);
  return ruleSet;
}

const compile = (rule: BaseRule | CorrelationRule, ruleSet: RuleSet): CompiledHunt =>
  compileHunt(rule, ruleSet, {
    table: { name: 'vigie.access_events', columnOf },
    personFields: ['portal.records.ids'],
  });

const base = (selection: unknown, more: object = {}): object => ({
  title: 'Base',
  name: 'base',
  logsource: { category: 'x' },
  detection: { s: selection, condition: 's' },
  ...more,
});

const field = (path: string): object => ({ condition: { field: path, gte: 2 } });

describe('a rule on events is refused, with its place,', () => {
  test.each<[what: string, rule: object, place: string]>([
    ['null', base({ 'user.id': null }), 'selection "s", field user.id: '],
    ['keywords', base(['a']), 'selection "s", a keyword: '],
    ['a regular expression', base({ 'user.id|re': 'a+' }), 'selection "s", field user.id: '],
    ['a part of a time', base({ '@timestamp|hour': 3 }), 'selection "s", field @timestamp: '],
    ['the id of events', base({ 'event.id': 'a' }), 'selection "s", field event.id: '],
    ['any of several ids', base({ 'event.id': ['a', 'b'] }), 'selection "s", field event.id: '],
  ])('for %s', (_what, rule, place) => {
    const ruleSet = load([rule]);
    expect(() => compile(ruleSet.rules[0]!, ruleSet)).toThrow(
      expect.objectContaining({
        code: 'HUNT_NOT_COMPILED',
        message: expect.stringContaining(
          `"Base" (base, rules.yml:1) cannot be asked of the archive: ${place}`,
        ),
        remedy: expect.stringContaining('vigie eval'),
      }),
    );
  });
});

describe('a correlation is refused, with its place,', () => {
  const counted = (correlation: object, more: object = {}): object[] => [
    base({ 'event.action': 'read' }),
    {
      title: 'Counted',
      name: 'counted',
      correlation: {
        type: 'event_count',
        rules: ['base'],
        'group-by': ['user.id'],
        timespan: '1h',
        condition: { gte: 2 },
        ...correlation,
      },
      ...more,
    },
  ];

  test.each<[what: string, documents: object[], place: string]>([
    ['an average', counted({ type: 'value_avg', ...field('custom.size') }), 'type value_avg: '],
    ...[
      {},
      { type: 'value_count', condition: { field: 'who', gte: 2 } },
      { type: 'value_sum', condition: { field: 'custom.size', gte: 2 } },
    ].map((what): [string, object[], string] => [
      'aliases of events that count once under two rules',
      [
        base({ 'event.action': 'write' }, { title: 'Other', name: 'other' }),
        ...counted({
          rules: ['base', 'other'],
          'group-by': ['who'],
          aliases: { who: { base: 'user.id', other: 'user.target.id' } },
          ...what,
        }),
      ],
      'aliases: ',
    ]),
    [
      'groups by the id of events under an alias',
      counted({ 'group-by': ['who'], aliases: { who: { base: 'event.id' } } }),
      'field event.id: ',
    ],
    [
      'a sum of ids',
      counted({ type: 'value_sum', ...field('portal.records.ids') }),
      'field portal.records.ids: ',
    ],
    ['groups by the id of events', counted({ 'group-by': ['event.id'] }), 'field event.id: '],
    [
      'new terms',
      counted({}, { 'vigie.new_terms': { fields: ['source.ip'], history: '7d' } }),
      'vigie.new_terms: ',
    ],
    ['a run', counted({}, { 'vigie.sequence': { field: 'custom.no', min_run: 3 } }), 'vigie.sequence: '],
    [
      'a sum over firings',
      [
        ...counted({}),
        {
          title: 'Chained',
          name: 'chained',
          correlation: { type: 'value_sum', rules: ['counted'], timespan: '1h', ...field('user.id') },
        },
      ],
      'type value_sum: ',
    ],
    [
      'a rule that it counts the firings of',
      [
        ...counted({ type: 'value_avg', ...field('custom.size') }),
        {
          title: 'Chained',
          name: 'chained',
          correlation: { type: 'event_count', rules: ['counted'], timespan: '1h', condition: { gte: 1 } },
        },
      ],
      'type value_avg: ',
    ],
    ['a part of its base rule', [base(['a']), ...counted({}).slice(1)], 'selection "s", a keyword: '],
  ])('for %s', (_what, documents, place) => {
    const ruleSet = load(documents);
    expect(() => compile(ruleSet.correlations.at(-1)!, ruleSet)).toThrow(
      expect.objectContaining({
        code: 'HUNT_NOT_COMPILED',
        message: expect.stringContaining(`cannot be asked of the archive: ${place}`),
      }),
    );
  });
});

/** A count with the bound 10, or twice the number of the account's row. */
function compileScaled(rows: readonly (readonly string[])[]): CompiledHunt {
  const list = new LookupList('caseloads', 'caseloads.csv', {
    columns: ['user.id', 'persons'],
    rows,
    lines: rows.map((_, r) => r + 2),
  });
  const correlation = {
    type: 'event_count',
    rules: ['base'],
    'group-by': ['user.id'],
    timespan: '1h',
    condition: { gte: 10 },
  };
  const scale = { 'vigie.scale_by': { list: 'caseloads', column: 'persons', factor: 2 } };
  const ruleSet = load(
    [base({ 'event.action': 'read' }), { title: 'Counted', correlation, ...scale }],
    [list],
  );
  return compile(ruleSet.correlations[0]!, ruleSet);
}

const manyRows = (least: string): string[][] => Array.from({ length: 100_000 }, (_, i) => [`u-${i}`, least]);

describe('bounds that a list raises are refused', () => {
  test('where so many rows do so that the statement is too long, whatever the number of the others', () => {
    expect(() => compileScaled(manyRows('5'))).not.toThrow();
    expect(() => compileScaled(manyRows('6'))).toThrow('vigie.scale_by, list caseloads: the statement has ');
  });

  test('where a row may name a group by what became of a longer text', () => {
    const long = 'x'.repeat(300);
    expect(() => compileScaled([[long, '6']])).not.toThrow();
    expect(() => compileScaled([[shortText(long), '6']])).toThrow('to which groups are shortened');
  });
});

const long = (i: number): string => `${'x'.repeat(1000)}-${i}`;

const listOf = (columns: string[], rows: string[][]): LookupList =>
  new LookupList('own', 'own.csv', { columns, rows, lines: rows.map((_, i) => i + 2) });

describe('a statement longer than ClickHouse takes by default is refused, with its longest part:', () => {
  const texts = Array.from({ length: 200 }, (_, i) => long(i));
  const listed = base({ 'user.name': texts.slice(0, 50) }, { 'vigie.only_listed': ['own'] });
  const counted = {
    title: 'Counted',
    correlation: {
      type: 'event_count',
      rules: ['base'],
      'group-by': ['user.name'],
      timespan: '1h',
      condition: { gte: 1 },
    },
    'vigie.scale_by': { list: 'own', column: 'persons' },
  };
  const numbers = Array.from({ length: 1000 }, (_, i) => [`${'é'.repeat(200)}-${i}`, '9']);
  const numbered = listOf(['user.name', 'persons'], numbers);

  test.each<[what: string, documents: object[], lists: LookupList[], place: string]>([
    [
      'texts',
      [base({ 'user.name|cased': [...texts, ...texts.map((text) => `a${text}`)] })],
      [],
      '"Base" (base, rules.yml:1) cannot be asked of the archive: selection "s", field user.name: the statement has ',
    ],
    [
      'a list',
      [listed],
      [
        listOf(
          ['user.id'],
          [...Array(300).keys()].map((i) => [long(i)]),
        ),
      ],
      'list own: the statement has ',
    ],
    [
      'a list of 100,000 networks',
      [base({ 'source.ip': '*' }, { 'vigie.unless_listed': ['own'] })],
      [
        listOf(
          ['source.ip'],
          [...Array(100_000).keys()].map((i) => [`${10 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`]),
        ),
      ],
      'list own: the statement has ',
    ],
    [
      'a list of numbers',
      [base({ 'user.name': '*' }), counted],
      [numbered],
      'vigie.scale_by, list own: the statement has ',
    ],
  ])('%s', (_what, documents, lists, place) => {
    const ruleSet = load(documents, lists);
    const rule = ruleSet.correlations[0] ?? ruleSet.rules[0]!;
    expect(() => compile(rule, ruleSet)).toThrow(
      expect.objectContaining({
        code: 'HUNT_NOT_COMPILED',
        message: expect.stringContaining(place),
        remedy: expect.stringContaining('vigie eval'),
      }),
    );
  });
});

test('the statement says which fields only some archived events can have', () => {
  const ruleSet = load([base({ 'user.id': 'a', 'custom.note': 'b' })]);
  const { sql, unsure } = compile(ruleSet.rules[0]!, ruleSet);
  expect(unsure).toEqual(['custom.note']);
  expect(sql).toContain('-- custom.note, archived only while a rule in force asks for it\n');
  expect(sql).toContain('-- user.id\n');
});

test('docs/hunt.md lists the shipped correlations that are compiled, and why the others are not', () => {
  const ruleSet = loadRules(['rules'], {});
  const page = readFileSync('docs/hunt.md', 'utf8');
  const names = (heading: string): string[] => {
    const section = page.split(`### ${heading}\n`)[1]!.split('\n#')[0]!;
    return [...section.matchAll(/`([a-z_\d]+)`/g)].map(([, name]) => name!).sort();
  };
  const compiled = ruleSet.correlations.filter((rule) => compiles(rule, ruleSet));
  const others = ruleSet.correlations.filter((rule) => !compiled.includes(rule));
  expect(names('Compiled')).toEqual(named(compiled));
  expect(names('Not compiled')).toEqual(named(others));
});

function compiles(rule: CorrelationRule, ruleSet: RuleSet): boolean {
  try {
    compile(rule, ruleSet);
    return true;
  } catch (error) {
    if (error instanceof VigieError && error.code === 'HUNT_NOT_COMPILED') return false;
    throw error;
  }
}

function named(rules: readonly CorrelationRule[]): string[] {
  return rules.map(({ name }) => name!).sort();
}
