import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LineSplitter } from '../../../src/event/lines.ts';

type Line = readonly [line: number, text: string, state: string];

function split(chunks: readonly Uint8Array[], maxLineBytes?: number): Line[] {
  const lines: Line[] = [];
  const splitter = new LineSplitter(maxLineBytes);
  const visit = (data: Uint8Array, start: number, end: number, line: number, state: string) =>
    lines.push([line, Buffer.from(data.subarray(start, end)).toString('latin1'), state]);
  for (const chunk of chunks) {
    const reused = Uint8Array.from(chunk);
    splitter.push(reused, visit);
    reused.fill(0x21); // a chunk belongs to its owner again
  }
  splitter.finish(visit);
  return lines;
}

const text = (value: string) => Buffer.from(value, 'latin1');

describe('LineSplitter', () => {
  it('numbers lines from 0, counts blank ones and takes LF and CRLF', () => {
    expect(split([text('a\r\n\n \t\r\nb\nc\n')])).toEqual([
      [0, 'a', 'whole'],
      [3, 'b', 'whole'],
      [4, 'c', 'whole'],
    ]);
  });

  it('skips a byte-order mark at the very start only, also when it is cut', () => {
    const marked = text('\xef\xbb\xbfa\n\xef\xbb\xbfb\n');
    const expected = [
      [0, 'a', 'whole'],
      [1, '\xef\xbb\xbfb', 'whole'],
    ];
    expect(split([marked])).toEqual(expected);
    expect(split([marked.subarray(0, 1), marked.subarray(1, 2), marked.subarray(2)])).toEqual(expected);
    expect(split([text('\xef\xbb\xbf\nb')])).toEqual([[1, 'b', 'unterminated']]);
  });

  it('hands over the last line without a break and says so', () => {
    expect(split([text('a\n{"b"')])).toEqual([
      [0, 'a', 'whole'],
      [1, '{"b"', 'unterminated'],
    ]);
  });

  it('takes a line of exactly the limit whole, whichever break it ends in and wherever it is cut', () => {
    const given = text('0123\r\nabcd\nABCDE\r\nwxyz\r');
    const expected = [
      [0, '0123', 'whole'],
      [1, 'abcd', 'whole'],
      [2, 'ABCD', 'truncated'],
      [3, 'wxyz', 'unterminated'],
    ];
    expect(split([given], 4)).toEqual(expected);
    for (let at = 1; at < given.length; at++) {
      expect(split([given.subarray(0, at), given.subarray(at)], 4)).toEqual(expected);
    }
  });

  it('cuts a line that is too long and goes on with the next', () => {
    const expected = [
      [0, '0123', 'truncated'],
      [1, 'abcd', 'whole'],
      [2, 'wxyz', 'truncated'],
    ];
    expect(split([text('0123456789\nabcd\nwxyz01')], 4)).toEqual(expected);
    expect(split([text('01'), text('2345'), text('6789\nab'), text('cd\nwx'), text('yz01')], 4)).toEqual(
      expected,
    );
  });

  it('gives the same lines wherever the chunks are cut', () => {
    const piece = fc.constantFrom('a', 'bc', '{"k":1}', '\n', '\r\n', '\r', ' ', '\xef\xbb\xbf', '\xc3\xa9');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.array(fc.nat(60), { maxLength: 8 }),
        fc.constantFrom(3, 5, 1000),
        (pieces, cuts, maxLineBytes) => {
          const whole = text(pieces.join(''));
          const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort(
            (a, b) => a - b,
          );
          const chunks = at.slice(1).map((end, i) => whole.subarray(at[i], end));
          expect(split(chunks, maxLineBytes)).toEqual(split([whole], maxLineBytes));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
