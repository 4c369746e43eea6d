/** Reading back what the generators wrote. */

import type { IncidentLabels } from '../../../replay/index.ts';
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

/** What all events of a scenario that show persons add up to; for millions of them, so nothing is parsed. */
export interface Takings {
  /** Distinct persons of the register. */
  persons: number;
  records: number;
  bytes: number;
  /** Events by account. */
  readonly readers: Map<string, number>;
  /** Of every reading event, ms since the epoch. */
  readonly times: number[];
  readonly labels: IncidentLabels;
}

const IDS = Buffer.from('"ids":["');
const BYTES = Buffer.from('"bytes":');
const ID_LENGTH = 'p-00000000","'.length;

export function takingsOf(name: string, options: Readonly<Record<string, unknown>>): Takings {
  const generated = generate(name, options);
  const seen = new Uint8Array(12_500_000);
  const readers = new Map<string, number>();
  const times: number[] = [];
  let [persons, records, size] = [0, 0, 0];
  for (const chunk of generated.batches()) {
    const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength);
    for (let i = 0; i < chunk.count; i++) {
      const end = chunk.ends[i]!;
      const found = bytes.indexOf(IDS, i === 0 ? 0 : chunk.ends[i - 1]!);
      if (found < 0 || found >= end) continue;
      let at = found + IDS.length + 2;
      for (; bytes[at - 1] === 0x2d; at += ID_LENGTH) {
        let person = 0;
        for (let d = 0; d < 8; d++) person = 10 * person + bytes[at + d]! - 0x30;
        if ((seen[person >> 3]! & (1 << (person & 7))) === 0) persons++;
        seen[person >> 3]! |= 1 << (person & 7);
        records++;
      }
      const digits = bytes.indexOf(BYTES, at - ID_LENGTH) + BYTES.length;
      size += Number.parseInt(bytes.toString('latin1', digits, digits + 10), 10);
      readers.set(chunk.keys[i]!, (readers.get(chunk.keys[i]!) ?? 0) + 1);
      times.push(chunk.times[i]!);
    }
  }
  const labels = generated.labels().incidents[0]!;
  return { persons, records, bytes: size, readers, times, labels };
}

export function timeOf(event: AccessEvent): number {
  return Date.parse(String(event['@timestamp']));
}
