/**
 * The compiled walk (`wasm/scanner/`), as a WebAssembly module of this process, and its interface. The module
 * needs 128-bit SIMD, which a few old processors lack.
 */

import { SCANNER_BINARY } from './scanner-binary.ts';

/** What `wasm/scanner/` exports; its comments say what each does. */
export interface ScannerExports {
  inputAt(): number;
  maxEventBytes(): number;
  headerAt(): number;
  tagsAt(): number;
  dataAt(): number;
  newAt(): number;
  partsAt(): number;
  tableSize(): number;
  endAt(): number;
  seed(a: bigint, b: bigint, c: bigint, d: bigint): void;
  setKey(low: bigint, high: bigint): void;
  begin(slots: number): number;
  wantKey(object: number, length: number, kind: number, mark: number, rank: number, slot: number): number;
  wantBelow(key: number): number;
  setRooms(key: number, hashes: number, room: number, links: number, steps: number): void;
  isExhausted(): number;
  scan(length: number): number;
  isBroken(length: number): number;
}

type Compiled =
  | { readonly module: WebAssembly.Module; readonly fault?: undefined }
  | { readonly module?: undefined; readonly fault: string };

let compiled: Compiled | undefined;

/** The module, compiled at the first call, or why it is not available here. */
export function scannerModule(): Compiled {
  return (compiled ??= compile());
}

function compile(): Compiled {
  try {
    const module = new WebAssembly.Module(Buffer.from(SCANNER_BINARY, 'base64'));
    // A process with little address space may get the module but no memory for it.
    void new WebAssembly.Instance(module, { env: { memory: new WebAssembly.Memory({ initial: 1 }) } });
    return { module };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}
