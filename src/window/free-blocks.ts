/**
 * Which blocks of a typed memory are free; a block is any number of adjacent rows. A freed block merges with its free
 * neighbours, and a block larger than asked for is split, so memory freed by many short logs serves long ones and vice
 * versa (boundary tags: Knuth, The Art of Computer Programming, volume 1, 2.5; bins and a look at their bits instead of
 * a search: Masmano and others, TLSF, 2004).
 *
 * The data of a free block lies in the block itself: its first row holds its length and its neighbours in the bin, its
 * last row the length again. So a row has at least four words. Outside the memory there are two bits per row: whether a
 * free block begins there, and whether one ends there.
 */

/** The memory with the rows; replaced when it grows. */
export interface Rows {
  readonly u32: Uint32Array;
}

const LENGTH = 0;
const NEXT = 1;
const PREVIOUS = 2;
/** In the last row. */
const LENGTH_AGAIN = 3;
/** No block. */
const NONE = 0xffff_ffff;
/** Bins per doubling of the length. */
const PER_OCTAVE = 4;
const BINS = 32 * PER_OCTAVE;
/** Blocks examined in the length's own bin, where not every block is long enough. */
const MOST_LOOKED_AT = 8;

export class FreeBlocks {
  readonly #rows: Rows;
  /** 32-bit words per row. */
  readonly #words: number;
  /** First block of each bin. */
  readonly #first = new Uint32Array(BINS).fill(NONE);
  /** Bit b of word w: bin 32 w + b has a block. */
  readonly #filled = new Int32Array(BINS / 32);
  #begins = new Uint32Array(8);
  #ends = new Uint32Array(8);

  constructor(rows: Rows, words: number) {
    this.#rows = rows;
    this.#words = words;
  }

  /** Takes a block; returns its first row, or −1 if there is none. */
  take(length: number): number {
    const own = binOf(length);
    // From this bin on every block is long enough.
    const bin = this.#binFrom(shortestOf(own) === length ? own : own + 1);
    let block = bin < 0 ? NONE : this.#first[bin]!;
    if (block === NONE) {
      block = this.#first[own]!;
      for (let i = 0; block !== NONE && this.#word(block, LENGTH) < length; i += 1) {
        block = i === MOST_LOOKED_AT ? NONE : this.#word(block, NEXT);
      }
      if (block === NONE) return -1;
    }
    const left = this.#word(block, LENGTH) - length;
    this.#remove(block);
    if (left > 0) this.#insert(block + length, left);
    return block;
  }

  /** Gives a block back. */
  give(block: number, length: number): void {
    let first = block;
    let joined = length;
    if (isSet(this.#begins, block + length)) {
      joined += this.#word(block + length, LENGTH);
      this.#remove(block + length);
    }
    if (block > 0 && isSet(this.#ends, block - 1)) {
      const before = this.#word(block - 1, LENGTH_AGAIN);
      first -= before;
      joined += before;
      this.#remove(first);
    }
    this.#insert(first, joined);
  }

  /** Takes the free block that ends before `end`; returns its first row, or `end` if there is none. */
  takeLast(end: number): number {
    if (end === 0 || !isSet(this.#ends, end - 1)) return end;
    const first = end - this.#word(end - 1, LENGTH_AGAIN);
    this.#remove(first);
    return first;
  }

  #word(row: number, word: number): number {
    return this.#rows.u32[row * this.#words + word]!;
  }

  #set(row: number, word: number, value: number): void {
    this.#rows.u32[row * this.#words + word] = value;
  }

  #insert(block: number, length: number): void {
    const bin = binOf(length);
    const next = this.#first[bin]!;
    this.#set(block, LENGTH, length);
    this.#set(block, NEXT, next);
    this.#set(block, PREVIOUS, NONE);
    this.#set(block + length - 1, LENGTH_AGAIN, length);
    if (next !== NONE) this.#set(next, PREVIOUS, block);
    this.#first[bin] = block;
    this.#filled[bin >>> 5]! |= 1 << (bin & 31);
    this.#begins = withBit(this.#begins, block);
    this.#ends = withBit(this.#ends, block + length - 1);
  }

  #remove(block: number): void {
    const length = this.#word(block, LENGTH);
    const next = this.#word(block, NEXT);
    const previous = this.#word(block, PREVIOUS);
    if (next !== NONE) this.#set(next, PREVIOUS, previous);
    if (previous === NONE) {
      const bin = binOf(length);
      this.#first[bin] = next;
      if (next === NONE) this.#filled[bin >>> 5]! &= ~(1 << (bin & 31));
    } else this.#set(previous, NEXT, next);
    clear(this.#begins, block);
    clear(this.#ends, block + length - 1);
  }

  /** The first bin at or after `bin` that has a block; −1 if none has. */
  #binFrom(bin: number): number {
    let filled = this.#filled[bin >>> 5]! & (-1 << (bin & 31));
    for (let word = bin >>> 5; ; filled = this.#filled[word]!) {
      if (filled !== 0) return 32 * word + 31 - Math.clz32(filled & -filled);
      word += 1;
      if (word === this.#filled.length) return -1;
    }
  }
}

/** The bin for blocks of that length. */
function binOf(length: number): number {
  const octave = 31 - Math.clz32(length);
  const part = octave < 2 ? (length << (2 - octave)) & 3 : (length >>> (octave - 2)) & 3;
  return PER_OCTAVE * octave + part;
}

/** Shortest length in a bin. */
function shortestOf(bin: number): number {
  const octave = Math.floor(bin / PER_OCTAVE);
  return Math.floor(2 ** octave * (1 + (bin % PER_OCTAVE) / PER_OCTAVE));
}

function isSet(bits: Uint32Array, index: number): boolean {
  return index < 32 * bits.length && ((bits[index >>> 5]! >>> (index & 31)) & 1) === 1;
}

function clear(bits: Uint32Array, index: number): void {
  bits[index >>> 5]! &= ~(1 << (index & 31));
}

function withBit(bits: Uint32Array<ArrayBuffer>, index: number): Uint32Array<ArrayBuffer> {
  let room = bits;
  if (index >= 32 * bits.length) {
    room = new Uint32Array(Math.max(2 * bits.length, (index >>> 5) + 1));
    room.set(bits);
  }
  room[index >>> 5]! |= 1 << (index & 31);
  return room;
}
