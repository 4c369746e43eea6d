/** Reading back what the generators wrote. */

import { generate } from '../../../replay/index.ts';
import type { AccessEvent } from '../../../src/event/access-event.ts';

export interface Line {
  readonly text: string;
  readonly event: AccessEvent;
  readonly key: string;
  readonly time: number;
}

/** Parses the text when asked to: most tests look at few of the lines. */
class Read implements Line {
  readonly text: string;
  readonly key: string;
  readonly time: number;
  #event: AccessEvent | undefined;

  constructor(text: string, key: string, time: number) {
    this.text = text;
    this.key = key;
    this.time = time;
  }

  get event(): AccessEvent {
    return (this.#event ??= JSON.parse(this.text) as AccessEvent);
  }
}

/** Every event of a scenario whose text contains `part`, in the order of writing. */
export function* linesOf(
  name: string,
  options: Readonly<Record<string, unknown>>,
  part = '',
): Generator<Line> {
  for (const chunk of generate(name, options).batches()) {
    const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength);
    let start = 0;
    for (let i = 0; i < chunk.count; i++) {
      const end = chunk.ends[i]!;
      const text = bytes.toString('utf8', start, end - 1);
      start = end;
      if (!text.includes(part)) continue;
      yield new Read(text, chunk.keys[i]!, chunk.times[i]!);
    }
  }
}

/** Persons that an event shows. */
export function personsOf(event: AccessEvent): readonly string[] {
  const ids = event.portal?.records?.ids;
  return ids === undefined ? [] : (Array.isArray(ids) ? ids : [ids]).map(String);
}

export function timeOf(event: AccessEvent): number {
  return Date.parse(String(event['@timestamp']));
}
