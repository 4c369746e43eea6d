import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXTENSION_KEYS } from '../../../src/sigma/extensions.ts';
import { MODIFIERS } from '../../../src/sigma/modifiers.ts';

const text = readFileSync(new URL('../../../docs/rule-language.md', import.meta.url), 'utf8');

/** The code words in the first column of the table under a heading. */
function documented(heading: string): string[] {
  const section = text.split(new RegExp(`^#+ ${heading}$`, 'm'))[1]!.split(/^#/m)[0]!;
  const cells = [...section.matchAll(/^\| (`[^|]*`) \|/gm)].map((match) => match[1]!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!)).sort();
}

test('docs/rule-language.md lists exactly the modifiers there are', () => {
  expect(documented('Modifiers')).toEqual([...MODIFIERS.keys(), 'all', 'neq', 'expand'].sort());
});

test('docs/rule-language.md lists exactly the extension keys there are', () => {
  expect(documented('Extension keys')).toEqual([...EXTENSION_KEYS].sort());
});
