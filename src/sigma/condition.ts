/**
 * Parses conditions: `not` binds tighter than `and`, `and` tighter than `or`; `1 of`, `any of` and `all of` take
 * `them` or a name with `*`. Quantifiers are expanded here, so the tree holds names only.
 */

import type { Condition } from './ast.ts';
import { ANY_RUN } from './ast.ts';
import { suggestion } from './nearest.ts';
import { normalise } from './pattern.ts';
import { compilePattern } from './wildcard.ts';

/** Deepest nesting of parentheses and `not`. */
const MAX_DEPTH = 100;

/** Most names that all quantifiers of a condition may look at together. */
const MAX_LOOKS = 100_000;

export interface ConditionFault {
  readonly code: string;
  readonly message: string;
  /** Offset into the condition's text. */
  readonly offset: number;
}

class ConditionError extends Error {
  readonly fault: ConditionFault;

  constructor(code: string, message: string, offset: number) {
    super(message);
    this.fault = { code, message, offset };
  }
}

interface Lexeme {
  readonly text: string;
  readonly offset: number;
}

/** `noun` is what messages call a name: `selection` or `rule`. Only selections have quantifiers. */
export function parseCondition(
  text: string,
  names: readonly string[],
  noun: 'selection' | 'rule',
): Condition | ConditionFault {
  try {
    return new Parser(text, names, noun).parse();
  } catch (thrown) {
    if (thrown instanceof ConditionError) return thrown.fault;
    throw thrown;
  }
}

export function isConditionFault(result: Condition | ConditionFault): result is ConditionFault {
  return 'code' in result;
}

class Parser {
  readonly #lexemes: readonly Lexeme[];
  readonly #names: readonly string[];
  readonly #known: ReadonlySet<string>;
  readonly #noun: 'selection' | 'rule';
  readonly #end: number;
  #at = 0;
  #depth = 0;
  #looks = 0;

  constructor(text: string, names: readonly string[], noun: 'selection' | 'rule') {
    this.#lexemes = [...text.matchAll(/\|\||[()|]|[^\s()|]+/g)].map((match) => ({
      text: match[0],
      offset: match.index,
    }));
    this.#names = names;
    this.#known = new Set(names);
    this.#noun = noun;
    this.#end = text.length;
  }

  parse(): Condition {
    const condition = this.#chain('or');
    const rest = this.#lexemes[this.#at];
    if (rest !== undefined) {
      throw new ConditionError('CONDITION_SYNTAX', unjoined(rest.text), rest.offset);
    }
    return condition;
  }

  #chain(kind: 'and' | 'or'): Condition {
    const parts = [kind === 'or' ? this.#chain('and') : this.#operand()];
    while (this.#take(kind)) parts.push(kind === 'or' ? this.#chain('and') : this.#operand());
    return parts.length === 1 ? parts[0]! : { kind, parts };
  }

  #operand(): Condition {
    const lexeme = this.#next();
    if (++this.#depth > MAX_DEPTH) {
      throw new ConditionError(
        'CONDITION_TOO_DEEP',
        `the condition is nested more than ${MAX_DEPTH} levels deep; split it into several conditions`,
        lexeme.offset,
      );
    }
    const condition = this.#operandAt(lexeme);
    this.#depth--;
    return condition;
  }

  #operandAt(lexeme: Lexeme): Condition {
    if (lexeme.text === '(') {
      const inner = this.#chain('or');
      const close = this.#lexemes[this.#at++];
      if (close?.text === ')') return inner;
      throw new ConditionError(
        'CONDITION_SYNTAX',
        'the parenthesis opened here is not closed',
        lexeme.offset,
      );
    }
    if (isKeyword(lexeme, 'not')) return { kind: 'not', part: this.#operand() };
    if (this.#noun === 'selection' && isKeyword(this.#lexemes[this.#at], 'of'))
      return this.#quantified(lexeme);
    if (/^[()|]$/.test(lexeme.text) || isKeyword(lexeme, 'and') || isKeyword(lexeme, 'or')) {
      throw new ConditionError(
        'CONDITION_SYNTAX',
        `expected a ${this.#noun} but found "${lexeme.text}"`,
        lexeme.offset,
      );
    }
    return this.#name(lexeme);
  }

  #name({ text, offset }: Lexeme): Condition {
    if (this.#known.has(text)) return { kind: 'ref', name: text };
    if (this.#noun === 'selection' && (text.includes('*') || text === 'them')) {
      throw new ConditionError(
        'CONDITION_SYNTAX',
        `"${text}" stands for several selections; write "1 of ${text}" or "all of ${text}"`,
        offset,
      );
    }
    if (text.startsWith('!') || KEYWORD.test(text)) {
      const hint = text.startsWith('!') ? `write "not" in place of "!"` : KEYWORD_LETTERS;
      throw new ConditionError(
        'CONDITION_SYNTAX',
        `expected a ${this.#noun} but found "${text}"; ${hint}`,
        offset,
      );
    }
    throw new ConditionError(
      this.#noun === 'selection' ? 'UNKNOWN_SELECTION' : 'UNKNOWN_RULE',
      `there is no ${this.#noun} "${text}" here; there ${list(this.#names)}${suggestion(text, this.#names)}`,
      offset,
    );
  }

  #quantified(quantifier: Lexeme): Condition {
    if (!/^(?:1|any|all)$/i.test(quantifier.text)) {
      throw new ConditionError(
        'CONDITION_SYNTAX',
        `"${quantifier.text} of" is no quantifier; expected "1 of", "any of" or "all of"`,
        quantifier.offset,
      );
    }
    this.#at++;
    const noun = this.#next();
    const { text, offset } = noun;
    if (!/^[^()|]+$/.test(text)) {
      throw new ConditionError(
        'CONDITION_SYNTAX',
        `expected "them" or a pattern but found "${text}"`,
        offset,
      );
    }
    this.#looks += this.#names.length;
    if (this.#looks > MAX_LOOKS) {
      throw new ConditionError(
        'CONDITION_TOO_LARGE',
        `the quantifiers stand for too many of the ${this.#names.length} selections; split the rule`,
        quantifier.offset,
      );
    }
    // A selection may be called `THEM`.
    const all = text === 'them' || (isKeyword(noun, 'them') && !this.#known.has(text));
    const names = this.#fitting(all ? '*' : text);
    if (names.length === 0) {
      throw new ConditionError(
        'NO_SELECTION_FITS',
        `no selection fits "${text}"; there ${list(this.#names)}${suggestion(text, this.#names)}`,
        offset,
      );
    }
    const parts = names.map((name): Condition => ({ kind: 'ref', name }));
    if (parts.length === 1) return parts[0]!;
    return { kind: quantifier.text.toLowerCase() === 'all' ? 'and' : 'or', parts };
  }

  /** Names that start with `_` match only patterns that do too. */
  #fitting(pattern: string): readonly string[] {
    const fits = compilePattern(
      normalise(pattern.split('*').flatMap((piece, i) => (i === 0 ? [piece] : [ANY_RUN, piece]))),
    );
    return this.#names.filter((name) => fits(name) && (pattern.startsWith('_') || !name.startsWith('_')));
  }

  #next(): Lexeme {
    const lexeme = this.#lexemes[this.#at];
    if (lexeme !== undefined) {
      this.#at++;
      return lexeme;
    }
    throw new ConditionError(
      'CONDITION_SYNTAX',
      this.#end === 0 ? 'the condition is empty' : `the condition ends where a ${this.#noun} is expected`,
      this.#end,
    );
  }

  #take(keyword: string): boolean {
    if (!isKeyword(this.#lexemes[this.#at], keyword)) return false;
    this.#at++;
    return true;
  }
}

/** In any letters; where it is read as a name, in the wrong ones. */
const KEYWORD = /^(?:and|or|not)$/i;
const KEYWORD_LETTERS = 'keywords are written in lower or in upper case';

/** The fault of text where a condition could end. */
function unjoined(text: string): string {
  if (/^[&|]+$/.test(text)) return `expected "and" or "or", not "${text}"`;
  const hint = KEYWORD.test(text) ? `; ${KEYWORD_LETTERS}` : '';
  return `expected "and" or "or" before "${text}"${hint}`;
}

/** Keywords are all lower case or all upper case. */
function isKeyword(lexeme: Lexeme | undefined, keyword: string): boolean {
  return lexeme !== undefined && (lexeme.text === keyword || lexeme.text === keyword.toUpperCase());
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'is none';
  const first = names.slice(0, 10).join(', ');
  return `${names.length === 1 ? 'is' : 'are'} ${first}${names.length > 10 ? ', …' : ''}`;
}
