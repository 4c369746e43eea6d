/**
 * Walks over JSON without creating values, and refuses exactly what `JSON.parse` after a fatal UTF-8 check refuses.
 * Each function takes the address of a token's first byte and returns the address after the token, or 0.
 */

@inline
export function skipSpace(at: u32): u32 {
  let i = at;
  let byte = load<u8>(i);
  while (byte <= 0x20 && (byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09)) {
    i++;
    byte = load<u8>(i);
  }
  return i;
}

/** The first byte at or after `at` that ends the string, starts an escape, is a control character or is not ASCII. */
@inline
export function plainEnd(at: u32): u32 {
  let i = at;
  while (true) {
    const bytes = v128.load(i);
    // As signed bytes, non-ASCII bytes are negative and thus also below 0x20.
    const special = v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
      i8x16.lt_s(bytes, i8x16.splat(0x20)),
    );
    const bits = i8x16.bitmask(special);
    if (bits != 0) return i + u32(ctz(bits));
    i += 16;
  }
}

/** From a byte within a string to after its closing quote. */
export function skipString(at: u32): u32 {
  let i = plainEnd(at);
  while (load<u8>(i) != 0x22) {
    const byte = load<u8>(i);
    if (byte == 0x5c) i = skipEscape(i);
    else if (byte > 0x7f) i = skipUtf8(i);
    else return 0;
    if (i == 0) return 0;
    i = plainEnd(i);
  }
  return i + 1;
}

function skipEscape(at: u32): u32 {
  const byte = load<u8>(at + 1);
  if (byte == 0x75) {
    for (let i = at + 2; i < at + 6; i++) if (hexDigit(load<u8>(i)) > 15) return 0;
    return at + 6;
  }
  // " \ / b f n r t
  return byte == 0x22 || byte == 0x5c || byte == 0x2f || byte == 0x62 || byte == 0x66 || byte == 0x6e || byte == 0x72 || byte == 0x74
    ? at + 2
    : 0;
}

/** At least 16 if it is not a hex digit. */
export function hexDigit(byte: u8): u32 {
  const digit = u32(byte) - 0x30;
  if (digit <= 9) return digit;
  const letter = (u32(byte) | 0x20) - 0x61;
  return letter <= 5 ? letter + 10 : 16;
}

/** Consecutive characters beyond ASCII: Unicode standard, table 3-7. */
function skipUtf8(from: u32): u32 {
  let at = from;
  let lead = load<u8>(at);
  while (lead > 0x7f) {
    if (lead < 0xc2 || lead > 0xf4) return 0;
    const length: u32 = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const second = load<u8>(at + 1);
    const low: u8 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const high: u8 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return 0;
    if (length > 2 && (load<u8>(at + 2) & 0xc0) != 0x80) return 0;
    if (length > 3 && (load<u8>(at + 3) & 0xc0) != 0x80) return 0;
    at += length;
    lead = load<u8>(at);
  }
  return at;
}

@inline
export function isDigit(byte: u8): bool {
  return u32(byte) - 0x30 <= 9;
}

@inline
function skipDigits(at: u32): u32 {
  let i = at;
  while (isDigit(load<u8>(i))) i++;
  return i;
}

export function skipNumber(at: u32): u32 {
  let i = at;
  if (load<u8>(i) == 0x2d) i++;
  if (load<u8>(i) == 0x30) i++;
  else {
    const digits = skipDigits(i);
    if (digits == i) return 0;
    i = digits;
  }
  if (load<u8>(i) == 0x2e) {
    const digits = skipDigits(i + 1);
    if (digits == i + 1) return 0;
    i = digits;
  }
  if ((load<u8>(i) | 0x20) == 0x65) {
    i++;
    if (load<u8>(i) == 0x2b || load<u8>(i) == 0x2d) i++;
    const digits = skipDigits(i);
    if (digits == i) return 0;
    i = digits;
  }
  return i;
}

export function skipLiteral(at: u32): u32 {
  const word = load<u32>(at);
  if (word == 0x65757274 || word == 0x6c6c756e) return at + 4; // true, null
  return word == 0x736c6166 && load<u8>(at + 4) == 0x65 ? at + 5 : 0; // false
}

export const MAX_DEPTH: u32 = 512;
/** True if something was refused for its depth alone. */
let wasTooDeep: bool = false;

/** True if the text from `at` to `end`, where there is a zero, is not JSON; false if it is deeper than the limit. */
export function isBroken(at: u32, end: u32): bool {
  wasTooDeep = false;
  const last = skipValue(skipSpace(at), 0);
  return last == 0 ? !wasTooDeep : skipSpace(last) != end;
}

function tooDeep(): u32 {
  wasTooDeep = true;
  return 0;
}

/** Any value; `depth` is the number of brackets open around it. Values deeper than the limit are refused, too. */
export function skipValue(at: u32, depth: u32): u32 {
  const first = load<u8>(at);
  if (first == 0x22) return skipString(at + 1);
  if (first == 0x7b) return depth == MAX_DEPTH ? tooDeep() : skipObject(at + 1, depth + 1);
  if (first == 0x5b) return depth == MAX_DEPTH ? tooDeep() : skipList(at + 1, depth + 1);
  if (first == 0x74 || first == 0x66 || first == 0x6e) return skipLiteral(at);
  return skipNumber(at);
}

function skipObject(at: u32, depth: u32): u32 {
  let i = skipSpace(at);
  if (load<u8>(i) == 0x7d) return i + 1;
  while (true) {
    if (load<u8>(i) != 0x22) return 0;
    i = skipString(i + 1);
    if (i == 0) return 0;
    i = skipSpace(i);
    if (load<u8>(i) != 0x3a) return 0;
    i = skipValue(skipSpace(i + 1), depth);
    if (i == 0) return 0;
    i = skipSpace(i);
    const byte = load<u8>(i);
    if (byte == 0x7d) return i + 1;
    if (byte != 0x2c) return 0;
    i = skipSpace(i + 1);
  }
}

function skipList(at: u32, depth: u32): u32 {
  let i = skipSpace(at);
  if (load<u8>(i) == 0x5d) return i + 1;
  while (true) {
    i = skipValue(i, depth);
    if (i == 0) return 0;
    i = skipSpace(i);
    const byte = load<u8>(i);
    if (byte == 0x5d) return i + 1;
    if (byte != 0x2c) return 0;
    i = skipSpace(i + 1);
  }
}
