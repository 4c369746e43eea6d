/** One stream: the groups of the events that match a set of base rules, and the logs they share. */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { EventRecord, FieldValue } from '../event/record.ts';
import type { SipHash } from '../event/siphash.ts';
import type { EventEntry } from '../window/event-log.ts';
import type { Agenda } from './agenda.ts';
import { heldBy, matchedBy } from './closing-measure.ts';
import type { Group } from './group.ts';
import { GroupDirectory } from './group-directory.ts';
import type { HeldNumbers } from './held-numbers.ts';
import { MinHeap } from '../window/min-heap.ts';
import { type Arrival, termsIn } from './novelty-gate.ts';
import type { StreamPlan } from './plan.ts';
import type { PlannedTemporal } from './plan-temporal.ts';
import { type LogsContext, StreamLogs } from './stream-logs.ts';
import type { ValueHashes } from './value-hashes.ts';
import { numberOf } from './values.ts';

export interface StreamContext extends LogsContext {
  readonly hash: SipHash;
  readonly hashes: ValueHashes;
  readonly agenda: Agenda;
  readonly counts: {
    duplicates: number;
    coalesced: number;
  };
  /** Events older than the watermark by at least this may be duplicates that the id filter has forgotten. */
  readonly copiesMs: number;
}

const NOBODY = new Pseudonyms();

export class Stream {
  readonly #plan: StreamPlan;
  readonly #context: StreamContext;
  readonly #logs: StreamLogs;
  readonly #groups: GroupDirectory;
  /** Hashes of the current event's values, per distinct measure; then its persons, if no measure counts them. */
  readonly #values: Pseudonyms[];
  /** Index of the persons in `#values`; −1 if no alert needs them. */
  readonly #persons: number;
  readonly #amounts: Float64Array;
  readonly #closingValues: unknown[] = [];
  /** Groups with windows that wait for the watermark, by the first one's end. */
  readonly #closing = new MinHeap<Group>();
  /** Some rule may have to wait for the watermark. */
  readonly waits: boolean;

  constructor(plan: StreamPlan, context: StreamContext) {
    this.#plan = plan;
    this.#context = context;
    this.#logs = new StreamLogs(plan, context);
    const { counted, persons } = this.#logs;
    this.#persons = persons === undefined ? counted : plan.distincts.length;
    const measured = plan.distincts.length + (persons === undefined ? 0 : 1);
    this.#values = Array.from({ length: measured }, () => NOBODY);
    this.#amounts = new Float64Array(plan.sums.length);
    this.#groups = new GroupDirectory(plan, this.#logs);
    this.waits = plan.closings.length > 0 || plan.baselined.length > 0 || plan.novelty !== undefined;
  }

  get groups(): number {
    return this.#groups.size;
  }

  /** Events skipped because group-by values are missing or too many. */
  get skipped(): number {
    return this.#groups.skipped;
  }

  /** Groups evicted over the cap. */
  get evicted(): number {
    return this.#groups.evicted;
  }

  /** Bytes of typed memory that its groups use. */
  get bytes(): number {
    return this.#logs.bytes;
  }

  /**
   * Takes an event that matched the references `refs` (ascending); it counts once in each of its groups. Windows that
   * end before `watermark` have been judged.
   */
  take(
    record: EventRecord,
    refs: readonly number[],
    entry: EventEntry,
    eventId: string,
    watermark: number,
  ): void {
    const { uniformKey, keySlots, novelty } = this.#plan;
    const slots = refs.length === 1 ? keySlots.get(refs[0]!) : uniformKey;
    if (novelty !== undefined) {
      this.#wait(record, refs, entry, eventId, watermark);
    } else if (slots !== undefined) {
      const group = this.#groups.of(record, slots);
      if (group !== undefined) {
        this.#measure(record, refs[0]!, entry);
        this.#enter(group, refs, entry, eventId, watermark);
      } else {
        const keys = this.#groups.keysOf(record, slots);
        if (keys.length > 0) this.#measure(record, refs[0]!, entry);
        for (const key of keys) this.#enter(this.#groups.withKey(key), refs, entry, eventId, watermark);
      }
    } else {
      for (const [key, members] of this.#groups.byReference(record, refs)) {
        this.#measure(record, members[0]!, entry);
        this.#enter(this.#groups.withKey(key), members, entry, eventId, watermark);
      }
    }
  }

  /** Puts the event before the gates of its groups. */
  #wait(
    record: EventRecord,
    refs: readonly number[],
    entry: EventEntry,
    eventId: string,
    watermark: number,
  ): void {
    const { uniformKey } = this.#plan;
    const told = uniformKey === undefined ? refs : [refs[0]!];
    for (const [key, members] of this.#groups.byReference(record, told)) {
      const group = this.#groups.withKey(key);
      this.#measure(record, members[0]!, entry);
      group.aboutToChange();
      const gate = group.waits.novelty!;
      const terms = termsIn(this.#plan.novelty!, members[0]!, record).map((term) => this.#hashed(term));
      const values = this.#values.map(({ words, length }) => words.slice(0, 2 * length));
      const amounts = this.#amounts.slice();
      const closing = this.#closingValues.slice();
      gate.add(
        { time: entry.time, entry: { ...entry }, eventId, terms, values, amounts, closing },
        watermark,
      );
      this.#schedule(group);
    }
  }

  /** A short key, however long the text. */
  #hashed(text: string): string {
    const { hash } = this.#context;
    hash.hashString(text);
    const [hi, lo] = [hash.out[0]!, hash.out[1]!];
    return String.fromCharCode(hi >>> 16, hi & 0xffff, lo >>> 16, lo & 0xffff);
  }

  /** Takes an event that its group's gate let through. */
  #pass(group: Group, { entry, eventId, values, amounts, closing }: Arrival, watermark: number): void {
    values.forEach((words, m) => (this.#values[m] = new Pseudonyms(words, words.length / 2)));
    this.#amounts.set(amounts);
    closing.forEach((held, m) => (this.#closingValues[m] = held));
    this.#enter(group, [], entry, eventId, watermark);
  }

  /** Call every few events, of whichever stream. */
  sweep(watermark: number): void {
    this.#groups.sweep(watermark);
  }

  /** Marks the numbers of the evidence's dictionaries that the stream holds. */
  tellHeld(held: HeldNumbers): void {
    this.#groups.each((group) => group.tellHeld(held));
  }

  /** Judges the windows that waited for the watermark; `before`: the watermark at the last call. */
  close(watermark: number, before: number): void {
    const { counts, agenda } = this.#context;
    while (this.#closing.least < watermark) {
      const group = this.#closing.pop();
      if (group.isGone) continue;
      group.waits.scheduled = Infinity;
      group.aboutToChange();
      const { novelty } = group.waits;
      if (novelty !== undefined) {
        novelty.release(watermark, (arrival) => this.#pass(group, arrival, before));
        counts.coalesced += novelty.terms.takeCoalesced();
      }
      counts.coalesced += group.close(watermark);
      this.#schedule(group);
    }
    agenda.enter(this.#closing.least);
  }

  #schedule(group: Group): void {
    const { nextEnd, scheduled } = group.waits;
    if (nextEnd >= scheduled) return;
    group.waits.scheduled = nextEnd;
    this.#closing.push(nextEnd, group);
    this.#context.agenda.enter(nextEnd);
  }

  #enter(group: Group, refs: readonly number[], entry: EventEntry, eventId: string, watermark: number): void {
    const { time } = entry;
    group.aboutToChange();
    group.trim(watermark);
    const mayBeCopy = eventId !== '' && time <= watermark - this.#context.copiesMs;
    if (!group.addEvent(entry, watermark, mayBeCopy)) {
      this.#context.counts.duplicates += 1;
      return;
    }
    const { distincts, temporals, closings } = this.#plan;
    for (let m = 0; m < distincts.length; m += 1) {
      group.addSightings(m, time, this.#values[m]!, watermark);
    }
    if (this.#logs.persons !== undefined) {
      group.addPersons(time, this.#values[this.#persons]!, watermark);
    }
    for (let m = 0; m < this.#amounts.length; m += 1) {
      const amount = this.#amounts[m]!;
      if (!Number.isNaN(amount)) group.addAmount(m, time, amount, watermark);
    }
    const { counts } = this.#context;
    for (let m = 0; m < temporals.length; m += 1) {
      if (temporals[m]!.muted) continue;
      counts.coalesced += group.addMatches(m, time, placesOf(temporals[m]!, refs), watermark);
    }
    for (let m = 0; m < closings.length; m += 1) {
      const { temporal, muted } = closings[m]!;
      if (muted) continue;
      const value = this.#closingValues[m];
      const held = temporal === undefined ? value : matchedBy(temporal, placesOf(temporal, refs), value);
      if (held !== undefined) counts.coalesced += group.addClosing(m, time, held, watermark);
    }
    if (this.waits) this.#schedule(group);
    if (group.episodes.length > 0 && this.#logs.evidence) {
      group.identify(entry, this.#values[this.#persons] ?? NOBODY, eventId);
    }
    counts.coalesced += group.bound(watermark);
  }

  /** Reads the measured fields: value hashes, amounts, and which measures the event holds. */
  #measure(record: EventRecord, ref: number, entry: EventEntry): void {
    entry.held = 1;
    const { hashes, personSlot } = this.#context;
    const { distincts, sums, closings } = this.#plan;
    for (let m = 0; m < distincts.length; m += 1) {
      const { slotsOf, bit } = distincts[m]!;
      const slots = slotsOf(ref);
      const values = slots.length === 1 ? hashes.of(record, slots[0]!) : hashes.ofTuples(record, slots);
      this.#values[m] = values;
      if (values.length > 0) entry.held |= bit;
    }
    if (this.#persons === distincts.length) this.#values[this.#persons] = hashes.of(record, personSlot!);
    for (let m = 0; m < sums.length; m += 1) {
      const { slotsOf, bit } = sums[m]!;
      const amount = amountOf(record.slots[slotsOf(ref)[0]!]);
      this.#amounts[m] = amount;
      if (!Number.isNaN(amount)) entry.held |= bit;
    }
    for (let m = 0; m < closings.length; m += 1) {
      const held = closings[m]!.muted ? undefined : heldBy(closings[m]!, ref, record);
      this.#closingValues[m] = held;
      if (held !== undefined) entry.held |= closings[m]!.watchers[0].measure;
    }
  }

  /** Saves the groups as of the first step. */
  saving(to: SectionWriter): Generator<void> {
    return this.#groups.saving(to);
  }

  /** Call on a new stream only; runs in steps. */
  loading(from: SectionReader): Generator<void> {
    return this.#groups.loading(from, (group) => this.#schedule(group));
  }
}

/** Places of the matched references in a temporal rule's list, ascending. */
function placesOf({ places, alone }: PlannedTemporal, refs: readonly number[]): readonly number[] {
  if (refs.length === 1) return alone.get(refs[0]!)!;
  return refs.map((ref) => places.get(ref)!).sort((a, b) => a - b);
}

/** What a field adds to a sum: of a list, the sum of its elements; NaN if it holds no amount. */
function amountOf(value: FieldValue | undefined): number {
  if (Array.isArray(value)) {
    const amounts = value.map(amountOf).filter((amount) => !Number.isNaN(amount));
    return amounts.length === 0 ? NaN : amounts.reduce((sum, amount) => sum + amount, 0);
  }
  const amount = numberOf(value);
  return amount !== undefined && amount >= 0 ? amount : NaN;
}
