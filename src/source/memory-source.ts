/** NDJSON generated in this process, for example by the demo: a source like the others, without a disk. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { readNdjson } from './ndjson.ts';
import type { Assignment, EventBatch, Idle, Source } from './source.ts';

export class MemorySource implements Source {
  readonly name: string;
  readonly type = 'memory';
  readonly #chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

  /** Chunks may be cut anywhere; each must stay unchanged until the next but one is pulled. */
  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, name = 'memory') {
    this.#chunks = chunks;
    this.name = name;
  }

  read(signal: AbortSignal): AsyncGenerator<EventBatch | Assignment | Idle, void, undefined> {
    return readNdjson(inTurns(this.#chunks), signal);
  }

  /** Returns false: reading starts at the beginning anyway. */
  async rewind(): Promise<boolean> {
    return false;
  }

  async commit(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Chunks made in this process involve no waiting: without a turn, no signal, timer or request would get through. */
async function* inTurns(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    await nextTurn();
    yield chunk;
  }
}
