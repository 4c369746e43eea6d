/** Decompression of what brokers hand on: back to the content, or refused; never wrong, never without bounds. */

import kafkajs from 'kafkajs';
import { beforeAll, describe, expect, test } from 'vitest';
import { lz4Compress, lz4Decompress } from '../../../src/source/codecs/lz4.ts';
import { COMPRESSIONS, registerCodecs } from '../../../src/source/codecs/register.ts';
import { snappyCompress, snappyDecompress } from '../../../src/source/codecs/snappy.ts';
import { UnreadableBatch } from '../../../src/source/codecs/unreadable-batch.ts';

const MOST = 1 << 20;

interface Registered {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(data: Buffer): Promise<Buffer>;
}

function registered(name: 'gzip' | 'snappy' | 'lz4' | 'zstd'): Registered {
  return kafkajs.CompressionCodecs[COMPRESSIONS[name]]() as Registered;
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs of one byte, copies of what stood before at any distance, noise. */
function content(draw: () => number, length: number): Buffer {
  const data = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const end = Math.min(length, at + 1 + Math.floor(draw() ** 4 * 5000));
    const kind = draw();
    if (kind < 0.3) data.fill(Math.floor(draw() * 256), at, end);
    else if (kind < 0.7 && at > 0) {
      const distance = 1 + Math.floor(draw() ** 3 * at);
      for (let i = at; i < end; i++) data[i] = data[i - distance]!;
    } else for (let i = at; i < end; i++) data[i] = Math.floor(draw() * 256);
    at = end;
  }
  return data;
}

describe.each([
  ['lz4', lz4Compress, lz4Decompress],
  ['snappy', snappyCompress, snappyDecompress],
] as const)('%s', (name, compress, decompress) => {
  test('gives back any content', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const draw = random(seed);
      const length = seed <= 40 ? seed - 1 : Math.floor(draw() ** 3 * 300_000);
      const data = content(draw, length);
      expect(decompress(compress(data), MOST).equals(data), `seed ${seed}`).toBe(true);
    }
  });

  test('gives back noise in which four bytes repeat now and then', () => {
    // A match costs three bytes, and literals from 257 on three more.
    for (let gap = 257; gap < 300; gap++) {
      const draw = random(gap);
      const data = Buffer.from(Array.from({ length: 65_536 }, () => Math.floor(draw() * 256)));
      for (let at = 0; at + 4 < data.length; at += gap) data.write('here', at, 'latin1');
      expect(decompress(compress(data), MOST).equals(data), `gap ${gap}`).toBe(true);
    }
  });

  test('makes what repeats itself smaller', () => {
    const data = Buffer.from('{"event.action":"read","user.id":"c-1042"}\n'.repeat(5000));
    expect(compress(data).length).toBeLessThan(data.length / 10);
  });

  test('of damaged bytes gives some content or a refusal, within the limit', () => {
    let refused = 0;
    for (let seed = 1; seed <= 3000; seed++) {
      const draw = random(seed);
      const packed = Buffer.from(compress(content(draw, 1 + Math.floor(draw() * 3000))));
      for (let n = Math.floor(draw() * 4); n >= 0; n--) {
        packed[Math.floor(draw() ** 2 * packed.length)] = Math.floor(draw() * 256);
      }
      const damaged = draw() < 0.3 ? packed.subarray(0, Math.floor(draw() * packed.length)) : packed;
      try {
        expect(decompress(damaged, 70_000).length, `seed ${seed}`).toBeLessThanOrEqual(70_000);
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(UnreadableBatch);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });

  test('of more than may be held is refused before the memory is taken', () => {
    const bomb = compress(Buffer.alloc(4 * MOST));
    expect(() => decompress(bomb, MOST)).toThrow(new RegExp(`^messages compressed with ${name}: it holds`));
  });
});

describe('forms that other clients write', () => {
  test('snappy without chunks, as librdkafka sends it', () => {
    // Length 11, a literal of 4, then a copy of 7 bytes at distance 4.
    const raw = Buffer.from([11, 3 << 2, ...Buffer.from('abcd'), (3 << 2) | 1, 4]);
    expect(snappyDecompress(raw, MOST).toString()).toBe('abcdabcdabc');
  });

  test('lz4 with linked blocks, sizes and checksums, as librdkafka sends it', () => {
    const content = Buffer.alloc(8);
    content.writeUInt32LE(16);
    const checksum = [1, 2, 3, 4];
    const whole = Buffer.concat([
      Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x5c, 0x40]),
      content,
      Buffer.from([0x00]),
      Buffer.from([4, 0, 0, 0x80, ...Buffer.from('abcd'), ...checksum]),
      // A match of 7 in the block before, then 5 literals.
      Buffer.from([9, 0, 0, 0, 0x03, 4, 0, 0x50, ...Buffer.from('tail!'), ...checksum]),
      Buffer.from([0, 0, 0, 0, ...checksum]),
    ]);
    expect(lz4Decompress(whole, MOST).toString()).toBe('abcdabcdabctail!');
  });
});

describe('the codecs of KafkaJS', () => {
  beforeAll(registerCodecs);

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    '%s goes there and back, and names damage',
    async (name) => {
      const codec = registered(name);
      const text = Buffer.from('so much the same '.repeat(100));
      const packed = await codec.compress({ buffer: text });
      expect(packed.length).toBeLessThan(250);
      expect((await codec.decompress(packed)).equals(text)).toBe(true);
      const damaged = codec.decompress(packed.subarray(0, packed.length - 12));
      await expect(damaged).rejects.toThrow(`messages compressed with ${name}: `);
      await expect(damaged).rejects.toBeInstanceOf(UnreadableBatch);
    },
  );
});
