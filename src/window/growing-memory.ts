/**
 * Memory that only grows. Short memory is an `ArrayBuffer` that is copied when it grows. Longer memory is a
 * `WebAssembly.Memory`, which grows in place, in pages that cost nothing before they are written, and leaves nothing
 * behind. (Buffers of some megabytes that outgrow each other leave holes that the allocator keeps: 90 MB of 650, with
 * twelve thousand accounts after two weeks.)
 *
 * Each such memory reserves gigabytes of addresses, so only memory that has grown gets one; if the system refuses, or
 * beyond the most that one can have, buffers are copied again.
 */

const PAGE = 65_536;
const MOST_PAGES = 65_536;
/** Bytes from which memory is paged. */
const PAGED_FROM = 256 * 1024;

export class GrowingMemory {
  /** The buffer from before a growth is empty after it. */
  buffer: ArrayBuffer;
  #pages: WebAssembly.Memory | undefined;

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(bytes);
  }

  /** Grows to at least so many bytes; new bytes are 0. Throws `RangeError` if there is no memory. */
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
    // Frees the memory now; the garbage collector would do it much later.
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
