/** Recognises input that holds a log, but not as lines of text: each piece would become a line that is no event. */

import { VigieError } from '../errors.ts';

/** The first bytes in hex, what they mean, and a command that makes lines. */
const NOT_TEXT: readonly (readonly [bytes: string, is: string, by: string])[] = [
  ['1f8b', 'packed with gzip', 'zcat'],
  ['28b52ffd', 'packed with zstd', 'zstdcat'],
  ['fd377a585a00', 'packed with xz', 'xzcat'],
  ['425a68393141', 'packed with bzip2', 'bzcat'],
  ['504b0304', 'packed with zip', 'unzip -p'],
  ['fffe', 'UTF-16, not UTF-8', 'iconv -f UTF-16 -t UTF-8'],
  ['feff', 'UTF-16, not UTF-8', 'iconv -f UTF-16 -t UTF-8'],
];
const LONGEST = 6;

/** `head`: the first bytes that came; `piped`: whether standard input is an alternative. Throws INPUT_NOT_TEXT. */
export function requireText(path: string, head: Uint8Array, piped = true): void {
  const begins = Buffer.from(head.subarray(0, LONGEST)).toString('hex');
  const found = NOT_TEXT.find(([bytes]) => begins.startsWith(bytes));
  if (found === undefined) return;
  const [, is, by] = found;
  const isStandard = path === '-';
  const what = is.startsWith('packed') ? 'Unpack' : 'Convert';
  throw new VigieError('INPUT_NOT_TEXT', `Cannot read ${isStandard ? 'standard input' : path}: it is ${is}`, {
    remedy: piped
      ? `${what} it on the way in, with - for the file: ${by} ${isStandard ? 'FILE' : path} | vigie …`
      : `${what} it, and give what comes out: ${by} ${path} > FILE`,
  });
}
