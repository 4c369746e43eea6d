/**
 * The groups of a stream, by the text of their group-by values.
 *
 * Their number is capped: a new group beyond the cap evicts, of a few candidates without an open episode, the one
 * furthest from any threshold; every eviction is counted. Groups with an open episode are never evicted: if the hand
 * finds no other group in some steps, the new one exceeds the cap, and later ones evict two each until the number is
 * within it again. A hand that passes over all groups several times in the
 * longest timespan (event time) forgets those that hold nothing any more, so these stay few beside the others, however
 * fast new groups come.
 */

import type { EventRecord, FieldValue } from '../event/record.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { Group, type GroupKeeper } from './group.ts';
import type { StreamPlan } from './plan.ts';
import type { StreamLogs } from './stream-logs.ts';
import { combinations, groupText, groupTexts, keyOf } from './values.ts';

type Key = string | null;

const EVICTION_CANDIDATES = 8;
/** Most groups looked at for one that may be evicted. */
const EVICTION_STEPS = 64;
/** Most evictions per new group. */
const EVICTIONS = 2;
/** How often per longest timespan the hand passes over all groups. */
const ROUNDS = 2;
/** Most steps of the hand in one sweep, after a pause; plus some per group made since, as one event may make many. */
const STEPS = 512;
const STEPS_PER_GROUP = 8;
const GROUPS_A_STEP = 1000;
const NO_KEYS: readonly Key[] = [];

export class GroupDirectory implements GroupKeeper {
  readonly #plan: StreamPlan;
  readonly #logs: StreamLogs;
  /** Groups with an object of their own, and the rows of all others, in the order in which they were made. */
  readonly #groups = new Map<Key, Group | number>();
  /** Stands for the group of the current event. */
  #atHand: Group;
  /** Stands for groups looked at in between. */
  #lookedAt: Group;
  #hand = this.#groups.entries();
  /** Number of the group that the hand passed last. */
  #passed = 0;
  /** Groups made so far. */
  #made = 0;
  /** Watermark at which the hand's next step is due. */
  #dueAt = -Infinity;
  /** Groups made when the hand last went on. */
  #madeBefore = 0;
  /** Events without a group: a value is missing, or there are too many. */
  skipped = 0;
  /** Groups evicted over the cap. */
  evicted = 0;

  constructor(plan: StreamPlan, logs: StreamLogs) {
    this.#plan = plan;
    this.#logs = logs;
    this.#atHand = new Group(logs, this);
    this.#lookedAt = new Group(logs, this);
  }

  keep(group: Group): void {
    this.#groups.set(group.key, group);
  }

  get size(): number {
    return this.#groups.size;
  }

  each(visit: (group: Group) => void): void {
    for (const [key, known] of this.#groups) visit(this.#look(key, known));
  }

  /** The group with that key, created if there is none. Valid until the next call. */
  withKey(key: Key): Group {
    const known = this.#groups.get(key);
    if (typeof known === 'object') return known;
    if (known !== undefined) this.#free().moveTo(key, known);
    else this.#create(key);
    return this.#atHand;
  }

  /** An object that stands for a group until it is moved to another one. */
  #free(): Group {
    if (this.#atHand.isKept) this.#atHand = new Group(this.#logs, this);
    return this.#atHand;
  }

  /** A group in passing: valid until the next one is looked at. */
  #look(key: Key, known: Group | number): Group {
    if (typeof known === 'object') return known;
    if (this.#lookedAt.isKept) this.#lookedAt = new Group(this.#logs, this);
    this.#lookedAt.moveTo(key, known);
    return this.#lookedAt;
  }

  /**
   * The group of an event that holds one value of each field, as nearly every event does; otherwise undefined. Valid as
   * with `withKey`.
   */
  of(record: EventRecord, slots: readonly number[]): Group | undefined {
    const key = singleKey(record, slots);
    return key === undefined ? undefined : this.withKey(key);
  }

  /** The keys of any event; none if a required value is missing. */
  keysOf(record: EventRecord, slots: readonly number[]): readonly Key[] {
    if (slots.length === 1 && record.slots[slots[0]!] === undefined && !this.#plan.groupMissing) {
      this.skipped += 1;
      return NO_KEYS;
    }
    const lists = slots.map((slot) => this.#keyValues(record.slots[slot]));
    const rows = lists.some((list) => list.length === 0) ? [] : combinations(lists);
    if (rows.length === 0) this.skipped += 1;
    return rows.map(keyOf);
  }

  /**
   * The keys of an event, each with the references that put it there, in the order of the rules' list. The event's
   * measured values are read as the first of these references has them.
   */
  byReference(record: EventRecord, refs: readonly number[]): Map<Key, number[]> {
    const members = new Map<Key, number[]>();
    for (const [ref, slots] of this.#plan.keySlots) {
      if (!refs.includes(ref)) continue;
      const key = singleKey(record, slots);
      for (const each of key === undefined ? this.keysOf(record, slots) : [key]) {
        const known = members.get(each);
        if (known === undefined) members.set(each, [ref]);
        else known.push(ref);
      }
    }
    return members;
  }

  /** Call every few events: moves the hand on and forgets groups that hold nothing any more. */
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

  /** Saves all groups as of the first step, in steps of some milliseconds. */
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
      for (const [key, known] of this.#groups) {
        if (saving.round !== round) throw new Error('another saving of this state has begun');
        this.#look(key, known).aboutToChange();
        visited += 1;
        if (visited % GROUPS_A_STEP === 0) yield;
      }
    } finally {
      saving.end(round);
    }
    to.flag(false);
  }

  /** Call on an empty directory only. Runs in steps of some milliseconds. */
  *loading(from: SectionReader, kept: (group: Group) => void): Generator<void> {
    this.#dueAt = from.f64();
    this.#madeBefore = from.f64();
    this.#made = from.f64();
    this.#passed = from.f64();
    const groups: (readonly [number: number, key: Key, known: Group | number])[] = [];
    while (from.flag()) {
      const number = from.f64();
      const group = this.#free();
      group.load(from, from.plain() as Key, number);
      groups.push([number, group.key, group.isKept ? group : group.row]);
      if (groups.length % GROUPS_A_STEP === 0) yield;
    }
    // Kept groups are there already, but in the order in which they were saved.
    this.#groups.clear();
    for (const [, key, known] of groups.sort(([a], [b]) => a - b)) {
      this.#groups.set(key, known);
      if (typeof known === 'object') kept(known);
      if (this.#groups.size % GROUPS_A_STEP === 0) yield;
    }
    this.#hand = this.#handBehind(this.#passed);
  }

  /** The group-by values of a field: one per element of a list. If it is missing, [null] or none. */
  #keyValues(value: FieldValue | undefined): readonly Key[] {
    const texts = groupTexts(value);
    if (texts.length === 0) return this.#plan.groupMissing ? [null] : [];
    return texts.length === 1 ? texts : [...new Set(texts)];
  }

  #create(key: Key): void {
    for (let i = 0; i < EVICTIONS && this.#groups.size >= this.#plan.maxGroups; i += 1) {
      if (!this.#evict()) break;
    }
    this.#made += 1;
    const group = this.#free();
    group.create(key, this.#made);
    if (!group.isKept) this.#groups.set(key, group.row);
  }

  /** Returns false if it found no group that may be evicted. */
  #evict(): boolean {
    let victim: { readonly key: Key; readonly threat: number } | undefined;
    const most = Math.min(EVICTION_STEPS, this.#groups.size);
    for (let i = 0; i < most && (i < EVICTION_CANDIDATES || victim === undefined); i += 1) {
      const candidate = this.#nextGroup();
      if (candidate === undefined) break;
      if (candidate.episodes.length > 0) continue;
      const { key, threat } = candidate;
      if (victim === undefined || threat < victim.threat) victim = { key, threat };
    }
    if (victim === undefined) return false;
    this.#forget(this.#look(victim.key, this.#groups.get(victim.key)!));
    this.evicted += 1;
    return true;
  }

  #handBehind(number: number): MapIterator<[Key, Group | number]> {
    let passed = 0;
    for (const [key, known] of this.#groups) {
      if (this.#look(key, known).number > number) break;
      passed += 1;
    }
    const hand = this.#groups.entries();
    for (let i = 0; i < passed; i += 1) hand.next();
    return hand;
  }

  #nextGroup(): Group | undefined {
    let step = this.#hand.next();
    if (step.done === true) {
      this.#hand = this.#groups.entries();
      step = this.#hand.next();
    }
    if (step.done === true) return undefined;
    const group = this.#look(...step.value);
    this.#passed = group.number;
    return group;
  }
}

/** The key of an event that holds one value of each field; undefined for any other. */
function singleKey(record: EventRecord, slots: readonly number[]): string | undefined {
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
  return key;
}
