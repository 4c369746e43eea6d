/** The part of WebAssembly that is needed here: Node has it, its types leave it to those of browsers. */

declare namespace WebAssembly {
  // oxlint-disable-next-line typescript/no-extraneous-class -- it has nothing to look at
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    /** Pages of 64 KiB. Throws `RangeError` where addresses for so many cannot be had. */
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    /** Detaches the buffer; the new one is larger by so many pages. Throws `RangeError` where it cannot be. */
    grow(pages: number): number;
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
}
