/** NDJSON that is generated in this process, e.g. by the demo: a source like the others, without a disk. */

import { setImmediate as nextTurn } from 'node:timers/promises';
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
    return readNdjson(inTurns(this.#chunks), signal);
  }

  /** There is no earlier place to go back to: a read starts at the beginning. */
  async rewind(): Promise<boolean> {
    return false;
  }

  async commit(): Promise<void> {}

  async close(): Promise<void> {}
}

/** What is made in this process waits for nothing: without a turn, no signal, timer or request would get through. */
async function* inTurns(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    await nextTurn();
    yield chunk;
  }
}
