/**
 * Text of valid JSON scalars → values, equal to those of `JSON.parse` except for integers beyond 2^53: a double
 * would change them, so they stay text.
 */

/** Integers of up to this many digits are exact as doubles and are their own shortest text. */
const EXACT_DIGITS = 15;

/**
 * The string whose text between the quotes is `data[start, end)`; the quotes must be there. `plain`: all bytes
 * are ASCII and none is a backslash.
 */
export function decodeString(data: Buffer, start: number, end: number, plain: boolean): string {
  if (plain) return data.toString('latin1', start, end);
  return JSON.parse(data.toString('utf8', start - 1, end + 1)) as string;
}

/** The number with the valid JSON text `data[start, end)`; its text if it is an integer beyond 2^53. */
export function numberOf(data: Buffer, start: number, end: number): number | string {
  const negative = data[start] === 0x2d;
  const digits = negative ? start + 1 : start;
  if (end - digits <= EXACT_DIGITS) {
    let value = 0;
    let at = digits;
    for (; at < end; at++) {
      const digit = data[at]! - 0x30;
      if (digit >>> 0 > 9) break;
      value = value * 10 + digit;
    }
    if (at === end) return negative ? -value : value;
  }
  const text = data.toString('latin1', start, end);
  return isBeyondDouble(text) ? text : Number(text);
}

/** True for the text of an integer beyond 2^53. */
function isBeyondDouble(text: string): boolean {
  return text.length > EXACT_DIGITS && /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text));
}

/** A string with its quotes, or a number. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** Valid JSON text with each integer beyond 2^53 as a string. */
export function withLongIntegersAsText(json: string): string {
  if (!hasLongInteger(json)) return json;
  return json.replace(TOKENS, (token) => (isBeyondDouble(token) ? `"${token}"` : token));
}

/** Whether there are more than `EXACT_DIGITS` digits in a row, in a number or elsewhere. */
function hasLongInteger(json: string): boolean {
  const length = EXACT_DIGITS + 1;
  // Any run of this many digits includes one of the characters looked at here.
  for (let i = EXACT_DIGITS; i < json.length; i += length) {
    if (!isDigit(json, i)) continue;
    let from = i;
    let to = i + 1;
    while (isDigit(json, from - 1)) from--;
    while (isDigit(json, to)) to++;
    if (to - from >= length) return true;
  }
  return false;
}

function isDigit(json: string, at: number): boolean {
  const code = json.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}
