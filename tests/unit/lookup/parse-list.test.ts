import { expect, test } from 'vitest';
import { parseList } from '../../../src/lookup/parse-list.ts';

const faultsOf = (text: string): string[] => {
  const parsed = parseList(text);
  return 'faults' in parsed
    ? parsed.faults.map(({ line, code, message }) => `${line}: ${code}: ${message}`)
    : [];
};

test('comments, empty lines, quotes, spaces around cells and Windows line ends are read', () => {
  const text =
    '\uFEFF# who\r\n\r\norganization.id , source.ip\r\n"130, 00" ,10.0.0.0/8\r\n# more\r\n131,#x\r\n';
  expect(parseList(text)).toEqual({
    contents: {
      columns: ['organization.id', 'source.ip'],
      rows: [
        ['130, 00', '10.0.0.0/8'],
        ['131', '#x'],
      ],
      lines: [4, 6],
    },
  });
});

test('semicolons divide cells where the header has no comma', () => {
  expect(parseList('# a, b\nuser.id;persons\nu,1;20\n')).toMatchObject({
    contents: { columns: ['user.id', 'persons'], rows: [['u,1', '20']] },
  });
});

test('a list may have a header and no rows', () => {
  expect(parseList('# nothing yet\nuser.id')).toEqual({
    contents: { columns: ['user.id'], rows: [], lines: [] },
  });
});

test('all that is wrong is reported at its line, and nothing is loaded', () => {
  expect(faultsOf('a,b\n1,2\n3\n\n4,\n5,6,7\n')).toEqual([
    '3: CSV_SYNTAX: the row has 1 cell; the header has 2: a, b',
    '5: EMPTY_CELL: the cell of b is empty; write a value or remove the row',
    '6: CSV_SYNTAX: the row has 3 cells; the header has 2: a, b',
  ]);
  expect(faultsOf('')).toEqual([
    '1: LIST_HEADER: the file has no header; its first line names the fields of the events to compare with',
  ]);
  expect(faultsOf('# x\na,,a\n')).toEqual([
    '2: LIST_HEADER: column 2 has no name; name the event field it is compared with',
    '2: LIST_HEADER: two columns are called a',
  ]);
  expect(faultsOf('user.id\tsource.ip\nu-1\t10.0.0.5\n')).toEqual([
    '1: LIST_HEADER: "user.id\\tsource.ip" holds a tab; part the cells by commas or semicolons',
  ]);
  expect(faultsOf('a\n"b\n')).toEqual([expect.stringMatching(/^\d: CSV_SYNTAX: Quote Not Closed/)]);
});
