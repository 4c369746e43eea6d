/**
 * What the groups of a stream share: the stores that hold their entries, what is measured, and the tracker that windows
 * are reported to. Also the operations on all that one group has in those stores; its `numbers` say where that is.
 */

import type { EpisodeRule } from '../alert/episode.ts';
import type { EpisodeTracker } from '../alert/episode-tracker.ts';
import type { Totals } from '../alert/totals.ts';
import type { Lists } from '../lookup/list.ts';
import { raisesAlerts } from '../sigma/rule.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { DimensionTable } from '../window/dimension-table.ts';
import { DistinctLog } from '../window/distinct-log.ts';
import { EventLog } from '../window/event-log.ts';
import type { Horizon, WindowVisitor } from '../window/horizon.ts';
import { SeenLog } from '../window/seen-log.ts';
import { SleepingLog } from '../window/sleeping-log.ts';
import { SumLog } from '../window/sum-log.ts';
import { BaselineGate } from './baseline-gate.ts';
import { sleeperOf } from './closing-measure.ts';
import { GroupNumbers } from './group-numbers.ts';
import { GroupSaving } from './group-saving.ts';
import { type ClosingLogs, GroupWaits, type StreamWaits } from './group-waits.ts';
import type { PlannedNovelty } from './novelty-gate.ts';
import { type PlannedClosing, type PlannedHorizon, type StreamPlan, watchersOf } from './plan.ts';
import type { PlannedTemporal } from './plan-temporal.ts';
import { ScaledBounds } from './scaled-bounds.ts';

/** What is out of reach is forgotten in batches of this share of the longest timespan. */
const TRIM_SHARE = 32;

export interface LogsContext {
  readonly tracker: EpisodeTracker;
  /** The lists that the rules name. */
  readonly lists: Lists;
  /** Slot of the persons' ids, for the alerts' distinct persons; undefined if alerts hold no evidence. */
  readonly personSlot: number | undefined;
  readonly dimensions: DimensionTable;
  readonly exactEntries: number;
}

/** The current event of a stream. */
interface EventAtHand {
  watermark: number;
  time: number;
  /** Numbers the events that entered groups, from 1. */
  number: number;
  /** The log of the event's group holds its persons. */
  personsHeld: boolean;
}

export class StreamLogs implements StreamWaits {
  readonly saving = new GroupSaving();
  readonly groupBy: readonly string[];
  readonly numbers: GroupNumbers;
  readonly events: EventLog;
  readonly counts: readonly PlannedHorizon[];
  readonly distincts: readonly { log: DistinctLog; horizons: readonly PlannedHorizon[] }[];
  /** Index of the measure that counts the persons; −1 if none does. */
  readonly counted: number;
  /** Holds the persons if no rule counts them but an alert has to say how many there were. */
  readonly persons: SeenLog | undefined;
  readonly sums: readonly { log: SumLog; horizons: readonly PlannedHorizon[] }[];
  readonly temporals: readonly PlannedTemporal[];
  readonly closings: readonly ClosingLogs[];
  readonly gates: readonly BaselineGate[];
  readonly novelty: PlannedNovelty | undefined;
  /** Shared by the groups in which nothing waits; undefined if every group needs its own. */
  readonly sharedWaits: GroupWaits | undefined;
  readonly longestMs: number;
  /** Entries that a log of one group holds before anything is coalesced. */
  readonly exactEntries: number;
  /** The rules of the stream as episodes know them. */
  readonly watchers: readonly EpisodeRule[];
  readonly tracker: EpisodeTracker;
  readonly atHand: EventAtHand = { watermark: -Infinity, time: NaN, number: 0, personsHeld: false };
  /** Whether alerts say what was seen. */
  readonly evidence: boolean;
  readonly scaled: ScaledBounds;

  constructor(plan: StreamPlan, { tracker, lists, personSlot, dimensions, exactEntries }: LogsContext) {
    const { distincts, sums, longestMs } = plan;
    this.groupBy = plan.groupBy;
    this.tracker = tracker;
    this.evidence = personSlot !== undefined;
    this.scaled = new ScaledBounds(plan.rules, lists);
    const counted = [...plan.counts, ...distincts.flatMap(({ horizons }) => horizons)];
    const mostCounted = Math.max(this.scaled.most, ...counted.map(({ mostThreshold }) => mostThreshold));
    this.exactEntries = Math.max(exactEntries, 2 * mostCounted);
    this.events = new EventLog(dimensions);
    this.counts = plan.counts;
    this.distincts = distincts.map(({ horizons }) => ({
      log: new DistinctLog(horizons, longestMs),
      horizons,
    }));
    this.counted = distincts.findIndex(({ fields }) => fields.length === 1 && fields[0] === personSlot);
    const held = this.evidence && this.counted < 0 && plan.places.some(raisesAlerts);
    this.persons = held ? new SeenLog() : undefined;
    this.sums = sums.map(({ horizons }) => ({ log: new SumLog(), horizons }));
    this.temporals = plan.temporals;
    this.closings = plan.closings.map(closingLogs);
    this.gates = plan.baselined.map((horizon) => new BaselineGate(horizon));
    this.novelty = plan.novelty;
    this.longestMs = longestMs;
    this.watchers = watchersOf(plan);
    this.numbers = new GroupNumbers(this, this.exactEntries);
    this.sharedWaits = GroupWaits.sharedBy(this);
  }

  /** Bytes of typed memory that the stores use. */
  get bytes(): number {
    const { numbers, events, distincts, persons, sums, closings, gates } = this;
    const asleep = closings.flatMap(({ sleeping }) => sleeping ?? []);
    const histories = gates.map((gate) => gate.histories);
    const logs = [...distincts, ...sums].map(({ log }) => log);
    const stores = [numbers, events, ...logs, ...(persons ? [persons] : []), ...asleep, ...histories];
    return stores.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Largest share of a threshold that any horizon of a group has reached, 0 to 1 and beyond. */
  threatOf(numbers: GroupNumbers): number {
    const { events, distincts } = this;
    const { events: run, newest } = numbers;
    let threat = 0;
    const consider = ({ leastBound }: Horizon, value: number): void => {
      threat = Math.max(threat, value / Math.max(1, leastBound));
    };
    for (const { horizon, value } of numbers.counts) {
      const isKept = numbers.keepsUp(horizon);
      consider(horizon, isKept ? value : run.length - events.countUpTo(run, newest.ms - horizon.timespanMs));
    }
    numbers.sightings.forEach((s, m) => {
      s.horizons.forEach(({ horizon }, h) => consider(horizon, distincts[m]!.log.mostIn(s, h)));
    });
    for (const { horizons } of numbers.sums)
      for (const { horizon, value } of horizons) consider(horizon, value);
    return threat;
  }

  /**
   * What an alert says of a group's events after `from` and up to `to` (event times, ms): adds those that hold the
   * measure, and the persons of all, to totals; with sign −1 subtracts the events.
   */
  addRange(
    totals: Totals,
    numbers: GroupNumbers,
    measure: number,
    from: number,
    to: number,
    sign: 1 | -1,
  ): void {
    const { events, distincts, counted, persons, evidence, atHand } = this;
    if (!evidence) return;
    if (from < numbers.coalescedUpTo) totals.estimated = true;
    events.addRange(totals, numbers.events, measure, from, to, sign);
    if (counted >= 0) {
      distincts[counted]!.log.addPersonsTo(totals.persons, numbers.sightings[counted]!, from, to);
    } else {
      persons?.addPersonsTo(totals.persons, numbers.persons, from, to);
    }
    if (atHand.personsHeld && from < atHand.time && atHand.time <= to) totals.personsOf = atHand.number;
  }

  /** Watermark from which it pays to trim a group whose oldest entry has this time, ms. */
  trimDue(oldest: number): number {
    return oldest + this.longestMs + this.longestMs / TRIM_SHARE;
  }

  /** Whether trimming pays by now; notes when it will. */
  mustTrim(numbers: GroupNumbers, watermark: number): boolean {
    const { events: run } = numbers;
    numbers.trimFrom = this.trimDue(run.length === 0 ? Infinity : this.events.timeAt(run.first));
    if (run.length === 0) {
      this.distincts.forEach(({ log }, m) => {
        numbers.trimFrom = Math.min(numbers.trimFrom, log.trimDue(numbers.sightings[m]!));
      });
    }
    return watermark >= numbers.trimFrom;
  }

  /** Forgets what no window still to be judged can hold: of the events, the `gone` oldest. */
  trim(numbers: GroupNumbers, gone: number, watermark: number, visitor: WindowVisitor): void {
    const { events, distincts, persons, sums, closings } = this;
    const before = watermark - this.longestMs;
    for (const state of numbers.counts) events.dropped(numbers.events, state, gone);
    events.dropFront(numbers.events, gone);
    for (let m = 0; m < distincts.length; m += 1) {
      distincts[m]!.log.trim(numbers.sightings[m]!, before, watermark, visitor);
    }
    persons?.trim(numbers.persons, before);
    for (let m = 0; m < closings.length; m += 1) closings[m]!.sleeping?.trim(numbers.asleep[m]!, watermark);
    for (let m = 0; m < sums.length; m += 1) {
      const { log } = sums[m]!;
      const sum = numbers.sums[m]!;
      const count = log.countUpTo(sum.run, before);
      if (count === 0) continue;
      for (const state of sum.horizons) log.dropped(sum.run, state, count);
      log.dropFront(sum.run, count);
      if (sum.run.length === 0) {
        sum.inexact = false;
        for (const state of sum.horizons) state.value = 0;
      }
    }
  }

  save(to: SectionWriter, numbers: GroupNumbers): void {
    numbers.save(to);
    const { events, persons, distincts, sums, closings, gates } = this;
    events.saveRun(to, numbers.events);
    persons?.saveRun(to, numbers.persons);
    for (let m = 0; m < distincts.length; m += 1) distincts[m]!.log.save(to, numbers.sightings[m]!);
    for (let m = 0; m < sums.length; m += 1) sums[m]!.log.saveRun(to, numbers.sums[m]!.run);
    for (let m = 0; m < closings.length; m += 1) closings[m]!.sleeping?.saveRun(to, numbers.asleep[m]!.run);
    for (let g = 0; g < gates.length; g += 1) gates[g]!.histories.saveRun(to, numbers.histories[g]!.run);
  }

  /** Call for a new group only. */
  load(from: SectionReader, numbers: GroupNumbers): void {
    numbers.load(from);
    const { events, persons, distincts, sums, closings, gates } = this;
    events.loadRun(from, numbers.events);
    persons?.loadRun(from, numbers.persons);
    for (let m = 0; m < distincts.length; m += 1) distincts[m]!.log.load(from, numbers.sightings[m]!);
    for (let m = 0; m < sums.length; m += 1) sums[m]!.log.loadRun(from, numbers.sums[m]!.run);
    for (let m = 0; m < closings.length; m += 1) closings[m]!.sleeping?.loadRun(from, numbers.asleep[m]!.run);
    for (let g = 0; g < gates.length; g += 1) gates[g]!.histories.loadRun(from, numbers.histories[g]!.run);
  }

  /** Frees the memory of a group. */
  clear(numbers: GroupNumbers): void {
    const { events, persons, distincts, sums, closings, gates } = this;
    events.release(numbers.events);
    persons?.release(numbers.persons);
    distincts.forEach(({ log }, m) => log.clear(numbers.sightings[m]!));
    sums.forEach(({ log }, m) => log.release(numbers.sums[m]!.run));
    closings.forEach(({ sleeping }, m) => sleeping?.clear(numbers.asleep[m]!));
    gates.forEach(({ histories }, g) => histories.release(numbers.histories[g]!.run));
    numbers.delete();
  }
}

function closingLogs(closing: PlannedClosing): ClosingLogs {
  const { watchers, maxEntries } = closing;
  const sleeper = sleeperOf(closing);
  const sleeping = sleeper && new SleepingLog(watchers[0].rule.timespanMs, maxEntries, sleeper);
  return { ...closing, sleeping };
}
