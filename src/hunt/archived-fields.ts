/**
 * What the archive holds of an event's fields, as SQL: each field is the list of its texts, as rules see them.
 *
 * A field with a column is there, or in the map `other` if the column could not hold it; any other field is only
 * in the map, if a rule that was in force asked for it. Absent and null are both an empty list; `exists` tells
 * them apart.
 */

import { foldedLetters } from './letter-case.ts';
import { SqlNames, sqlComment, sqlText } from './sql-text.ts';

/** The table, as far as a hunt has to know it. */
export interface ArchiveTable {
  /** Including its database. */
  readonly name: string;
  /** Undefined for fields that are only in the map. */
  readonly columnOf: (
    path: string,
  ) => { readonly name: string; readonly kind: 'text' | 'list' | 'number' } | undefined;
}

/** Numeric text as in `sigma/value.ts` and `detect/values.ts`, between any white space that JavaScript knows. */
const NUMERIC = String.raw`^[\t-\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}]*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)[\t-\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}]*$`;

/**
 * As in `sigma/ip.ts`: longer texts are no addresses, a zone is ignored, no octet begins with a zero, no IPv4
 * address has a zone.
 */
const LONGEST_ADDRESS = 60;
const ZONE = '(?-s)%[^\\n\\r\\x{2028}\\x{2029}]*$';
const NO_ADDRESS = '(?:^|[:.])0[0-9]+\\.|\\.0[0-9]|^[^:]*%|:::';

export class ArchivedFields {
  readonly #table: ArchiveTable;
  readonly #names: SqlNames;
  readonly #definitions: string[] = [];
  readonly #texts = new Map<string, string>();
  readonly #numbers = new Map<string, string>();
  readonly #addresses = new Map<string, string>();
  readonly #folded = new Map<string, string>();
  #letters: readonly string[] | undefined;
  readonly #others = new Set<string>();

  constructor(table: ArchiveTable, names: SqlNames) {
    this.#table = table;
    this.#names = names;
  }

  /** Fields that are only in the map. */
  get others(): readonly string[] {
    return [...this.#others];
  }

  /** Names an expression over one row; `about` says what it is. */
  define(prefix: string, label: string, about: string, expression: string): string {
    const name = this.#names.name(prefix, label);
    this.#definitions.push(`${sqlComment(about)}\n${expression} AS ${name}`);
    return name;
  }

  /** Name of the texts of a field. */
  texts(path: string): string {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const isKept = this.#table.columnOf(path) !== undefined;
    const about = isKept ? path : `${path}, archived only while a rule in force asks for it`;
    const name = this.define('f', path, about, this.#textsOf(path));
    this.#texts.set(path, name);
    return name;
  }

  /** Name of the folded texts of a field: two are the same if they differ only in letter case. */
  folded(path: string): string {
    const known = this.#folded.get(path);
    if (known !== undefined) return known;
    const texts = this.texts(path);
    if (this.#letters === undefined) {
      const letters = foldedLetters();
      const upper = sqlText([...letters.keys()].join(''));
      const lower = sqlText([...letters.values()].join(''));
      this.#letters = [
        this.define('l', 'upper', 'letters of which another is the same', upper),
        this.define('l', 'lower', 'each of them as it is compared', lower),
      ];
    }
    const name = this.define(
      'c',
      path,
      `${path}, whatever the case of its letters`,
      `arrayMap(x -> translateUTF8(x, ${this.#letters.join(', ')}), ${texts})`,
    );
    this.#folded.set(path, name);
    return name;
  }

  /** Name of the numbers among the texts of a field, of at most `longest` characters each. */
  numbers(path: string, longest?: number): string {
    const key = JSON.stringify([path, longest]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const texts = this.texts(path);
    const short = longest === undefined ? texts : `arrayFilter(x -> lengthUTF8(x) <= ${longest}, ${texts})`;
    const found = `arrayFilter(x -> x != '', arrayMap(x -> extract(x, ${sqlText(NUMERIC)}), ${short}))`;
    // Numbers that a double cannot hold compare like one of these.
    const beyond = `if(positionCaseInsensitive(x, 'e-') > 0, 0, if(startsWith(x, '-'), -inf, inf))`;
    const name = this.define(
      'n',
      path,
      `${path}, its numbers`,
      `arrayMap(x -> ifNull(toFloat64OrNull(x), ${beyond}), ${found})`,
    );
    this.#numbers.set(key, name);
    return name;
  }

  /** Name of the texts of a field, each with the address that it spells, as IPv6 for either family, or null. */
  addresses(path: string): string {
    const known = this.#addresses.get(path);
    if (known !== undefined) return known;
    const bare = `replaceRegexpOne(x, ${sqlText(ZONE)}, '')`;
    // ClickHouse lets '::' stand for no group at all.
    const groups = `length(extractAll(${bare}, '[^:]+')) + (position(${bare}, '.') > 0)`;
    const isFull = `position(${bare}, '::') > 0 AND ${groups} > 7`;
    const isNone = `lengthUTF8(x) > ${LONGEST_ADDRESS} OR match(x, ${sqlText(NO_ADDRESS)}) OR (${isFull})`;
    const name = this.define(
      'a',
      path,
      `${path}, with the addresses that it spells`,
      `arrayMap(x -> (x, if(${isNone}, NULL, toIPv6OrNull(${bare}))), ${this.texts(path)})`,
    );
    this.#addresses.set(path, name);
    return name;
  }

  /** Condition that the field is there, whatever its value. */
  exists(path: string): string {
    const column = this.#columnOf(path);
    const inMap = `mapContains(other, ${sqlText(path)})`;
    if (column === undefined) return inMap;
    const { name, kind } = column;
    const filled = kind === 'list' ? `notEmpty(${name})` : kind === 'text' ? `${name} != ''` : `${name} != 0`;
    return `(${filled} OR ${inMap})`;
  }

  /** All expressions named so far, for a `WITH`. */
  get definitions(): readonly string[] {
    return this.#definitions;
  }

  #textsOf(path: string): string {
    const column = this.#columnOf(path);
    const inMap = `other[${sqlText(path)}]`;
    if (column === undefined) return inMap;
    const { name, kind } = column;
    switch (kind) {
      case 'list':
        return `CAST(${name}, 'Array(String)')`;
      case 'text':
        return `if(${name} != '', [${name}], ${inMap})`;
      case 'number':
        return `if(${name} != 0, [toString(${name})], ${inMap})`;
    }
  }

  #columnOf(path: string): ReturnType<ArchiveTable['columnOf']> {
    const column = this.#table.columnOf(path);
    if (column === undefined) this.#others.add(path);
    return column;
  }
}
