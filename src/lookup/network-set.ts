/**
 * A set of networks that tells whether one holds an address: O(log n), a few words of memory per network.
 *
 * Two networks are either nested or disjoint. Without those inside others they are disjoint, so only the last one
 * that begins at or before an address can hold it.
 */

import { type Address, type Network, parseAddress, samePrefix } from '../sigma/ip.ts';

const WORDS = 4;

export class NetworkSet {
  readonly #v4: Prefixes;
  readonly #v6: Prefixes;

  constructor(networks: readonly Network[]) {
    this.#v4 = new Prefixes(networks.filter(({ family }) => family === 4));
    this.#v6 = new Prefixes(networks.filter(({ family }) => family === 6));
  }

  /** Whether the text is an address inside one of them, by the rules of the modifier `cidr`. */
  has(text: string): boolean {
    const address = parseAddress(text);
    if (address === undefined) return false;
    return this.#v4.has(address.words) || (address.family === 6 && this.#v6.has(address.words));
  }
}

/** Prefixes of 128 bits, ascending and disjoint. */
class Prefixes {
  /** Four words each. */
  readonly #starts: Uint32Array;
  readonly #bits: Uint8Array;

  constructor(networks: readonly Network[]) {
    const apart: Network[] = [];
    for (const network of networks.toSorted((a, b) => compare(a.words, b.words) || a.bits - b.bits)) {
      const last = apart.at(-1);
      if (last === undefined || !samePrefix(network.words, last.words, last.bits)) apart.push(network);
    }
    this.#starts = new Uint32Array(WORDS * apart.length);
    for (const [i, { words }] of apart.entries()) this.#starts.set(words, WORDS * i);
    this.#bits = Uint8Array.from(apart, ({ bits }) => bits);
  }

  has(address: Address): boolean {
    let low = 0;
    let high = this.#bits.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#starts, address, WORDS * middle) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return false;
    const at = WORDS * (low - 1);
    return samePrefix(address, this.#starts.subarray(at, at + WORDS), this.#bits[low - 1]!);
  }
}

/** Compares the address at `from` in `one` with `other`. */
function compare(one: Address, other: Address, from = 0): number {
  for (let i = 0; i < WORDS; i += 1) {
    const difference = one[from + i]! - other[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
