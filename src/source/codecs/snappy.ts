/**
 * Snappy as Kafka's clients write it: raw (https://github.com/google/snappy/blob/main/format_description.txt), as
 * librdkafka does, or in chunks with a header, as Java's snappy-java does ("xerial"): 8 bytes of magic, two 4-byte
 * version numbers, then per chunk a 4-byte length and a raw stream, all numbers big-endian. Reads both, writes the
 * second.
 *
 * Guarantee: any input yields either its content or an `UnreadableBatch`; nothing is read or written out of bounds, and
 * the content never takes more than `mostBytes`.
 */

import { copyLiterals, copyMatch } from './copying.ts';
import { UnreadableBatch } from './unreadable-batch.ts';

const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const HEADER = Buffer.from([...MAGIC, 0, 0, 0, 1, 0, 0, 0, 1]);
const CHUNK_BYTES = 32 * 1024;

const HASH_BITS = 14;
const MIN_MATCH = 4;
const MOST_COPY = 64;

interface Chunk {
  /** Where its elements begin and end. */
  readonly start: number;
  readonly end: number;
  /** Length of its content, bytes. */
  readonly length: number;
}

export function snappyDecompress(data: Buffer, mostBytes: number): Buffer {
  const chunks = chunksOf(data);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (length > mostBytes) throw new UnreadableBatch('snappy', `it holds ${length} bytes, more than it may`);
  const out = Buffer.allocUnsafe(length);
  let to = 0;
  for (const chunk of chunks) {
    readChunk(data, chunk, out, to);
    to += chunk.length;
  }
  return out;
}

export function snappyCompress(data: Buffer): Buffer {
  const chunks = Math.ceil(data.length / CHUNK_BYTES);
  // The bound of the reference implementation (MaxCompressedLength): matches of 4 bytes save one, and literals between
  // them may cost a head of 3.
  const out = Buffer.allocUnsafe(
    HEADER.length + data.length + Math.ceil(data.length / 6) + chunks * (4 + 32),
  );
  HEADER.copy(out);
  let to = HEADER.length;
  const table = new Int32Array(1 << HASH_BITS);
  for (let from = 0; from < data.length; from += CHUNK_BYTES) {
    const end = Math.min(data.length, from + CHUNK_BYTES);
    const next = writeChunk(data, from, end, out, to + 4, table);
    out.writeUInt32BE(next - to - 4, to);
    to = next;
  }
  return out.subarray(0, to);
}

function chunksOf(data: Buffer): Chunk[] {
  if (data.length < HEADER.length || data.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) {
    return [chunk(data, 0, data.length)];
  }
  const chunks: Chunk[] = [];
  for (let at = HEADER.length; at < data.length;) {
    if (at + 4 > data.length) throw cut();
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) throw cut();
    chunks.push(chunk(data, at + 4, end));
    at = end;
  }
  return chunks;
}

/** A raw stream begins with the length of its content, seven bits per byte. */
function chunk(data: Buffer, at: number, end: number): Chunk {
  let length = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) throw cut();
    const byte = data[at++]!;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { start: at, end, length };
  }
  throw new UnreadableBatch('snappy', 'its length is none');
}

function readChunk(data: Buffer, { start, end, length }: Chunk, out: Buffer, base: number): void {
  const limit = base + length;
  let at = start;
  let to = base;
  while (at < end) {
    const tag = data[at++]!;
    if ((tag & 3) === 0) {
      let literals = tag >>> 2;
      if (literals >= 60) {
        const bytes = literals - 59;
        if (at + bytes > end) throw cut();
        literals = data.readUIntLE(at, bytes);
        at += bytes;
      }
      literals += 1;
      if (at + literals > end) throw cut();
      if (to + literals > limit) throw tooLong();
      copyLiterals(data, at, literals, out, to);
      at += literals;
      to += literals;
      continue;
    }
    const bytes = (tag & 3) === 3 ? 4 : tag & 3;
    if (at + bytes > end) throw cut();
    const copied = bytes === 1 ? ((tag >>> 2) & 7) + MIN_MATCH : (tag >>> 2) + 1;
    const distance = data.readUIntLE(at, bytes) + (bytes === 1 ? (tag >>> 5) << 8 : 0);
    at += bytes;
    if (distance === 0 || distance > to - base) {
      throw new UnreadableBatch('snappy', 'it refers to before its beginning');
    }
    if (to + copied > limit) throw tooLong();
    copyMatch(out, to, distance, copied);
    to += copied;
  }
  if (to !== limit) throw cut();
}

/** Returns the end of the chunk. */
function writeChunk(
  data: Buffer,
  from: number,
  end: number,
  out: Buffer,
  to: number,
  table: Int32Array,
): number {
  let length = end - from;
  for (; length >= 0x80; length >>>= 7) out[to++] = (length & 0x7f) | 0x80;
  out[to++] = length;
  table.fill(-1);
  let anchor = from;
  let at = from;
  while (at + MIN_MATCH <= end) {
    const word = data.readUInt32LE(at);
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const found = table[hash]!;
    table[hash] = at;
    if (found < 0 || data.readUInt32LE(found) !== word) {
      at += 1 + ((at - anchor) >>> 5);
      continue;
    }
    let matched = MIN_MATCH;
    while (at + matched < end && data[found + matched] === data[at + matched]) matched += 1;
    to = writeLiterals(data, anchor, at, out, to);
    to = writeCopies(out, to, at - found, matched);
    at += matched;
    anchor = at;
  }
  return writeLiterals(data, anchor, end, out, to);
}

function writeLiterals(data: Buffer, from: number, end: number, out: Buffer, to: number): number {
  const rest = end - from - 1;
  if (rest < 0) return to;
  if (rest < 60) {
    out[to++] = rest << 2;
  } else if (rest < 256) {
    out[to++] = 60 << 2;
    out[to++] = rest;
  } else {
    out[to++] = 61 << 2;
    out[to++] = rest & 0xff;
    out[to++] = rest >>> 8;
  }
  return to + data.copy(out, to, from, end);
}

/** Three bytes per copy of up to 64; chunks are short enough for two-byte distances. */
function writeCopies(out: Buffer, to: number, distance: number, length: number): number {
  while (length > 0) {
    const part = Math.min(length, MOST_COPY);
    out[to++] = ((part - 1) << 2) | 2;
    out[to++] = distance & 0xff;
    out[to++] = distance >>> 8;
    length -= part;
  }
  return to;
}

function cut(): UnreadableBatch {
  return new UnreadableBatch('snappy', 'it ends too early');
}

function tooLong(): UnreadableBatch {
  return new UnreadableBatch('snappy', 'it holds more than it says');
}
