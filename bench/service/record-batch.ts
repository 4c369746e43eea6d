/**
 * Messages as a Kafka record batch (format 2, uncompressed: https://kafka.apache.org/documentation/#recordbatch),
 * written once into a single buffer.
 */

import type { EventChunk } from '../../replay/event-writer.ts';

/** From the base offset to the number of records. */
const HEAD_BYTES = 61;
const LENGTH_AT = 8;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const MAGIC = 2;
/** Most bytes of one record's lengths, attributes, deltas and number of headers. */
const RECORD_OVERHEAD_BYTES = 32;

/** `indices`: the events of the chunk to include, without their line feeds; at least one. */
export function recordBatch(chunk: EventChunk, indices: readonly number[]): Buffer {
  const { keys, times, ends } = chunk;
  const values = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength);
  const startOf = (i: number): number => (i === 0 ? 0 : ends[i - 1]!);
  let room = HEAD_BYTES;
  let [oldest, newest] = [Infinity, -Infinity];
  for (const i of indices) {
    room += ends[i]! - startOf(i) + 3 * keys[i]!.length + RECORD_OVERHEAD_BYTES;
    oldest = Math.min(oldest, times[i]!);
    newest = Math.max(newest, times[i]!);
  }
  const out = Buffer.allocUnsafe(room);
  let at = HEAD_BYTES;
  for (const [offset, i] of indices.entries()) {
    const keyBytes = Buffer.byteLength(keys[i]!);
    const valueBytes = ends[i]! - 1 - startOf(i);
    const age = times[i]! - oldest;
    const sizes = varintBytes(age) + varintBytes(offset) + varintBytes(keyBytes) + varintBytes(valueBytes);
    at = varint(out, at, 2 + sizes + keyBytes + valueBytes);
    out[at] = 0;
    at = varint(out, at + 1, age);
    at = varint(out, at, offset);
    at = varint(out, at, keyBytes);
    at += out.write(keys[i]!, at);
    at = varint(out, at, valueBytes);
    at += values.copy(out, at, startOf(i), ends[i]! - 1);
    out[at] = 0;
    at += 1;
  }
  out.writeBigInt64BE(0n, 0);
  out.writeInt32BE(at - LENGTH_AT - 4, LENGTH_AT);
  out.writeInt32BE(-1, LENGTH_AT + 4);
  out[CRC_AT - 1] = MAGIC;
  out.writeInt16BE(0, ATTRIBUTES_AT);
  out.writeInt32BE(indices.length - 1, ATTRIBUTES_AT + 2);
  out.writeBigInt64BE(BigInt(oldest), ATTRIBUTES_AT + 6);
  out.writeBigInt64BE(BigInt(newest), ATTRIBUTES_AT + 14);
  // No transaction: producer id, epoch and sequence are -1.
  out.fill(0xff, ATTRIBUTES_AT + 22, ATTRIBUTES_AT + 36);
  out.writeInt32BE(indices.length, ATTRIBUTES_AT + 36);
  out.writeUInt32BE(crc32c(out, ATTRIBUTES_AT, at), CRC_AT);
  return out.subarray(0, at);
}

/** Whole numbers from 0 to 2³⁰, zigzag-encoded like all in this format. */
function varint(out: Buffer, from: number, value: number): number {
  let at = from;
  let left = 2 * value;
  for (; left > 0x7f; left >>>= 7) {
    out[at] = (left & 0x7f) | 0x80;
    at += 1;
  }
  out[at] = left;
  return at + 1;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = 2 * value; left > 0x7f; left >>>= 7) bytes += 1;
  return bytes;
}

/** CRC-32C (Castagnoli; RFC 3720, B.4), reflected. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function crc32c(bytes: Buffer, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let i = from; i < to; i += 1) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
