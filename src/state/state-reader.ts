/** Reads a container of state. */

import { checksum, FORMAT_VERSION, HEAD_BYTES, MAGIC, refused } from './format.ts';
import { PLAIN } from './state-writer.ts';
import { atOnce } from './steps.ts';

export class StateReader {
  readonly #sections = new Map<string, Uint8Array[]>();

  /**
   * `pieces`: the container, no frame of which lies in two of them. Throws a coded error where this is no whole
   * container of this version.
   */
  constructor(...pieces: readonly Uint8Array[]) {
    let [frames, ended] = [0, false];
    for (const [i, piece] of pieces.entries()) {
      for (let at = i === 0 ? headOf(piece) : 0; at < piece.length;) {
        if (ended) throw torn('its end');
        const { name, body, end } = frameAt(piece, at, frames);
        at = end;
        ended = name === '';
        frames += 1;
        const section = this.#sections.get(name);
        if (section === undefined) this.#sections.set(name, [body]);
        else section.push(body);
      }
    }
    if (!ended) throw torn('its end');
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
    if (!from.isAtEnd) throw refused('STATE_TORN', `section ${name} of the saved state holds too much`);
    return result;
  }
}

/** Where the frames begin. */
function headOf(bytes: Uint8Array): number {
  const foreign = MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte);
  if (foreign) throw refused('STATE_FOREIGN', 'what is there is no saved state');
  if (bytes.length < MAGIC.length + 4) throw torn('its head');
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  if (version !== FORMAT_VERSION) {
    const message = `the saved state has format ${version}; this version of Vigie reads ${FORMAT_VERSION}`;
    throw refused('STATE_VERSION', message);
  }
  return MAGIC.length + 4;
}

/** The frame that begins there, behind so many others, which is whole, and where it ends. */
function frameAt(
  bytes: Uint8Array,
  at: number,
  before: number,
): { name: string; body: Uint8Array; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + HEAD_BYTES > bytes.length) throw torn('a frame');
  const bodyAt = at + HEAD_BYTES + view.getUint16(at, true);
  if (bodyAt > bytes.length) throw torn('a frame');
  const end = bodyAt + view.getUint32(bodyAt - 8, true);
  if (end > bytes.length) throw torn('a frame');
  const body = bytes.subarray(bodyAt, end);
  if (checksum(before, bytes.subarray(at, bodyAt - 4), body) !== view.getUint32(bodyAt - 4, true))
    throw torn('a frame');
  return { name: new TextDecoder().decode(bytes.subarray(at + 2, bodyAt - 8)), body, end };
}

function torn(what: string): Error {
  return refused('STATE_TORN', `the saved state is cut or damaged in ${what}`);
}

/** Gives back what a `SectionWriter` was given, in the same order. */
export class SectionReader {
  readonly #parts: readonly Uint8Array[];
  #next = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
  }

  /** Whether all was read. */
  get isAtEnd(): boolean {
    return (
      this.#at === this.#bytes.length && this.#parts.slice(this.#next).every(({ length }) => length === 0)
    );
  }

  flag(): boolean {
    const at = this.#skip(1);
    return this.#view.getUint8(at) !== 0;
  }

  u32(): number {
    const at = this.#skip(4);
    return this.#view.getUint32(at, true);
  }

  f64(): number {
    const at = this.#skip(8);
    return this.#view.getFloat64(at, true);
  }

  text(): string {
    const coded = this.u32();
    const wide = coded % 2 === 1;
    const length = wide ? coded - 1 : coded / 2;
    const at = this.#skip(length);
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset + at, length).toString(wide ? 'utf16le' : 'latin1');
  }

  /** Fills `count` words of memory from index `first` on. */
  words(memory: Uint32Array, first: number, count: number): void {
    const at = this.#skip(4 * count);
    for (let i = 0; i < count; i += 1) memory[first + i] = this.#view.getUint32(at + 4 * i, true);
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
    const at = this.#skip(1);
    switch (this.#view.getUint8(at)) {
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

  /** Where the next bytes begin, perhaps in another part. Throws a RangeError where there are fewer. */
  #skip(bytes: number): number {
    while (this.#at === this.#bytes.length && this.#next < this.#parts.length) this.#goOn();
    const at = this.#at;
    if (bytes > this.#bytes.length - at) throw new RangeError(`${bytes} bytes wanted`);
    this.#at = at + bytes;
    return at;
  }

  #goOn(): void {
    this.#bytes = this.#parts[this.#next]!;
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.#at = 0;
    this.#next += 1;
  }
}
