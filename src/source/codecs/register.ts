/**
 * Gzip, snappy, lz4 and zstd for KafkaJS, which ships only gzip, without a size limit.
 *
 * Guarantee: a batch yields its content, or an `UnreadableBatch` that says why; no batch, however crafted, yields more
 * than `MAX_DECOMPRESSED_BYTES`.
 */

import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { lz4Compress, lz4Decompress } from './lz4.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';
import { UnreadableBatch } from './unreadable-batch.ts';

/** Largest size of a decompressed record batch: a hostile batch must not exhaust memory. */
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

/** By the names that producers and topics use for them. */
export const COMPRESSIONS = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
} as const;

export type Compression = keyof typeof COMPRESSIONS;

interface Codec {
  compress(data: Buffer): Buffer | Promise<Buffer>;
  decompress(data: Buffer): Buffer | Promise<Buffer>;
}

const limit = { maxOutputLength: MAX_DECOMPRESSED_BYTES };
const gunzipAsync = promisify(gunzip);
const zstdDecompressAsync = promisify(zstdDecompress);

const CODECS: Readonly<Record<Exclude<Compression, 'none'>, Codec>> = {
  gzip: { compress: promisify(gzip), decompress: (data) => gunzipAsync(data, limit) },
  snappy: {
    compress: snappyCompress,
    decompress: (data) => snappyDecompress(data, MAX_DECOMPRESSED_BYTES),
  },
  lz4: { compress: lz4Compress, decompress: (data) => lz4Decompress(data, MAX_DECOMPRESSED_BYTES) },
  zstd: { compress: promisify(zstdCompress), decompress: (data) => zstdDecompressAsync(data, limit) },
};

export function registerCodecs(): void {
  for (const [name, codec] of Object.entries(CODECS)) {
    const type = COMPRESSIONS[name as keyof typeof CODECS];
    kafkajs.CompressionCodecs[type] = () => ({
      compress: async (encoder: { buffer: Buffer }) => await codec.compress(encoder.buffer),
      decompress: async (data: Buffer) => {
        try {
          return await codec.decompress(data);
        } catch (error) {
          throw error instanceof UnreadableBatch ? error : unreadable(name, error);
        }
      },
    });
  }
}

function unreadable(name: string, error: unknown): UnreadableBatch {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'damaged';
  const what = code === 'ERR_BUFFER_TOO_LARGE' ? 'they hold more than they may' : code;
  return new UnreadableBatch(name, what);
}
