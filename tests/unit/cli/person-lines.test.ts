import { describe, expect, test } from 'vitest';
import { parse } from 'csv-parse/sync';
import type { AffectedPerson } from '../../../src/affected/person-table.ts';
import { csvLines, jsonLines } from '../../../src/cli/person-lines.ts';

const person: AffectedPerson = {
  pseudonym: '00ab34cd56ef7801',
  id: '0012345678A',
  reads: 3,
  firstRead: Date.UTC(2025, 6, 12, 21, 0, 0, 14),
  lastRead: Date.UTC(2025, 6, 12, 22, 59),
  applications: ['kairos', 'portail'],
  organisations: ['Mission locale "Isère", Grenoble'],
  categories: [],
};

function cellsOf(of: Partial<AffectedPerson>, withIds = false): string[] {
  const { head, line } = csvLines(withIds);
  const [names, cells, ...others] = parse(head + line({ ...person, ...of }));
  expect(others).toEqual([]);
  expect(cells).toHaveLength(names!.length);
  return cells!;
}

describe('a person as CSV', () => {
  test('has a cell for each name of the head, whatever the values hold', () => {
    expect(csvLines(true).head).toBe(
      'pseudonym,id,reads,first_read,last_read,applications,organisations,categories\n',
    );
    expect(cellsOf({}, true)).toEqual([
      '00ab34cd56ef7801',
      '0012345678A',
      '3',
      '2025-07-12T21:00:00.014Z',
      '2025-07-12T22:59:00.000Z',
      'kairos | portail',
      'Mission locale "Isère", Grenoble',
      '',
    ]);
  });

  test('has no column of ids where none were asked for', () => {
    expect(cellsOf({})[1]).toBe('3');
  });

  test.each([
    ['=HYPERLINK("https://evil")', '\'=HYPERLINK("https://evil")'],
    ['  +1', "  '+1"],
    ['-2+3', "'-2+3"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['＝1', "'＝1"],
    // Some spreadsheets part cells by semicolons, and let quotes inside of a line stand.
    ['a;=1+1', "a;'=1+1"],
    ['a,=1+1', "a,'=1+1"],
    ['a|=1', "a|'=1"],
  ])('computes nothing of an organisation called %s', (name, cell) => {
    expect(cellsOf({ organisations: [name] })[5]).toBe(cell);
    expect(cellsOf({ organisations: ['AA', name] })[5]).toBe(`AA | ${cell}`);
  });

  test('stays on one line and steers no terminal, whatever an organisation is called', () => {
    const { line } = csvLines(false);
    const text = line({ ...person, organisations: ['a\n"b\u001b[2J\u202e\r\t'] });
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe('a person as JSON', () => {
  test('has the values as they are', () => {
    const organisations = ['=1', 'a\n\u001b[2J\u202e'];
    const text = jsonLines(true).line({ ...person, organisations });
    expect(JSON.parse(text)).toEqual({
      ...person,
      organisations,
      firstRead: '2025-07-12T21:00:00.014Z',
      lastRead: '2025-07-12T22:59:00.000Z',
    });
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  test('has no id where none were asked for', () => {
    expect(JSON.parse(jsonLines(false).line(person))).not.toHaveProperty('id');
  });
});
