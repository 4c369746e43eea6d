/** The ways in which rules use a list: is an event listed, which number does a group have, is a day in the list. */

import { combinations, keyOf, textOf, textsOf } from '../detect/values.ts';
import type { FieldValue } from '../event/record.ts';
import { type Network, parseAddress, parseNetwork } from '../sigma/ip.ts';
import { numberOf } from '../sigma/value.ts';
import type { Built, ListContents, ListFault, ViewKind } from './list.ts';
import { NetworkSet } from './network-set.ts';

/**
 * Rows as sets of values. A cell equals a value of the same text, letter case included; two spellings of one
 * address are equal; a cell in CIDR form equals every address inside.
 */
export class RowIndex {
  /** By column: some cell is an address, so values are compared as addresses too. */
  readonly #addresses: readonly boolean[];
  readonly #exact = new Set<string>();
  /** First cell → second cells ('' if there is one column): replaces `#exact` if every cell is just text. */
  readonly #pairs: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  /** Rows with a network, by its column: the key of the other cells → networks. */
  readonly #networks: readonly { readonly column: number; readonly byRest: Map<string, NetworkSet> }[];
  readonly #answers = new Answers();

  /** `networks`: row index → the column and network it has, if any. */
  constructor(
    { columns, rows }: ListContents,
    networks: ReadonlyMap<number, { readonly column: number; readonly network: Network }>,
  ) {
    this.#addresses = columns.map((_, c) => rows.some((row) => isAddress(row[c]!)));
    const plain = columns.length <= 2 && !this.#addresses.includes(true) && networks.size === 0;
    this.#pairs = plain ? pairsOf(rows) : undefined;
    const byColumn = new Map<number, Map<string, Network[]>>();
    for (const [r, row] of plain ? [] : rows.entries()) {
      const held = networks.get(r);
      const keys = row.map((cell, c) => this.#comparable(cell, c));
      if (held === undefined) {
        this.#exact.add(keyOf(keys));
        continue;
      }
      const byRest = byColumn.get(held.column) ?? new Map<string, Network[]>();
      byColumn.set(held.column, byRest);
      const rest = keyOf(keys.toSpliced(held.column, 1));
      const together = byRest.get(rest);
      if (together === undefined) byRest.set(rest, [held.network]);
      else together.push(held.network);
    }
    this.#networks = [...byColumn].map(([column, byRest]) => ({
      column,
      byRest: new Map([...byRest].map(([rest, of]) => [rest, new NetworkSet(of)])),
    }));
  }

  /**
   * Whether some row equals an event's values; of a list, any element may match. `slots[i]` is the index in
   * `values` of the value for column i; i by default.
   */
  has(values: readonly (FieldValue | undefined)[], slots: readonly number[] = [...values.keys()]): boolean {
    for (const slot of slots) if (values[slot] === undefined) return false;
    const first = textOf(values[slots[0]!]);
    const second = slots.length === 1 ? '' : textOf(values[slots[1]!]);
    if (slots.length <= 2 && first !== undefined && second !== undefined) {
      if (this.#pairs !== undefined) return this.#pairs.get(first)?.has(second) === true;
      return (
        this.#answers.get(first, second) ??
        this.#answers.keep(first, second, this.#hasTexts([first, second].slice(0, slots.length)))
      );
    }
    return combinations(slots.map((slot) => textsOf(values[slot]))).some((texts) => this.#hasTexts(texts));
  }

  #hasTexts(texts: readonly string[]): boolean {
    if (this.#pairs !== undefined) return this.#pairs.get(texts[0]!)?.has(texts[1] ?? '') === true;
    const keys = texts.map((text, c) => this.#comparable(text, c));
    if (this.#exact.has(keyOf(keys))) return true;
    return this.#networks.some(
      ({ column, byRest }) => byRest.get(keyOf(keys.toSpliced(column, 1)))?.has(texts[column]!) === true,
    );
  }

  #comparable(text: string, column: number): string {
    const address = this.#addresses[column]! ? parseAddress(text) : undefined;
    return address === undefined ? text : `\0${address.words.join(' ')}`;
  }
}

function pairsOf(rows: readonly (readonly string[])[]): Map<string, Set<string>> {
  const pairs = new Map<string, Set<string>>();
  for (const [first, second = ''] of rows) {
    const seconds = pairs.get(first!);
    if (seconds === undefined) pairs.set(first!, new Set([second]));
    else seconds.add(second);
  }
  return pairs;
}

/** Bounded cache of answers for pairs of texts: events name the same accounts and addresses over and over. */
class Answers {
  readonly #byFirst = new Map<string, Map<string, boolean>>();
  #held = 0;

  get(first: string, second: string): boolean | undefined {
    return this.#byFirst.get(first)?.get(second);
  }

  /** Remembers an answer that `get` did not have, and returns it. */
  keep(first: string, second: string, answer: boolean): boolean {
    if (first.length + second.length > LONGEST_REMEMBERED) return answer;
    if (this.#held >= MOST_REMEMBERED) {
      this.#byFirst.clear();
      this.#held = 0;
    }
    const bySecond = this.#byFirst.get(first) ?? new Map<string, boolean>();
    this.#byFirst.set(first, bySecond.set(second, answer));
    this.#held += 1;
    return answer;
  }
}

const MOST_REMEMBERED = 65_536;
/** Most characters of a pair: longer ones are no ids or addresses, and would cost memory. */
const LONGEST_REMEMBERED = 200;

function isAddress(cell: string): boolean {
  return parseAddress(cell) !== undefined;
}

/** Tells whether an event's values are in a row. */
export const ROWS: ViewKind<RowIndex> = {
  key: 'rows',
  build: (contents) => {
    const networks = new Map<number, { column: number; network: Network }>();
    return built(
      contents,
      (row, r) => {
        for (const [column, cell] of row.entries()) {
          const slash = cell.indexOf('/');
          if (slash < 0 || !isAddress(cell.slice(0, slash))) continue;
          const network = parseNetwork(cell);
          const place = placeOf(cell, contents, column);
          if (typeof network === 'string') return ['BAD_CIDR', `${place} is no network: ${network}`];
          if (networks.has(r))
            return ['TWO_NETWORKS', `${place} is the second network of its row; one may be`];
          networks.set(r, { column, network });
        }
        return undefined;
      },
      () => new RowIndex(contents, networks),
    );
  },
};

export interface NumberTable {
  /** `keyOf` of the other cells, in the order of the columns → number. */
  readonly byKey: ReadonlyMap<string, number>;
  /** 0 if there is no row. */
  readonly largest: number;
}

/** The numbers of a column by the other cells of their rows. */
export function numbersIn(column: string): ViewKind<NumberTable> {
  return {
    key: `numbers ${column}`,
    build: (contents) => {
      const at = contents.columns.indexOf(column);
      const byKey = new Map<string, number>();
      let largest = 0;
      return built(
        contents,
        (row) => {
          const number = numberOf(row[at]!);
          if (!(number >= 0 && Number.isFinite(number)))
            return ['BAD_NUMBER', `${placeOf(row[at]!, contents, at)} is not a number from 0 on`];
          const others = row.toSpliced(at, 1);
          const network = others.find((cell) => cell.includes('/') && typeof parseNetwork(cell) !== 'string');
          if (network !== undefined)
            return [
              'BAD_CIDR',
              `${shown(network)} is a network; numbers are found by the exact value of a group`,
            ];
          const key = keyOf(others);
          if (byKey.has(key)) return ['DUPLICATE_ROW', `another row has a number for ${others.join(', ')}`];
          byKey.set(key, number);
          largest = Math.max(largest, number);
          return undefined;
        },
        () => ({ byKey, largest }),
      );
    },
  };
}

/** The column of a list of holidays. */
export const DATE_COLUMN = 'date';

/** The days in the column `date`, as days since 1970-01-01. */
export const DATES: ViewKind<ReadonlySet<number>> = {
  key: 'dates',
  build: (contents) => {
    const at = contents.columns.indexOf(DATE_COLUMN);
    const days = new Set<number>();
    return built(
      contents,
      (row) => {
        const day = dayOf(row[at]!);
        if (Number.isNaN(day))
          return ['BAD_VALUE', `${placeOf(row[at]!, contents, at)} is no day; expected YYYY-MM-DD`];
        days.add(day);
        return undefined;
      },
      () => days,
    );
  },
};

function dayOf(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return NaN;
  const time = Date.parse(`${text}T00:00:00Z`);
  // A day that rolls over, such as 30 February, is no date.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(text)) return NaN;
  return time / 86_400_000;
}

type RowCheck = (
  row: readonly string[],
  index: number,
) => readonly [code: string, message: string] | undefined;

function built<T>({ rows, lines }: ListContents, check: RowCheck, value: () => T): Built<T> {
  const faults: ListFault[] = [];
  for (const [r, row] of rows.entries()) {
    const fault = check(row, r);
    if (fault === undefined) continue;
    faults.push({ line: lines[r]!, code: fault[0], message: fault[1] });
    if (faults.length >= MAX_LISTED) break;
  }
  return faults.length > 0 ? { faults } : { value: value() };
}

/** Most faults listed for one list. */
const MAX_LISTED = 100;

function placeOf(cell: string, { columns }: ListContents, column: number): string {
  return `${shown(cell)} in the column ${columns[column]!}`;
}

function shown(cell: string): string {
  const text = JSON.stringify(cell);
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}
