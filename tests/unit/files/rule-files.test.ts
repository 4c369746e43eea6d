import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** The rule files of the folder, as paths from it. */
function found(): string[] {
  return findRuleFiles([folder]).map((file) => path.relative(folder, file));
}

const RULE = 'title: T\nlogsource: {product: p}\ndetection: {sel: {a: 1}, condition: sel}\n';

test('folders are walked for rules; tests, hidden folders and other files are left out', () => {
  for (const name of ['b.yml', 'a/c.yaml', 'a/c.tests.yml', 'd.tests.yaml', 'readme.md', '.git/e.yml'])
    write(name, RULE);
  expect(found()).toEqual([path.join('a', 'c.yaml'), 'b.yml']);
});

test('a name in capitals is that of a rule, or of tests, all the same', () => {
  for (const name of ['A.YML', 'b.Yaml', 'A.TESTS.YML']) write(name, RULE);
  expect(found()).toEqual(['A.YML', 'b.Yaml']);
});

test('links to folders and files are followed, also in a circle, and nothing is there twice', () => {
  write('rules/a.yml', RULE);
  write('elsewhere/b.yml', RULE);
  symlinkSync(path.join(folder, 'elsewhere'), path.join(folder, 'rules', 'team'));
  symlinkSync('..', path.join(folder, 'elsewhere', 'up'));
  symlinkSync('a.yml', path.join(folder, 'rules', 'same.yml'));
  symlinkSync('itself', path.join(folder, 'rules', 'itself'));
  const rules = findRuleFiles([path.join(folder, 'rules')]);
  expect(rules.map((file) => path.basename(file))).toEqual(['a.yml', 'b.yml']);
});

test('a pipe in a folder of rules or lists is a fault, and nobody waits for its writer; one that is named is read', () => {
  write('a.yml', RULE);
  mkdirSync(path.join(folder, 'lists'));
  for (const name of ['b.yml', 'lists/people.csv']) execFileSync('mkfifo', [path.join(folder, name)]);
  const set = loadRules([folder]);
  const message = expect.stringContaining('it is a pipe or a socket');
  expect(set.faults).toMatchObject([
    { file: path.join(folder, 'lists/people.csv'), code: 'FILE_UNREADABLE', message },
    { file: path.join(folder, 'b.yml'), code: 'FILE_UNREADABLE', message },
  ]);
  expect(set.rules).toHaveLength(1);
  const writer = spawn('cp', [path.join(folder, 'a.yml'), path.join(folder, 'b.yml')]);
  expect(loadRules([path.join(folder, 'b.yml')]).rules).toHaveLength(1);
  writer.kill();
});

test('a rule that is masked by the null device is none, and no fault', () => {
  write('a.yml', RULE);
  symlinkSync('/dev/null', path.join(folder, 'b.yml'));
  expect(loadRules([folder])).toMatchObject({ documents: 1, faults: [] });
});

test('a link that leads nowhere is a fault of that file, and the others load', () => {
  write('a.yml', RULE);
  symlinkSync('gone', path.join(folder, 'b.yml'));
  const set = loadRules([folder]);
  expect(set.faults).toMatchObject([{ file: path.join(folder, 'b.yml'), code: 'FILE_UNREADABLE' }]);
  expect(set.rules).toHaveLength(1);
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

test('a file of events that is named where rules are expected is one fault that says how to give it', () => {
  const line = `${JSON.stringify({ '@timestamp': '2025-07-12T20:00:00Z', 'event.action': 'login' })}\n`;
  const events = write('access.ndjson', line.repeat(3));
  const set = loadRules([write('good.yml', RULE), events]);
  expect(set.faults).toMatchObject([
    { file: events, code: 'EVENTS_NOT_RULES', message: expect.stringContaining('--input') },
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
