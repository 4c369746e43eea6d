/**
 * What of a group waits for the watermark, as more events could change it: arrivals before the gate of new terms,
 * windows whose baseline is not final, and the logs of closing rules.
 */

import type { Asleep, SleepingLog } from '../window/sleeping-log.ts';
import { ClosingLog } from '../window/closing-log.ts';
import type { EpisodeRule } from '../alert/episode.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { holds } from '../sigma/bounds.ts';
import { BaselineGate, type Verdict } from './baseline-gate.ts';
import { measureOf } from './closing-measure.ts';
import { NoveltyGate, type PlannedNovelty } from './novelty-gate.ts';
import type { PlannedClosing, PlannedHorizon } from './plan.ts';

/** What closing rules that differ in nothing but their bounds look at. */
interface ClosingLogs extends PlannedClosing {
  /** Of the groups whose log is not needed; undefined where all always are. */
  readonly sleeping: SleepingLog<unknown> | undefined;
}

/** What can wait in a stream's groups. */
export interface StreamWaits {
  readonly closings: readonly ClosingLogs[];
  readonly baselined: readonly PlannedHorizon[];
  readonly novelty: PlannedNovelty | undefined;
}

/** What is told of windows once they are judged. */
export interface Told {
  /** Of a horizon with a baseline. */
  unusual(horizon: PlannedHorizon, endMs: number, value: number): void;
  /** Of a closing rule. */
  closed(watcher: EpisodeRule, endMs: number, value: number): void;
}

export class GroupWaits {
  /** Stands before everything else where only what is new counts. */
  readonly novelty: NoveltyGate | undefined;
  /** End under which the group waits for the watermark; Infinity when it does not. */
  scheduled = Infinity;
  readonly #planned: StreamWaits;
  /** By closing measure; undefined while it sleeps. */
  #closings: readonly (ClosingLog<unknown> | undefined)[];
  readonly #gates: readonly BaselineGate[];
  /** The least of theirs. */
  #gatesNextEnd = Infinity;

  constructor(planned: StreamWaits) {
    this.#planned = planned;
    const { novelty, baselined, closings } = planned;
    this.novelty = novelty && new NoveltyGate(novelty);
    this.#closings = closings.map(({ sleeping }, m) =>
      sleeping === undefined ? this.#closingLog(m) : undefined,
    );
    this.#gates = baselined.map(
      ({ baseline, timespanMs, leastBound }) => new BaselineGate(baseline!, timespanMs, leastBound),
    );
  }

  /**
   * What groups share in which nothing waits yet and nothing is remembered; undefined where something does in all.
   * It must not be given anything.
   */
  static sharedBy(planned: StreamWaits): GroupWaits | undefined {
    const { novelty, closings } = planned;
    const own = novelty !== undefined || closings.some(({ sleeping }) => sleeping === undefined);
    return own ? undefined : new GroupWaits(planned);
  }

  /** Time of the first event or end of the first window that waits for the watermark, Infinity when none does. */
  get nextEnd(): number {
    let next = this.novelty?.nextEnd ?? Infinity;
    for (const log of this.#closings) if (log !== undefined) next = Math.min(next, log.nextEnd);
    return Math.min(next, this.#gatesNextEnd);
  }

  /** From this event time on, nothing that will come is compared with what was up to now. */
  get outOfReachFrom(): number {
    let from = this.novelty?.terms.outOfReachFrom ?? -Infinity;
    for (const { history } of this.#gates) from = Math.max(from, history.outOfReachFrom);
    return from;
  }

  /** The gate of a horizon that has a baseline. */
  gateOf({ baseline }: PlannedHorizon): BaselineGate {
    return this.#gates[baseline!.gate]!;
  }

  /** As `BaselineGate.take`, of a horizon that has a baseline. */
  takeWindow(
    horizon: PlannedHorizon,
    endMs: number,
    value: number,
    estimated: boolean,
    watermark: number,
  ): Verdict {
    const gate = this.gateOf(horizon);
    const verdict = gate.take(endMs, value, estimated, watermark);
    if (verdict === 'waiting') this.#gatesNextEnd = Math.min(this.#gatesNextEnd, gate.nextEnd);
    return verdict;
  }

  /** Whether the log of closing measure `m` does not sleep. */
  isAwake(m: number): boolean {
    return this.#closings[m] !== undefined;
  }

  /** Adds what an awake log measures of an event; returns how many entries had to go. */
  addClosing(m: number, t: number, held: unknown, watermark: number): number {
    return this.#closings[m]!.add(t, held, watermark);
  }

  /** Wakes a log; returns how many entries had to go. */
  wake(m: number, asleep: Asleep, watermark: number): number {
    const log = this.#closingLog(m);
    this.#closings = this.#closings.with(m, log);
    this.#planned.closings[m]!.sleeping!.wake(asleep, log, watermark);
    return log.bound(watermark);
  }

  #closingLog(m: number): ClosingLog<unknown> {
    const closing = this.#planned.closings[m]!;
    const { watchers, maxEntries, sleeping } = closing;
    return new ClosingLog(watchers[0].rule.timespanMs, maxEntries, measureOf(closing), sleeping?.sleeper);
  }

  /** Judges the windows that waited for the watermark; returns how many entries had to go. `asleep`: by closing measure. */
  close(watermark: number, asleep: readonly (Asleep | undefined)[], told: Told): number {
    let gone = 0;
    this.#gates.forEach((gate, g) => {
      const horizon = this.#planned.baselined[g]!;
      gate.release(watermark, (end, value) => told.unusual(horizon, end, value));
    });
    this.#askGates();
    this.#closings.forEach((log, m) => {
      if (log === undefined) return;
      const { watchers, sleeping } = this.#planned.closings[m]!;
      gone += log.judge(watermark, (end, value) => {
        for (const watcher of watchers) {
          if (watchers.length === 1 || holds(watcher.rule.bounds, value)) told.closed(watcher, end, value);
        }
      });
      if (!log.mayRest()) return;
      sleeping!.rest(asleep[m]!, log);
      this.#closings = this.#closings.with(m, undefined);
    });
    return gone;
  }

  #askGates(): void {
    this.#gatesNextEnd = Math.min(...this.#gates.map((gate) => gate.nextEnd));
  }

  /** Forgets what waits: it is not judged any more. */
  clear(): void {
    this.novelty?.clear();
    for (const gate of this.#gates) gate.clear();
    this.#askGates();
    this.#closings = [];
  }

  save(to: SectionWriter): void {
    this.novelty?.save(to);
    for (const gate of this.#gates) gate.save(to);
    this.#closings.forEach((log, m) => {
      if (this.#planned.closings[m]!.sleeping !== undefined) to.flag(log !== undefined);
      log?.save(to);
    });
  }

  /** Of a new one. */
  load(from: SectionReader): void {
    this.novelty?.load(from);
    for (const gate of this.#gates) gate.load(from);
    this.#askGates();
    this.#closings = this.#closings.map((log, m) => {
      const isAwake = log !== undefined || from.flag();
      const loaded = isAwake ? (log ?? this.#closingLog(m)) : undefined;
      loaded?.load(from);
      return loaded;
    });
  }
}
