/**
 * What one document may spend on the values that its modifiers make of those written. Modifiers multiply:
 * five dashes, three offsets, an encoding of an encoding; without a budget a line of text fills all memory.
 */

import { ValueError } from './value.ts';
import type { Value } from './value.ts';

/** Longest text that a modifier takes, so that one step never makes too much of it. */
const MAX_TEXT = 10_000;

/** What each value costs besides its text. */
const VALUE_COST = 50;

export class Budget {
  #text = 4_000_000;
  #regex = 200_000;

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
    for (const value of values) this.#text -= lengthOf(value) + VALUE_COST;
    this.#checkText();
  }

  #checkText(): void {
    if (this.#text >= 0) return;
    throw new ValueError(
      'BAD_VALUE',
      'the modifiers of this document make too much text of its values; use fewer modifiers or split the rule',
    );
  }

  /** Before an expression is compiled. Throws ValueError once all before it were too large together. */
  checkRegex(): void {
    if (this.#regex >= 0) return;
    throw new ValueError(
      'UNSAFE_REGEX',
      'the regular expressions of this document are too large together; split the rule',
    );
  }

  /** `size`: see `CompiledRegex`. */
  spendRegex(size: number): void {
    this.#regex -= size;
  }
}

function lengthOf(value: Value): number {
  if (value.kind === 'raw') return value.source.length;
  if (value.kind !== 'text') return 0;
  let length = 0;
  for (const token of value.pattern) length += typeof token === 'string' ? token.length : 1;
  return length;
}
