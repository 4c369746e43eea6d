/**
 * What one document, and one file, may spend on the values that modifiers make of those written. Modifiers
 * multiply: five dashes, three offsets, an encoding of an encoding; without a budget a line of text fills all
 * memory. A file has no more than its length earns: many small documents cost no more than a large one.
 */

import { ValueError } from './value.ts';
import type { Value } from './value.ts';

/** Longest text that a modifier takes, so that one step never makes too much of it. */
const MAX_TEXT = 10_000;

/** What each value costs besides its text. */
const VALUE_COST = 50;

/** Characters of values, and instructions of expressions, that a document may make; a file that is short as well. */
const MAX_MADE = 4_000_000;
const MAX_INSTRUCTIONS = 200_000;

/** What a longer file may make for each of its characters; public rules make one or two. */
const MADE_PER_CHARACTER = 20;
const INSTRUCTIONS_PER_CHARACTER = 4;

export class FileBudget {
  text: number;
  regex: number;

  /** `length` of the file in characters. */
  constructor(length: number) {
    this.text = Math.max(MAX_MADE, MADE_PER_CHARACTER * length);
    this.regex = Math.max(MAX_INSTRUCTIONS, INSTRUCTIONS_PER_CHARACTER * length);
  }
}

/** Of one document. */
export class Budget {
  readonly #file: FileBudget;
  #text = MAX_MADE;
  #regex = MAX_INSTRUCTIONS;

  constructor(file: FileBudget) {
    this.#file = file;
  }

  /** Before a modifier is applied to the value. Throws ValueError. */
  check(value: Value, modifier: string): void {
    this.#checkText();
    const length = lengthOf(value);
    // An expression has a limit of its own.
    if (length <= MAX_TEXT || modifier === 're') return;
    throw new ValueError(
      'BAD_VALUE',
      `|${modifier} takes texts of at most ${MAX_TEXT} characters, not of ${length}; shorten it or use fewer modifiers`,
    );
  }

  /** After it. Throws ValueError once the document has made too many or too long values. */
  spend(values: readonly Value[]): void {
    let made = 0;
    for (const value of values) made += lengthOf(value) + VALUE_COST;
    this.#text -= made;
    this.#file.text -= made;
    this.#checkText();
  }

  #checkText(): void {
    if (this.#text >= 0 && this.#file.text >= 0) return;
    const [whose, what] = this.#text < 0 ? ['document', 'rule'] : ['file', 'file'];
    throw new ValueError(
      'BAD_VALUE',
      `the modifiers of this ${whose} make too much text of its values; use fewer modifiers or split the ${what}`,
    );
  }

  /** Before an expression is compiled. Throws ValueError once all before it were too large together. */
  checkRegex(): void {
    if (this.#regex >= 0 && this.#file.regex >= 0) return;
    const [whose, what] = this.#regex < 0 ? ['document', 'rule'] : ['file', 'file'];
    throw new ValueError(
      'UNSAFE_REGEX',
      `the regular expressions of this ${whose} are too large together; split the ${what}`,
    );
  }

  /** `size`: see `CompiledRegex`. */
  spendRegex(size: number): void {
    this.#regex -= size;
    this.#file.regex -= size;
  }
}

function lengthOf(value: Value): number {
  if (value.kind === 'raw') return value.source.length;
  if (value.kind !== 'text') return 0;
  let length = 0;
  for (const token of value.pattern) length += typeof token === 'string' ? token.length : 1;
  return length;
}
