import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findRuleFiles, loadRules } from '../../../src/files/rule-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigie-rules-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

const RULE = 'title: T\nlogsource: {product: p}\ndetection: {sel: {a: 1}, condition: sel}\n';

test('folders are walked for rules; tests, hidden folders and other files are left out', () => {
  for (const name of ['b.yml', 'a/c.yaml', 'a/c.tests.yml', 'd.tests.yaml', 'readme.md', '.git/e.yml'])
    write(name, RULE);
  const relative = findRuleFiles([folder]).map((file) => path.relative(folder, file));
  expect(relative).toEqual([path.join('a', 'c.yaml'), 'b.yml']);
});

test('a file that is named is read whatever it is called, and each file once', () => {
  const file = write('rule.txt', RULE);
  expect(findRuleFiles([file, file, folder])).toEqual([file]);
  expect(loadRules([file]).rules).toHaveLength(1);
});

test('files of several paths are one rule set', () => {
  const many = 'title: M\ncorrelation: {type: event_count, rules: t, timespan: 1h, condition: {gte: 2}}\n';
  const set = loadRules([write('x/a.yml', many), write('y/b.yml', `name: t\n${RULE}`)]);
  expect(set).toMatchObject({ documents: 2, faults: [] });
  expect(set.correlations[0]!.rules).toEqual(['t']);
});

test('a path that leads nowhere is an error with a remedy', () => {
  expect(() => loadRules([path.join(folder, 'missing')])).toThrow(
    expect.objectContaining({ code: 'RULES_UNREADABLE', remedy: expect.stringContaining('path') }),
  );
});

test('a file of tests that is named where rules are expected is a fault that says what to give', () => {
  const tests = write('burst.tests.yml', 'rule: t\ntests: []\n');
  const good = write('burst.yml', RULE);
  const set = loadRules([tests, good]);
  expect(set.faults).toMatchObject([
    { file: tests, code: 'TESTS_NOT_RULES', message: expect.stringContaining(`give the rules (${good}, `) },
  ]);
  expect(set.rules).toHaveLength(1);
});

test('a file that is not UTF-8 is a fault of that file, and the others load', () => {
  const bad = write('bad.yml', Uint8Array.of(0x74, 0xff, 0xfe));
  write('good.yml', RULE);
  const set = loadRules([folder]);
  expect(set.faults).toEqual([
    {
      file: bad,
      line: 1,
      column: 1,
      code: 'NOT_UTF8',
      message: 'the file is not UTF-8; save it in that encoding',
      severity: 'error',
    },
  ]);
  expect(set.rules).toHaveLength(1);
});
