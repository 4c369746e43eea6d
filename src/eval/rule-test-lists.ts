/**
 * The lookup lists of rule tests. A test states the contents of its lists; a list that it does not give is empty, so
 * that the outcome does not depend on an organisation's current lists. Persons stand in them as in the events.
 */

import type { ListContents, Lists, LookupList } from '../lookup/list.ts';
import { DEFAULT_PERSON_FIELDS } from '../event/decoder-options.ts';
import { isPseudonym, pseudonymText } from '../event/pseudonyms.ts';
import { SipHash } from '../event/siphash.ts';
import { suggestion } from '../sigma/nearest.ts';

/** The key under which the engine hashes the persons of tests. */
export const TEST_KEY = new Uint8Array(16);
const HASH = new SipHash(TEST_KEY);

type Cell = string | number | boolean;

/** By name: rows as maps from column to cell. */
export type GivenLists = Readonly<Record<string, readonly Readonly<Record<string, Cell>>[]>>;

/** Fills every list as a test gives it. Returns what is wrong with the test's lists, or undefined. */
export function fillLists(lists: Lists, given: GivenLists): string | undefined {
  const unknown = Object.keys(given).find((name) => lists.get(name) === undefined);
  if (unknown !== undefined)
    return `there is no list ${JSON.stringify(unknown)}${suggestion(unknown, lists.names)}`;
  for (const list of lists.all) {
    const rows = (given[list.name] ?? []).map((row) => rowOf(list, row));
    const wrong = rows.find((row) => typeof row === 'string');
    if (wrong !== undefined) return wrong;
    const [fault] = list.replace(contentsOf(list, rows as string[][]));
    if (fault !== undefined) return `${list.name}, row ${fault.line}: ${fault.message}`;
  }
  return undefined;
}

/** Runs code that fills lists, and restores their contents afterwards. */
export function keepingLists<T>(lists: Lists, run: () => T): T {
  const before = lists.all.map((list) => [list, list.contents, list.file, list.version] as const);
  try {
    return run();
  } finally {
    for (const [list, contents, file, version] of before) list.replace(contents, file, version);
  }
}

/** The cells in column order, or what is wrong with the row. */
function rowOf(list: LookupList, row: Readonly<Record<string, Cell>>): string[] | string {
  const names = Object.keys(row);
  if (names.length !== list.columns.length || list.columns.some((column) => !Object.hasOwn(row, column)))
    return `a row of ${list.name} has ${list.columns.join(', ')}, not ${names.join(', ') || 'nothing'}`;
  return list.columns.map((column) => {
    const cell = String(row[column]);
    return DEFAULT_PERSON_FIELDS.includes(column) && !isPseudonym(cell) ? testPseudonym(cell) : cell;
  });
}

/** What a person's id in the events of a test becomes. */
export function testPseudonym(id: string): string {
  HASH.hashString(id);
  return pseudonymText(HASH.out[0]!, HASH.out[1]!);
}

function contentsOf({ columns }: LookupList, rows: readonly (readonly string[])[]): ListContents {
  return { columns, rows, lines: rows.map((_, r) => r + 1) };
}
