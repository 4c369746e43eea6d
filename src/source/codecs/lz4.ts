/**
 * LZ4 frames, as Kafka's clients write them: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and
 * lz4_Block_format.md.
 *
 * Reads frames of any block size, with independent blocks (Java) or linked ones (librdkafka), with or without sizes and
 * checksums; checksums are not verified, since the broker has verified the batch's own. Writes frames of independent
 * blocks of 64 KiB.
 *
 * Guarantee: any input yields either its content or an `UnreadableBatch`; nothing is read or written out of bounds, and
 * the content never takes more than `mostBytes`.
 */

import { copyLiterals, copyMatch } from './copying.ts';
import { UnreadableBatch } from './unreadable-batch.ts';

const MAGIC = 0x184d2204;
const SKIPPABLE = 0x184d2a50;
/** Magic, version 1 with independent blocks, 64 KiB blocks, and the checksum of these two bytes. */
const HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82);
const BLOCK_BYTES = 64 * 1024;
const STORED = 0x80000000;
const FLAG = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10 };

const MIN_MATCH = 4;
/** A block ends with at least this many literals, */
const LAST_LITERALS = 5;
/** and its last match begins at least this far before the end. */
const MATCH_LIMIT = 12;
const MAX_DISTANCE = 65_535;
const HASH_BITS = 14;

export function lz4Decompress(data: Buffer, mostBytes: number): Buffer {
  const out = new Output(Math.min(mostBytes, Math.max(BLOCK_BYTES, 4 * data.length)), mostBytes);
  let at = 0;
  while (at < data.length) at = frame(data, at, out);
  return out.bytes();
}

export function lz4Compress(data: Buffer): Buffer {
  const blocks = Math.ceil(data.length / BLOCK_BYTES);
  const out = Buffer.allocUnsafe(HEADER.length + data.length + 4 * (blocks + 1));
  out.set(HEADER);
  let to = HEADER.length;
  const table = new Int32Array(1 << HASH_BITS);
  for (let from = 0; from < data.length; from += BLOCK_BYTES) {
    const end = Math.min(data.length, from + BLOCK_BYTES);
    // A block that does not shrink is stored, so its size is bounded.
    const length = writeBlock(data, from, end, out, to + 4, table);
    if (length === 0) {
      out.writeUInt32LE(((end - from) | STORED) >>> 0, to);
      data.copy(out, to + 4, from, end);
      to += 4 + end - from;
    } else {
      out.writeUInt32LE(length, to);
      to += 4 + length;
    }
  }
  out.writeUInt32LE(0, to);
  return out.subarray(0, to + 4);
}

/** Content of unknown length; linked blocks refer to what precedes them. */
class Output {
  buffer: Buffer;
  length = 0;
  readonly #mostBytes: number;

  constructor(firstBytes: number, mostBytes: number) {
    this.buffer = Buffer.allocUnsafe(firstBytes);
    this.#mostBytes = mostBytes;
  }

  /** Makes room for this many bytes, or for all that are allowed. */
  reserve(bytes: number): void {
    const needed = Math.min(this.length + bytes, this.#mostBytes);
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.min(this.#mostBytes, Math.max(needed, 2 * this.buffer.length)));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
}

/** Appends the frame at `at` and returns the position of the next one. */
function frame(data: Buffer, at: number, out: Output): number {
  const magic = uint32(data, at);
  if ((magic & ~0xf) === SKIPPABLE) return after(data, at + 8, uint32(data, at + 4));
  if (magic !== MAGIC) throw new UnreadableBatch('lz4', 'it does not begin as an LZ4 frame');
  const flags = byte(data, at + 4);
  if (flags >>> 6 !== 1) throw new UnreadableBatch('lz4', `version ${flags >>> 6} of the frame is unknown`);
  if ((flags & FLAG.dictionary) !== 0) throw new UnreadableBatch('lz4', 'the frame needs a dictionary');
  const size = (byte(data, at + 5) >>> 4) & 0x7;
  if (size < 4) throw new UnreadableBatch('lz4', `block size ${size} is none`);
  const blockBytes = 1 << (8 + 2 * size);
  const trailer = (flags & FLAG.blockChecksum) === 0 ? 0 : 4;
  at += 7 + ((flags & FLAG.contentSize) === 0 ? 0 : 8);
  for (;;) {
    const field = uint32(data, at);
    at += 4;
    if (field === 0) return after(data, at, (flags & FLAG.contentChecksum) === 0 ? 0 : 4);
    const end = after(data, at, field & ~STORED);
    out.reserve(blockBytes);
    const limit = Math.min(out.buffer.length, out.length + blockBytes);
    if (field >>> 31 === 1) {
      if (out.length + end - at > limit) throw tooLong();
      out.length += data.copy(out.buffer, out.length, at, end);
    } else {
      out.length = readBlock(data, at, end, out.buffer, out.length, limit);
    }
    at = after(data, end, trailer);
  }
}

/** Writes from `to` on and returns the end, at most `limit`. */
function readBlock(data: Buffer, at: number, end: number, out: Buffer, to: number, limit: number): number {
  while (at < end) {
    const token = data[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw cut();
        more = data[at++]!;
        literals += more;
      }
    }
    if (at + literals > end) throw cut();
    if (to + literals > limit) throw tooLong();
    copyLiterals(data, at, literals, out, to);
    at += literals;
    to += literals;
    // The last sequence has literals only.
    if (at === end) return to;

    if (at + 2 > end) throw cut();
    const distance = data[at]! | (data[at + 1]! << 8);
    at += 2;
    if (distance === 0 || distance > to)
      throw new UnreadableBatch('lz4', 'it refers to before its beginning');
    let length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw cut();
        more = data[at++]!;
        length += more;
      }
    }
    length += MIN_MATCH;
    if (to + length > limit) throw tooLong();
    copyMatch(out, to, distance, length);
    to += length;
  }
  throw cut();
}

/** Returns the length of the block, 0 if it would not be shorter than its content. */
function writeBlock(
  data: Buffer,
  from: number,
  end: number,
  out: Buffer,
  to: number,
  table: Int32Array,
): number {
  const start = to;
  const limit = to + (end - from) - 1;
  const matchLimit = end - MATCH_LIMIT;
  table.fill(-1);
  let anchor = from;
  let at = from;
  while (at < matchLimit) {
    const hash = hash4(data, at);
    const found = table[hash]!;
    table[hash] = at;
    if (found < 0 || at - found > MAX_DISTANCE || !same4(data, found, at)) {
      // The longer nothing is found, the larger the steps: incompressible data costs little.
      at += 1 + ((at - anchor) >>> 6);
      continue;
    }
    let length = MIN_MATCH;
    const most = end - LAST_LITERALS - at;
    while (length < most && data[found + length] === data[at + length]) length += 1;
    const literals = at - anchor;
    if (to + 1 + literals + literals / 255 + 2 + length / 255 + 2 > limit) return 0;
    const rest = length - MIN_MATCH;
    out[to++] = (Math.min(literals, 15) << 4) | Math.min(rest, 15);
    to = writeLength(out, to, literals);
    to += data.copy(out, to, anchor, at);
    out[to++] = (at - found) & 0xff;
    out[to++] = (at - found) >>> 8;
    to = writeLength(out, to, rest);
    at += length;
    anchor = at;
  }
  const literals = end - anchor;
  if (to + 1 + literals + literals / 255 + 1 > limit) return 0;
  out[to++] = Math.min(literals, 15) << 4;
  to = writeLength(out, to, literals);
  to += data.copy(out, to, anchor, end);
  return to - start;
}

function writeLength(out: Buffer, to: number, length: number): number {
  if (length < 15) return to;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) out[to++] = 255;
  out[to++] = rest;
  return to;
}

function hash4(data: Buffer, at: number): number {
  const word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
  return Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
}

function same4(data: Buffer, a: number, b: number): boolean {
  return (
    data[a] === data[b] &&
    data[a + 1] === data[b + 1] &&
    data[a + 2] === data[b + 2] &&
    data[a + 3] === data[b + 3]
  );
}

function byte(data: Buffer, at: number): number {
  const value = data[at];
  if (value === undefined) throw cut();
  return value;
}

function uint32(data: Buffer, at: number): number {
  if (at + 4 > data.length) throw cut();
  return data.readUInt32LE(at);
}

/** The position `bytes` after `at`. Throws if the data ends before it. */
function after(data: Buffer, at: number, bytes: number): number {
  if (at + bytes > data.length) throw cut();
  return at + bytes;
}

function cut(): UnreadableBatch {
  return new UnreadableBatch('lz4', 'it ends too early');
}

function tooLong(): UnreadableBatch {
  return new UnreadableBatch('lz4', 'it holds more than it may');
}
