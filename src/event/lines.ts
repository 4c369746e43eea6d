/**
 * Splits a stream of NDJSON chunks into lines.
 *
 * Lines end with LF or CRLF. Blank lines are skipped but counted, a byte-order mark at the very start is skipped,
 * and a line that spans chunks is assembled in a buffer of its own, so a chunk may be reused as soon as `push`
 * returns.
 *
 * Guarantee: the lines do not depend on where the chunks were cut, and at most `maxLineBytes` of an unfinished
 * line, and one more for the CR of its break, are held: the rest of a longer line is dropped, and the line is
 * handed over truncated.
 */

import { startsWithByteOrderMark } from './utf8.ts';

/**
 * `unterminated`: the input ended without a line break, so the line may be torn. `truncated`: only the first
 * `maxLineBytes` bytes are left.
 */
export type LineState = 'whole' | 'unterminated' | 'truncated';

/** `data[start, end)` is the line without its break, valid during the call only. Lines count from 0. */
export type LineVisitor = (
  data: Uint8Array,
  start: number,
  end: number,
  line: number,
  state: LineState,
) => void;

const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024;
const LF = 0x0a;
const CR = 0x0d;

export class LineSplitter {
  readonly #maxLineBytes: number;
  #line = 0;
  #carry = new Uint8Array(0);
  #carried = 0;
  /** Bytes of the unfinished line were dropped. */
  #truncated = false;

  constructor(maxLineBytes: number = DEFAULT_MAX_LINE_BYTES) {
    this.#maxLineBytes = maxLineBytes;
  }

  push(chunk: Uint8Array, visit: LineVisitor): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) break;
      if (this.#carried === 0 && !this.#truncated) {
        this.#visit(chunk, start, end, 'whole', visit);
      } else {
        this.#keep(chunk, start, end);
        this.#flush('whole', visit);
      }
      this.#line++;
      start = end + 1;
    }
    this.#keep(chunk, start, chunk.length);
  }

  /** Ends the input: visits what came after the last line break. The splitter can then be used for another input. */
  finish(visit: LineVisitor): void {
    if (this.#carried > 0) this.#flush('unterminated', visit);
    this.#line = 0;
    this.#carry = new Uint8Array(0);
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const most = this.#maxLineBytes + 1;
    const room = most - this.#carried;
    const bytes = Math.min(end - start, room);
    if (bytes < end - start) this.#truncated = true;
    const needed = this.#carried + bytes;
    if (needed > this.#carry.length) {
      const grown = new Uint8Array(Math.min(most, Math.max(4096, 2 * needed)));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(chunk.subarray(start, start + bytes), this.#carried);
    this.#carried = needed;
  }

  #flush(state: LineState, visit: LineVisitor): void {
    const end = this.#carried;
    const lineState = this.#truncated ? 'truncated' : state;
    this.#carried = 0;
    this.#truncated = false;
    this.#visit(this.#carry, 0, end, lineState, visit);
  }

  #visit(data: Uint8Array, from: number, to: number, state: LineState, visit: LineVisitor): void {
    let start = from;
    let end = to;
    let lineState = state;
    if (end > start && data[end - 1] === CR && state !== 'truncated') end--;
    if (end - start > this.#maxLineBytes) {
      end = start + this.#maxLineBytes;
      lineState = 'truncated';
    }
    if (this.#line === 0 && startsWithByteOrderMark(data, start, end)) start += 3;
    if (start < end && !isBlank(data, start, end)) visit(data, start, end, this.#line, lineState);
  }
}

function isBlank(data: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = data[i]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== CR) return false;
  }
  return true;
}
