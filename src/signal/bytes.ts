/** Compact bytes for numbers and texts. Whole numbers up to 2^53; texts keep lone surrogates. */

const FIRST_BYTES = 1024;
/** Texts up to this length are copied unit by unit, which is faster than a call. */
const SHORT = 24;

export class ByteWriter {
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;

  /** Returns a copy of what was written, and begins anew. */
  take(): Buffer<ArrayBuffer> {
    const taken = Buffer.allocUnsafeSlow(this.length);
    this.#bytes.copy(taken, 0, 0, this.length);
    this.length = 0;
    return taken;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.length] = value;
    this.length += 1;
  }

  /** A whole number from 0 on. */
  uint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length] = (rest % 0x80) | 0x80;
      this.length += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.length] = rest;
    this.length += 1;
  }

  /** A whole number from −2^52 to 2^52. */
  int(value: number): void {
    this.uint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  u32(value: number): void {
    this.#room(4);
    this.#bytes.writeUInt32LE(value, this.length);
    this.length += 4;
  }

  f64(value: number): void {
    this.#room(8);
    this.#bytes.writeDoubleLE(value, this.length);
    this.length += 8;
  }

  text(text: string): void {
    const { length } = text;
    let units = 0;
    for (let i = 0; i < length; i += 1) units |= text.charCodeAt(i);
    const wide = units > 0xff;
    this.uint(2 * length + (wide ? 1 : 0));
    this.#room(2 * length);
    if (wide) this.length += this.#bytes.write(text, this.length, 'utf16le');
    else if (length > SHORT) this.length += this.#bytes.write(text, this.length, 'latin1');
    else for (let i = 0; i < length; i += 1) this.#bytes[this.length++] = text.charCodeAt(i);
  }

  #room(bytes: number): void {
    if (this.length + bytes <= this.#bytes.length) return;
    const longer = Buffer.allocUnsafeSlow(2 * this.#bytes.length + bytes);
    this.#bytes.copy(longer, 0, 0, this.length);
    this.#bytes = longer;
  }
}

/** Reads what a `ByteWriter` wrote. Throws a RangeError if it ends too early or a number is too large. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(data: Uint8Array, start: number, end: number) {
    this.#bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  uint(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      if (unit > Number.MAX_SAFE_INTEGER) throw new RangeError('a number that is too large');
    }
  }

  int(): number {
    const value = this.uint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  text(): string {
    const head = this.uint();
    const wide = head % 2 === 1;
    const bytes = wide ? head - 1 : head / 2;
    const at = this.#take(bytes);
    return this.#bytes.toString(wide ? 'utf16le' : 'latin1', at, at + bytes);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#end) throw new RangeError('it ends too early');
    this.#at += bytes;
    return at;
  }
}
