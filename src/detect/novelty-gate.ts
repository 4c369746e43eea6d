/**
 * The gate before a stream whose rules count only what is new in a group (`vigie.new_terms`). Whether an event is new
 * is unknown until the watermark is past it: an earlier event may still come and show the same. So arrivals wait, and
 * those that count go on in event-time order; for everything behind the gate (windows, alerts and what they say) the
 * others do not exist.
 */

import type { EventRecord } from '../event/record.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { type EventEntry, loadEntry, saveEntry } from '../window/event-log.ts';
import { Terms } from '../window/terms.ts';
import { TimeQueue } from '../window/time-queue.ts';
import { combinations, keyOf, textsOf } from './values.ts';

/** The gate as planned: rules with the same one share a stream. */
export interface PlannedNovelty {
  readonly historyMs: number;
  readonly maxTerms: number;
  /** Slots of the watched fields in an event that matched a reference. */
  readonly slotsOf: (ref: number) => readonly number[];
}

/** The terms an event shows: each combination of the fields' values; none if a field is missing. */
export function termsIn({ slotsOf }: PlannedNovelty, ref: number, record: EventRecord): string[] {
  return combinations(slotsOf(ref).map((slot) => textsOf(record.slots[slot]))).map(keyOf);
}

/** An event and all that its stream takes from it. */
export interface Arrival {
  readonly time: number;
  readonly entry: EventEntry;
  readonly eventId: string;
  readonly terms: readonly string[];
  /** Per distinct measure: the hashes of the values as hi, lo, hi, lo, … */
  readonly values: readonly Uint32Array[];
  readonly amounts: Float64Array;
  /** Per closing log. */
  readonly closing: readonly unknown[];
}

export class NoveltyGate {
  readonly terms: Terms;
  /** Undefined while nothing waits, which is nearly always. */
  #waiting: TimeQueue<Arrival> | undefined;

  constructor({ historyMs, maxTerms }: PlannedNovelty) {
    this.terms = new Terms(historyMs, maxTerms);
  }

  /** Takes an event. Events older than `watermark` have been judged. */
  add(arrival: Arrival, watermark: number): void {
    if (arrival.time < watermark) this.terms.late(arrival.time, arrival.terms);
    else (this.#waiting ??= new TimeQueue()).add(arrival);
  }

  /** Visits the entries that wait. */
  eachWaiting(visit: (entry: EventEntry) => void): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    for (let i = 0; i < waiting.length; i += 1) visit(waiting.at(i)!.entry);
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = undefined;
  }

  /** Something can be judged once the watermark is past this time; Infinity if nothing waits. */
  get nextEnd(): number {
    return this.#waiting?.at(0)?.time ?? Infinity;
  }

  save(to: SectionWriter): void {
    this.terms.save(to);
    (this.#waiting ?? new TimeQueue<Arrival>()).save(
      to,
      ({ entry, eventId, terms, values, amounts, closing }) => {
        saveEntry(to, entry);
        to.text(eventId);
        to.list(terms, (term) => to.text(term));
        to.list(values, (words) => to.numbers([...words]));
        to.numbers(amounts);
        to.list(closing, (held) => to.plain(held));
      },
    );
  }

  load(from: SectionReader): void {
    this.terms.load(from);
    const waiting = new TimeQueue<Arrival>();
    waiting.load(from, () => {
      const entry = loadEntry(from);
      return {
        time: entry.time,
        entry,
        eventId: from.text(),
        terms: from.list(() => from.text()),
        values: from.list(() => Uint32Array.from(from.numbers())),
        amounts: Float64Array.from(from.numbers()),
        closing: from.list(() => from.plain()),
      };
    });
    if (waiting.length > 0) this.#waiting = waiting;
  }

  /** Judges the events older than the watermark; passes on those that count, oldest first. */
  release(watermark: number, pass: (arrival: Arrival) => void): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    for (let time = this.nextEnd; time < watermark; time = this.nextEnd) {
      const together = [waiting.at(0)!];
      while (waiting.at(together.length)?.time === time) together.push(waiting.at(together.length)!);
      waiting.dropFront(together.length);
      const verdicts = this.terms.judge(
        time,
        together.map(({ terms }) => terms),
      );
      together.forEach((arrival, i) => {
        if (verdicts[i] === 'new') pass(arrival);
      });
    }
    if (waiting.length === 0) this.#waiting = undefined;
  }
}
