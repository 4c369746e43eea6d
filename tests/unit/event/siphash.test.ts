import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { pseudonymText } from '../../../src/event/pseudonyms.ts';
import { SipHash } from '../../../src/event/siphash.ts';

const REFERENCE_KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const MASK = (1n << 64n) - 1n;

function word(bytes: Uint8Array, at: number): bigint {
  return bytes.slice(at, at + 8).reduce((sum, byte, i) => sum | (BigInt(byte) << BigInt(8 * i)), 0n);
}

function rotl(x: bigint, n: bigint): bigint {
  return ((x << n) | (x >> (64n - n))) & MASK;
}

/** The paper's definition, word for word, on 64-bit integers. */
function sipHash24(key: Uint8Array, message: Uint8Array): string {
  const k0 = word(key, 0);
  const k1 = word(key, 8);
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v2 = (v2 + v3) & MASK;
    v1 = rotl(v1, 13n) ^ v0;
    v3 = rotl(v3, 16n) ^ v2;
    v0 = rotl(v0, 32n);
    v2 = (v2 + v1) & MASK;
    v0 = (v0 + v3) & MASK;
    v1 = rotl(v1, 17n) ^ v2;
    v3 = rotl(v3, 21n) ^ v0;
    v2 = rotl(v2, 32n);
  };
  const padded = new Uint8Array(8 * (Math.floor(message.length / 8) + 1));
  padded.set(message);
  padded[padded.length - 1] = message.length;
  for (let at = 0; at < padded.length; at += 8) {
    const m = word(padded, at);
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return (v0 ^ v1 ^ v2 ^ v3).toString(16).padStart(16, '0');
}

function hashOf(hash: SipHash): string {
  return pseudonymText(hash.out[0]!, hash.out[1]!);
}

describe('SipHash-2-4', () => {
  it('gives the published vectors of the reference key', () => {
    const hash = new SipHash(REFERENCE_KEY);
    const message = Uint8Array.from({ length: 15 }, (_, i) => i);
    hash.hashBytes(message, 0, 0);
    expect(hashOf(hash)).toBe('726fdb47dd0e0e31');
    hash.hashBytes(message, 0, 15);
    expect(hashOf(hash)).toBe('a129ca6149be45e5');
  });

  it('equals the definition on 64-bit integers for the first 300 lengths', () => {
    const hash = new SipHash(REFERENCE_KEY);
    const message = Uint8Array.from({ length: 300 }, (_, i) => i);
    for (let length = 0; length <= 300; length++) {
      hash.hashBytes(message, 0, length);
      expect(hashOf(hash), `length ${length}`).toBe(sipHash24(REFERENCE_KEY, message.subarray(0, length)));
    }
  });

  it('equals the definition for any key, message and place in a buffer', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(7),
        (key, message, offset) => {
          const hash = new SipHash(key);
          const buffer = new Uint8Array(offset + message.length + 5).fill(0xa5);
          buffer.set(message, offset);
          hash.hashBytes(buffer, offset, offset + message.length);
          expect(hashOf(hash)).toBe(sipHash24(key, message));
        },
      ),
    );
  });

  it('hashes a string as its UTF-8 bytes, a lone surrogate as the replacement character', () => {
    const hash = new SipHash(REFERENCE_KEY);
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 100 }), (units) => {
        const text = String.fromCharCode(...units);
        hash.hashString(text);
        expect(hashOf(hash)).toBe(sipHash24(REFERENCE_KEY, new TextEncoder().encode(text)));
      }),
    );
    for (const text of ['\ud800', 'a\udc00b', 'é'.repeat(300), '0012345678A']) {
      hash.hashString(text);
      expect(hashOf(hash)).toBe(sipHash24(REFERENCE_KEY, new TextEncoder().encode(text)));
    }
  });

  it('refuses a key that is not 16 bytes long', () => {
    expect(() => new SipHash(new Uint8Array(15))).toThrow(/15 bytes, not 16/);
  });
});
