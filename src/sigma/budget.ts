/**
 * Limits what one document, and one file, may spend on the values that modifiers produce. Modifiers multiply: five
 * dashes, three offsets, an encoding of an encoding; without a budget, one line of text could fill all memory. A
 * file's budget grows with its length, so many small documents cost no more than one large one.
 */

import { ValueError } from './value.ts';
import type { Value } from './value.ts';

/** Longest text that a modifier accepts, so that no single step produces too much. */
const MAX_TEXT = 10_000;

/** Cost of each value besides its text, in characters. */
const VALUE_COST = 50;

/** Characters of values, and regex instructions, that a document may produce, and a short file as well. */
const MAX_MADE = 4_000_000;
const MAX_INSTRUCTIONS = 200_000;

/** What a longer file may produce per character of its own; public rules produce one or two. */
const MADE_PER_CHARACTER = 20;
const INSTRUCTIONS_PER_CHARACTER = 4;

export class FileBudget {
  text: number;
  regex: number;

  /** `length`: characters of the file. */
  constructor(length: number) {
    this.text = Math.max(MAX_MADE, MADE_PER_CHARACTER * length);
    this.regex = Math.max(MAX_INSTRUCTIONS, INSTRUCTIONS_PER_CHARACTER * length);
  }
}

/** The budget of one document; what it spends is taken from its file's budget too. */
export class Budget {
  readonly #file: FileBudget;
  #text = MAX_MADE;
  #regex = MAX_INSTRUCTIONS;

  constructor(file: FileBudget) {
    this.#file = file;
  }

  /** Called before a modifier is applied. Throws ValueError if the value is too long or the budget is spent. */
  check(value: Value, modifier: string): void {
    this.#checkText();
    const length = lengthOf(value);
    // Regular expressions have a limit of their own.
    if (length <= MAX_TEXT || modifier === 're') return;
    throw new ValueError(
      'BAD_VALUE',
      `|${modifier} takes texts of at most ${MAX_TEXT} characters, not of ${length}; shorten it or use fewer modifiers`,
    );
  }

  /** Called after a modifier. Throws ValueError once the document or file has produced too much. */
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

  /** Called before an expression is compiled. Throws ValueError once those before it were too large in total. */
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
