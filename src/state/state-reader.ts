/** Reads a container of saved state. */

import { checksum, FORMAT_VERSION, HEAD_BYTES, MAGIC, refused } from './format.ts';
import { PLAIN } from './state-writer.ts';
import { atOnce } from './steps.ts';

/** A container outside of memory: it may be as large as the state made from it. */
export interface StoredBytes {
  readonly length: number;
  /** Fills `into` from position `from` on; returns the number of bytes, which is smaller only at the end. */
  read(into: Uint8Array, from: number): Promise<number>;
  /** Like `read`, synchronously. */
  readNow(into: Uint8Array, from: number): number;
}

/** Sections by name. */
export interface SectionSource {
  has(name: string): boolean;
  /** Reads a whole section with a reader that pauses in between. Throws if it is missing or holds something else. */
  sectionInSteps<T>(name: string, read: (from: SectionReader) => Generator<void, T>): Generator<void, T>;
}

/** The body of a frame. */
interface Part {
  readonly length: number;
  /** Valid until the bytes of another part are requested. */
  bytes(): Uint8Array;
}

/** How much of a container is checked at once. */
const LOOK_BYTES = 1024 * 1024;

export class StateReader implements SectionSource {
  readonly #sections: ReadonlyMap<string, readonly Part[]>;

  private constructor(frames: Frames) {
    this.#sections = frames.sections;
  }

  /** `pieces`: the container, cut only between frames. Throws a coded error unless it is whole and of this version. */
  static of(...pieces: readonly Uint8Array[]): StateReader {
    const frames = new Frames();
    for (const [i, piece] of pieces.entries()) {
      for (let at: number | undefined = i === 0 ? headOf(piece) : 0; at !== piece.length;) {
        at = frames.take(piece, at, (from, to) => ({
          length: to - from,
          bytes: () => piece.subarray(from, to),
        }));
        if (at === undefined) throw torn('a frame');
      }
    }
    return new StateReader(frames.end());
  }

  /**
   * Checks the whole container, and later reads only requested sections, a frame at a time. Throws like `of`, and what
   * reading throws.
   */
  static async stored(container: StoredBytes): Promise<StateReader> {
    const frames = new Frames();
    let body = new Uint8Array(0);
    const partOf = (from: number, length: number): Part => ({
      length,
      bytes: () => {
        if (body.length < length) body = new Uint8Array(length);
        const bytes = body.subarray(0, length);
        if (container.readNow(bytes, from) < length) throw torn('a frame');
        return bytes;
      },
    });
    let look = new Uint8Array(Math.min(LOOK_BYTES, container.length));
    for (let from = 0; from === 0 || from < container.length;) {
      const bytes = look.subarray(0, await container.read(look, from));
      let at = from === 0 ? headOf(bytes) : 0;
      const before = at;
      for (let next: number | undefined = at; next !== undefined;) {
        at = next;
        next = frames.take(bytes, at, (begin, end) => partOf(from + begin, end - begin));
      }
      const wanted = at > before ? 0 : (frameEnd(bytes, at) ?? Infinity);
      if (from + wanted > container.length) throw torn('a frame');
      if (wanted > look.length) look = new Uint8Array(wanted);
      else if (wanted > 0) throw torn('a frame');
      else from += at;
    }
    return new StateReader(frames.end());
  }

  has(name: string): boolean {
    return this.#sections.has(name);
  }

  /** Reads a whole section. Throws if it is missing or holds something else. */
  section<T>(name: string, read: (from: SectionReader) => T): T {
    return atOnce(
      this.sectionInSteps(name, function* (from) {
        yield;
        return read(from);
      }),
    );
  }

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

/** Checks the container's head and returns its length. */
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

/** The frames of a container, in order. */
class Frames {
  readonly sections = new Map<string, Part[]>();
  #count = 0;
  #ended = false;

  /**
   * Takes the frame that begins at `at` and returns its end; undefined if `bytes` does not hold all of it. `partOf`:
   * the part between two positions of `bytes`.
   */
  take(bytes: Uint8Array, at: number, partOf: (from: number, to: number) => Part): number | undefined {
    const end = frameEnd(bytes, at);
    if (end === undefined || end > bytes.length) return undefined;
    if (this.#ended) throw torn('its end');
    const view = viewOf(bytes);
    const bodyAt = at + HEAD_BYTES + view.getUint16(at, true);
    const crc = checksum(this.#count, bytes.subarray(at, bodyAt - 4), bytes.subarray(bodyAt, end));
    if (crc !== view.getUint32(bodyAt - 4, true)) throw torn('a frame');
    const name = new TextDecoder().decode(bytes.subarray(at + 2, bodyAt - 8));
    this.#count += 1;
    this.#ended = name === '';
    const section = this.sections.get(name);
    if (section === undefined) this.sections.set(name, [partOf(bodyAt, end)]);
    else section.push(partOf(bodyAt, end));
    return end;
  }

  /** Throws unless the last frame was the end. */
  end(): this {
    if (!this.#ended) throw torn('its end');
    return this;
  }
}

/** End of the frame that begins at `at`; undefined if `bytes` does not hold its whole head. */
function frameEnd(bytes: Uint8Array, at: number): number | undefined {
  if (at + HEAD_BYTES > bytes.length) return undefined;
  const view = viewOf(bytes);
  const bodyAt = at + HEAD_BYTES + view.getUint16(at, true);
  return bodyAt > bytes.length ? undefined : bodyAt + view.getUint32(bodyAt - 8, true);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function torn(what: string): Error {
  return refused('STATE_TORN', `the saved state is cut or damaged in ${what}`);
}

/** Returns what a `SectionWriter` was given, in the same order. */
export class SectionReader {
  readonly #parts: readonly Part[];
  #next = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  /** Whether everything was read. */
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

  /** Fills `count` words of memory, beginning at index `first`. */
  words(memory: Uint32Array, first: number, count: number): void {
    const at = this.#skip(4 * count);
    for (let i = 0; i < count; i += 1) memory[first + i] = this.#view.getUint32(at + 4 * i, true);
  }

  /** Fills a typed array. */
  memory({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const at = this.#skip(byteLength);
    new Uint8Array(buffer, byteOffset, byteLength).set(this.#bytes.subarray(at, at + byteLength));
  }

  /** Calls `read` once per item. */
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

  /** Returns the position of the next bytes, perhaps in the next part. Throws a RangeError if there are too few. */
  #skip(bytes: number): number {
    while (this.#at === this.#bytes.length && this.#next < this.#parts.length) this.#goOn();
    const at = this.#at;
    if (bytes > this.#bytes.length - at) throw new RangeError(`${bytes} bytes wanted`);
    this.#at = at + bytes;
    return at;
  }

  #goOn(): void {
    this.#bytes = this.#parts[this.#next]!.bytes();
    this.#view = viewOf(this.#bytes);
    this.#at = 0;
    this.#next += 1;
  }
}
