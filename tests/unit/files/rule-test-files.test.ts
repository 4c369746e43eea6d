/** Tests of rules that are not found would pass for ever. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadRules } from '../../../src/files/rule-files.ts';
import { ruleTests } from '../../../src/files/rule-test-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigie-rule-tests-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

const RULE = 'title: T\nname: t\nlogsource: {product: p}\ndetection: {sel: {a: 1}, condition: sel}\n';
const TESTS = `rule: t
tests: [{name: silent, events: [{from: 2025-07-12T20:00:00Z, event: {a: 2}}], fires: []}]
`;

const filesOf = (at: string): string[] =>
  ruleTests([at], loadRules([at])).map(({ file }) => path.relative(folder, file));

test('tests beside a rule are found whatever characters its path has', () => {
  const rule = write('team [1]/a{b}.yml', RULE);
  write('team [1]/a{b}.tests.yml', TESTS);
  expect(filesOf(rule)).toEqual([path.join('team [1]', 'a{b}.tests.yml')]);
});

test('tests are looked for where rules are: behind links and in any letter case, not in hidden folders', () => {
  write('elsewhere/A.YML', RULE);
  write('elsewhere/A.TESTS.YML', TESTS);
  write('elsewhere/.git/a.tests.yml', TESTS);
  const rules = path.join(folder, 'rules');
  mkdirSync(rules);
  symlinkSync(path.join(folder, 'elsewhere'), path.join(rules, 'team'));
  expect(filesOf(rules)).toEqual([path.join('rules', 'team', 'A.TESTS.YML')]);
});
