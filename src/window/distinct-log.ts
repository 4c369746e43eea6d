/**
 * The sightings of values in a group: the windows of `value_count` rules over one field.
 *
 * Sightings fewer than the least bound cannot form a window that interests any rule. They are a plain, uncounted list
 * (`SeenLog`), which in most groups they always stay. Once there are enough, they are counted (`CountedLog`), until
 * most of them are out of reach.
 *
 * If a horizon needs all windows (a baseline is made of their values), the windows of a list are reported in batches:
 * the list is counted once, apart, before anything that they hold leaves it.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { CountedLog, type CountedSightings } from './counted-log.ts';
import { type Horizon, HorizonState, type WindowVisitor } from './horizon.ts';
import type { Hashes } from './latest-table.ts';
import { type NewestTime, Run } from './run-store.ts';
import { SeenLog } from './seen-log.ts';

/** Counted sightings become a list again below this share of the least bound. */
const FEW_SHARE = 4;

/** A list whose windows must all be reported is trimmed in batches of this share of the longest timespan. */
const TRIM_SHARE = 4;

/** One group's sightings. */
export class Sightings implements CountedSightings {
  /** The sightings while too few to be counted; then the other runs are empty, and the horizons stand still. */
  readonly few: Run;
  readonly run: Run;
  readonly table = new Run();
  readonly horizons: readonly HorizonState[];
  /** No horizon needs fewer sightings. */
  readonly least: number;
  /** Some horizon needs all windows. */
  readonly tellsAll: boolean;
  /** While the sightings are a list: windows that end before this were all reported. */
  toldBefore = -Infinity;

  constructor(horizons: readonly Horizon[], newest?: NewestTime) {
    this.few = new Run(newest);
    this.run = new Run(newest);
    this.horizons = horizons.map((horizon) => new HorizonState(horizon));
    this.least = Math.min(...horizons.map(({ leastBound }) => leastBound));
    this.tellsAll = horizons.some(tellsAll);
  }

  get isCounted(): boolean {
    return this.run.length > 0;
  }

  /** Some windows may still have to be reported. */
  get owes(): boolean {
    return this.tellsAll && this.few.length > 0;
  }
}

export class DistinctLog {
  readonly counted: CountedLog;
  readonly #few = new SeenLog();
  readonly #longestMs: number;
  /** For counting a list apart; undefined if no horizon needs all windows. */
  readonly #apart: Sightings | undefined;
  readonly #apartMs: number;
  /** A value on its way from one log to the other. */
  readonly #one = { words: new Uint32Array(2), length: 1 };

  /** `longestMs`: how long sightings are kept, at least the longest timespan of the horizons. */
  constructor(horizons: readonly Horizon[], longestMs: number) {
    this.counted = new CountedLog(longestMs);
    this.#longestMs = longestMs;
    const all = horizons.filter(tellsAll);
    this.#apart = all.length === 0 ? undefined : new Sightings(all);
    this.#apartMs = Math.max(...all.map(({ timespanMs }) => timespanMs));
  }

  get bytes(): number {
    return this.#few.bytes + this.counted.bytes;
  }

  /** Saves a group's sightings; its owner saves how the horizons stand. */
  save(to: SectionWriter, s: Sightings): void {
    this.#few.saveRun(to, s.few);
    this.counted.save(to, s);
  }

  load(from: SectionReader, s: Sightings): void {
    this.#few.loadRun(from, s.few);
    this.counted.load(from, s);
  }

  /**
   * Adds the sightings of an event's values. Returns true if they are the group's newest (`judgeNewest` must still be
   * called); otherwise the windows they may have raised have been reported already.
   */
  add(s: Sightings, t: number, values: Hashes, judgedFrom: number, visitor: WindowVisitor): boolean {
    const { length } = values;
    if (length === 0) return false;
    if (!s.isCounted) {
      const { few } = s;
      // A late event is in no window that ended before it arrived.
      if (t < judgedFrom || !this.#few.hasRoom(few, length)) this.#tell(s, judgedFrom, visitor);
      if (few.length + length < s.least || this.#areFew(s, length, judgedFrom, visitor)) {
        return this.#few.add(few, t, values, judgedFrom);
      }
      this.#count(s, visitor);
    }
    return this.counted.add(s, t, values, judgedFrom, visitor);
  }

  /** Reports the windows that end at the group's newest entry. */
  judgeNewest(s: Sightings, judgedFrom: number, visitor: WindowVisitor): void {
    if (s.isCounted) this.counted.judgeNewest(s, judgedFrom, visitor);
  }

  /** Upper bound of the value of a horizon's newest window. */
  mostIn({ few, horizons, isCounted }: Sightings, h: number): number {
    const { horizon, value } = horizons[h]!;
    if (isCounted) return value;
    if (few.length === 0) return 0;
    const newest = this.#few.timeAt(few.first + few.length - 1);
    return few.length - this.#few.countUpTo(few, newest - horizon.timespanMs);
  }

  /** Adds the persons of the sightings after `from` and up to `to` (event times, ms). */
  addPersonsTo(
    persons: { add(hi: number, lo: number): void },
    { run, few }: Sightings,
    from: number,
    to: number,
  ): void {
    this.#few.addPersonsTo(persons, few, from, to);
    this.counted.addPersonsTo(persons, run, from, to);
  }

  /** Forgets sightings at or before `t`, which no window that ends at the watermark or later can hold. */
  trim(s: Sightings, t: number, watermark: number, visitor: WindowVisitor): void {
    const { few, run } = s;
    if (s.isCounted) {
      this.counted.trim(s, t);
      if (run.length < s.least / FEW_SHARE) this.#uncount(s, watermark);
      return;
    }
    if (s.owes && watermark < this.trimDue(s)) return;
    this.#tell(s, watermark, visitor);
    this.#few.trim(few, t);
  }

  /** Watermark from which a list with unreported windows is trimmed; Infinity for any other. */
  trimDue(s: Sightings): number {
    if (!s.owes) return Infinity;
    return this.#few.timeAt(s.few.first) + this.#longestMs * (1 + 1 / TRIM_SHARE);
  }

  /** Frees all memory. */
  clear(s: Sightings): void {
    this.#few.release(s.few);
    this.counted.clear(s);
  }

  /** Whether, without repeated values, the sightings are few enough to stay a list for a while. */
  #areFew(s: Sightings, more: number, watermark: number, visitor: WindowVisitor): boolean {
    this.#tell(s, watermark, visitor);
    this.#few.dropSettled(s.few, watermark);
    return s.few.length + more < s.least / 2;
  }

  /** From here on the sightings are counted. */
  #count(s: Sightings, visitor: WindowVisitor): void {
    this.counted.clear(s);
    this.#append(s, s, 0, Infinity, visitor);
    this.#few.release(s.few);
  }

  /** Reports the windows of a list that end before the watermark: nothing still to come can raise them. */
  #tell(s: Sightings, watermark: number, visitor: WindowVisitor): void {
    const apart = this.#apart;
    if (apart === undefined || watermark <= s.toldBefore) return;
    const { few } = s;
    if (few.length > 0) {
      const from = this.#few.countUpTo(few, s.toldBefore - this.#apartMs);
      this.#append(s, apart, from, watermark, visitor);
      this.counted.clear(apart);
    }
    s.toldBefore = watermark;
  }

  /** Counts a list from index `from`, up to the entries before `before`, and reports all windows not yet reported. */
  #append(
    { few, toldBefore }: Sightings,
    to: Sightings,
    from: number,
    before: number,
    visitor: WindowVisitor,
  ): void {
    const last = few.first + few.length - 1;
    let t = few.length === 0 ? Infinity : this.#few.timeAt(few.first + from);
    for (let row = few.first + from; row <= last && t < before; row += 1) {
      this.#few.hashAt(row, this.#one.words);
      this.counted.append(to, t, this.#one, -Infinity);
      const next = row === last ? Infinity : this.#few.timeAt(row + 1);
      if (to.tellsAll && t >= toldBefore && next > t) this.counted.judgeNewest(to, toldBefore, visitor);
      t = next;
    }
  }

  /**
   * Makes the sightings a list again. Each still has its name: a nameless one has more newer values than any rule
   * needs.
   */
  #uncount(s: Sightings, watermark: number): void {
    const { counted } = this;
    const { first, length } = s.run;
    for (let row = first; row < first + length; row += 1) {
      counted.hashAt(row, this.#one.words);
      this.#few.add(s.few, counted.timeAt(row), this.#one, -Infinity);
    }
    counted.clear(s);
    s.toldBefore = watermark;
  }
}

/** Whether a horizon needs windows below every watcher's bound, too. */
export function tellsAll({ leastThreshold, leastBound }: Horizon): boolean {
  return leastThreshold < leastBound;
}
