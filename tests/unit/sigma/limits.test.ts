/**
 * What a rule file may cost. Each of these once took minutes, all memory, or the stack; now it ends in a
 * located fault, or loads, long before the runner's time limit for a test.
 */

import { describe, expect, test } from 'vitest';
import { FieldTable } from '../../../src/event/record.ts';
import { compileMatcher } from '../../../src/sigma/matcher.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import { ruleText } from './matching.ts';

function loaded(text: string): RuleSet {
  const set = parseRules([{ file: 'rules.yml', text }]);
  compileMatcher(set.rules, new FieldTable());
  return set;
}

function firstFault(text: string): string | undefined {
  const fault = loaded(text).faults.find(({ severity }) => severity === 'error');
  return fault && `${fault.line}:${fault.column}: ${fault.code}: ${fault.message}`;
}

const times = (count: number, line: (i: number) => string, separator = '\n'): string =>
  Array.from({ length: count }, (_, i) => line(i)).join(separator);
const sel = (value: string): string => ruleText(`s: {f: ${value}}\ncondition: s`);
const correlation = (i: number, next: string): string =>
  `title: C${i}\nname: c${i}\ncorrelation: {type: event_count, rules: [${next}], timespan: 1m, condition: {gte: 1}}\n`;
const expression = (source: string): string => ruleText(`s:\n  f|re: '${source}'\ncondition: s`);

describe('a file beyond a limit is a fault', () => {
  const cases: Readonly<Record<string, [text: () => string, fault: string]>> = {
    'aliases of aliases': [
      () =>
        `a: &a [x, x, x, x, x, x, x, x]\n${times(9, (i) => {
          const [own, below] = ['bcdefghij'[i]!, 'abcdefghi'[i]!];
          return `${own}: &${own} [${times(8, () => `*${below}`, ', ')}]`;
        })}`,
      'YAML_LIMIT: more than 100000 values once aliases are resolved',
    ],
    'aliases of aliases in many documents': [
      () =>
        times(
          200,
          (i) =>
            `${sel(String(i))}a: &a [${times(40, () => 'x', ', ')}]\nb: &b [${times(40, () => '*a', ', ')}]\n`,
          '---\n',
        ),
      'YAML_LIMIT: the documents of the file have more than 100000 values once aliases are resolved; use fewer aliases or split the file',
    ],
    'a file of 10 MB': [() => sel('x'.repeat(10 * 1024 * 1024)), '1:1: FILE_TOO_LARGE'],
    'a document of 9 MB': [
      () => `${sel('x')}---\n${sel(`[${times(200_000, (i) => `value-number-${i}-of-many`, ', ')}]`)}`,
      '6:1: DOCUMENT_TOO_LARGE',
    ],
    'more documents than anybody has rules': [
      () => '---\n'.repeat(50_000),
      'FILE_TOO_LARGE: the file has more than 20000 documents',
    ],
    'a condition in 10,000 parentheses': [
      () => ruleText(`s: {f: 1}\ncondition: ${'('.repeat(10_000)}s${')'.repeat(10_000)}`),
      'CONDITION_TOO_DEEP',
    ],
    'a condition of 10,000 negations': [
      () => ruleText(`s: {f: 1}\ncondition: ${'not '.repeat(10_000)}s`),
      'CONDITION_TOO_DEEP',
    ],
    'quantifiers over thousands of selections': [
      () =>
        ruleText(
          `${times(5_000, (i) => `s${i}: {f: ${i}}`)}\ncondition: ${times(5_000, () => '1 of s*', ' or ')}`,
        ),
      'CONDITION_TOO_LARGE',
    ],
    'thousands of conditions': [
      () =>
        ruleText(
          `${times(5_000, (i) => `s${i}: {f: ${i}}`)}\ncondition:\n${times(5_000, (i) => `  - x${i}`)}`,
        ),
      'CONDITION_TOO_LARGE',
    ],
    'an expression of 100 KB': [() => expression('a|b'.repeat(33_000)), 'UNSAFE_REGEX'],
    'repeats of repeats': [() => expression('(a{1,100}){1,9}'.repeat(50)), 'UNSAFE_REGEX'],
    'thousands of counted repeats': [() => expression('a{1,999}'.repeat(500)), 'UNSAFE_REGEX'],
    'thousands of large expressions': [
      () => ruleText(`s:\n  f|re:\n${times(20_000, (i) => `    - '(a{1,100}){1,9}b${i}'`)}\ncondition: s`),
      'UNSAFE_REGEX',
    ],
    'a field of thousands of parts': [() => sel('1').replace('{f', `{f${'.f'.repeat(3_000)}`), 'BAD_VALUE'],
    'a reference to a field of thousands of parts': [
      () => sel('x').replace('f: x', `f|fieldref: f${'.f'.repeat(300)}`),
      'BAD_VALUE',
    ],
    'a grouping by a field of thousands of parts': [
      () =>
        `${ruleText('s: {f: 1}\ncondition: s', 'name: views\n')}---\n${correlation(0, 'views').replace('timespan', `group-by: [f${'.f'.repeat(300)}], timespan`)}`,
      'BAD_VALUE',
    ],
    'an encoding of an encoding of an encoding': [
      () => ruleText(`s: {'f${'|base64offset'.repeat(10)}': text}\ncondition: s`),
      'BAD_VALUE',
    ],
    'large encodings in many documents': [
      () =>
        times(
          100,
          (i) => ruleText(`s: {f|windash|windash|base64offset: ' -a -b -c -d ${i}'}\ncondition: s`),
          '---\n',
        ),
      'BAD_VALUE: the modifiers of this file make too much text',
    ],
    'large expressions in many documents': [
      () => times(150, (i) => expression(`(a{1,100}){1,9}b${i}`), '---\n'),
      'UNSAFE_REGEX: the regular expressions of this file are too large together',
    ],
    'an encoding a thousand times': [
      () => ruleText(`s:\n  ? 'f${'|wide'.repeat(1_000)}'\n  : text\ncondition: s`),
      'BAD_VALUE',
    ],
    'all spellings of a long text': [
      () => ruleText(`s: {f|windash|base64offset: ' -a -b -c -d ${'x'.repeat(50_000)}'}\ncondition: s`),
      'BAD_VALUE',
    ],
    'a document that repeats thousands of keys': [
      () =>
        `${ruleText(`${times(5_000, (i) => `s${i}: {f: ${i}}`)}\ncondition: 1 of s*`)}${'---\naction: repeat\n'.repeat(5_000)}`,
      'TOO_MANY_COPIES',
    ],
    'a global document of thousands of keys': [
      () =>
        `action: global\n${times(5_000, (i) => `k${i}: v`)}\n---\n${times(5_000, (i) => sel(String(i)), '---\n')}`,
      'TOO_MANY_COPIES',
    ],
    'a tower of lists': [() => '- '.repeat(100_000), 'YAML_LIMIT'],
    'a tower of brackets': [() => '['.repeat(100_000), 'YAML_LIMIT'],
    'a tower of brackets in what is a text only until its lines are indented': [
      () => `title: x\nl: ["a\nb", ${'['.repeat(20_000)}\n`,
      'YAML_SYNTAX',
    ],
    'a tower of brackets whose lines are not indented': [
      () => `title: x\nl: [\n${`${'['.repeat(60)}\n`.repeat(1_000)}`,
      '4:5: YAML_LIMIT',
    ],
    'tens of thousands of lists in brackets, none deep': [
      () => `title: x\nl:\n${times(5_000, () => `  - ${'[[], '.repeat(8)}x${']'.repeat(8)}`)}\n`,
      'YAML_LIMIT: more than 16875 lists and maps in brackets',
    ],
    'thousands of brackets that close nothing': [
      () => `title: x\n${times(100, () => `logsource: {product: portal${'}'.repeat(300)}`)}`,
      'YAML_LIMIT: more than 1000 brackets close what is not open',
    ],
    'a large filter on many rules': [
      () =>
        `${times(500, (i) => sel(String(i)), '---\n')}---\ntitle: Filter\nfilter:\n  rules: any\n  x: {f: 1}\n  condition: ${times(4_000, () => 'x', ' and ')}\n`,
      'TOO_MANY_FILTERS: with this filter, filters add more than 100000 selections',
    ],
    'more filter applications than memory holds': [
      () =>
        [
          times(1_100, (i) => sel(String(i)), '---\n'),
          times(
            500,
            (i) => `title: Filter ${i}\nfilter: {rules: any, x: {f: ${i}}, condition: not x}\n`,
            '---\n',
          ),
        ].join('---\n'),
      'TOO_MANY_FILTERS',
    ],
  };
  for (const [name, [text, fault]] of Object.entries(cases)) {
    test(name, () => {
      expect(firstFault(text())).toContain(fault);
    });
  }
});

/** 200 rules, and as many filters, all of which apply to all; with `padding` characters in each. */
const FILTERED = (padding: number): string =>
  [
    times(200, (i) => `${sel(String(i))}# ${'x'.repeat(padding)}\n`, '---\n'),
    times(200, (i) => `title: Filter ${i}\nfilter: {rules: any, x: {f: ${i}}, condition: not x}\n`, '---\n'),
  ].join('---\n');

test('longer rules may have more filters applied to them', () => {
  expect(firstFault(FILTERED(0))).toContain('filters apply more than 20000 times');
  expect(loaded(FILTERED(1_000)).filters).toBe(200);
});

describe('a file within the limits loads, and not in quadratic time', () => {
  test('20,000 values in a list', () => {
    const { rules } = loaded(sel(`[${times(20_000, (i) => `value-${i}`, ', ')}]`));
    expect(rules).toHaveLength(1);
  });

  test('20,000 fields in a selection and as many selections', () => {
    expect(loaded(ruleText(`s:\n${times(20_000, (i) => `  f${i}: 1`)}\ncondition: s`)).rules).toHaveLength(1);
    const many = ruleText(`${times(20_000, (i) => `s${i}: {f: ${i}}`)}\ncondition: 1 of s*`);
    expect(loaded(many).rules).toHaveLength(1);
  });

  test('tens of thousands of brackets in texts', () => {
    const texts = times(20_000, (i) => `'[[a]{2}[b]] ${i}'`, ', ');
    expect(loaded(sel(`[${texts}]`)).rules).toHaveLength(1);
  });

  test('tens of thousands of texts and comments with a bracket that nothing closes', () => {
    const texts = times(20_000, (i) => `'a\\[x${i}', "{${i}", b[${i}`);
    expect(
      loaded(
        ruleText(`s:\n  f:\n${texts.replaceAll(/^/gm, '    - ').replaceAll(', ', '\n    - ')}\ncondition: s`),
      ).rules,
    ).toHaveLength(1);
    expect(loaded(times(2_000, (i) => `${sel(`'a\\[${i}'`)}# [ ${i}\n`, '---\n')).rules).toHaveLength(2_000);
  });

  test('10,000 rules in one file, all of one title', () => {
    const { rules, faults } = loaded(times(10_000, (i) => sel(String(i)), '---\n'));
    expect(rules).toHaveLength(10_000);
    expect(new Set(rules.map(({ key }) => key)).size).toBe(10_000);
    expect(faults.at(-1)).toMatchObject({ code: 'TOO_MANY_FAULTS', severity: 'warning' });
  });

  test('a chain of 5,000 correlations, and a cycle of as many', () => {
    const chain = times(5_000, (i) => correlation(i, i === 0 ? 'views' : `c${i - 1}`), '---\n');
    const base = ruleText('s: {f: 1}\ncondition: s', 'name: views\n');
    expect(loaded(`${chain}---\n${base}`).correlations).toHaveLength(5_000);
    const cycle = times(5_000, (i) => correlation(i, `c${(i + 1) % 5_000}`), '---\n');
    expect(firstFault(cycle)).toContain('CYCLE');
  });
});

test('of more faults than anybody reads the first thousand are listed, and that there are more', () => {
  const { faults, rules } = loaded(ruleText(`s:\n${times(40_000, (i) => `  f|bad${i}: 1`)}\ncondition: s`));
  expect(rules).toEqual([]);
  expect(faults.length).toBeLessThanOrEqual(1_001);
  const { faults: duplicates } = loaded(`title: T\n${'a: 1\n'.repeat(5_000)}`);
  expect(duplicates.at(-1)).toMatchObject({ code: 'TOO_MANY_FAULTS', severity: 'error' });
});

test('a quantifier with many stars fits names without backtracking', () => {
  const text = ruleText(`${'a'.repeat(200)}: {f: 1}\ncondition: 1 of ${'*a'.repeat(25)}b*`);
  expect(firstFault(text)).toContain('NO_SELECTION_FITS');
});
