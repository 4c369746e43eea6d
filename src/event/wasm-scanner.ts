/**
 * The fast decoder: a walk in WebAssembly over the bytes, which makes values only of the wanted fields.
 *
 * Guarantee: for every input the same slots, time and fault as the reference decoder, which decodes whatever the
 * walk does not accept. The reference also decodes the first events of every decoder: many decoders never see more
 * than a few, and the walk takes some megabytes of address space.
 */

import type { DecodeFault, Decoder } from './decoder.ts';
import type { JsonParseDecoder } from './json-parse-decoder.ts';
import type { EventRecord } from './record.ts';
import type { WasmWalk } from './wasm-walk.ts';

export const FIRST_EVENTS = 64;

export class WasmScanner implements Decoder {
  readonly #reference: JsonParseDecoder;
  readonly #create: () => WasmWalk | undefined;
  #walk: WasmWalk | undefined;
  #left: number;

  /**
   * @param create creates the walk when it is needed; if it returns undefined, the reference decodes all events.
   * @param firstEvents number of events before that.
   */
  constructor(reference: JsonParseDecoder, create: () => WasmWalk | undefined, firstEvents: number) {
    this.#reference = reference;
    this.#create = create;
    this.#left = firstEvents;
  }

  decode(data: Uint8Array, start: number, end: number, record: EventRecord): DecodeFault | undefined {
    if (this.#walk === undefined && this.#left-- === 0) this.#walk = this.#create();
    const result = this.#walk === undefined ? 'left to others' : this.#walk.read(data, start, end, record);
    return result === 'left to others' ? this.#reference.decode(data, start, end, record) : result;
  }
}
