/** Reads a container of state. */

import { checksum, FORMAT_VERSION, HEAD_BYTES, MAGIC, refused } from './format.ts';
import { PLAIN } from './state-writer.ts';
import { atOnce } from './steps.ts';

export class StateReader {
  readonly #sections = new Map<string, Uint8Array>();

  /** Throws a coded error where this is no whole container of this version. */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const foreign = MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte);
    if (foreign) throw refused('STATE_FOREIGN', 'what is there is no saved state');
    if (bytes.length < MAGIC.length + 4) throw torn('its head');
    const version = view.getUint32(MAGIC.length, true);
    if (version !== FORMAT_VERSION) {
      const message = `the saved state has format ${version}; this version of Vigie reads ${FORMAT_VERSION}`;
      throw refused('STATE_VERSION', message);
    }
    let at = MAGIC.length + 4;
    for (let name: string | undefined; name !== '';) {
      if (at + 2 > bytes.length) throw torn('a section');
      const nameAt = at + 2;
      const lengthAt = nameAt + view.getUint16(at, true);
      const bodyAt = at + HEAD_BYTES + lengthAt - nameAt;
      if (bodyAt > bytes.length) throw torn('a section');
      const length = view.getFloat64(lengthAt, true);
      if (!(length >= 0 && bodyAt + length <= bytes.length)) throw torn('a section');
      const body = bytes.subarray(bodyAt, bodyAt + length);
      const crc = checksum(body, checksum(bytes.subarray(at, bodyAt - 4)));
      if (crc !== view.getUint32(bodyAt - 4, true)) throw torn('a section');
      name = new TextDecoder().decode(bytes.subarray(nameAt, lengthAt));
      this.#sections.set(name, body);
      at = bodyAt + length;
    }
    if (at !== bytes.length) throw torn('its end');
  }

  has(name: string): boolean {
    return this.#sections.has(name);
  }

  /** Reads a section, all of it. Throws where it is missing or holds something else. */
  section<T>(name: string, read: (from: SectionReader) => T): T {
    return atOnce(
      this.sectionInSteps(name, function* (from) {
        yield;
        return read(from);
      }),
    );
  }

  /** As `section`, by a reader that pauses in between. */
  *sectionInSteps<T>(name: string, read: (from: SectionReader) => Generator<void, T>): Generator<void, T> {
    const body = this.#sections.get(name);
    if (body === undefined) throw refused('STATE_TORN', `the saved state has no section ${name}`);
    const from = new SectionReader(body);
    let result: T;
    try {
      result = yield* read(from);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw refused('STATE_TORN', `section ${name} of the saved state ends too early`);
    }
    if (from.left > 0) throw refused('STATE_TORN', `section ${name} of the saved state holds too much`);
    return result;
  }
}

function torn(what: string): Error {
  return refused('STATE_TORN', `the saved state is cut or damaged in ${what}`);
}

/** Gives back what a `SectionWriter` was given, in the same order. */
export class SectionReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  flag(): boolean {
    return this.#view.getUint8(this.#skip(1)) !== 0;
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  text(): string {
    const coded = this.u32();
    const wide = coded % 2 === 1;
    const bytes = wide ? coded - 1 : coded / 2;
    const at = this.#skip(bytes);
    return this.#buffer.toString(wide ? 'utf16le' : 'latin1', at, at + bytes);
  }

  /** Fills a typed array. */
  memory({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const at = this.#skip(byteLength);
    new Uint8Array(buffer, byteOffset, byteLength).set(this.#bytes.subarray(at, at + byteLength));
  }

  /** Calls as often as there are items. */
  each(read: () => void): void {
    for (let left = this.u32(); left > 0; left -= 1) read();
  }

  list<T>(read: () => T): T[] {
    const items: T[] = [];
    this.each(() => items.push(read()));
    return items;
  }

  numbers(): number[] {
    return this.list(() => this.f64());
  }

  plain(): unknown {
    switch (this.#view.getUint8(this.#skip(1))) {
      case PLAIN.undefined:
        return undefined;
      case PLAIN.null:
        return null;
      case PLAIN.number:
        return this.f64();
      case PLAIN.text:
        return this.text();
      case PLAIN.numbers:
        return this.numbers();
      case PLAIN.list:
        return this.list(() => this.plain());
      case PLAIN.object:
        return Object.fromEntries(this.list(() => [this.text(), this.plain()]));
      default:
        throw new RangeError('no kind of value');
    }
  }

  /** Where the next bytes begin. Throws a RangeError where there are fewer. */
  #skip(bytes: number): number {
    const at = this.#at;
    if (bytes > this.left) throw new RangeError(`${bytes} bytes wanted, ${this.left} left`);
    this.#at = at + bytes;
    return at;
  }
}
