/**
 * Persons' ids → keyed hashes, and the links of ids to their neighbours: byte for byte what `siphash.ts` and
 * `id-links.ts` compute, directly on the bytes of the ids.
 */

import { isDigit } from './json';
import { DIGITS_END, MESSAGE } from './layout';

let k0: u64 = 0;
let k1: u64 = 0;

export function setKey(low: u64, high: u64): void {
  k0 = low;
  k1 = high;
}

/** SipHash-2-4 (Aumasson and Bernstein, 2012). May read, but not use, up to 8 bytes after the text. */
export function sipHash(from: u32, length: u32): u64 {
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const blocks = length >>> 3;
  for (let block: u32 = 0; block <= blocks; block++) {
    let m = load<u64>(from + 8 * block);
    if (block == blocks) {
      // Shifted in two steps, as a shift by all 64 bits would shift nothing.
      const unused = u64(8 * (7 - (length & 7)));
      m = (((m << unused) << 8) >>> 8) >>> unused;
      m |= u64(length) << 56;
    }
    v3 ^= m;
    for (let round = 0; round < 2; round++) {
      v0 += v1;
      v2 += v3;
      v1 = rotl(v1, 13) ^ v0;
      v3 = rotl(v3, 16) ^ v2;
      v0 = rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = rotl(v1, 17) ^ v2;
      v3 = rotl(v3, 21) ^ v0;
      v2 = rotl(v2, 32);
    }
    v0 ^= m;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 4; round++) {
    v0 += v1;
    v2 += v3;
    v1 = rotl(v1, 13) ^ v0;
    v3 = rotl(v3, 16) ^ v2;
    v0 = rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = rotl(v1, 17) ^ v2;
    v3 = rotl(v3, 21) ^ v0;
    v2 = rotl(v2, 32);
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

// ---------------------------------------------------------------- links

const MAX_ID: u32 = 256;
const NO_LINK: f64 = -1;
/** Writes the links of an id to `into`, 1 + 2 · steps floats. Returns true if the id contains a number. */
export function putLinks(from: u32, to: u32, steps: u32, into: u32): bool {
  if (to - from > MAX_ID) return false;
  let end = to;
  while (end > from && !isDigit(load<u8>(end - 1))) end--;
  if (end == from) return false;
  let start = end - 1;
  while (start > from && isDigit(load<u8>(start - 1))) start--;
  store<u8>(MESSAGE, 0xff);
  memory.copy(MESSAGE + 1, from, start - from);
  const prefix = 1 + start - from;
  let first = readDigits(start, end);
  store<f64>(into, link(prefix, first));
  for (let k: u32 = 1; k <= steps; k++) {
    if (first != 0) first = down(first);
    store<f64>(into + 8 * (2 * k - 1), first == 0 ? NO_LINK : link(prefix, first));
  }
  first = readDigits(start, end);
  for (let k: u32 = 1; k <= steps; k++) {
    first = up(first);
    store<f64>(into + 16 * k, link(prefix, first));
  }
  return true;
}

/** Copies the digits without leading zeros; returns the address of the first. */
function readDigits(from: u32, end: u32): u32 {
  let start = from;
  while (start < end - 1 && load<u8>(start) == 0x30) start++;
  memory.copy(DIGITS_END - (end - start), start, end - start);
  return DIGITS_END - (end - start);
}

/** Subtracts one; returns 0 if it was 0. */
function down(first: u32): u32 {
  let at = DIGITS_END - 1;
  while (at >= first && load<u8>(at) == 0x30) at--;
  if (at < first) return 0;
  store<u8>(at, load<u8>(at) - 1);
  memory.fill(at + 1, 0x39, DIGITS_END - at - 1);
  return at == first && load<u8>(at) == 0x30 && first < DIGITS_END - 1 ? first + 1 : first;
}

/** Adds one. */
function up(first: u32): u32 {
  let at = DIGITS_END - 1;
  while (at >= first && load<u8>(at) == 0x39) at--;
  memory.fill(at + 1, 0x30, DIGITS_END - at - 1);
  store<u8>(at, at < first ? 0x31 : load<u8>(at) + 1);
  return at < first ? at : first;
}

function link(prefix: u32, first: u32): f64 {
  memory.copy(MESSAGE + prefix, first, DIGITS_END - first);
  return f64(sipHash(MESSAGE, prefix + DIGITS_END - first) & 0x1f_ffff_ffff_ffff);
}
