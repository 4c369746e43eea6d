/**
 * UTF-8 as the Unicode standard defines it (table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
 * The same set as a fatal `TextDecoder` accepts; a test compares the two.
 */

/**
 * Checks the multi-byte sequence whose first byte, at least 0x80, is `data[at]`. Returns the position after
 * it, or -1 when it is not well-formed or passes `end`.
 */
export function skipUtf8Sequence(data: Uint8Array, at: number, end: number): number {
  const lead = data[at]!;
  // A lead below 0xc2 is a continuation byte or the start of an overlong form.
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + length > end) return -1;
  const second = data[at + 1]!;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return -1;
  for (let i = at + 2; i < at + length; i++) if ((data[i]! & 0xc0) !== 0x80) return -1;
  return at + length;
}

/** Position of the first byte of `data[start, end)` that belongs to no character, or -1 if all do. */
export function invalidUtf8At(data: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end;) {
    if (data[i]! < 0x80) {
      i++;
      continue;
    }
    const next = skipUtf8Sequence(data, i, end);
    if (next < 0) return i;
    i = next;
  }
  return -1;
}

export function startsWithByteOrderMark(data: Uint8Array, start: number, end: number): boolean {
  return end - start >= 3 && data[start] === 0xef && data[start + 1] === 0xbb && data[start + 2] === 0xbf;
}
