/** Letters that are one letter to rules, for expressions of RE2, whose tables may be of an older Unicode than ours. */

import { fold } from '../sigma/fold.ts';

/** Letters with case lie below. */
const LAST = 0x1ffff;

/** Folded letter → all that fold to it, of those that are more than one; made when it is first asked for. */
let alike: ReadonlyMap<string, string> | undefined;

/** All letters that are the same as this one, itself included. */
export function sameLetters(letter: string): string {
  alike ??= lettersAlike();
  return alike.get(fold(letter)) ?? letter;
}

/** All letters that fold to another one, each with that. */
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
  // ASCII too: the Kelvin sign is the same as K, also where nothing else in a text makes the expression ignore case.
  for (const [letter, folded] of foldedLetters()) groups.set(folded, (groups.get(folded) ?? folded) + letter);
  return groups;
}
