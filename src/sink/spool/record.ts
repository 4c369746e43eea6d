/**
 * The format of a spool's files: a segment begins with a magic word and the format version, followed by records; each
 * record has its length, time and checksums ahead of the rows, which are compressed JSON.
 *
 *   segment: "VIGIESPL" · format u32 · records          record: length u32 · crc32 of the body u32 ·
 *   all integers little-endian                          written f64, ms · crc32 of these 16 bytes u32 · body
 *
 * The header has its own checksum, so that the length is verified before it is used.
 */

import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib';

export const FORMAT = 1;
const MAGIC = Buffer.from('VIGIESPL');
export const SEGMENT_HEADER_BYTES = MAGIC.length + 4;
export const RECORD_HEADER_BYTES = 20;

/** Rows of one record as JSON text: what a write, and later a read, holds in memory. A single row may be larger. */
export const RECORD_TEXT_BYTES = 4 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export function segmentHeader(): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(FORMAT, MAGIC.length);
  return header;
}

/** The format version of a segment; undefined if this is no segment. */
export function formatOf(header: Buffer): number | undefined {
  if (header.length < SEGMENT_HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC))
    return undefined;
  return header.readUInt32LE(MAGIC.length);
}

/** The rows as JSON texts, each of at most `RECORD_TEXT_BYTES` or of one row. */
export function* recordTexts(rows: Iterable<unknown>): Generator<string> {
  let texts: string[] = [];
  // Each text is followed by a comma or the closing bracket.
  let bytes = 1;
  for (const row of rows) {
    const text = JSON.stringify(row);
    const more = Buffer.byteLength(text) + 1;
    if (texts.length > 0 && bytes + more > RECORD_TEXT_BYTES) {
      yield `[${texts.join(',')}]`;
      texts = [];
      bytes = 1;
    }
    texts.push(text);
    bytes += more;
  }
  if (texts.length > 0) yield `[${texts.join(',')}]`;
}

export async function encodeRecord(text: string, writtenAt: number): Promise<Buffer> {
  const body = await compress(text, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + body.length);
  record.writeUInt32LE(body.length, 0);
  record.writeUInt32LE(crc32(body), 4);
  record.writeDoubleLE(writtenAt, 8);
  record.writeUInt32LE(crc32(record.subarray(0, 16)), 16);
  body.copy(record, RECORD_HEADER_BYTES);
  return record;
}

export interface RecordHeader {
  readonly bodyBytes: number;
  readonly bodyCrc: number;
  /** When the record was written, ms since the epoch. */
  readonly writtenAt: number;
}

/** Undefined if these bytes are no whole header. */
export function readHeader(bytes: Buffer): RecordHeader | undefined {
  if (bytes.length < RECORD_HEADER_BYTES || crc32(bytes.subarray(0, 16)) !== bytes.readUInt32LE(16)) {
    return undefined;
  }
  return {
    bodyBytes: bytes.readUInt32LE(0),
    bodyCrc: bytes.readUInt32LE(4),
    writtenAt: bytes.readDoubleLE(8),
  };
}

export function isWhole(header: RecordHeader, body: Buffer): boolean {
  return body.length === header.bodyBytes && crc32(body) === header.bodyCrc;
}

/** Length of the record at the beginning of these bytes; undefined if it is not whole. */
export function recordLength(bytes: Buffer): number | undefined {
  const header = readHeader(bytes);
  if (header === undefined) return undefined;
  const end = RECORD_HEADER_BYTES + header.bodyBytes;
  return isWhole(header, bytes.subarray(RECORD_HEADER_BYTES, end)) ? end : undefined;
}

/** The rows of a body that `isWhole`, and the length of their text. Rejects if it holds no list of rows. */
export async function readBody(body: Buffer): Promise<{ rows: readonly unknown[]; textBytes: number }> {
  const text = await decompress(body);
  const rows: unknown = JSON.parse(text.toString('utf8'));
  if (!Array.isArray(rows)) throw new Error('its rows are no list');
  return { rows, textBytes: text.length };
}
