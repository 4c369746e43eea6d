/** Letters that rules take for the same, for expressions of RE2, whose Unicode tables may be older than ours. */

import { fold } from '../sigma/fold.ts';

/** Letters with case lie at or below this code point. */
const LAST = 0x1ffff;

/** Folded letter → all letters that fold to it, if more than one; made on first use. */
let alike: ReadonlyMap<string, string> | undefined;

/** All letters that are the same as this one, including itself. */
export function sameLetters(letter: string): string {
  alike ??= lettersAlike();
  return alike.get(fold(letter)) ?? letter;
}

/** Each letter that folds to another one → that one. */
export function foldedLetters(): ReadonlyMap<string, string> {
  const letters = new Map<string, string>();
  for (let code = 0x41; code <= LAST; code += 1) {
    const letter = String.fromCodePoint(code);
    if (fold(letter) !== letter) letters.set(letter, fold(letter));
  }
  return letters;
}

function lettersAlike(): Map<string, string> {
  const groups = new Map<string, string>();
  // ASCII too: the Kelvin sign is the same as K, even if nothing else in a text makes the expression ignore case.
  for (const [letter, folded] of foldedLetters()) groups.set(folded, (groups.get(folded) ?? folded) + letter);
  return groups;
}
