import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXTENSION_KEYS } from '../../../src/sigma/extensions/table.ts';
import { MODIFIERS } from '../../../src/sigma/modifiers.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';

const text = readFileSync(new URL('../../../docs/rule-language.md', import.meta.url), 'utf8');

/** The code words in the first column of the table under a heading. */
function documented(heading: string): string[] {
  const section = text.split(new RegExp(`^#+ ${heading}$`, 'm'))[1]!.split(/^#/m)[0]!;
  const cells = [...section.matchAll(/^\| (`[^|]*`) +\|/gm)].map((match) => match[1]!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!)).sort();
}

test('docs/rule-language.md lists exactly the modifiers there are', () => {
  expect(documented('Modifiers')).toEqual([...MODIFIERS.keys(), 'all', 'neq', 'expand'].sort());
});

test('docs/rule-language.md lists exactly the extension keys there are', () => {
  expect(documented('Extension keys')).toEqual([...EXTENSION_KEYS].sort());
});

const source = new URL('../../../src/', import.meta.url);

/** Upper-case words in the sources of the rule language that are no codes of faults. */
const NO_CODES = [
  'QUOTE_DOUBLE',
  'QUOTE_SINGLE',
  'RESOURCE_EXHAUSTION',
  'RULES_UNREADABLE',
  'LISTS_UNREADABLE',
];

function codesInSource(): string[] {
  const files = globSync(['sigma/**/*.ts', 'lookup/*.ts', 'files/{rule-files,list-files,text-file}.ts'], {
    cwd: source,
  });
  const words = files.flatMap((file) =>
    [...readFileSync(new URL(file, source), 'utf8').matchAll(/'([A-Z][A-Z0-9]*_[A-Z0-9_]+|CYCLE)'/g)].map(
      (match) => match[1]!,
    ),
  );
  return [...new Set(words)].filter((word) => !NO_CODES.includes(word)).sort();
}

test('docs/rule-language.md lists exactly the codes of faults and warnings there are', () => {
  expect([...documented('Faults'), ...documented('Warnings')].sort()).toEqual(codesInSource());
});

test('docs/rule-language.md lists as warnings those that have an example, and marks those of a check', () => {
  const folder = new URL('testdata/', import.meta.url);
  const always = new Set<string>();
  const checked = new Set<string>();
  for (const file of globSync('*.warn.yaml', { cwd: folder })) {
    const sources = [{ file, text: readFileSync(new URL(file, folder), 'utf8') }];
    for (const { code } of parseRules(sources).faults) always.add(code);
    for (const { code } of parseRules(sources, { lint: true }).faults) checked.add(code);
  }
  expect(documented('Warnings')).toEqual([...checked].sort());
  const marked = [...text.matchAll(/^\| `(\w+)` +\| +\* +\|/gm)].map((match) => match[1]!);
  expect(marked.sort()).toEqual([...checked].filter((code) => !always.has(code)).sort());
});
