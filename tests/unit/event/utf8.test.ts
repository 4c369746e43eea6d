import { isUtf8 } from 'node:buffer';

import { expect, it } from 'vitest';

import { createDecoder } from '../../../src/event/create-decoder.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { invalidUtf8At } from '../../../src/event/utf8.ts';

/** Every first and second byte, followed by what could complete the sequence, or not. */
function* sequences(): Generator<number[]> {
  for (let first = 0x80; first <= 0xff; first++) {
    yield [first];
    for (let second = 0x70; second <= 0xff; second++) {
      yield [first, second];
      yield [first, second, 0x80];
      yield [first, second, 0xbf, 0x80];
      yield [first, second, 0x80, 0x7f];
      yield [first, second, 0x41, 0x80];
    }
  }
}

it('accepts the byte sequences that the platform accepts, and only those', () => {
  for (const sequence of sequences()) {
    const bytes = Uint8Array.from([0x61, ...sequence, 0x62]);
    const at = invalidUtf8At(bytes, 0, bytes.length);
    if (at < 0 !== isUtf8(bytes)) expect.unreachable(`bytes ${sequence.join(' ')}: ${at}`);
  }
});

it('names the first byte that belongs to no character', () => {
  expect(invalidUtf8At(Buffer.from('é😀\xe9', 'latin1'), 0, 3)).toBe(0);
  expect(invalidUtf8At(Buffer.concat([Buffer.from('é😀'), Buffer.from([0xe9, 0x41])]), 0, 8)).toBe(6);
});

it('checks strings that nobody wants, too', () => {
  const fields = new FieldTable();
  const scanner = createDecoder({ fields, timeRequired: false, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  for (const [i, sequence] of [...sequences()].entries()) {
    if (i % 11 !== 0) continue; // a refused event costs a stack trace
    const bytes = Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, ...sequence, 0x22, 0x7d]);
    const fault = scanner.decode(bytes, 0, bytes.length, record);
    const expected = isUtf8(Uint8Array.from(sequence)) ? undefined : 'NOT_UTF8';
    if (fault?.code !== expected) expect.unreachable(`bytes ${sequence.join(' ')}: ${fault?.code}`);
  }
});
