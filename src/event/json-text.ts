/** Text of valid JSON scalars → values, equal to what `JSON.parse` makes of it. */

const NOT_ASCII_OR_ESCAPED = /[^\x20-\x7f]|\\/;

/** Integers of up to this many digits are exact as doubles and are their own shortest text. */
const EXACT_DIGITS = 15;

/** The string whose text between the quotes is `data[start, end)`; the quotes must be there. */
export function decodeString(data: Uint8Array, start: number, end: number): string {
  const bytes = bufferOf(data);
  const text = bytes.toString('latin1', start, end);
  if (!NOT_ASCII_OR_ESCAPED.test(text)) return text;
  return JSON.parse(bytes.toString('utf8', start - 1, end + 1)) as string;
}

/** The number with the valid JSON text `data[start, end)`. */
export function numberOf(data: Uint8Array, start: number, end: number): number {
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
  return Number(bufferOf(data).toString('latin1', start, end));
}

/** True when the valid JSON number `data[start, end)` reads like `String` of its value. */
export function isOwnText(data: Uint8Array, start: number, end: number): boolean {
  if (end - start > EXACT_DIGITS) return false;
  for (let i = start; i < end; i++) if ((data[i]! - 0x30) >>> 0 > 9) return false;
  return true;
}

function bufferOf(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
