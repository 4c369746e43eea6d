/**
 * One stream: the groups of the events that match a set of base rules, and the logs they share.
 *
 * The number of groups is capped: a new one beyond the cap evicts, of a few candidates, the one furthest
 * from any threshold and without an open episode; every eviction is counted. Groups that hold nothing any
 * more are forgotten by a hand that passes over them as events come.
 */

import type { EpisodeTracker } from '../alert/episode-tracker.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { EventRecord, FieldValue } from '../event/record.ts';
import type { SipHash } from '../event/siphash.ts';
import { raisesAlerts } from '../sigma/rule.ts';
import type { Lists } from '../lookup/list.ts';
import { DistinctLog } from '../window/distinct-log.ts';
import { EventLog, type EventEntry } from '../window/event-log.ts';
import { PersonsLog } from '../window/persons-log.ts';
import type { RunStore } from '../window/run-store.ts';
import { SumLog } from '../window/sum-log.ts';
import type { Agenda } from './agenda.ts';
import { heldBy, matchedBy } from './closing-measure.ts';
import { Group, type StreamLogs } from './group.ts';
import { GroupNumbers } from './group-numbers.ts';
import { MinHeap } from '../window/min-heap.ts';
import { type Arrival, termsIn } from './novelty-gate.ts';
import { type PlannedTemporal, type StreamPlan, watchersOf } from './plan.ts';
import { ScaledBounds } from './scaled-bounds.ts';
import type { ValueHashes } from './value-hashes.ts';
import { combinations, keyOf, numberOf, textOf, textsOf } from './values.ts';

export interface StreamContext {
  readonly hash: SipHash;
  readonly hashes: ValueHashes;
  readonly tracker: EpisodeTracker;
  readonly agenda: Agenda;
  /** Those that the rules name. */
  readonly lists: Lists;
  readonly counts: {
    duplicates: number;
    coalesced: number;
  };
  /** Slot of the persons' ids, for the alerts' distinct persons; undefined where alerts hold no evidence. */
  readonly personSlot: number | undefined;
  readonly exactEntries: number;
  /** Events older than the watermark by more than this may be copies that the id filter has forgotten. */
  readonly copiesMs: number;
}

type Key = string | null;

const NOBODY = new Pseudonyms();

const EVICTION_CANDIDATES = 8;
/** Events per step of the hand that forgets idle groups. */
const SWEEP_EVERY = 16;

export class Stream {
  readonly #plan: StreamPlan;
  readonly #context: StreamContext;
  readonly #logs: StreamLogs;
  readonly #groups = new Map<Key, Group>();
  #hand: IterableIterator<[Key, Group]>;
  /** Hashes of the current event's values, per distinct measure; behind them its persons if no measure counts them. */
  readonly #values: Pseudonyms[];
  /** Which of those are its persons; −1 when no alert needs them. */
  readonly #persons: number;
  readonly #amounts: Float64Array;
  readonly #closingValues: unknown[] = [];
  /** Groups with windows that wait for the watermark, by the first one's end. */
  readonly #closing = new MinHeap<Group>();
  /** Some rule may have to wait for the watermark. */
  readonly waits: boolean;
  /** Events skipped for a missing group-by value. */
  skipped = 0;
  /** Groups evicted over the cap. */
  evicted = 0;
  #events = 0;

  constructor(plan: StreamPlan, context: StreamContext) {
    this.#plan = plan;
    this.#context = context;
    const counted = plan.distincts.findIndex(
      ({ fields }) => fields.length === 1 && fields[0] === context.personSlot,
    );
    const shown = context.personSlot !== undefined;
    const held = shown && counted < 0 && plan.places.some(raisesAlerts);
    this.#persons = held ? plan.distincts.length : counted;
    this.#values = Array.from({ length: plan.distincts.length + (held ? 1 : 0) }, () => NOBODY);
    this.#amounts = new Float64Array(plan.sums.length);
    const mostCounted = [...plan.counts, ...plan.distincts.flatMap(({ horizons }) => horizons)].map(
      ({ mostThreshold }) => mostThreshold,
    );
    const scaled = new ScaledBounds(plan.rules, context.lists);
    const exactEntries = Math.max(context.exactEntries, 2 * Math.max(scaled.most, ...mostCounted));
    const shape = {
      counts: plan.counts.length,
      distincts: plan.distincts.map(({ horizons }) => horizons.length),
      sums: plan.sums.map(({ horizons }) => horizons.length),
    };
    this.#logs = {
      numbers: new GroupNumbers(shape, exactEntries),
      events: new EventLog(),
      counts: plan.counts,
      distincts: plan.distincts.map(({ horizons }) => ({
        log: new DistinctLog(horizons, plan.longestMs),
        horizons,
      })),
      counted,
      persons: held ? new PersonsLog() : undefined,
      sums: plan.sums.map(({ horizons }) => ({ log: new SumLog(), horizons })),
      temporals: plan.temporals,
      closings: plan.closings,
      baselined: plan.baselined,
      novelty: plan.novelty,
      longestMs: plan.longestMs,
      exactEntries,
      watchers: watchersOf(plan),
      tracker: context.tracker,
      atHand: { watermark: -Infinity, time: NaN, number: 0, personsHeld: false },
      evidence: shown,
      scaled,
    };
    this.#hand = this.#groups.entries();
    this.waits = plan.closings.length > 0 || plan.baselined.length > 0 || plan.novelty !== undefined;
  }

  get groups(): number {
    return this.#groups.size;
  }

  /** Bytes of typed memory reserved by the logs. */
  get bytes(): number {
    return this.#stores.reduce((sum, log) => sum + log.bytes, 0);
  }

  /**
   * Takes an event that matched the references `refs` (ascending); it counts once in each of its groups.
   * Windows that end before `watermark` were judged.
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
      const group = this.#groupOf(record, slots);
      if (group !== undefined) {
        this.#measure(record, refs[0]!, entry);
        this.#enter(group, refs, entry, eventId, watermark);
      } else {
        const groups = this.#groupsOf(record, slots);
        if (groups.length > 0) this.#measure(record, refs[0]!, entry);
        for (const each of groups) this.#enter(each, refs, entry, eventId, watermark);
      }
    } else {
      for (const [group, members] of this.#members(record, refs)) {
        this.#measure(record, members[0]!, entry);
        this.#enter(group, members, entry, eventId, watermark);
      }
    }
    this.#events += 1;
    if (this.#events % SWEEP_EVERY === 0) this.#sweep(watermark);
  }

  /** The groups of an event, and of the references those that put it there. */
  #members(record: EventRecord, refs: readonly number[]): Map<Group, number[]> {
    const members = new Map<Group, number[]>();
    for (const ref of refs) {
      const slots = this.#plan.keySlots.get(ref)!;
      const group = this.#groupOf(record, slots);
      for (const each of group === undefined ? this.#groupsOf(record, slots) : [group]) {
        const known = members.get(each);
        if (known === undefined) members.set(each, [ref]);
        else known.push(ref);
      }
    }
    return members;
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
    for (const [group, members] of this.#members(record, uniformKey === undefined ? refs : [refs[0]!])) {
      this.#measure(record, members[0]!, entry);
      const gate = group.novelty!;
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

  /** Short whatever the length of the text. */
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

  /** Judges the windows that waited for the watermark; `before`: where that stood when it was called last. */
  close(watermark: number, before: number): void {
    const { counts, agenda } = this.#context;
    while (this.#closing.least < watermark) {
      const group = this.#closing.pop();
      group.scheduled = Infinity;
      if (group.novelty !== undefined) {
        group.novelty.release(watermark, (arrival) => this.#pass(group, arrival, before));
        counts.coalesced += group.novelty.terms.takeCoalesced();
      }
      counts.coalesced += group.close(watermark);
      this.#schedule(group);
    }
    agenda.enter(this.#closing.least);
  }

  #schedule(group: Group): void {
    const { nextEnd } = group;
    if (nextEnd >= group.scheduled) return;
    group.scheduled = nextEnd;
    this.#closing.push(nextEnd, group);
    this.#context.agenda.enter(nextEnd);
  }

  /** The group of an event that holds one value of each field: nearly every one. Undefined for any other. */
  #groupOf(record: EventRecord, slots: readonly number[]): Group | undefined {
    let key = textOf(record.slots[slots[0]!]);
    if (key === undefined) return undefined;
    if (slots.length > 1) {
      key = `${key.length}:${key}`;
      for (let i = 1; i < slots.length; i += 1) {
        const text = textOf(record.slots[slots[i]!]);
        if (text === undefined) return undefined;
        key += `${text.length}:${text}`;
      }
    }
    return (
      this.#groups.get(key) ??
      this.#create(
        key,
        slots.map((slot) => textOf(record.slots[slot])!),
      )
    );
  }

  #groupsOf(record: EventRecord, slots: readonly number[]): readonly Group[] {
    const lists = slots.map((slot) => this.#keyValues(record.slots[slot]));
    const rows = lists.some((list) => list.length === 0) ? [] : combinations(lists);
    if (rows.length === 0) this.skipped += 1;
    return rows.map((values) => {
      const key = keyOf(values);
      return this.#groups.get(key) ?? this.#create(key, values);
    });
  }

  /** The group-by values of a field: one per element of a list; [null] or none where it is missing. */
  #keyValues(value: FieldValue | undefined): readonly Key[] {
    const texts = textsOf(value);
    if (texts.length === 0) return this.#plan.groupMissing ? [null] : [];
    return texts.length === 1 ? texts : [...new Set(texts)];
  }

  #enter(group: Group, refs: readonly number[], entry: EventEntry, eventId: string, watermark: number): void {
    group.trim(watermark);
    const mayBeCopy = eventId !== '' && entry.time <= watermark - this.#context.copiesMs;
    if (!group.addEvent(entry, watermark, mayBeCopy)) {
      this.#context.counts.duplicates += 1;
      return;
    }
    const { distincts, temporals, closings } = this.#plan;
    for (let m = 0; m < distincts.length; m += 1) {
      group.addSightings(m, entry.time, this.#values[m]!, watermark);
    }
    if (this.#logs.persons !== undefined) {
      group.addPersons(entry.time, this.#values[this.#persons]!, watermark);
    }
    for (let m = 0; m < this.#amounts.length; m += 1) {
      const amount = this.#amounts[m]!;
      if (!Number.isNaN(amount)) group.addAmount(m, entry.time, amount, watermark);
    }
    const { counts } = this.#context;
    for (let m = 0; m < temporals.length; m += 1) {
      if (temporals[m]!.muted) continue;
      counts.coalesced += group.addMatches(m, entry.time, placesOf(temporals[m]!, refs), watermark);
    }
    for (let m = 0; m < closings.length; m += 1) {
      const { temporal, muted } = closings[m]!;
      if (muted) continue;
      const value = this.#closingValues[m];
      const held = temporal === undefined ? value : matchedBy(temporal, placesOf(temporal, refs), value);
      if (held !== undefined) counts.coalesced += group.addClosing(m, entry.time, held, watermark);
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

  #create(key: Key, values: readonly Key[]): Group {
    if (this.#groups.size >= this.#plan.maxGroups) this.#evict();
    const group = new Group(this.#fieldsOf(values), this.#logs);
    this.#groups.set(key, group);
    return group;
  }

  #fieldsOf(values: readonly Key[]): Record<string, Key> {
    return Object.fromEntries(this.#plan.groupBy.map((field, i) => [field, values[i]!]));
  }

  #evict(): void {
    let victim: [Key, Group] | undefined;
    for (let i = 0; i < EVICTION_CANDIDATES || victim === undefined; i += 1) {
      const candidate = this.#nextGroup();
      if (candidate === undefined || i > this.#groups.size) break;
      if (candidate[1].episodes.length > 0) continue;
      if (victim === undefined || candidate[1].threat < victim[1].threat) victim = candidate;
    }
    if (victim === undefined) return;
    victim[1].clear();
    this.#groups.delete(victim[0]);
    this.evicted += 1;
  }

  #sweep(watermark: number): void {
    const next = this.#nextGroup();
    if (next === undefined) return;
    const [key, group] = next;
    if (group.episodes.length > 0 || group.nextEnd < Infinity || group.outOfReachFrom > watermark) return;
    group.clear();
    this.#groups.delete(key);
  }

  save(to: SectionWriter): void {
    for (const log of this.#stores) log.save(to);
    to.u32(this.#events % SWEEP_EVERY);
    to.u32(this.#passed());
    to.u32(this.#groups.size);
    for (const group of this.#groups.values()) {
      for (const field of this.#plan.groupBy) to.plain(group.fields[field]);
      group.save(to);
    }
  }

  /** To be called of a new one. */
  load(from: SectionReader): void {
    for (const log of this.#stores) log.load(from);
    this.#events = from.u32();
    const passed = from.u32();
    from.each(() => {
      const values = this.#plan.groupBy.map(() => from.plain() as Key);
      const group = Group.load(this.#fieldsOf(values), this.#logs, from);
      this.#groups.set(keyOf(values), group);
      this.#schedule(group);
    });
    this.#hand = this.#handBehind(passed);
  }

  get #stores(): readonly RunStore[] {
    const { numbers, events, distincts, persons, sums } = this.#logs;
    const logs = [numbers, events, ...distincts.map(({ log }) => log), ...sums.map(({ log }) => log)];
    return persons === undefined ? logs : [...logs, persons];
  }

  /** How many groups the hand has passed in this round. */
  #passed(): number {
    const next = this.#hand.next();
    let passed = 0;
    for (const key of this.#groups.keys()) {
      if (next.done !== true && key === next.value[0]) break;
      passed += 1;
    }
    this.#hand = this.#handBehind(passed);
    return passed;
  }

  #handBehind(groups: number): IterableIterator<[Key, Group]> {
    const hand = this.#groups.entries();
    for (let i = 0; i < groups; i += 1) hand.next();
    return hand;
  }

  #nextGroup(): [Key, Group] | undefined {
    let step = this.#hand.next();
    if (step.done === true) {
      this.#hand = this.#groups.entries();
      step = this.#hand.next();
    }
    return step.done === true ? undefined : step.value;
  }
}

/** Places of the matched references in a temporal rule's list, ascending. */
function placesOf({ places, alone }: PlannedTemporal, refs: readonly number[]): readonly number[] {
  if (refs.length === 1) return alone.get(refs[0]!)!;
  return refs.map((ref) => places.get(ref)!).sort((a, b) => a - b);
}

/** What a field adds to a sum: a list adds its elements; NaN when it holds no amount. */
function amountOf(value: FieldValue | undefined): number {
  if (Array.isArray(value)) {
    const amounts = value.map(amountOf).filter((amount) => !Number.isNaN(amount));
    return amounts.length === 0 ? NaN : amounts.reduce((sum, amount) => sum + amount, 0);
  }
  const amount = numberOf(value);
  return amount !== undefined && amount >= 0 ? amount : NaN;
}
