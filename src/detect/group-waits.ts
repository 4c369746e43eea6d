/**
 * What a group holds back until the watermark, because more events could change it: arrivals before the gate of new
 * terms, windows whose baseline is not final, and the logs of closing rules.
 */

import type { Asleep, SleepingLog } from '../window/sleeping-log.ts';
import { ClosingLog } from '../window/closing-log.ts';
import type { EpisodeRule } from '../alert/episode.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { holds } from '../sigma/bounds.ts';
import { type BaselineGate, WaitingWindows } from './baseline-gate.ts';
import { measureOf } from './closing-measure.ts';
import { NoveltyGate, type PlannedNovelty } from './novelty-gate.ts';
import type { GroupNumbers } from './group-numbers.ts';
import type { PlannedClosing, PlannedHorizon } from './plan.ts';

/** What closing rules that differ only in their bounds look at. */
export interface ClosingLogs extends PlannedClosing {
  /** Logs of the groups that do not need an awake one; undefined if all logs are always awake. */
  readonly sleeping: SleepingLog<unknown> | undefined;
}

/** What can wait in a stream's groups. */
export interface StreamWaits {
  readonly closings: readonly ClosingLogs[];
  readonly gates: readonly BaselineGate[];
  readonly novelty: PlannedNovelty | undefined;
}

/** Receives windows once they are judged. */
export interface JudgedVisitor {
  /** A window of a horizon with a baseline. */
  unusual(horizon: PlannedHorizon, endMs: number, value: number): void;
  /** A window of a closing rule. */
  closed(watcher: EpisodeRule, endMs: number, value: number, estimated: boolean): void;
}

/** For kinds that a stream does not have, as in most streams. */
const NONE: readonly never[] = [];

export class GroupWaits {
  /** Stands before everything else if only what is new counts. */
  readonly novelty: NoveltyGate | undefined;
  /** Window end under which the group is scheduled; Infinity if it is not. */
  scheduled = Infinity;
  readonly #planned: StreamWaits;
  /** By closing measure; undefined while the log sleeps. */
  #closings: readonly (ClosingLog<unknown> | undefined)[];
  /** By gate; in nearly every group nothing ever waits there. */
  #windows: readonly (WaitingWindows | undefined)[];

  constructor(planned: StreamWaits) {
    this.#planned = planned;
    const { novelty, gates, closings } = planned;
    this.novelty = novelty && new NoveltyGate(novelty);
    const closingLog = ({ sleeping }: ClosingLogs, m: number) =>
      sleeping === undefined ? this.#closingLog(m) : undefined;
    this.#closings = closings.length === 0 ? NONE : closings.map(closingLog);
    this.#windows = gates.length === 0 ? NONE : gates.map(() => undefined);
  }

  /**
   * Shared by all groups in which nothing waits and nothing is remembered; undefined if every group needs its own.
   * Nothing may be added to it.
   */
  static sharedBy(planned: StreamWaits): GroupWaits | undefined {
    const { novelty, closings } = planned;
    const own = novelty !== undefined || closings.some(({ sleeping }) => sleeping === undefined);
    return own ? undefined : new GroupWaits(planned);
  }

  /** Time of the first event, or end of the first window, that waits for the watermark; Infinity if none does. */
  get nextEnd(): number {
    let next = this.novelty?.nextEnd ?? Infinity;
    for (const log of this.#closings) if (log !== undefined) next = Math.min(next, log.nextEnd);
    for (const windows of this.#windows) if (windows !== undefined) next = Math.min(next, windows.nextEnd);
    return next;
  }

  /** Takes a window that waits before a gate. */
  addWindow(gate: number, endMs: number, value: number): void {
    let windows = this.#windows[gate];
    if (windows === undefined) {
      windows = this.#waitingBefore(gate);
      this.#windows = this.#windows.with(gate, windows);
    }
    windows.add(endMs, value);
  }

  #waitingBefore(gate: number): WaitingWindows {
    return new WaitingWindows(this.#planned.gates[gate]!);
  }

  /** Whether nothing waits and nothing is remembered, so that the shared object will do. */
  get isNothing(): boolean {
    return (
      this.#windows.every((windows) => windows === undefined) &&
      this.#closings.every((log) => log === undefined)
    );
  }

  /** Whether the log of closing measure `m` is awake. */
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
    return log.bound();
  }

  #closingLog(m: number): ClosingLog<unknown> {
    const closing = this.#planned.closings[m]!;
    const { watchers, maxEntries, sleeping } = closing;
    return new ClosingLog(watchers[0].rule.timespanMs, maxEntries, measureOf(closing), sleeping?.sleeper);
  }

  /** Judges the windows that waited for the watermark; returns how many entries had to go. */
  close(watermark: number, { histories, asleep }: GroupNumbers, visitor: JudgedVisitor): number {
    let gone = 0;
    this.#windows.forEach((windows, g) => {
      const { horizon } = this.#planned.gates[g]!;
      windows?.release(histories[g]!, watermark, (end, value) => visitor.unusual(horizon, end, value));
      if (windows?.nextEnd === Infinity) this.#windows = this.#windows.with(g, undefined);
    });
    this.#closings.forEach((log, m) => {
      if (log === undefined) return;
      const { watchers, sleeping } = this.#planned.closings[m]!;
      gone += log.judge(watermark, (end, value, lost) => {
        for (const watcher of watchers) {
          if (watchers.length === 1 || holds(watcher.rule.bounds, value))
            visitor.closed(watcher, end, value, lost);
        }
      });
      if (!log.mayRest()) return;
      sleeping!.rest(asleep[m]!, log);
      this.#closings = this.#closings.with(m, undefined);
    });
    return gone;
  }

  /** Forgets what waits: it is not judged any more. */
  clear(): void {
    this.novelty?.clear();
    this.#windows = NONE;
    this.#closings = NONE;
  }

  save(to: SectionWriter): void {
    this.novelty?.save(to);
    for (const windows of this.#windows) {
      to.flag(windows !== undefined);
      windows?.save(to);
    }
    this.#closings.forEach((log, m) => {
      if (this.#planned.closings[m]!.sleeping !== undefined) to.flag(log !== undefined);
      log?.save(to);
    });
  }

  /** Call on a new object only. */
  load(from: SectionReader): void {
    this.novelty?.load(from);
    this.#windows = this.#windows.map((_, gate) => {
      const windows = from.flag() ? this.#waitingBefore(gate) : undefined;
      windows?.load(from);
      return windows;
    });
    this.#closings = this.#closings.map((log, m) => {
      const isAwake = log !== undefined || from.flag();
      const loaded = isAwake ? (log ?? this.#closingLog(m)) : undefined;
      loaded?.load(from);
      return loaded;
    });
  }
}
