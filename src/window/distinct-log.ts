/**
 * The sightings of values in a group: the windows of `value_count` rules over one field.
 *
 * Sightings that are fewer than the least threshold can be no window that anybody waits for. They are a plain list
 * (`SeenLog`) that nobody counts, as those of most groups always are. Once there are as many, they are counted
 * (`CountedLog`), until most of them are out of reach.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { CountedLog, type CountedSightings } from './counted-log.ts';
import { type Horizon, HorizonState, type WindowVisitor } from './horizon.ts';
import type { Hashes } from './latest-table.ts';
import { Run } from './run-store.ts';
import { SeenLog } from './seen-log.ts';

/** Counted sightings become a list again below this share of the least threshold. */
const FEW_SHARE = 4;

/** One group's sightings. */
export class Sightings implements CountedSightings {
  /** While they are too few to be counted; then the others are empty, and the horizons stand where they stood. */
  readonly few = new Run();
  readonly run = new Run();
  readonly table = new Run();
  readonly horizons: readonly HorizonState[];
  /** No horizon waits for fewer. */
  readonly least: number;

  constructor(horizons: readonly Horizon[]) {
    this.horizons = horizons.map((horizon) => new HorizonState(horizon));
    this.least = Math.min(...horizons.map(({ leastThreshold }) => leastThreshold));
  }

  get isCounted(): boolean {
    return this.run.length > 0;
  }
}

export class DistinctLog {
  readonly counted: CountedLog;
  readonly #few = new SeenLog();
  /** A value on its way from one to the other. */
  readonly #one = { words: new Uint32Array(2), length: 1 };

  /** `longestMs`: how long sightings are kept, at least the longest timespan of the horizons. */
  constructor(longestMs: number) {
    this.counted = new CountedLog(longestMs);
  }

  get bytes(): number {
    return this.#few.bytes + this.counted.bytes;
  }

  save(to: SectionWriter): void {
    this.#few.save(to);
    this.counted.save(to);
  }

  load(from: SectionReader): void {
    this.#few.load(from);
    this.counted.load(from);
  }

  /**
   * Adds the sightings of an event's values. Returns true when they are the group's newest (`judgeNewest` is
   * still to be called); otherwise the windows they may have raised have been reported already.
   */
  add(s: Sightings, t: number, values: Hashes, judgedFrom: number, visitor: WindowVisitor): boolean {
    if (values.length === 0) return false;
    if (!s.isCounted) {
      if (s.few.length + values.length < s.least || this.#areFew(s, values.length, judgedFrom)) {
        return this.#few.add(s.few, t, values, judgedFrom);
      }
      this.#count(s, judgedFrom);
    }
    return this.counted.add(s, t, values, judgedFrom, visitor);
  }

  /** Reports the windows that end at the group's newest entry. */
  judgeNewest(s: Sightings, judgedFrom: number, visitor: WindowVisitor): void {
    if (s.isCounted) this.counted.judgeNewest(s, judgedFrom, visitor);
  }

  /** Most that a horizon's newest window can be worth. */
  mostIn({ few, horizons, isCounted }: Sightings, h: number): number {
    const { horizon, value } = horizons[h]!;
    if (isCounted) return value;
    if (few.length === 0) return 0;
    const newest = this.#few.timeAt(few.first + few.length - 1);
    return few.length - this.#few.countUpTo(few, newest - horizon.timespanMs);
  }

  /** Adds who was seen newest up to `to` and after `from` (event times, ms). */
  addPersonsTo(
    persons: { add(hi: number, lo: number): void },
    { run, few }: Sightings,
    from: number,
    to: number,
  ): void {
    this.#few.addPersonsTo(persons, few, from, to);
    this.counted.addPersonsTo(persons, run, from, to);
  }

  /** Forgets sightings at or before `t`, which no window can hold any more. */
  trim(s: Sightings, t: number): void {
    if (!s.isCounted) {
      this.#few.trim(s.few, t);
      return;
    }
    this.counted.trim(s, t);
    if (s.run.length < s.least / FEW_SHARE) this.#uncount(s);
  }

  /** Gives everything back. */
  clear(s: Sightings): void {
    this.#few.release(s.few);
    this.counted.clear(s);
  }

  /** Whether they are few enough for a list once values that came again are left out, to stay so for a while. */
  #areFew({ few, least }: Sightings, more: number, watermark: number): boolean {
    this.#few.dropSettled(few, watermark);
    return few.length + more < least / 2;
  }

  /** From here on they are counted. */
  #count(s: Sightings, judgedFrom: number): void {
    const { few } = s;
    const { first, length } = few;
    this.counted.clear(s);
    for (let row = first; row < first + length; row += 1) {
      this.#few.hashAt(row, this.#one.words);
      this.counted.append(s, this.#few.timeAt(row), this.#one, judgedFrom);
    }
    this.#few.release(few);
  }

  /** They are a list again, if each still has its name. */
  #uncount(s: Sightings): void {
    const { counted } = this;
    const { first, length } = s.run;
    for (let row = first; row < first + length; row += 1) if (!counted.isNamed(row)) return;
    for (let row = first; row < first + length; row += 1) {
      counted.hashAt(row, this.#one.words);
      this.#few.add(s.few, counted.timeAt(row), this.#one, -Infinity);
    }
    counted.clear(s);
  }
}
