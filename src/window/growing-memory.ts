/**
 * Memory that only grows. What is short lies in an `ArrayBuffer` that is copied when it grows. What is longer lies in a
 * `WebAssembly.Memory`: that grows where it is, in pages that cost nothing before they are written, and leaves nothing
 * behind. (Buffers of some megabytes that outgrow each other leave holes that the allocator keeps: 90 MB of 650, with
 * twelve thousand accounts after two weeks.)
 *
 * Each such memory reserves gigabytes of addresses, so only what has grown gets one; where the system refuses, and
 * beyond what one can have, buffers are copied on.
 */

const PAGE = 65_536;
const MOST_PAGES = 65_536;
/** Bytes from which on memory is paged. */
const PAGED_FROM = 256 * 1024;

export class GrowingMemory {
  /** The one from before a growth is empty after it. */
  buffer: ArrayBuffer;
  #pages: WebAssembly.Memory | undefined;

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(bytes);
  }

  /** Makes room for so many bytes at least; what is new is 0. Throws `RangeError` where there is no memory. */
  growTo(bytes: number): void {
    const shorter = this.buffer;
    const isShort = Math.max(bytes, shorter.byteLength) < PAGED_FROM;
    const length = isShort
      ? Math.max(bytes, 2 * shorter.byteLength)
      : Math.ceil(Math.max(bytes, 1.25 * shorter.byteLength) / PAGE) * PAGE;
    if (this.#pages !== undefined && extend(this.#pages, length)) {
      this.buffer = this.#pages.buffer;
      return;
    }
    const outgrown = this.#pages;
    this.#pages = outgrown === undefined && !isShort ? reserve(length) : undefined;
    this.buffer = this.#pages?.buffer ?? new ArrayBuffer(length);
    new Uint8Array(this.buffer).set(new Uint8Array(shorter));
    // Gives its memory back now; the collector would do it much later.
    if (outgrown === undefined) shorter.transfer(0);
  }
}

function extend(pages: WebAssembly.Memory, length: number): boolean {
  try {
    pages.grow((length - pages.buffer.byteLength) / PAGE);
    return true;
  } catch {
    return false;
  }
}

function reserve(length: number): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: length / PAGE, maximum: MOST_PAGES });
  } catch {
    return undefined;
  }
}
