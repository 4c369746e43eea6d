/**
 * Writes a container of saved state. All data is copied, so the caller may change it at once. Full frames can be taken
 * while writing goes on, so the writer never holds much of what it writes.
 */

import { checksum, FORMAT_VERSION, HEAD_BYTES, MAGIC } from './format.ts';

const FIRST_FRAME = 1024;
const LARGEST_FRAME = 256 * 1024;

/** Up to this many, words are copied one by one: calling a copy function costs more. */
const FEW_WORDS = 64;

export class StateWriter {
  readonly #sections: SectionWriter[] = [];
  #ready: Uint8Array[] = [];
  #frames = 0;
  readonly #spare: ArrayBuffer[] = [];
  #outstanding = 0;

  constructor() {
    const head = new Uint8Array(MAGIC.length + 4);
    head.set(MAGIC);
    new DataView(head.buffer).setUint32(MAGIC.length, FORMAT_VERSION, true);
    this.#outstanding = head.length;
    this.#ready.push(head);
  }

  /** Begins a section; several may be open at once. Its name must be unique and not empty. */
  section(name: string): SectionWriter {
    const section = new SectionWriter(
      name,
      (frame, bodyAt) => this.#add(frame, bodyAt),
      (bytes) => this.#frame(bytes),
    );
    this.#sections.push(section);
    return section;
  }

  /** Its initial content is undefined. */
  #frame(bytes: number): Uint8Array<ArrayBuffer> {
    const spare = bytes === LARGEST_FRAME ? this.#spare.pop() : undefined;
    return spare === undefined ? new Uint8Array(bytes) : new Uint8Array(spare);
  }

  #add(frame: Uint8Array<ArrayBuffer>, bodyAt: number): void {
    const crcAt = bodyAt - 4;
    const crc = checksum(this.#frames, frame.subarray(0, crcAt), frame.subarray(bodyAt));
    new DataView(frame.buffer).setUint32(crcAt, crc, true);
    this.#frames += 1;
    this.#outstanding += frame.buffer.byteLength;
    this.#ready.push(frame);
  }

  /** Bytes of memory in pieces that are ready or taken, and not yet given back. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Pieces of the container that are ready and not yet taken. */
  take(): Uint8Array[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /**
   * Takes back pieces that are no longer needed, for reuse: memory outside of the heap that comes and goes by the
   * hundred MiB makes V8 collect the whole heap again and again.
   */
  giveBack(pieces: readonly Uint8Array[]): void {
    for (const { buffer } of pieces) {
      this.#outstanding -= buffer.byteLength;
      if (buffer instanceof ArrayBuffer && buffer.byteLength === LARGEST_FRAME) this.#spare.push(buffer);
    }
  }

  /** Ends all sections and the container. Returns the pieces not yet taken. */
  finish(): Uint8Array[] {
    this.section('');
    for (const section of this.#sections) section.end();
    return this.take();
  }
}

/** The body of one section, value by value. */
export class SectionWriter {
  readonly #name: Uint8Array;
  readonly #emit: (frame: Uint8Array<ArrayBuffer>, bodyAt: number) => void;
  readonly #frame: (bytes: number) => Uint8Array<ArrayBuffer>;
  /** The current frame, including its head. */
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length: number;

  /** `emit` receives every full frame, complete except for its CRC, and where its body begins; `frame` creates one. */
  constructor(
    name: string,
    emit: (frame: Uint8Array<ArrayBuffer>, bodyAt: number) => void,
    frame: (bytes: number) => Uint8Array<ArrayBuffer>,
  ) {
    this.#name = new TextEncoder().encode(name);
    this.#emit = emit;
    this.#frame = frame;
    this.#length = this.#bodyAt;
    this.#bytes = new Uint8Array(FIRST_FRAME);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Ends the section; nothing may be added afterwards. */
  end(): void {
    this.#seal();
  }

  get #bodyAt(): number {
    return HEAD_BYTES + this.#name.length;
  }

  #seal(): void {
    const view = this.#view;
    const bodyAt = this.#bodyAt;
    view.setUint16(0, this.#name.length, true);
    this.#bytes.set(this.#name, 2);
    view.setUint32(bodyAt - 8, this.#length - bodyAt, true);
    this.#emit(this.#bytes.subarray(0, this.#length), bodyAt);
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
      this.#bytes[at] = unit;
      at += 1;
      if (!wide) continue;
      this.#bytes[at] = unit >>> 8;
      at += 1;
    }
  }

  /** `count` words of memory as they are, beginning at index `first`; the reader knows how many. */
  words(memory: Uint32Array, first: number, count: number): void {
    const at = this.#room(4 * count);
    if (count <= FEW_WORDS) {
      for (let i = 0; i < count; i += 1) this.#view.setUint32(at + 4 * i, memory[first + i]!, true);
    } else {
      this.#bytes.set(new Uint8Array(memory.buffer, memory.byteOffset + 4 * first, 4 * count), at);
    }
  }

  /** The memory of a typed array as it is; the reader knows its length. */
  memory({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const at = this.#room(byteLength);
    this.#bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
  }

  /** The number of items, then each item. */
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

  /** `undefined`, null, a number, a text, or lists and objects of these. */
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
    this.#bytes[at] = value;
  }

  /** Makes room, perhaps in a new frame, and returns its position. The bytes of one call lie in one frame. */
  #room(bytes: number): number {
    if (this.#length + bytes > this.#bytes.length) {
      this.#seal();
      const bodyAt = this.#bodyAt;
      const wanted = Math.min(LARGEST_FRAME, 2 * this.#bytes.length);
      this.#bytes = this.#frame(Math.max(bodyAt + bytes, wanted));
      this.#view = new DataView(this.#bytes.buffer);
      this.#length = bodyAt;
    }
    const at = this.#length;
    this.#length += bytes;
    return at;
  }
}

/** The first byte of a plain value. */
export const PLAIN = { undefined: 0, null: 1, number: 2, text: 3, numbers: 4, list: 5, object: 6 } as const;
