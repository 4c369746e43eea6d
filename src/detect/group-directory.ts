/**
 * The groups of a stream, by the texts of their group-by values.
 *
 * Their number is capped: a new one beyond the cap evicts, of a few candidates, the one furthest from any threshold
 * and without an open episode; every eviction is counted. Groups that hold nothing any more are forgotten by a hand
 * that passes over all of them several times in the longest timespan, in event time: however fast others come, those
 * that are gone are few beside those that are not.
 */

import type { EventRecord, FieldValue } from '../event/record.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { Group } from './group.ts';
import type { StreamPlan } from './plan.ts';
import type { StreamLogs } from './stream-logs.ts';
import { combinations, groupText, groupTexts, keyOf } from './values.ts';

type Key = string | null;

const EVICTION_CANDIDATES = 8;
/** How often in the longest timespan the hand passes over all groups. */
const ROUNDS = 2;
/** Most steps of it at once, after a pause; and more for each group made since, of which an event may make many. */
const STEPS = 512;
const STEPS_PER_GROUP = 8;
const GROUPS_A_STEP = 1000;
const NO_GROUPS: readonly Group[] = [];

export class GroupDirectory {
  readonly #plan: StreamPlan;
  readonly #logs: StreamLogs;
  readonly #groups = new Map<Key, Group>();
  #hand = this.#groups.values();
  /** Number of the group that it passed last. */
  #passed = 0;
  /** Groups made so far. */
  #made = 0;
  /** Watermark at which its next step is due. */
  #dueAt = -Infinity;
  /** Groups made when it went on last. */
  #madeBefore = 0;
  /** Events that had no group, for a missing value. */
  skipped = 0;
  /** Groups evicted over the cap. */
  evicted = 0;

  constructor(plan: StreamPlan, logs: StreamLogs) {
    this.#plan = plan;
    this.#logs = logs;
  }

  get size(): number {
    return this.#groups.size;
  }

  each(visit: (group: Group) => void): void {
    for (const group of this.#groups.values()) visit(group);
  }

  /** The group of an event that holds one value of each field: nearly every one. Undefined for any other. */
  of(record: EventRecord, slots: readonly number[]): Group | undefined {
    let key = groupText(record.slots[slots[0]!]);
    if (key === undefined) return undefined;
    if (slots.length > 1) {
      key = `${key.length}:${key}`;
      for (let i = 1; i < slots.length; i += 1) {
        const text = groupText(record.slots[slots[i]!]);
        if (text === undefined) return undefined;
        key += `${text.length}:${text}`;
      }
    }
    return this.#groups.get(key) ?? this.#create(key);
  }

  /** The groups of any event: none where a value is missing that must be there. */
  allOf(record: EventRecord, slots: readonly number[]): readonly Group[] {
    if (slots.length === 1 && record.slots[slots[0]!] === undefined && !this.#plan.groupMissing) {
      this.skipped += 1;
      return NO_GROUPS;
    }
    const lists = slots.map((slot) => this.#keyValues(record.slots[slot]));
    const rows = lists.some((list) => list.length === 0) ? [] : combinations(lists);
    if (rows.length === 0) this.skipped += 1;
    return rows.map((values) => {
      const key = keyOf(values);
      return this.#groups.get(key) ?? this.#create(key);
    });
  }

  /**
   * The groups of an event, and of the references those that put it there, in the order of the rules' list: what the
   * event is worth is read where the first of them has it.
   */
  byReference(record: EventRecord, refs: readonly number[]): Map<Group, number[]> {
    const members = new Map<Group, number[]>();
    for (const [ref, slots] of this.#plan.keySlots) {
      if (!refs.includes(ref)) continue;
      const group = this.of(record, slots);
      for (const each of group === undefined ? this.allOf(record, slots) : [group]) {
        const known = members.get(each);
        if (known === undefined) members.set(each, [ref]);
        else known.push(ref);
      }
    }
    return members;
  }

  /** To be called every few events: the hand goes on, and forgets groups that hold nothing any more. */
  sweep(watermark: number): void {
    const roundMs = this.#plan.longestMs / ROUNDS;
    // However much time has gone by, one round is enough.
    this.#dueAt = Math.max(this.#dueAt, watermark - roundMs);
    const most = STEPS + STEPS_PER_GROUP * (this.#made - this.#madeBefore);
    this.#madeBefore = this.#made;
    for (let steps = 0; steps < most && this.#dueAt < watermark; steps += 1) {
      const group = this.#nextGroup();
      if (group === undefined) {
        this.#dueAt = watermark;
        return;
      }
      if (group.isDue(watermark)) {
        group.aboutToChange();
        group.trim(watermark);
      }
      if (group.isNeeded(watermark)) this.#dueAt += roundMs / this.#groups.size;
      else this.#forget(group);
    }
  }

  #forget(group: Group): void {
    group.aboutToChange();
    group.clear();
    this.#groups.delete(group.key);
  }

  /** Saves what it holds at the first step; in steps of some milliseconds. */
  *saving(to: SectionWriter): Generator<void> {
    const { saving } = this.#logs;
    to.f64(this.#dueAt);
    to.f64(this.#madeBefore);
    to.f64(this.#made);
    to.f64(this.#passed);
    const round = saving.begin(to);
    let visited = 0;
    try {
      yield;
      for (const group of this.#groups.values()) {
        if (saving.round !== round) throw new Error('another saving of this state has begun');
        group.aboutToChange();
        visited += 1;
        if (visited % GROUPS_A_STEP === 0) yield;
      }
    } finally {
      saving.end(round);
    }
    to.flag(false);
  }

  /** Of an empty one; in steps of some milliseconds. */
  *loading(from: SectionReader, loaded: (group: Group) => void): Generator<void> {
    this.#dueAt = from.f64();
    this.#madeBefore = from.f64();
    this.#made = from.f64();
    this.#passed = from.f64();
    const groups: Group[] = [];
    while (from.flag()) {
      const number = from.f64();
      groups.push(Group.load(from.plain() as Key, this.#logs, number, from));
      if (groups.length % GROUPS_A_STEP === 0) yield;
    }
    for (const group of groups.sort((a, b) => a.number - b.number)) {
      this.#groups.set(group.key, group);
      loaded(group);
      if (this.#groups.size % GROUPS_A_STEP === 0) yield;
    }
    this.#hand = this.#handBehind(this.#passed);
  }

  /** The group-by values of a field: one per element of a list; [null] or none where it is missing. */
  #keyValues(value: FieldValue | undefined): readonly Key[] {
    const texts = groupTexts(value);
    if (texts.length === 0) return this.#plan.groupMissing ? [null] : [];
    return texts.length === 1 ? texts : [...new Set(texts)];
  }

  #create(key: Key): Group {
    if (this.#groups.size >= this.#plan.maxGroups) this.#evict();
    this.#made += 1;
    const group = new Group(key, this.#logs, this.#made);
    this.#groups.set(key, group);
    return group;
  }

  #evict(): void {
    let victim: Group | undefined;
    for (let i = 0; i < EVICTION_CANDIDATES || victim === undefined; i += 1) {
      const candidate = this.#nextGroup();
      if (candidate === undefined || i > this.#groups.size) break;
      if (candidate.episodes.length > 0) continue;
      if (victim === undefined || candidate.threat < victim.threat) victim = candidate;
    }
    if (victim === undefined) return;
    this.#forget(victim);
    this.evicted += 1;
  }

  #handBehind(number: number): MapIterator<Group> {
    let passed = 0;
    for (const group of this.#groups.values()) {
      if (group.number > number) break;
      passed += 1;
    }
    const hand = this.#groups.values();
    for (let i = 0; i < passed; i += 1) hand.next();
    return hand;
  }

  #nextGroup(): Group | undefined {
    let step = this.#hand.next();
    if (step.done === true) {
      this.#hand = this.#groups.values();
      step = this.#hand.next();
    }
    if (step.done === true) return undefined;
    this.#passed = step.value.number;
    return step.value;
  }
}
