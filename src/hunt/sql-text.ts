/**
 * Untrusted texts and numbers as parts of SQL. Rules come from anywhere: whatever one holds, it stays the literal,
 * the expression or the comment that it was meant to be.
 *
 * Guarantee: the text of a rule gets into a statement only through these functions.
 */

/**
 * A text as a literal. Steering characters are escaped byte by byte, so that a terminal shows what ClickHouse
 * reads.
 */
export function sqlText(text: string): string {
  let literal = '';
  for (const letter of text.toWellFormed()) {
    if (letter === '\\' || letter === "'") literal += `\\${letter}`;
    else if (STEERING.test(letter)) {
      for (const byte of Buffer.from(letter))
        literal += `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`;
    } else literal += letter;
  }
  return `'${literal}'`;
}

/**
 * Control characters, characters that change the direction of writing or end a line (and with it a comment), and
 * the semicolon, so that whoever looks for the end of a statement finds none.
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp};]/u;

/** A finite number. */
export function sqlNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} is no number for SQL`);
  return String(value);
}

/** A finite number, as a literal that ClickHouse takes for a Float64. */
export function sqlDouble(value: number): string {
  const text = sqlNumber(value);
  return /[.e]/.test(text) ? text : `${text}e0`;
}

/** An instant, ms since the epoch. */
export function sqlInstant(timeMs: number): string {
  const text = new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '');
  return `toDateTime64('${text}', 3, 'UTC')`;
}

/** The lines of a text as comments. */
export function sqlComment(text: string, indent = ''): string {
  return text
    .split('\n')
    .map((line) => `${indent}-- ${line.replaceAll(new RegExp(STEERING, 'gu'), '\u{fffd}')}`.trimEnd())
    .join('\n');
}

/** An expression of RE2 that matches this text and no other. */
export function regexText(text: string): string {
  let expression = '';
  for (const letter of text.toWellFormed()) {
    if (STEERING.test(letter)) expression += `\\x{${letter.codePointAt(0)!.toString(16).toUpperCase()}}`;
    else expression += SPECIAL.test(letter) ? `\\${letter}` : letter;
  }
  return expression;
}

/** ASCII punctuation: RE2 takes a backslash before each. */
const SPECIAL = /[!-,./:-@[-^`{-~]/;

/** Names for parts of a statement, made of texts such as `user.id`: each unique, and never that of a column. */
export class SqlNames {
  readonly #taken = new Set<string>();
  readonly #suffix: string;

  /** `suffix`: for the parts of a statement inside another, as ClickHouse takes two parts of one name for one. */
  constructor(suffix = '') {
    this.#suffix = suffix;
  }

  part(name: string): string {
    return name + this.#suffix;
  }

  name(prefix: string, text: string): string {
    const plain = `${prefix}_${text.replaceAll(/[^A-Za-z0-9]+/g, '_').slice(0, LONGEST_NAME)}`;
    let name = plain;
    for (let n = 2; this.#taken.has(name); n += 1) name = `${plain}_${n}`;
    this.#taken.add(name);
    return name;
  }
}

const LONGEST_NAME = 60;

/** The same lines, indented by one step. Literals have no line breaks. */
export function indented(sql: string): string {
  return sql.replaceAll(/^(?=.)/gm, '    ');
}

export function joined(kind: 'and' | 'or', conditions: readonly string[]): string {
  if (conditions.length === 0) return kind === 'and' ? 'true' : 'false';
  if (conditions.length === 1) return conditions[0]!;
  return `(${conditions.join(kind === 'and' ? ' AND ' : ' OR ')})`;
}
