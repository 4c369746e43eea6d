/** Text of valid JSON scalars → values, equal to what `JSON.parse` makes of it. */

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

/** The number with the valid JSON text `data[start, end)`. */
export function numberOf(data: Buffer, start: number, end: number): number {
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
  return Number(data.toString('latin1', start, end));
}

/** True when the valid JSON number `data[start, end)` reads like `String` of its value. */
export function isOwnText(data: Uint8Array, start: number, end: number): boolean {
  if (end - start > EXACT_DIGITS) return false;
  for (let i = start; i < end; i++) if ((data[i]! - 0x30) >>> 0 > 9) return false;
  return true;
}
