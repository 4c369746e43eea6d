/**
 * Bytes of the source → decoded events for a taker. What is no event becomes a dead letter; what is to be kept goes to
 * the archive. Everything is counted once.
 */

import { MARK_PREFIX } from '../canary/marks.ts';
import type { Clock } from '../clock.ts';
import { Engine } from '../detect/engine.ts';
import type { Lineage } from '../detect/lineage.ts';
import { textOf, textsOf } from '../detect/values.ts';
import { createDecoder } from '../event/create-decoder.ts';
import type { Decoder, DecodeFault, Undecoded } from '../event/decoder.ts';
import type { Mapping } from '../event/mapping/mapping.ts';
import { type EventRecord, FieldTable } from '../event/record.ts';
import type { Intake, Processed, ReadAgain, Tally, Waiting } from './intake.ts';
import type { PipelineObserver } from './pipeline-observer.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { ARCHIVED_FIELDS } from '../sink/event-row.ts';
import type { ArchivedEvent } from '../sink/sink.ts';
import type { EventBatch } from '../source/source.ts';

export interface EventReaderOptions {
  readonly source: { readonly name: string };
  readonly pseudonymKey: Uint8Array;
  readonly timestampField: string;
  readonly personFields: readonly string[];
  readonly maxEventBytes: number;
  /** How lines of another log become events. Without a mapping, the lines are events. */
  readonly mapping: Mapping | undefined;
  readonly maxFutureMs: number;
  /** Write every accepted event to the archive. */
  readonly archive: boolean;
  readonly clock: Clock;
  readonly observer: Pick<PipelineObserver, 'batch' | 'deadLetter'>;
}

/** Takes an event. Returns how many base rules matched; negative if the event was taken before. */
interface EventTaker {
  readonly evidence: { readonly idSlot: number };
  /** `late`: if the taker knows what is late. */
  readonly counts: { readonly matches: readonly number[]; canaryMatches: number; readonly late?: number };
  process(record: EventRecord, partition: number, offset: number): number;
}

export class EventReader {
  readonly #options: EventReaderOptions;
  readonly #waiting: Waiting;
  readonly #tally: Tally;
  readonly #archived: readonly (readonly [path: string, slot: number])[];
  readonly #decoder: Decoder;
  readonly #record: EventRecord;

  /** Freezes `fields`: the taker must have asked for the fields it needs. */
  constructor(options: EventReaderOptions, fields: FieldTable, waiting: Waiting, tally: Tally) {
    const { archive, timestampField, personFields, maxEventBytes, pseudonymKey, mapping } = options;
    this.#options = options;
    this.#waiting = waiting;
    this.#tally = tally;
    this.#archived = archive ? archivedOf(fields) : [];
    this.#decoder = createDecoder({
      fields,
      timeRequired: true,
      timestampField,
      personFields,
      maxEventBytes,
      pseudonymKey,
      mapping,
    });
    this.#record = fields.newRecord();
  }

  process(batch: EventBatch, taker: EventTaker, again: ReadAgain): Processed {
    const { clock, maxFutureMs, observer } = this.#options;
    const now = clock.now();
    const { partition } = batch;
    const latest = now + maxFutureMs;
    const tally = this.#tally;
    const record = this.#record;
    const decoder = this.#decoder;
    const archives = this.#archived.length > 0;
    const skipped = new Map<string, number>();
    let restored = 0;
    let fruitful = false;
    let bytes = 0;
    let canaries = 0;
    const { idSlot } = taker.evidence;
    // Counts as they were before the first new event: what is read again was reported before the restart.
    let lateBefore = taker.counts.late ?? 0;
    let replacedBefore = decoder.replaced ?? 0;
    batch.forEach((data, start, end, offset) => {
      let fault: Undecoded | undefined = decoder.decode(data, start, end, record);
      const isAgain = offset < again.untilOffset;
      // What was accepted before a restart is accepted after it, even if the clock is now behind.
      if (fault === undefined && record.time > latest && !(isAgain && record.time <= again.newestMs))
        fault = futureFault(record.time, now, maxFutureMs);
      fruitful ||= fault === undefined;
      const matched = fault === undefined ? taker.process(record, partition, offset) : 0;
      const isCanary = fault === undefined && isMarked(record.slots[idSlot]);
      if (isCanary && matched > 0) taker.counts.canaryMatches += matched;
      if (isAgain) {
        restored += 1;
        lateBefore = taker.counts.late ?? 0;
        replacedBefore = decoder.replaced ?? 0;
        return;
      }
      tally.events += 1;
      bytes += end - start;
      if (fault?.code === 'SKIPPED') {
        skipped.set(fault.reason, (skipped.get(fault.reason) ?? 0) + 1);
        tally.skipped += 1;
        return;
      }
      if (fault !== undefined) {
        // Not data.slice: on a Buffer that is a view, and sources reuse their buffers.
        this.#reject(fault, partition, offset, Uint8Array.from(data.subarray(start, end)));
        return;
      }
      if (isCanary) canaries += 1;
      if (matched < 0) {
        tally.duplicates += 1;
        return;
      }
      tally.accepted += 1;
      if (archives) {
        this.#waiting.keep(this.#archivedEvent(idSlot, partition, offset), end - start);
      }
    });
    tally.bytes += bytes;
    tally.late += (taker.counts.late ?? 0) - lateBefore;
    const replaced = (decoder.replaced ?? 0) - replacedBefore;
    tally.replaced += replaced;
    observer.batch({ events: batch.count - restored, bytes, restored, skipped, replaced, canaries });
    return { fruitful, restored };
  }

  #reject(fault: DecodeFault, partition: number, offset: number, bytes: Uint8Array): void {
    const letter = { ...fault, source: this.#options.source.name, partition, offset, bytes };
    this.#waiting.reject(letter);
    this.#tally.deadLetters += 1;
    this.#options.observer.deadLetter(letter);
  }

  #archivedEvent(idSlot: number, partition: number, offset: number): ArchivedEvent {
    const { slots, time } = this.#record;
    const fields: Record<string, string | readonly string[]> = {};
    for (const [path, slot] of this.#archived) {
      const value = slots[slot];
      if (value !== undefined) fields[path] = textOf(value) ?? textsOf(value);
    }
    const id = textOf(slots[idSlot]) || `${this.#options.source.name}/${partition}/${offset}`;
    return { eventId: id, time, fields };
  }
}

/**
 * What the archive keeps of an event: the fields that have a column, and those that the rules ask for, so that it can
 * be said again which events a rule matched (`src/affected`). The id has a place of its own.
 */
function archivedOf(fields: FieldTable): (readonly [path: string, slot: number])[] {
  const paths = new Set([...ARCHIVED_FIELDS, ...fields.paths]);
  paths.delete('event.id');
  return [...paths].map((path) => [path, fields.slot(path)] as const);
}

/** Events for an engine. `former`: as in `Intake.newEngine`. */
export function eventIntake(
  options: EventReaderOptions & { readonly latenessMs: number },
  ruleSet: RuleSet,
  waiting: Waiting,
  tally: Tally,
  former: Lineage | undefined,
): Intake {
  const { pseudonymKey: hashKey, latenessMs } = options;
  const settings = eventSettings(options);
  const fields = new FieldTable();
  const newEngine = (former?: Lineage): Engine =>
    new Engine({ ruleSet, fields, hashKey, latenessMs, settings, former });
  // The engine asks for its fields before the decoder is made.
  let first: Engine | undefined = newEngine(former);
  const events = new EventReader(options, fields, waiting, tally);
  return {
    newEngine: (former) => {
      const engine = first ?? newEngine(former);
      first = undefined;
      return engine;
    },
    process: (batch, engine, again) => events.process(batch, engine, again),
    newestOf: ({ watermarks }, partition) => watermarks.newestOf(partition),
    idles: true,
  };
}

/** What else, besides the pseudonym key, decides what an event is: other settings make saved state useless. */
export function eventSettings({
  timestampField,
  personFields,
  mapping,
}: Pick<EventReaderOptions, 'timestampField' | 'personFields' | 'mapping'>): string {
  return JSON.stringify([timestampField, personFields, mapping]);
}

/** Whether the id is that of a canary's event. */
function isMarked(id: EventRecord['slots'][number]): boolean {
  return typeof id === 'string' && id.startsWith(MARK_PREFIX);
}

function futureFault(timeMs: number, nowMs: number, maxFutureMs: number): DecodeFault {
  return {
    code: 'FUTURE_TIME',
    message: `event time ${new Date(timeMs).toISOString()} is ahead of the wall clock ${new Date(nowMs).toISOString()} by more than the ${maxFutureMs / 1000} s of VIGIE_MAX_FUTURE`,
  };
}
