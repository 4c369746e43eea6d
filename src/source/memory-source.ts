/** NDJSON that is generated in this process, e.g. by the demo: a source like the others, without a disk. */

import { readNdjson } from './ndjson.ts';
import type { Assignment, EventBatch, Idle, Source } from './source.ts';

export class MemorySource implements Source {
  readonly name: string;
  readonly type = 'memory';
  readonly #chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

  /** Chunks may be cut anywhere; each must stay as it is until the one after the next is asked for. */
  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, name = 'memory') {
    this.#chunks = chunks;
    this.name = name;
  }

  read(signal: AbortSignal): AsyncGenerator<EventBatch | Assignment | Idle, void, undefined> {
    return readNdjson(this.#chunks, signal);
  }

  /** There is no earlier place to go back to: a read starts at the beginning. */
  async rewind(): Promise<boolean> {
    return false;
  }

  async commit(): Promise<void> {}

  async close(): Promise<void> {}
}
