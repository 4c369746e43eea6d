/**
 * The state of one group of one stream: its logs, its horizons and its open episodes.
 *
 * All that most groups ever have is a row of numbers (`group-numbers.ts`). A `Group` stands for one row after another
 * until one of them needs something that is not a number: an episode, or something that waits; in streams with temporal
 * logs or gates of new terms, from the start. From then on it belongs to that group for good.
 *
 * An arriving event goes into the logs, then each horizon counts it; a horizon that reaches its least threshold calls
 * `window`, and the episode tracker is told for each watcher whose bounds hold.
 *
 * Memory: what no window can reach any more is trimmed with the watermark. Before a rule crosses, its threshold bounds
 * what its windows hold; beyond `exactEntries` entries they are coalesced (`coalescing.ts`).
 */

import type { Episode, EpisodeGroup, EpisodeRule } from '../alert/episode.ts';
import { Totals } from '../alert/totals.ts';
import type { Pseudonyms } from '../event/pseudonyms.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { EventEntry } from '../window/event-log.ts';
import type { Horizon, WindowVisitor } from '../window/horizon.ts';
import { TemporalLog } from '../window/temporal-log.ts';
import { coalesce } from './coalescing.ts';
import type { GroupNumbers } from './group-numbers.ts';
import type { SavedGroup } from './group-saving.ts';
import { GroupWaits } from './group-waits.ts';
import { holds, largestBound } from '../sigma/bounds.ts';
import type { PlannedHorizon } from './plan.ts';
import type { HeldNumbers } from './held-numbers.ts';
import type { StreamLogs } from './stream-logs.ts';
import { valuesOf } from './values.ts';

/** Larger whole amounts soon add up to more than a double counts exactly. */
const LARGEST_WHOLE = 2 ** 40;

/** Stands for the lists of a group that has none of its own. */
const NONE: readonly never[] = [];

/** Knows the groups of a stream. */
export interface GroupKeeper {
  /** From here on this object alone stands for its group. */
  keep(group: Group): void;
}

export class Group implements EpisodeGroup, SavedGroup, WindowVisitor {
  #key: string | null = null;
  /** −1 while it stands for no group. */
  #row = -1;
  /** It stands for this group for good. */
  isKept = false;
  /** What waits for the watermark, and what is remembered for that; shared with other groups while that is nothing. */
  waits: GroupWaits;
  #episodes: readonly Episode[] = NONE;
  readonly #temporals: readonly TemporalLog[];
  readonly #logs: StreamLogs;
  readonly #keeper: GroupKeeper;

  /** Stands for no group yet. */
  constructor(logs: StreamLogs, keeper: GroupKeeper) {
    this.#logs = logs;
    this.#keeper = keeper;
    const { temporals, sharedWaits } = logs;
    this.waits = sharedWaits ?? new GroupWaits(logs);
    this.#temporals = temporals.length === 0 ? NONE : temporals.map(({ spec }) => new TemporalLog(spec));
  }

  /** Stands for the group of this row from here on. */
  moveTo(key: string | null, row: number): void {
    this.#key = key;
    this.#row = row;
  }

  /** Makes a group and stands for it. `number`: counts the groups that the stream has made. */
  create(key: string | null, number: number): void {
    const { numbers, saving, sharedWaits } = this.#logs;
    this.moveTo(key, numbers.create(number));
    this.savedIn = saving.round;
    if (sharedWaits === undefined || this.#temporals.length > 0) this.#keep();
  }

  #keep(): void {
    if (this.isKept) return;
    this.isKept = true;
    this.#keeper.keep(this);
  }

  /** The group-by values as one text; null if a single one is missing. */
  get key(): string | null {
    return this.#key;
  }

  /** The group was forgotten, though something may still refer to it. */
  get isGone(): boolean {
    return this.#row < 0;
  }

  get row(): number {
    return this.#row;
  }

  get number(): number {
    return this.#logs.numbers.numberOf(this.#row);
  }

  set savedIn(round: number) {
    this.#logs.numbers.setSavedIn(this.#row, round);
  }

  get fields(): Readonly<Record<string, string | null>> {
    const { groupBy } = this.#logs;
    const values = valuesOf(this.#key, groupBy.length);
    return Object.fromEntries(groupBy.map((field, i) => [field, values[i]!]));
  }

  /** Opens the row, which stays open until the numbers of another group of the stream are asked for. */
  get #numbers(): GroupNumbers {
    const { numbers } = this.#logs;
    numbers.open(this.#row);
    return numbers;
  }

  /** Gives the group its own waits if it shares them. */
  #ownWaits(): GroupWaits {
    if (this.waits === this.#logs.sharedWaits) {
      this.#keep();
      this.waits = new GroupWaits(this.#logs);
    }
    return this.waits;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes;
  }

  addEpisode(episode: Episode): void {
    this.#keep();
    this.#episodes = [...this.#episodes, episode];
  }

  removeEpisode(episode: Episode): void {
    const left = this.#episodes.filter((other) => other !== episode);
    this.#episodes = left.length === 0 ? NONE : left;
  }

  /** Whether there is something to trim. */
  isDue(watermark: number): boolean {
    return this.#logs.numbers.trimFromOf(this.#row) <= watermark;
  }

  /** Whether the group may still report something or decide on later events. Asks the cheap things first. */
  isNeeded(watermark: number): boolean {
    const { numbers, longestMs } = this.#logs;
    const { waits } = this;
    return (
      this.#episodes.length > 0 ||
      numbers.newestOf(this.#row) + longestMs > watermark ||
      waits.nextEnd < Infinity ||
      (waits.novelty?.terms.outOfReachFrom ?? -Infinity) > watermark ||
      this.#isRemembered(watermark)
    );
  }

  #isRemembered(watermark: number): boolean {
    const { gates } = this.#logs;
    const { histories, sightings } = this.#numbers;
    return (
      sightings.some(({ owes }) => owes) ||
      gates.some((gate, g) => gate.histories.outOfReachFrom(histories[g]!) > watermark)
    );
  }

  /** Largest share of a threshold that any horizon has reached, 0 to 1 and beyond. */
  get threat(): number {
    return this.#logs.threatOf(this.#numbers);
  }

  /** Adds an event to the log; returns false if the log holds it already (a late duplicate). */
  addEvent(entry: EventEntry, watermark: number, mayBeCopy: boolean): boolean {
    const { events, tracker, evidence, atHand } = this.#logs;
    const numbers = this.#numbers;
    const run = numbers.events;
    if (mayBeCopy && events.has(run, entry)) return false;
    atHand.watermark = watermark;
    atHand.time = entry.time;
    atHand.number += 1;
    atHand.personsHeld = false;
    numbers.newest.ms = Math.max(numbers.newest.ms, entry.time);
    const index = events.add(run, entry);
    if (index === 0) numbers.trimFrom = this.#logs.trimDue(entry.time);
    if (evidence) {
      for (const episode of this.#episodes) tracker.eventArrived(episode, entry, watermark);
    }
    const { counts, coalescedUpTo } = numbers;
    for (let h = 0; h < counts.length; h += 1) {
      const state = counts[h]!;
      if (!numbers.keepsUp(state.horizon)) continue;
      const begins = run.length - 1 < state.horizon.leastThreshold && coalescedUpTo === -Infinity;
      if (begins) events.catchUp(run, state, index, watermark, this);
      else events.slide(run, state, index, watermark, false, this);
    }
    return true;
  }

  /** Adds the sightings of an event's values for measure `m`. */
  addSightings(m: number, t: number, values: Pseudonyms, watermark: number): void {
    const { log } = this.#logs.distincts[m]!;
    const s = this.#numbers.sightings[m]!;
    if (!log.add(s, t, values, watermark, this)) return;
    if (m === this.#logs.counted) this.#logs.atHand.personsHeld = true;
    log.judgeNewest(s, watermark, this);
  }

  /** Adds the persons of an event if no measure counts them. */
  addPersons(t: number, persons: Pseudonyms, watermark: number): void {
    this.#logs.atHand.personsHeld = this.#logs.persons!.add(this.#numbers.persons, t, persons, watermark);
  }

  addAmount(m: number, t: number, amount: number, watermark: number): void {
    const { log } = this.#logs.sums[m]!;
    const sum = this.#numbers.sums[m]!;
    if (!Number.isInteger(amount) || amount > LARGEST_WHOLE) sum.inexact = true;
    const index = log.add(sum.run, t, amount);
    for (let h = 0; h < sum.horizons.length; h += 1) {
      const state = sum.horizons[h]!;
      log.slide(sum.run, state, index, watermark, sum.inexact, this);
      if (state.value > Number.MAX_SAFE_INTEGER) sum.inexact = true;
    }
  }

  /** Adds matches of referenced rules (ascending places) for temporal rule `m`; returns how many entries had to go. */
  addMatches(m: number, t: number, places: readonly number[], watermark: number): number {
    const planned = this.#logs.temporals[m]!;
    return this.#temporals[m]!.add(t, places, watermark, (end, value) => {
      this.#logs.tracker.trueWindow(planned, this, end, value, false);
    });
  }

  /** Adds what closing rules `m` measure of an event; returns how many entries had to go. */
  addClosing(m: number, t: number, held: unknown, watermark: number): number {
    if (this.waits.isAwake(m)) return this.waits.addClosing(m, t, held, watermark);
    const sleeping = this.#logs.closings[m]!.sleeping!;
    const asleep = this.#numbers.asleep[m]!;
    sleeping.add(asleep, t, held, watermark);
    return sleeping.mustWake(asleep, watermark) ? this.#ownWaits().wake(m, asleep, watermark) : 0;
  }

  /** Judges the windows that waited for the watermark; returns how many entries had to go. */
  close(watermark: number): number {
    const { sharedWaits } = this.#logs;
    const gone = this.waits.close(watermark, this.#numbers, {
      unusual: (horizon, end, value) => this.#tell(horizon, end, value),
      closed: (watcher, end, value, estimated) => this.#raise(watcher, end, value, estimated),
    });
    if (sharedWaits !== undefined && this.waits.isNothing) this.waits = sharedWaits;
    return gone;
  }

  /**
   * Call after all measures of the event. Open episodes that cover the event take its id, and its persons unless they
   * have them from the log. The log does not say which persons came with a value, so those of all events count.
   */
  identify(entry: EventEntry, { words, length }: Pseudonyms, id: string): void {
    for (const episode of this.#episodes) {
      if (!episode.covers(entry.time)) continue;
      const { persons, personsOf } = episode.totals;
      const counted = (entry.held & episode.of.measure) !== 0;
      if (personsOf !== this.#logs.atHand.number) {
        let came = false;
        for (let i = 0; i < length; i += 1) came = persons.add(words[2 * i]!, words[2 * i + 1]!) || came;
        if (came && !counted) this.#logs.tracker.personsCame(episode);
      }
      if (counted && id !== '') this.#logs.tracker.addSample(episode, entry.time, id);
    }
  }

  /** A window over one of this group's horizons reached the horizon's least threshold. */
  window(horizon: Horizon, endMs: number, value: number): void {
    const planned = horizon as PlannedHorizon;
    if (planned.baseline !== undefined) {
      const { gate } = planned.baseline;
      const { histories, coalescedUpTo } = this.#numbers;
      const { gates, atHand } = this.#logs;
      const estimated = endMs - horizon.timespanMs < coalescedUpTo;
      const verdict = gates[gate]!.take(histories[gate]!, endMs, value, estimated, atHand.watermark);
      if (verdict === 'waiting') this.#ownWaits().addWindow(gate, endMs, value);
      if (verdict !== 'unusual') return;
    }
    this.#tell(planned, endMs, value);
  }

  quietBelow(horizon: Horizon, fromMs: number, toMs: number): number {
    const planned = horizon as PlannedHorizon;
    const { baseline, leastBound, timespanMs } = planned;
    if (this.#episodes.length === 0 && baseline === undefined) return -Infinity;
    const estimated = this.#isEstimated(planned, fromMs);
    let below = Infinity;
    for (const watcher of planned.watchers) {
      const known = this.#logs.tracker.quietBelow(watcher, this, fromMs, toMs, estimated);
      // For a rule whose episode does not cover the window: what does not reach its bounds.
      below = Math.min(below, Math.max(known, largestBound(watcher.rule.bounds)));
    }
    if (baseline === undefined) return below;
    const { histories } = this.#logs.gates[baseline.gate]!;
    const { histories: own, coalescedUpTo } = this.#numbers;
    const noted = histories.leastIn(own[baseline.gate]!, fromMs, toMs, fromMs - timespanMs < coalescedUpTo);
    return Math.min(noted, histories.finalAfter(toMs) < this.#logs.atHand.watermark ? below : leastBound);
  }

  /** Reports the window to the rules of the horizon whose bounds it satisfies. */
  #tell(horizon: PlannedHorizon, endMs: number, value: number): void {
    const { watchers } = horizon;
    const estimated = this.#isEstimated(horizon, endMs);
    for (let i = 0; i < watchers.length; i += 1) {
      const watcher = watchers[i]!;
      if (!holds(watcher.rule.bounds, value)) return;
      this.#raise(watcher, endMs, value, estimated);
    }
  }

  /** The window satisfies the rule's own bounds; it is true if it also satisfies the group's scaled ones. */
  #raise(watcher: EpisodeRule, endMs: number, value: number, estimated: boolean): void {
    if (!this.#logs.scaled.allow(watcher.rule, this, value)) return;
    this.#logs.tracker.trueWindow(watcher, this, endMs, value, estimated);
  }

  #isEstimated(horizon: PlannedHorizon, endMs: number): boolean {
    if (endMs - horizon.timespanMs < this.#numbers.coalescedUpTo) return true;
    if (horizon.baseline === undefined) return false;
    const { gate } = horizon.baseline;
    return this.#logs.gates[gate]!.histories.estimatedAt(this.#numbers.histories[gate]!, endMs);
  }

  /** Forgets what no window still to be judged can hold, once a share of the longest timespan has gathered. */
  trim(watermark: number): void {
    const logs = this.#logs;
    const numbers = this.#numbers;
    // For nearly every event this says that nothing is due, without a look at the log.
    if (watermark < numbers.trimFrom || !logs.mustTrim(numbers, watermark)) return;
    const gone = logs.events.countUpTo(numbers.events, watermark - logs.longestMs);
    if (gone > 0 && this.#episodes.length > 0) this.#saveTails(gone);
    logs.trim(numbers, gone, watermark, this);
  }

  /** Coalesces once a log exceeds the exact bound; returns how many entries were merged away. */
  bound(watermark: number): number {
    const numbers = this.#numbers;
    if (numbers.longest <= numbers.boundAt) return 0;
    return coalesce({ logs: this.#logs, numbers, episodes: this.#episodes, watermark });
  }

  /** Frees all memory; what waits for the watermark is not judged any more. */
  clear(): void {
    if (this.waits !== this.#logs.sharedWaits) this.waits.clear();
    this.#logs.clear(this.#numbers);
    this.#row = -1;
  }

  /** Marks the numbers of the evidence's dictionaries that the group holds. */
  tellHeld(held: HeldNumbers): void {
    const { events } = this.#logs;
    const { first, length } = this.#numbers.events;
    for (let row = first; row < first + length; row += 1) held.addRow(events.dimensionsAt(row));
    for (const { totals, tail } of this.#episodes) {
      held.addTotals(totals);
      if (tail !== undefined) held.addTotals(tail);
    }
    this.waits.novelty?.eachWaiting(({ dimensions }) => held.addRow(dimensions));
  }

  /** Call before anything of the group changes. */
  aboutToChange(): void {
    const { saving, numbers } = this.#logs;
    if (numbers.savedIn(this.#row) !== saving.round) saving.save(this);
  }

  save(to: SectionWriter): void {
    const { sharedWaits, tracker, watchers } = this.#logs;
    this.#logs.save(to, this.#numbers);
    for (const temporal of this.#temporals) temporal.save(to);
    if (sharedWaits !== undefined) to.flag(this.waits !== sharedWaits);
    if (this.waits !== sharedWaits) this.waits.save(to);
    to.list(this.#episodes, (episode) => {
      to.u32(watchers.indexOf(episode.of));
      tracker.saveEpisode(to, episode);
    });
  }

  /** Makes the saved group and stands for it. */
  load(from: SectionReader, key: string | null, number: number): void {
    this.create(key, number);
    const { sharedWaits, tracker, watchers } = this.#logs;
    this.#logs.load(from, this.#numbers);
    for (const temporal of this.#temporals) temporal.load(from);
    if (sharedWaits === undefined || from.flag()) this.#ownWaits().load(from);
    from.each(() => {
      const episode = tracker.loadEpisode(from, watchers[from.u32()]!, this);
      if (episode !== undefined) this.addEpisode(episode);
    });
  }

  addRange(totals: Totals, measure: number, from: number, to: number, sign: 1 | -1): void {
    this.#logs.addRange(totals, this.#numbers, measure, from, to, sign);
  }

  recordsIn(measure: number, from: number, to: number): number {
    return this.#logs.events.recordsIn(this.#numbers.events, measure, from, to);
  }

  oldestIn(measure: number, from: number, to: number): number {
    return this.#logs.events.oldestIn(this.#numbers.events, measure, from, to);
  }

  usualAt(of: EpisodeRule, endMs: number): number | null {
    if (of.rule.baseline === undefined) return null;
    const { gates } = this.#logs;
    const gate = gates.findIndex(({ horizon }) => horizon.watchers.includes(of));
    const { upTo } = gates[gate]!.histories.usualAt(this.#numbers.histories[gate]!, endMs);
    return upTo === -Infinity ? null : upTo;
  }

  /** Events that leave the log after an open episode's end may yet belong to the episode. */
  #saveTails(gone: number): void {
    const newestGone = this.#logs.events.timeAt(this.#numbers.events.first + gone - 1);
    for (const episode of this.#episodes) {
      if (newestGone <= episode.lastTrueAt) continue;
      episode.tail ??= new Totals();
      this.addRange(episode.tail, episode.of.measure, episode.lastTrueAt, newestGone, 1);
    }
  }
}
