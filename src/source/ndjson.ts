/**
 * Turns chunks of NDJSON into batches, for sources with one partition and no broker. An event's offset is its line
 * number, from 0.
 *
 * Exactly one chunk is read ahead while the previous one is processed: a consumer that does not pull stops the reading.
 * While nothing arrives, an idle item is yielded about every 500 ms.
 */

import { LineSplitter } from '../event/lines.ts';
import type { Assignment, EventBatch, EventVisitor, Idle } from './source.ts';

const IDLE_MS = 500;
const ASSIGNMENT: Assignment = {
  kind: 'assignment',
  partitions: [{ partition: 0, committedOffset: undefined, metadata: undefined }],
};

/** `endOffset` is never known. A chunk belongs to its batch until the next item is pulled. */
export async function* readNdjson(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  signal: AbortSignal,
): AsyncGenerator<EventBatch | Assignment | Idle, void, undefined> {
  yield ASSIGNMENT;
  const splitter = new LineSplitter();
  const ranges = new Ranges();
  let next = new Read(chunks.next());
  try {
    while (!signal.aborted) {
      if (!(await next.endsWithinIdleTime(signal))) {
        if (!signal.aborted) yield { kind: 'idle' };
        continue;
      }
      // A failed read-ahead throws here, when its turn comes.
      const chunk = await next.result;
      if (chunk.done === true) {
        const rest = new LineBatch((visit) => splitter.finish(visit), new Uint8Array(0), ranges);
        if (rest.count > 0) yield rest;
        return;
      }
      next = new Read(chunks.next());
      const batch = new LineBatch((visit) => splitter.push(chunk.value, visit), chunk.value, ranges);
      if (batch.count > 0) yield batch;
    }
  } finally {
    // Not awaited: a read that never ends (an idle pipe) must not block the reader here.
    void chunks.return();
  }
}

/**
 * A read that may take long. Waiting for it leaves nothing behind, neither at the read nor at the signal: a promise
 * raced against one that lives as long as the input would keep its chunk for as long.
 */
class Read<T> {
  readonly result: Promise<T>;
  #ended = false;
  #wake = (): void => undefined;

  constructor(result: Promise<T>) {
    this.result = result;
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    result.then(end, end);
  }

  /** True once the read has ended, well or not; false if it is pending after `IDLE_MS` or when the signal aborts. */
  async endsWithinIdleTime(signal: AbortSignal): Promise<boolean> {
    if (this.#ended) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = (): void => resolve(false);
    const timer = setTimeout(giveUp, IDLE_MS);
    signal.addEventListener('abort', giveUp);
    this.#wake = () => resolve(true);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }
}

type Split = (visit: (data: Uint8Array, start: number, end: number, line: number) => void) => void;

/** Start, end and line (relative to the first) of every event of a batch. Only one batch is alive at a time. */
class Ranges {
  #numbers = new Int32Array(3 * 4096);
  #length = 0;

  get count(): number {
    return this.#length / 3;
  }

  get numbers(): Int32Array {
    return this.#numbers;
  }

  clear(): void {
    this.#length = 0;
  }

  push(start: number, end: number, line: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = new Int32Array(2 * this.#length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.#length++] = start;
    this.#numbers[this.#length++] = end;
    this.#numbers[this.#length++] = line;
  }
}

/** The lines that end in one chunk. All lie in the chunk, except a first one that began in an earlier chunk. */
class LineBatch implements EventBatch {
  readonly kind = 'events';
  readonly partition = 0;
  readonly endOffset = undefined;
  readonly count: number;
  readonly bytes: number;
  readonly nextOffset: number;
  readonly #chunk: Uint8Array;
  readonly #ranges: Ranges;
  readonly #firstLine: number;
  readonly #first: Uint8Array | undefined;

  constructor(split: Split, chunk: Uint8Array, ranges: Ranges) {
    ranges.clear();
    let bytes = 0;
    let firstLine = -1;
    let lastLine = -1;
    let first: Uint8Array | undefined;
    split((data, start, end, line) => {
      if (firstLine < 0) firstLine = line;
      if (data === chunk) {
        ranges.push(start, end, line - firstLine);
      } else {
        first = data.slice(start, end);
        ranges.push(0, end - start, line - firstLine);
      }
      bytes += end - start;
      lastLine = line;
    });
    this.count = ranges.count;
    this.bytes = bytes;
    this.nextOffset = lastLine + 1;
    this.#chunk = chunk;
    this.#ranges = ranges;
    this.#firstLine = firstLine;
    this.#first = first;
  }

  forEach(visit: EventVisitor): void {
    const { numbers } = this.#ranges;
    for (let i = 0; i < 3 * this.count; i += 3) {
      const data = i === 0 && this.#first !== undefined ? this.#first : this.#chunk;
      visit(data, numbers[i]!, numbers[i + 1]!, this.#firstLine + numbers[i + 2]!);
    }
  }
}
