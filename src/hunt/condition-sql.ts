/**
 * A base rule's condition as SQL over one row of the archive: true for the events that the matcher matches.
 *
 * Letter case is ignored by RE2's simple folding for ASCII; for other letters, all that fold alike are named. What
 * cannot be said exactly of what the archive holds is refused (`refusal.ts`).
 */

import type { LookupList, Lists } from '../lookup/list.ts';
import { ANY_DASH, ANY_ONE, type Condition, type Detection, type Pattern, type Test } from '../sigma/ast.ts';
import { parseNetwork } from '../sigma/ip.ts';
import { literalOf } from '../sigma/pattern.ts';
import type { BaseRule } from '../sigma/rule.ts';
import { MOST_COMBINATIONS } from '../detect/values.ts';
import type { ArchivedFields } from './archived-fields.ts';
import { equalsRow, inNetworks, isAddressOrNetwork, isInRows } from './cells-sql.ts';
import { sameLetters } from './letter-case.ts';
import { notCompiled } from './refusal.ts';
import { joined, regexText, sqlNumber, sqlText } from './sql-text.ts';
import type { LongestPart } from './statement-length.ts';

/** Most characters of one expression: RE2 refuses programs that are too large. */
const LONGEST_EXPRESSION = 2000;

export class ConditionSql {
  readonly #fields: ArchivedFields;
  readonly #lists: Lists;
  readonly #longest: LongestPart;

  constructor(fields: ArchivedFields, lists: Lists, longest: LongestPart) {
    this.#fields = fields;
    this.#lists = lists;
    this.#longest = longest;
  }

  /** Throws HUNT_NOT_COMPILED. */
  of(rule: BaseRule): string {
    const selections = new Map<string, string>();
    return this.#condition(rule.condition, (name) => {
      let known = selections.get(name);
      if (known === undefined) {
        const expression = this.#detection(rule.detections.get(name)!, rule, name);
        known = this.#fields.define('s', name, `selection ${name} of ${rule.title}`, expression);
        selections.set(name, known);
      }
      return known;
    });
  }

  #condition(node: Condition, selection: (name: string) => string): string {
    if (node.kind === 'ref') return selection(node.name);
    if (node.kind === 'not') return negated(this.#condition(node.part, selection));
    return joined(
      node.kind,
      node.parts.map((part) => this.#condition(part, selection)),
    );
  }

  #detection(node: Detection, rule: BaseRule, selection: string): string {
    const place = (what: string): string => `selection "${selection}", ${what}`;
    const refuse = (what: string, why: string): never => {
      throw notCompiled(rule, place(what), why);
    };
    switch (node.kind) {
      case 'and':
        return joined(
          'and',
          node.parts.map((part) => this.#detection(part, rule, selection)),
        );
      case 'or':
        return joined('or', this.#alternatives(node.parts, rule, selection));
      case 'not':
        return negated(this.#detection(node.part, rule, selection));
      case 'field':
        return this.#field(node.path, [node.test], rule, place(`field ${node.path}`));
      case 'listed':
        return this.#longest.note(
          rule,
          place(`list ${node.list}`),
          this.#listed(this.#lists.known(node.list), (why) => refuse(`list ${node.list}`, why)),
        );
      case 'keyword':
        return refuse('a keyword', 'it searches whole events, of which the archive keeps only some fields');
      case 'off-hours':
        return refuse('vigie.off_hours', 'working hours and holidays are not said in SQL');
    }
  }

  /** Tests of one field that are alike become one expression. */
  #alternatives(parts: readonly Detection[], rule: BaseRule, selection: string): string[] {
    const alike = new Map<string, { readonly path: string; readonly tests: Test[] }>();
    const others: Detection[] = [];
    for (const part of parts) {
      if (part.kind !== 'field' || (part.test.kind !== 'text' && part.test.kind !== 'cidr')) {
        others.push(part);
        continue;
      }
      const { path, test } = part;
      const key = JSON.stringify([path, test.kind, test.kind === 'text' && test.cased]);
      const group = alike.get(key) ?? { path, tests: [] };
      alike.set(key, group);
      group.tests.push(test);
    }
    return [
      ...[...alike.values()].map(({ path, tests }) =>
        this.#field(path, tests, rule, `selection "${selection}", field ${path}`),
      ),
      ...others.map((part) => this.#detection(part, rule, selection)),
    ];
  }

  /** Whether the field satisfies one of the tests, which are alike. */
  #field(path: string, tests: readonly Test[], rule: BaseRule, place: string): string {
    const refuse = (why: string): never => {
      throw notCompiled(rule, place, why);
    };
    this.#check(path, refuse);
    return this.#longest.note(rule, place, this.#test(path, tests, refuse));
  }

  #test(path: string, tests: readonly Test[], refuse: (why: string) => never): string {
    const test = tests[0]!;
    switch (test.kind) {
      case 'text': {
        const patterns = tests.flatMap((each) => (each.kind === 'text' ? [each.pattern] : []));
        for (const pattern of patterns) checkPattern(pattern, refuse);
        return anyText(this.#fields.texts(path), (x) => anyPattern(x, patterns, test.cased));
      }
      case 'compare': {
        const operator = { lt: '<', lte: '<=', gt: '>', gte: '>=' }[test.op];
        return anyText(
          this.#fields.numbers(path, LONGEST_NUMBER),
          (x) => `${x} ${operator} ${sqlNumber(test.value)}`,
        );
      }
      case 'exists':
        return test.expected ? this.#fields.exists(path) : negated(this.#fields.exists(path));
      case 'reference': {
        this.#check(test.path, refuse);
        const textsOf = (of: string): string =>
          test.cased ? this.#fields.texts(of) : this.#fields.folded(of);
        return anyText(textsOf(path), (x) => referenced(x, textsOf(test.path), test));
      }
      case 'null':
        return refuse(
          'the archive does not tell null from an empty list; ask for exists: false, or for not "*"',
        );
      case 'regex':
        return refuse('regular expressions are not compiled');
      case 'cidr': {
        const networks = tests.flatMap((each) => (each.kind === 'cidr' ? [parseNetwork(each.network)] : []));
        const valid = networks.filter((network) => typeof network !== 'string');
        if (valid.length === 0) return 'false';
        return anyText(this.#fields.addresses(path), (x) => inNetworks(x, valid));
      }
      case 'time':
        return refuse('parts of a time are not compiled');
    }
  }

  #check(path: string, refuse: (why: string) => never): void {
    if (path === 'event.id')
      refuse('the archive gives events without an id one of its own, so this cannot be told there');
    if (!path.isWellFormed()) refuse('its name is no well-formed text');
  }

  /** True if some row has a value of the event in each column. */
  #listed(list: LookupList, refuse: (why: string) => never): string {
    const { columns, contents } = list;
    for (const column of columns) this.#check(column, refuse);
    if (contents.rows.length === 0) return 'false';
    const hasAddresses = contents.rows.some((row) => row.some(isAddressOrNetwork));
    const texts = columns.map((column) =>
      hasAddresses ? this.#fields.addresses(column) : this.#fields.texts(column),
    );
    const names = columns.map((_, c) => `x${c + 1}`);
    const holds = (hasAddresses ? equalsRow : isInRows)(names, contents.rows);
    const isIn = texts.reduceRight(
      (inner, field, c) => `arrayExists(${names[c]!} -> ${inner}, ${field})`,
      holds,
    );
    const combinations = texts.map((field) => `length(${field})`).join(' * ');
    return `(${combinations} <= ${MOST_COMBINATIONS} AND ${isIn})`;
  }
}

/** As in `sigma/value.ts`. */
const LONGEST_NUMBER = 64;

function checkPattern(pattern: Pattern, refuse: (why: string) => never): void {
  // Half a surrogate pair in an event is archived as U+FFFD.
  if (pattern.some((token) => typeof token === 'string' && !token.isWellFormed()))
    refuse('a value is no well-formed text');
}

function anyText(list: string, holds: (x: string) => string): string {
  return `arrayExists(x -> ${holds('x')}, ${list})`;
}

/** Whether a text matches one of the patterns. */
function anyPattern(x: string, patterns: readonly Pattern[], cased: boolean): string {
  const rows: string[][] = [];
  const others: Pattern[] = [];
  for (const pattern of patterns) {
    const literal = cased ? literalOf(pattern) : undefined;
    if (literal === undefined) others.push(pattern);
    else rows.push([literal]);
  }
  return joined('or', [
    ...(rows.length === 0 ? [] : [isInRows([x], rows)]),
    ...(others.length === 0 ? [] : [anyExpression(x, others, cased)]),
  ]);
}

/** Uses several short expressions, so that none becomes too large. */
function anyExpression(x: string, patterns: readonly Pattern[], cased: boolean): string {
  const expressions: string[][] = [];
  let length = Infinity;
  for (const pattern of patterns) {
    const expression = regexOf(pattern, cased);
    length += expression.length;
    if (length > LONGEST_EXPRESSION) {
      expressions.push([]);
      length = expression.length;
    }
    expressions.at(-1)!.push(expression);
  }
  const tokens = patterns.flat();
  const ignores = !cased && tokens.some((token) => typeof token === 'string' && /[a-z]/i.test(token));
  const spans = tokens.some((token) => typeof token !== 'string');
  const flags = ignores || spans ? `(?${ignores ? 'i' : ''}${spans ? 's' : ''})` : '';
  return joined(
    'or',
    expressions.map((of) => {
      const [first] = of;
      const expression = of.length === 1 ? first! : `(?:${of.join('|')})`;
      return `match(${x}, ${sqlText(`${flags}^${expression}$`)})`;
    }),
  );
}

/** The text, for an expression that ignores the case of ASCII. */
function uncased(text: string): string {
  return text.replaceAll(/[^\u0080-\u{10ffff}]+|./gsu, (part) => {
    const letters = part.codePointAt(0)! < 0x80 ? part : sameLetters(part);
    return letters === part ? regexText(part) : `[${regexText(letters)}]`;
  });
}

function regexOf(pattern: Pattern, cased: boolean): string {
  return pattern
    .map((token) => {
      if (typeof token === 'string') return cased ? regexText(token) : uncased(token);
      if (token === ANY_DASH) return '[-/\u2013\u2014\u2015]';
      return token === ANY_ONE ? '.' : '.*';
    })
    .join('');
}

function referenced(
  x: string,
  other: string,
  { openStart, openEnd }: Extract<Test, { readonly kind: 'reference' }>,
): string {
  if (openStart && openEnd) return anyOther(other, (y) => `position(${x}, ${y}) > 0`);
  if (openStart) return anyOther(other, (y) => `endsWith(${x}, ${y})`);
  return openEnd ? anyOther(other, (y) => `startsWith(${x}, ${y})`) : `has(${other}, ${x})`;
}

function anyOther(list: string, holds: (y: string) => string): string {
  return `arrayExists(y -> ${holds('y')}, ${list})`;
}

function negated(condition: string): string {
  return `NOT ${parenthesised(condition)}`;
}

function parenthesised(condition: string): string {
  return /^(?:\(|arrayExists\(|\w+$)/.test(condition) ? condition : `(${condition})`;
}
