/** Reading back what the generators wrote. */

import { generate } from '../../../replay/index.ts';
import type { AccessEvent } from '../../../src/event/access-event.ts';

export interface Line {
  readonly text: string;
  readonly event: AccessEvent;
  readonly key: string;
  readonly time: number;
}

/** Every event of a scenario, in the order of writing. */
export function* linesOf(name: string, options: Readonly<Record<string, unknown>>): Generator<Line> {
  for (const chunk of generate(name, options).batches()) {
    let start = 0;
    for (let i = 0; i < chunk.count; i++) {
      const end = chunk.ends[i]!;
      const text = Buffer.from(chunk.bytes.subarray(start, end - 1)).toString();
      yield { text, event: JSON.parse(text) as AccessEvent, key: chunk.keys[i]!, time: chunk.times[i]! };
      start = end;
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
