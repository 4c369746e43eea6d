/**
 * Finds which of many literals occur in a text, in one pass over the text however many literals there are.
 *
 * Each literal is filed under the hash of three neighbouring characters of it: of its triples, the one that the
 * fewest other literals share. A bit set rules out nearly all triples of a text under which no literal is filed;
 * the rest are compared in full. Guarantee: finds exactly the literals that occur, each at least once.
 */

/** Characters (UTF-16 units) hashed together; shorter literals cannot be filed. */
export const LEAST_LITERAL = 3;

/** Bits per literal: about one triple in this many passes the bit set by chance. */
const BITS_PER_LITERAL = 32;

interface Filed {
  readonly literal: string;
  /** Where in the literal its triple starts. */
  readonly offset: number;
  /** What the caller filed the literal for. */
  readonly items: readonly number[];
}

export class LiteralIndex {
  readonly #bits: Uint32Array;
  readonly #mask: number;
  readonly #filed = new Map<number, Filed[]>();

  /** Literals of at least `LEAST_LITERAL` units → the items to report for each. */
  constructor(literals: ReadonlyMap<string, readonly number[]>) {
    let bits = 1_024;
    while (bits < literals.size * BITS_PER_LITERAL && bits < 2 ** 24) bits *= 2;
    this.#bits = new Uint32Array(bits / 32);
    this.#mask = bits - 1;
    const uses = new Map<number, number>();
    for (const literal of literals.keys()) {
      for (const hash of new Set(this.#hashes(literal))) uses.set(hash, (uses.get(hash) ?? 0) + 1);
    }
    for (const [literal, items] of literals) {
      const hashes = this.#hashes(literal);
      let offset = 0;
      for (const [i, hash] of hashes.entries()) {
        if (uses.get(hash)! < uses.get(hashes[offset]!)!) offset = i;
      }
      const hash = hashes[offset]!;
      this.#bits[hash >>> 5]! |= 1 << (hash & 31);
      const same = this.#filed.get(hash);
      if (same === undefined) this.#filed.set(hash, [{ literal, offset, items }]);
      else same.push({ literal, offset, items });
    }
  }

  /** Calls `found` with the items of each literal in the text; more than once when it occurs more than once. */
  search(text: string, found: (items: readonly number[]) => void): void {
    const bits = this.#bits;
    const mask = this.#mask;
    if (text.length < LEAST_LITERAL) return;
    let first = text.charCodeAt(0);
    let second = text.charCodeAt(1);
    for (let i = 2; i < text.length; i++) {
      const third = text.charCodeAt(i);
      const hash = hashOf(first, second, third) & mask;
      first = second;
      second = third;
      if ((bits[hash >>> 5]! & (1 << (hash & 31))) === 0) continue;
      for (const { literal, offset, items } of this.#filed.get(hash)!) {
        if (text.startsWith(literal, i - 2 - offset)) found(items);
      }
    }
  }

  #hashes(literal: string): number[] {
    const hashes: number[] = [];
    for (let i = 2; i < literal.length; i++) {
      const hash = hashOf(literal.charCodeAt(i - 2), literal.charCodeAt(i - 1), literal.charCodeAt(i));
      hashes.push(hash & this.#mask);
    }
    return hashes;
  }
}

/** Spreads a triple over 32 bits; the low bits depend on all three. */
function hashOf(first: number, second: number, third: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b) ^ Math.imul(third, 0xc2b2ae35);
  return mixed ^ (mixed >>> 15);
}
