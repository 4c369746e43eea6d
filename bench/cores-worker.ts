/** The worker thread of the prototypes in cores.ts. */

import { parentPort } from 'node:worker_threads';
import { Engine } from '../src/detect/engine.ts';
import { createDecoder } from '../src/event/create-decoder.ts';
import { LineSplitter } from '../src/event/lines.ts';
import { Pseudonyms } from '../src/event/pseudonyms.ts';
import { FieldTable } from '../src/event/record.ts';
import { passOver, PSEUDONYM_KEY, rulesNamed } from './path.ts';
import { LATENESS_MS } from './workload.ts';

export interface Task {
  readonly kind: 'decode' | 'path';
  /** Names, as for `rulesNamed`. */
  readonly rules: string;
  readonly bytes: SharedArrayBuffer;
}

export interface Records {
  readonly kind: 'records';
  readonly times: Float64Array;
  /** By event. Persons are separate, as a class cannot cross threads. */
  readonly slots: readonly unknown[][];
  readonly persons: readonly (Uint32Array | undefined)[];
}

export type Answer = Records | { readonly kind: 'done'; readonly alerts: number };

const BATCH = 1000;

parentPort?.on('message', ({ kind, rules, bytes }: Task) => {
  const alerts =
    kind === 'path' ? passOver(new Uint8Array(bytes), rulesNamed(rules)).alerts.length : decode(bytes, rules);
  answer({ kind: 'done', alerts });
});

function decode(bytes: SharedArrayBuffer, rules: string): number {
  const fields = new FieldTable();
  // Slots as an engine for these rules requests them.
  const { evidence } = new Engine({
    ruleSet: rulesNamed(rules),
    fields,
    hashKey: PSEUDONYM_KEY,
    latenessMs: LATENESS_MS,
  });
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: PSEUDONYM_KEY });
  const record = fields.newRecord();
  let times: number[] = [];
  let slots: unknown[][] = [];
  let persons: (Uint32Array | undefined)[] = [];
  const send = (): void => {
    answer({ kind: 'records', times: Float64Array.from(times), slots, persons });
    [times, slots, persons] = [[], [], []];
  };
  const splitter = new LineSplitter();
  const take = (data: Uint8Array, start: number, end: number): void => {
    if (decoder.decode(data, start, end, record) !== undefined) return;
    const seen = record.slots[evidence.personSlot];
    times.push(record.time);
    persons.push(seen instanceof Pseudonyms ? seen.words.slice(0, 2 * seen.length) : undefined);
    slots.push(record.slots.map((value) => (value instanceof Pseudonyms ? undefined : value)));
    if (times.length === BATCH) send();
  };
  splitter.push(new Uint8Array(bytes), take);
  splitter.finish(take);
  send();
  return 0;
}

function answer(message: Answer): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(message);
}
