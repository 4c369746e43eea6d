/**
 * SipHash-2-4 with 64-bit output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
 *
 * Why this hash: it replaces persons' ids on entry. It is a keyed pseudo-random function, so without the key
 * nobody can test a guessed id or choose ids that collide; and it is fast on short input, where HMAC-SHA-256
 * through the platform's crypto costs microseconds. With 64 bits, the chance that any two of n persons share a
 * pseudonym is about n²/2^65: 5e-5 over 43 million.
 *
 * Invariant: 64-bit words are kept as pairs of 32-bit integers; nothing is allocated per hash.
 */

import { VigieError } from '../errors.ts';

const SIPHASH_KEY_BYTES = 16;

const encoder = new TextEncoder();

export class SipHash {
  /** The last hash: high word, low word. */
  readonly out = new Uint32Array(2);
  readonly #key: Int32Array;
  #scratch = new Uint8Array(256);

  /** @param key 16 bytes, secret. Throws `PSEUDONYM_KEY_INVALID` for any other length. */
  constructor(key: Uint8Array) {
    if (key.length !== SIPHASH_KEY_BYTES) {
      throw new VigieError(
        'PSEUDONYM_KEY_INVALID',
        `the pseudonym key has ${key.length} bytes, not ${SIPHASH_KEY_BYTES}`,
        { remedy: `Give ${SIPHASH_KEY_BYTES} random bytes (${2 * SIPHASH_KEY_BYTES} hex digits).` },
      );
    }
    this.#key = Int32Array.of(word(key, 0), word(key, 4), word(key, 8), word(key, 12));
  }

  /** Hashes the UTF-8 bytes of a string (a lone surrogate counts as U+FFFD) into `out`. */
  hashString(text: string): void {
    if (this.#scratch.length < 3 * text.length) this.#scratch = new Uint8Array(6 * text.length);
    const scratch = this.#scratch;
    let length = 0;
    for (; length < text.length; length++) {
      const code = text.charCodeAt(length);
      if (code > 0x7f) {
        length = encoder.encodeInto(text, scratch).written;
        break;
      }
      scratch[length] = code;
    }
    this.hashBytes(scratch, 0, length);
  }

  /** Hashes `data[start, end)` into `out`. */
  hashBytes(data: Uint8Array, start: number, end: number): void {
    const key = this.#key;
    const k0l = key[0]!;
    const k0h = key[1]!;
    const k1l = key[2]!;
    const k1h = key[3]!;
    let v0h = k0h ^ 0x736f6d65;
    let v0l = k0l ^ 0x70736575;
    let v1h = k1h ^ 0x646f7261;
    let v1l = k1l ^ 0x6e646f6d;
    let v2h = k0h ^ 0x6c796765;
    let v2l = k0l ^ 0x6e657261;
    let v3h = k1h ^ 0x74656462;
    let v3l = k1l ^ 0x79746573;
    const lastBlock = (end - start) >> 3;
    let at = start;
    // One pass per 8-byte block, one for the rest with the length, one to finish.
    for (let block = 0; block <= lastBlock + 1; block++) {
      let ml = 0;
      let mh = 0;
      let rounds = 2;
      if (block < lastBlock) {
        ml = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
        mh = data[at + 4]! | (data[at + 5]! << 8) | (data[at + 6]! << 16) | (data[at + 7]! << 24);
        at += 8;
      } else if (block === lastBlock) {
        mh = (end - start) << 24;
        for (let shift = 0; at < end; at++, shift += 8) {
          if (shift < 32) ml |= data[at]! << shift;
          else mh |= data[at]! << (shift - 32);
        }
      } else {
        v2l ^= 0xff;
        rounds = 4;
      }
      v3h ^= mh;
      v3l ^= ml;
      for (; rounds > 0; rounds--) {
        // The carry of x + y = z out of bit 31 is the top bit of (x & y) | ((x | y) & ~z).
        let l = (v0l + v1l) | 0;
        let h = (v0h + v1h + (((v0l & v1l) | ((v0l | v1l) & ~l)) >>> 31)) | 0;
        let t = (v1h << 13) | (v1l >>> 19);
        v1l = ((v1l << 13) | (v1h >>> 19)) ^ l;
        v1h = t ^ h;
        v0h = l;
        v0l = h;
        l = (v2l + v3l) | 0;
        v2h = (v2h + v3h + (((v2l & v3l) | ((v2l | v3l) & ~l)) >>> 31)) | 0;
        v2l = l;
        t = (v3h << 16) | (v3l >>> 16);
        v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
        v3h = t ^ v2h;
        l = (v0l + v3l) | 0;
        v0h = (v0h + v3h + (((v0l & v3l) | ((v0l | v3l) & ~l)) >>> 31)) | 0;
        v0l = l;
        t = (v3h << 21) | (v3l >>> 11);
        v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
        v3h = t ^ v0h;
        l = (v2l + v1l) | 0;
        h = (v2h + v1h + (((v2l & v1l) | ((v2l | v1l) & ~l)) >>> 31)) | 0;
        t = (v1h << 17) | (v1l >>> 15);
        v1l = ((v1l << 17) | (v1h >>> 15)) ^ l;
        v1h = t ^ h;
        v2h = l;
        v2l = h;
      }
      v0h ^= mh;
      v0l ^= ml;
    }
    this.out[0] = v0h ^ v1h ^ v2h ^ v3h;
    this.out[1] = v0l ^ v1l ^ v2l ^ v3l;
  }
}

/** Four bytes, little-endian. */
function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
