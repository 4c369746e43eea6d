/** Writes a container of state. All it is given is copied, so what was saved may change at once. */

import { checksum, FORMAT_VERSION, HEAD_BYTES, MAGIC } from './format.ts';
import { atOnce } from './steps.ts';

const FIRST_CHUNK = 1024;
const LARGEST_CHUNK = 4 * 1024 * 1024;

export class StateWriter {
  readonly #sections: (readonly [name: string, body: readonly Uint8Array[]])[] = [];

  /** Adds a section. Its name must not be empty and be used only once. */
  section(name: string, write: (to: SectionWriter) => void): void {
    const body = new SectionWriter();
    write(body);
    this.#sections.push([name, body.chunks()]);
  }

  /** The container, in pieces. */
  finish(): Uint8Array[] {
    return atOnce(this.finishing());
  }

  /**
   * As `finish`, in steps of some milliseconds: the checksums are made here, as what was saved need not stand still for
   * them.
   */
  *finishing(): Generator<void, Uint8Array[]> {
    const head = new Uint8Array(MAGIC.length + 4);
    head.set(MAGIC);
    new DataView(head.buffer).setUint32(MAGIC.length, FORMAT_VERSION, true);
    const pieces: Uint8Array[] = [head];
    for (const [name, body] of [...this.#sections, ['', []] as const]) {
      pieces.push(yield* headOf(name, body), ...body);
    }
    return pieces;
  }
}

function* headOf(name: string, body: readonly Uint8Array[]): Generator<void, Uint8Array> {
  const encoded = new TextEncoder().encode(name);
  const head = new Uint8Array(HEAD_BYTES + encoded.length);
  const view = new DataView(head.buffer);
  view.setUint16(0, encoded.length, true);
  head.set(encoded, 2);
  const length = body.reduce((sum, chunk) => sum + chunk.length, 0);
  view.setFloat64(2 + encoded.length, length, true);
  const sealed = head.subarray(0, head.length - 4);
  let crc = checksum(sealed);
  for (const chunk of body) {
    for (let at = 0; at < chunk.length; at += LARGEST_CHUNK) {
      const part = chunk.subarray(at, at + LARGEST_CHUNK);
      crc = checksum(part, crc);
      if (part.length === LARGEST_CHUNK) yield;
    }
  }
  view.setUint32(sealed.length, crc, true);
  return head;
}

/** The body of one section, value by value. */
export class SectionWriter {
  readonly #full: Uint8Array[] = [];
  #chunk = new Uint8Array(FIRST_CHUNK);
  #view = new DataView(this.#chunk.buffer);
  #length = 0;

  chunks(): readonly Uint8Array[] {
    return [...this.#full, this.#chunk.subarray(0, this.#length)];
  }

  flag(value: boolean): void {
    this.#byte(value ? 1 : 0);
  }

  /** A whole number from 0 to 2³² − 1. */
  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  f64(value: number): void {
    const at = this.#room(8);
    this.#view.setFloat64(at, value, true);
  }

  /** Keeps lone surrogates. */
  text(text: string): void {
    const { length } = text;
    let wide = false;
    for (let i = 0; i < length && !wide; i += 1) wide = text.charCodeAt(i) > 0xff;
    this.u32(2 * length + (wide ? 1 : 0));
    let at = this.#room(wide ? 2 * length : length);
    for (let i = 0; i < length; i += 1) {
      const unit = text.charCodeAt(i);
      this.#chunk[at] = unit;
      at += 1;
      if (!wide) continue;
      this.#chunk[at] = unit >>> 8;
      at += 1;
    }
  }

  /** The memory of a typed array as it is; whoever reads it knows its length. */
  memory({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const at = this.#room(byteLength);
    this.#chunk.set(new Uint8Array(buffer, byteOffset, byteLength), at);
  }

  /** How many there are, then each. */
  list<T>(
    items: Iterable<T> & ({ readonly length: number } | { readonly size: number }),
    write: (item: T) => void,
  ): void {
    this.u32('size' in items ? items.size : items.length);
    for (const item of items) write(item);
  }

  numbers(numbers: readonly number[] | Float64Array): void {
    this.u32(numbers.length);
    for (const number of numbers) this.f64(number);
  }

  /** `undefined`, null, a number, a text, or lists and objects of such. */
  plain(value: unknown): void {
    if (value === undefined) this.#byte(PLAIN.undefined);
    else if (value === null) this.#byte(PLAIN.null);
    else if (typeof value === 'number') {
      this.#byte(PLAIN.number);
      this.f64(value);
    } else if (typeof value === 'string') {
      this.#byte(PLAIN.text);
      this.text(value);
    } else if (Array.isArray(value)) {
      const numbers = value.every((element) => typeof element === 'number');
      this.#byte(numbers ? PLAIN.numbers : PLAIN.list);
      if (numbers) this.numbers(value);
      else this.list(value, (element) => this.plain(element));
    } else {
      this.#byte(PLAIN.object);
      this.list(Object.entries(value), ([key, part]) => {
        this.text(key);
        this.plain(part);
      });
    }
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.#chunk[at] = value;
  }

  /** Makes room, perhaps in another chunk, and returns where it begins. */
  #room(bytes: number): number {
    if (this.#length + bytes > this.#chunk.length) {
      this.#full.push(this.#chunk.subarray(0, this.#length));
      const wanted = Math.min(LARGEST_CHUNK, 2 * this.#chunk.length);
      this.#chunk = new Uint8Array(Math.max(bytes, wanted));
      this.#view = new DataView(this.#chunk.buffer);
      this.#length = 0;
    }
    const at = this.#length;
    this.#length += bytes;
    return at;
  }
}

/** What a plain value begins with. */
export const PLAIN = { undefined: 0, null: 1, number: 2, text: 3, numbers: 4, list: 5, object: 6 } as const;
