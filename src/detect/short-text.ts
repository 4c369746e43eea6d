/** Texts that are kept for long and whose length the sender may choose: a user agent, an account's name. */

import { createHash } from 'node:crypto';

/** UTF-16 units. */
const LONGEST = 256;
/** What is left of a longer text; with the hash it is below `LONGEST`, so a text is shortened only once. */
const LEFT = 200;
const HASH_DIGITS = 32;

/** The text; if it is long, its beginning and a hash of the whole, so that different texts stay different. */
export function shortText(text: string): string {
  if (text.length <= LONGEST) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
  // A copy, because a slice keeps the whole string alive.
  const left = Buffer.from(text.slice(0, LEFT)).toString();
  return `${left}… ${hash}`;
}

/** Whether the text may be a shortened one. */
export function mayBeShortened(text: string): boolean {
  return text.length === LEFT + 2 + HASH_DIGITS;
}
