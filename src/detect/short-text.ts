/** Texts that are kept for long, and whose length whoever sends them may choose: a user agent, an account's name. */

import { createHash } from 'node:crypto';

/** UTF-16 units. */
const LONGEST = 256;
/** What is left of a longer one; with its hash it is no longer than that, so a text is made short once. */
const LEFT = 200;
const HASH_DIGITS = 32;

/** The text; of a long one its beginning and a hash of it all, so that different ones stay different. */
export function shortText(text: string): string {
  if (text.length <= LONGEST) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
  // A copy, for a slice of a string keeps all of it.
  const left = Buffer.from(text.slice(0, LEFT)).toString();
  return `${left}… ${hash}`;
}

/** Whether it may be what became of a longer text. */
export function mayBeShortened(text: string): boolean {
  return text.length === LEFT + 2 + HASH_DIGITS;
}
