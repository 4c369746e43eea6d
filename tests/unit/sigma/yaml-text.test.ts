/** Rules that Sigma's own tools read, and that YAML 1.2 to the letter would refuse. */

import { describe, expect, test } from 'vitest';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { Fault } from '../../../src/sigma/rule.ts';
import { parseDocuments } from '../../../src/sigma/yaml-text.ts';

const rule = (root: string, values = ''): string => `title: Rule
${root}
logsource: {product: windows}
detection:
  selection:
    Image: a
${values}  condition: selection
`;

const faultsOf = (text: string): readonly Fault[] => parseRules([{ file: 'rule.yml', text }]).faults;

describe('texts and lists over several lines', () => {
  test.each([
    ['a text in double quotes, not indented', rule('description: "one\ntwo"')],
    ['a text in single quotes, not indented', rule("description: 'one\ntwo\n\nthree'")],
    ['a text indented less than its key', rule('', "    Path:\n      - 'one\n  two'\n      - three\n")],
    ['a text that goes on behind a tab', rule('', '    Path: "one\n\ttwo"\n')],
    ['a list in brackets, not indented', rule('tags: [\nattack.t1059,\nattack.execution\n]')],
    ['a map in brackets, not indented', rule('custom: {\na: 1,\nb: [\n2\n]\n}')],
    ['several of them', rule('description: "one\ntwo"\ntags: [\na.b\n]\nauthor: "x\ny"')],
    ['a comment right behind a text', rule("author: 'x'#y")],
    ['lone carriage returns', rule('author: x').replaceAll('\n', '\r')],
    ['a carriage return at the end', `${rule('author: x')}\r`],
  ])('are read: %s', (_, text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  test('keep the value that they have when they are indented', () => {
    const loose = parseRules([{ file: 'r.yml', text: rule("description: 'one\ntwo\n\n  three'") }]);
    const indented = parseRules([{ file: 'r.yml', text: rule("description: 'one\n  two\n\n  three'") }]);
    expect(loose.rules[0]!.description).toBe('one two\nthree');
    expect(loose.rules).toEqual(indented.rules);
  });

  test('leave the places of faults behind them, and on their own lines, as they are in the file', () => {
    const text = rule('tags: [\na.b,\n[c]\n]', "    Path|beginswith: 'one\ntwo'\n");
    expect(faultsOf(text).map(({ line, column, code }) => [line, column, code])).toEqual([
      [4, 1, 'WRONG_TYPE'],
      [10, 5, 'UNKNOWN_MODIFIER'],
    ]);
  });

  test.each([
    ['a quote that is never closed', rule("author: 'x"), 8, 'Missing closing'],
    ['a bracket that is never closed', rule('tags: [a.b'), 3, 'Flow sequence in block collection'],
    ['a quote closed by the next', rule('', "    Path: 'one\n    User: 'two'\n"), 7, 'Missing closing'],
  ])('that are wrong either way are reported as they stand: %s', (_, text, line, message) => {
    expect(faultsOf(text)[0]).toMatchObject({
      line,
      code: 'YAML_SYNTAX',
      message: expect.stringContaining(message),
    });
  });

  test('are read in one document though another document of the file cannot be read', () => {
    const { rules, faults } = parseRules([
      {
        file: 'r.yml',
        text: [rule('description: "x'), rule('description: "x\ny"'), rule('description: [x')].join('---\n'),
      },
    ]);
    expect(rules.map(({ description }) => description)).toEqual(['x y']);
    expect(faults.map(({ line, code }) => [line, code])).toContainEqual([20, 'YAML_SYNTAX']);
  });
});

/** Texts of about `length` characters that are wrong, or loose, in thousands of places. */
const WRONG: Readonly<Record<string, (length: number) => string>> = {
  'loose texts in one document': (length) => rule(repeated(length, (i) => `k${i}: "x\ny"\n`)),
  'loose texts in many documents': (length) => repeated(length, () => `${rule('author: "x\ny"')}---\n`),
  'a long line before a long list': (length) =>
    rule(`custom: [${'a,'.repeat(length / 4)}\n${'a,\n'.repeat(length / 6)}]`),
  'equal keys around a list that is not closed': (length) =>
    rule(`${'tags: [a]\n'.repeat(length / 20)}tags: [a\n${'tags: [a]\n'.repeat(length / 20)}`),
  'quotes that are not closed': (length) => repeated(length, () => `${rule("author: 'x")}---\n`),
};

function repeated(length: number, piece: (i: number) => string): string {
  return Array.from({ length: Math.ceil(length / piece(0).length) }, (_, i) => piece(i)).join('');
}

test.each(Object.entries(WRONG))('the work grows no faster than the text: %s', (_, text) => {
  for (const length of [1_000, 10_000, 160_000]) {
    const made = text(length);
    const { charactersRead } = parseDocuments(made);
    expect(charactersRead - made.length).toBeLessThanOrEqual(Math.max(50_000, made.length / 2));
  }
});

describe('empty documents, one after another', () => {
  const markers = ['---\n', '...\n', '---\n...\n', '--- \n\n', '---\n# nothing\n'];

  test.each(markers)('are read as few, however many there are: %j', (marker) => {
    const { documents } = parseDocuments(`${rule('a: 1')}${marker.repeat(5_000)}${rule('b: 1')}`);
    expect(documents.length).toBeLessThan(5);
  });

  test.each(markers)('leave what stands around them as it is, and its places: %j', (marker) => {
    for (const [before, after] of [
      [rule('author: x'), rule('id: 1')],
      [`${rule('a: 1')}description: |+\n  kept\n\n`, rule('id: 1')],
      [rule('author: "not closed'), rule('id: 1')],
      ['', `--- {title: a}\n...\n%YAML 1.2\n---\n${rule('id: 1')}`],
      ['%YAML 1.1\n---\n', 'a: yes'],
      ['# comment\n', '%no directive'],
    ] as const) {
      const seen = (count: number) => {
        const text = before + marker.repeat(count) + after;
        const added = (count - 1) * marker.split('\n').slice(1).length;
        return {
          values: parseDocuments(text)
            .documents.filter(({ document }) => document.errors.length === 0)
            .flatMap(({ document }) => document.toJS() ?? []),
          faults: faultsOf(text).map((fault) => ({
            ...fault,
            line: fault.line > before.split('\n').length ? fault.line - added : fault.line,
          })),
        };
      };
      expect(seen(9), before + after).toEqual(seen(1));
    }
  });
});

test('what is only shown may be whatever YAML takes it for', () => {
  const text = rule(
    'falsepositives:\n  - Backups: nightly ones\n  - true\n  -\n  - 7\n  - [a, {b: [c, d]}]\nreferences:\n  - https://example.org/?a=b: c',
  );
  const { rules, faults } = parseRules([{ file: 'rule.yml', text }]);
  expect(faults).toEqual([]);
  expect(rules[0]).toMatchObject({
    falsePositives: ['Backups: nightly ones', 'true', '7', 'a', 'b: c, d'],
    references: ['https://example.org/?a=b: c'],
  });
});
