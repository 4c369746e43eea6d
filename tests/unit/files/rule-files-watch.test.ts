import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RuleFilesWatch } from '../../../src/files/rule-files-watch.ts';
import { changeRights } from '../../support/change-rights.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigie-watch-'));
  mkdirSync(path.join(folder, 'lists'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

const rule = (value: number | string): string =>
  `title: T\nlogsource: {product: p}\ndetection: {sel: {a|expand: '${value}'}, condition: sel}\n`;

function watched(): RuleFilesWatch {
  write('lists/known.csv', 'user\na\n');
  write('rule.yml', rule(1));
  const placeholders = write('values.yml', 'admins: [root]\n');
  return new RuleFilesWatch({ paths: [path.join(folder, 'rule.yml')], listsFolder: undefined, placeholders });
}

/** Whether it is to be loaded after a look, and after a second one. */
const twoLooks = (watch: RuleFilesWatch): boolean[] => [watch.look(), watch.look()];

test('rules are loaded once their files are the same at two looks, and not again', () => {
  const watch = watched();
  expect(twoLooks(watch)).toEqual([false, false]);
  write('rule.yml', rule('22'));
  expect(twoLooks(watch)).toEqual([false, true]);
  expect(watch.load()).toHaveProperty('ruleSet');
  expect(twoLooks(watch)).toEqual([false, false]);
});

test.each([
  ['a list', 'lists/known.csv', 'user\n"a\n', 'user\na\nb\n'],
  ['the placeholders', 'values.yml', '- root\n', 'admins: [root, admin]\n'],
])(
  'rules that were refused for a fault in %s are loaded when that is corrected',
  (_, name, faulty, sound) => {
    const watch = watched();
    write(name, faulty);
    // By itself no reason to read rules again.
    expect(twoLooks(watch)).toEqual([false, false]);
    write('rule.yml', rule('%admins%'));
    expect(twoLooks(watch)).toEqual([false, true]);
    expect(watch.load()).toHaveProperty('refusals');
    expect(twoLooks(watch)).toEqual([false, false]);
    write(name, sound);
    expect(twoLooks(watch)).toEqual([false, true]);
    expect(watch.load()).toHaveProperty('ruleSet');
    expect(twoLooks(watch)).toEqual([false, false]);
  },
);

test('rules that were refused for a list that was not there yet are loaded when it comes', () => {
  const watch = watched();
  write('rule.yml', `${rule(1)}vigie.unless_listed: [later]\n`);
  expect(twoLooks(watch)).toEqual([false, true]);
  expect(watch.load()).toHaveProperty('refusals');
  write('lists/later.csv', 'a\nb\n');
  expect(twoLooks(watch)).toEqual([false, true]);
  expect(watch.load()).toHaveProperty('ruleSet');
});

test('a rule file whose rights alone were changed is read again, as it may not have been readable', () => {
  const watch = watched();
  const file = write('rule.yml', rule('22'));
  expect(twoLooks(watch)).toEqual([false, true]);
  watch.load();
  changeRights(file);
  expect(twoLooks(watch)).toEqual([false, true]);
});
