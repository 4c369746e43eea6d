/** Compares and hashes bytes sixteen at a time. */

import { MASKS } from './layout';

/** Odd multipliers, chosen by the caller, so that no outsider can choose strings whose hashes collide. */
let m0: u64 = 0;
let m1: u64 = 0;
let m2: u64 = 0;
let m3: u64 = 0;

export function seed(a: u64, b: u64, c: u64, d: u64): void {
  m0 = a | 1;
  m1 = b | 1;
  m2 = c | 1;
  m3 = d | 1;
  memory.fill(MASKS, 0xff, 16);
  memory.fill(MASKS + 16, 0, 48);
}

/** Mask of the first n of 16 bytes; n from 0 to 16. */
@inline
export function mask(n: u32): v128 {
  return v128.load(MASKS + 16 - n);
}

@inline
export function isZero(bytes: v128): bool {
  return !v128.any_true(bytes);
}

/** Hash of 16 bytes. Its upper bits are the good ones. */
@inline
export function hash16(bytes: v128): u64 {
  const sum = i64x2.extract_lane(bytes, 0) * m0 + i64x2.extract_lane(bytes, 1) * m1;
  return (sum ^ (sum >>> 29)) * m2;
}

/** Hash of up to 32 bytes, the rest being zero. */
@inline
export function hash32(low: v128, high: v128, length: u32): u64 {
  const sum =
    (i64x2.extract_lane(low, 0) + length) * m0 +
    i64x2.extract_lane(low, 1) * m1 +
    i64x2.extract_lane(high, 0) * m2 +
    i64x2.extract_lane(high, 1) * m3;
  return (sum ^ (sum >>> 29)) * m1;
}

export function hashOf(from: u32, length: u32): u64 {
  let hash: u64 = length;
  let at = from;
  let left = length;
  while (left > 16) {
    hash = hash32(v128.load(at), i64x2.splat(hash), 16);
    at += 16;
    left -= 16;
  }
  return hash32(v128.and(v128.load(at), mask(left)), i64x2.splat(hash), left);
}

export function sameBytes(a: u32, b: u32, length: u32): bool {
  let i: u32 = 0;
  while (i + 16 <= length) {
    if (!isZero(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
    i += 16;
  }
  return isZero(v128.and(v128.xor(v128.load(a + i), v128.load(b + i)), mask(length - i)));
}
