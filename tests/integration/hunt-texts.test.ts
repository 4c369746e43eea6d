/** Whatever a rule holds, ClickHouse reads it as the text, the expression or the comment that it was meant to be. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CompiledHunt, compileHunt } from '../../src/hunt/compile-hunt.ts';
import { regexText, sqlComment, SqlNames, sqlText } from '../../src/hunt/sql-text.ts';
import { fold } from '../../src/sigma/fold.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { selectRows } from '../../src/sink/json-rows.ts';
import { testDatabases } from '../support/test-databases.ts';

/** What ends literals, comments and expressions, and what looks like parameters. */
const ODD = [
  "'",
  "''",
  '\\',
  "\\'",
  '--',
  '/*',
  '*/',
  ';',
  '\n',
  '\r',
  '\u0000',
  '\u2028',
  '\u0085',
  '{x:String}',
  '`',
  '"',
  '$',
  '^',
  '[',
  '(?s)',
  '\\E',
  '\\x41',
  'é',
  '\u212a',
  '😀',
  '\u202e',
  '\ufeff',
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...ODD), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 8 })
  .map((parts) => parts.join('').toWellFormed());

function compiled(selection: object): CompiledHunt {
  const rule = { title: 'a', logsource: { category: 'x' }, detection: { s: selection, condition: 's' } };
  const ruleSet = parseRules([{ file: 'a.yml', text: JSON.stringify(rule) }]);
  return compileHunt(ruleSet.rules[0]!, ruleSet, {
    table: { name: 't', columnOf: () => undefined },
    personFields: [],
  });
}

/** The expression that a rule's text becomes. */
function expressionOf(letter: string): string {
  return /match\(x, ('.*')\), f_user_id/.exec(compiled({ 'user.id': letter }).sql)![1]!;
}

describe('texts of others in SQL', () => {
  const databases = testDatabases('embedded', 'vigie_hunt_texts');
  const first = async (query: string): Promise<Record<string, unknown>> =>
    (await selectRows<Record<string, unknown>>(databases.current(), query, {}, undefined))[0]!;

  test('come back as they went, between whatever stands around them', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (one, other) => {
        const row = await first(
          `${sqlComment(other)}\nSELECT ${sqlText(one)} AS one, ${sqlText(other)} AS other`,
        );
        expect(row).toEqual({ one, other });
      }),
      { numRuns: 300 },
    );
  });

  test('are found as expressions where they are, and in no other text', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (one, other) => {
        const expression = sqlText(`(?s)^${regexText(one)}$`);
        const row = await first(
          `SELECT match(${sqlText(one)}, ${expression}) AS itself, match(${sqlText(other)}, ${expression}) AS other`,
        );
        expect(row).toEqual({ itself: 1, other: one === other ? 1 : 0 });
      }),
      { numRuns: 300 },
    );
  });

  test('every letter is the same as those that rules take for it, and as no other', async () => {
    const pairs: [pattern: string, letter: string][] = [];
    /** By what they fold to: K and the Kelvin sign are both k. */
    const alike = new Map<string, string[]>();
    for (let code = 0x21; code <= 0x1ffff; code += 1) {
      const letter = String.fromCodePoint(code);
      const folded = fold(letter);
      if (folded === letter) continue;
      const others = alike.get(folded) ?? [];
      for (const other of others) pairs.push([other, letter], [letter, other]);
      alike.set(folded, [...others, letter]);
      pairs.push(
        [folded, letter],
        [letter, folded],
        [folded, String.fromCodePoint(code - 1)],
        [folded, String.fromCodePoint(code + 1)],
      );
    }
    const wrong: string[] = [];
    for (let at = 0; at < pairs.length; at += 400) {
      const some = pairs.slice(at, at + 400).filter(([, letter]) => letter.isWellFormed());
      const row = await first(
        `SELECT [${some.map(([pattern, letter]) => `match(${sqlText(letter)}, ${expressionOf(pattern)})`).join(', ')}] AS same`,
      );
      some.forEach(([pattern, letter], i) => {
        const same = (row['same'] as number[])[i] === 1;
        if (same !== (fold(pattern) === fold(letter))) wrong.push(`${pattern} ${letter}`);
      });
    }
    expect(pairs.length).toBeGreaterThan(5000);
    expect(wrong).toEqual([]);
  });

  test('fields that are compared with each other are folded as rules fold them', async () => {
    const { sql } = compiled({ 'user.id|fieldref': 'user.name' });
    const [upper, lower] = ['upper', 'lower'].map((name) => new RegExp(`('.*') AS l_${name}`).exec(sql)![1]!);
    const codes = Array.from({ length: 0x20000 - 0x21 }, (_, i) => 0x21 + i);
    const letters = codes.map((code) => String.fromCodePoint(code)).filter((letter) => letter.isWellFormed());
    for (let at = 0; at < letters.length; at += 20_000) {
      const some = letters.slice(at, at + 20_000).join('');
      const row = await first(`SELECT translateUTF8(${sqlText(some)}, ${upper!}, ${lower!}) AS folded`);
      expect(row['folded'] === fold(some)).toBe(true);
    }
  });
});

test('a comment stays in its lines, and a name is letters and digits, once', () => {
  fc.assert(
    fc.property(hostile, hostile, (one, other) => {
      expect(
        sqlComment(`${one}\n${other}`)
          .split(/[\n\r\u0085\u2028\u2029]/)
          .every((line) => line.startsWith('--')),
      ).toBe(true);
      const names = new SqlNames();
      const made = [one, other, one].map((text) => names.name('f', text));
      expect(made.join('')).toMatch(/^\w+$/);
      expect(new Set(made).size).toBe(3);
    }),
  );
});
