/**
 * Finds where a text stops being JSON: walks over it without making values, and refuses what `JSON.parse` after a
 * fatal UTF-8 check refuses. Each function takes the position of a token's first byte and returns the position
 * after the token or, if the text breaks, the complement (`~`, negative) of where it does, which may be `end`.
 *
 * State travels in arguments: in fields or closures it would cost a third of the speed.
 */

import { skipUtf8Sequence } from './utf8.ts';

/** By byte inside a string: 0 if it stands for itself, 1 if it needs a look. */
const SPECIAL_IN_STRING = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === 0x22 || byte === 0x5c || byte > 0x7f ? 1 : 0,
);

/** Position of the first byte in `data[at, end)` that is no white space, or `end`. */
function skipSpace(data: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end) {
    const byte = data[i]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    i++;
  }
  return i;
}

/**
 * Position of the first byte from `at` on that ends the string, begins an escape, is a control character or is not
 * ASCII; or `end`.
 */
function plainEnd(data: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && SPECIAL_IN_STRING[data[i]!] === 0) i++;
  return i;
}

/** From after the opening quote to after the closing one. */
function skipString(data: Uint8Array, at: number, end: number): number {
  let i = at;
  for (;;) {
    i = plainEnd(data, i, end);
    if (i >= end) return ~end;
    const byte = data[i]!;
    if (byte === 0x22) return i + 1;
    const next = byte === 0x5c ? skipEscape(data, i, end) : byte > 0x7f ? skipUtf8Sequence(data, i, end) : -1;
    if (next < 0) return ~i;
    i = next;
  }
}

/** `at` is the backslash. Returns -1 if it does not start an escape. */
function skipEscape(data: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  switch (data[at + 1]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2;
    case 0x75: // u
      if (at + 6 > end) return -1;
      for (let i = at + 2; i < at + 6; i++) if (!isHexDigit(data[i]!)) return -1;
      return at + 6;
    default:
      return -1;
  }
}

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x66);
}

/** `at` is a digit or the minus sign. */
function skipNumber(data: Uint8Array, at: number, end: number): number {
  let i = at;
  if (data[i] === 0x2d) i++;
  if (i < end && data[i] === 0x30) i++;
  else {
    const digits = skipDigits(data, i, end);
    if (digits === i) return ~i;
    i = digits;
  }
  if (i < end && data[i] === 0x2e) {
    const digits = skipDigits(data, i + 1, end);
    if (digits === i + 1) return ~digits;
    i = digits;
  }
  if (i < end && (data[i]! | 0x20) === 0x65) {
    i++;
    if (i < end && (data[i] === 0x2b || data[i] === 0x2d)) i++;
    const digits = skipDigits(data, i, end);
    if (digits === i) return ~i;
    i = digits;
  }
  return i;
}

function skipDigits(data: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && (data[i]! - 0x30) >>> 0 <= 9) i++;
  return i;
}

const TRUE = Uint8Array.from(Buffer.from('true'));
const FALSE = Uint8Array.from(Buffer.from('false'));
const NULL = Uint8Array.from(Buffer.from('null'));

/** `true`, `false` or `null`. */
function skipLiteral(data: Uint8Array, at: number, end: number): number {
  const first = data[at];
  const literal = first === 0x74 ? TRUE : first === 0x66 ? FALSE : NULL;
  for (let i = 0; i < literal.length; i++) {
    if (at + i >= end || data[at + i] !== literal[i]) return ~(at + i);
  }
  return at + literal.length;
}

/** Any value but a list or an object. */
function skipScalar(data: Uint8Array, at: number, end: number): number {
  switch (data[at]) {
    case 0x22:
      return skipString(data, at + 1, end);
    case 0x74:
    case 0x66:
    case 0x6e:
      return skipLiteral(data, at, end);
    default:
      return skipNumber(data, at, end);
  }
}

/** From the opening quote of a key to its value. */
function skipKey(data: Uint8Array, at: number, end: number): number {
  if (at >= end || data[at] !== 0x22) return ~at;
  const after = skipString(data, at + 1, end);
  if (after < 0) return after;
  const colon = skipSpace(data, after, end);
  return colon < end && data[colon] === 0x3a ? skipSpace(data, colon + 1, end) : ~colon;
}

/** Any value, however deep its brackets nest. */
function skipValue(data: Uint8Array, at: number, end: number): number {
  /** The brackets that close those open around `i`. */
  const closing: number[] = [];
  let i = at;
  for (;;) {
    if (i >= end) return ~end;
    const first = data[i]!;
    if (first === 0x7b || first === 0x5b) {
      const close = first + 2;
      i = skipSpace(data, i + 1, end);
      if (data[i] !== close || i >= end) {
        closing.push(close);
        if (close === 0x7d) i = skipKey(data, i, end);
        if (i < 0) return i;
        continue;
      }
      i++;
    } else {
      i = skipScalar(data, i, end);
      if (i < 0) return i;
    }
    for (;;) {
      const close = closing.at(-1);
      if (close === undefined) return i;
      i = skipSpace(data, i, end);
      if (i >= end) return ~end;
      if (data[i] !== close) break;
      closing.pop();
      i++;
    }
    if (data[i] !== 0x2c) return ~i;
    i = skipSpace(data, i + 1, end);
    if (closing.at(-1) === 0x7d) i = skipKey(data, i, end);
    if (i < 0) return i;
  }
}

/** Where `data[start, end)` stops being one JSON value; `end` if it is cut short or nothing is wrong. */
export function jsonFaultAt(data: Uint8Array, start: number, end: number): number {
  const after = skipValue(data, skipSpace(data, start, end), end);
  return after < 0 ? ~after : skipSpace(data, after, end);
}
