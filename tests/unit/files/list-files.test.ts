/** Where lists come from, and that a list is replaced by a sound file and by nothing else. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listFolders, ListWatch, loadLists } from '../../../src/files/list-files.ts';
import { ROWS } from '../../../src/lookup/views.ts';
import { loadRules } from '../../../src/files/rule-files.ts';
import { changeRights } from '../../support/change-rights.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigie-lists-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

let seconds = 0;

/** Each writing has a time of its own, however fast they follow each other. */
function write(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  seconds += 1;
  utimesSync(file, seconds, seconds);
  return file;
}

const at = (name: string): string => path.join(folder, name);

describe('lists are found', () => {
  test('in the folder of the rules, else beside it, and in the configured one, which decides', () => {
    write('rules/lists/a.csv', 'x\n1\n');
    write('rules/lists/b.csv', 'x\n1\n');
    write('rules/lists/notes.txt', 'x');
    write('rules/deep/r.yml', '');
    write('own/b.csv', 'y\n2\n');
    write('own/c.csv', 'z\n3\n');
    for (const rules of ['rules', 'rules/deep', 'rules/deep/r.yml']) {
      const { lists, faults } = loadLists(listFolders([at(rules)], at('own')));
      expect(faults).toEqual([]);
      expect(lists.names).toEqual(['a', 'b', 'c']);
      expect(lists.known('b').columns).toEqual(['y']);
    }
  });

  test('nowhere when there is no such folder, or none that can be looked at', () => {
    write('rules/r.yml', '');
    expect(listFolders([at('rules')], undefined)).toEqual([]);
    symlinkSync('lists', at('rules/lists'));
    expect(listFolders([at('rules')], undefined)).toEqual([]);
  });

  test('and a configured folder that cannot be read is an error', () => {
    expect(() => loadLists([at('missing')])).toThrow(expect.objectContaining({ code: 'LISTS_UNREADABLE' }));
  });
});

test('the faults of list files are among those of the rules, and no part of such a file is loaded', () => {
  write(
    'r.yml',
    'title: T\nlogsource: {product: p}\nvigie.only_listed: a\ndetection: {s: {x: 1}, condition: s}\n',
  );
  write('lists/a.csv', 'x\n1\n2,3\n');
  write('lists/b.csv', Uint8Array.of(0x78, 0x0a, 0xe9));
  const set = loadRules([folder]);
  expect(set.faults.map(({ file, line, code }) => `${path.relative(folder, file)}:${line}: ${code}`)).toEqual(
    ['lists/a.csv:3: CSV_SYNTAX', 'lists/b.csv:1: NOT_UTF8', 'r.yml:3: FAULTY_LIST'],
  );
  expect(set.rules).toEqual([]);
});

function watched() {
  const { lists } = loadLists([at('base'), at('own')]);
  const list = lists.known('a');
  const rows = list.view(ROWS);
  const told: string[] = [];
  const watch = new ListWatch(lists, [at('base'), at('own')], {
    onReplaced: ({ contents }) => told.push(`replaced: ${contents.rows.length}`),
    onRefused: (_, file, [fault]) =>
      told.push(`refused: ${path.relative(folder, file)}:${fault!.line}: ${fault!.code}`),
  });
  /** Which of the values are listed, after so many looks, and what was told meanwhile. */
  const after = (looks: number): string => {
    told.length = 0;
    for (let i = 0; i < looks; i += 1) watch.look();
    const listed = ['1', '2', '3'].filter((value) => rows.value.has([value]));
    return [...told, `listed: ${listed.join(' ')}`].join('; ');
  };
  return after;
}

describe('a list in use', () => {
  beforeEach(() => {
    write('base/a.csv', 'x\n1\n');
    mkdirSync(at('own'));
  });

  test('is replaced once a changed file has stayed the same from one look to the next', () => {
    const after = watched();
    expect(after(3)).toBe('listed: 1');
    write('base/a.csv', 'x\n2\n');
    expect(after(1)).toBe('listed: 1');
    write('base/a.csv', 'x\n2\n3\n');
    expect(after(1)).toBe('listed: 1');
    expect(after(1)).toBe('replaced: 2; listed: 2 3');
    expect(after(5)).toBe('listed: 2 3');
  });

  test('keeps its rows when the new file is faulty, says so once, and takes the corrected one', () => {
    const after = watched();
    write('base/a.csv', 'x\n2\n3,\n');
    expect(after(5)).toBe('refused: base/a.csv:3: CSV_SYNTAX; listed: 1');
    write('base/a.csv', 'x,y\n2,2\n');
    expect(after(5)).toBe('refused: base/a.csv:1: LIST_COLUMNS_CHANGED; listed: 1');
    write('base/a.csv', 'x\n3\n');
    expect(after(5)).toBe('replaced: 1; listed: 3');
  });

  test('keeps its rows while its file is gone, and follows one that takes its place', () => {
    const after = watched();
    rmSync(at('base/a.csv'));
    expect(after(3)).toBe('refused: base/a.csv:1: LIST_GONE; listed: 1');
    write('own/a.csv', 'x\n2\n');
    expect(after(3)).toBe('replaced: 1; listed: 2');
    rmSync(at('own'), { recursive: true });
    expect(after(3)).toBe('refused: own/a.csv:1: LIST_GONE; listed: 2');
  });

  test('keeps its rows while its file cannot even be looked at, and takes the one that can be again', () => {
    const after = watched();
    rmSync(at('base/a.csv'));
    symlinkSync('a.csv', at('base/a.csv'));
    expect(after(3)).toBe('refused: base/a.csv:1: FILE_UNREADABLE; listed: 1');
    rmSync(at('base/a.csv'));
    write('base/a.csv', 'x\n2\n');
    expect(after(3)).toBe('replaced: 1; listed: 2');
  });

  test('is read again when the rights of a file that was refused are changed', () => {
    const after = watched();
    const file = write('base/a.csv', 'x\n"2\n');
    const refusal = 'refused: base/a.csv:2: CSV_SYNTAX; listed: 1';
    expect(after(5)).toBe(refusal);
    changeRights(file);
    expect(after(5)).toBe(refusal);
  });
});
