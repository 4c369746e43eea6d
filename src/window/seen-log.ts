/**
 * The values seen in a group, as long as they are not counted: persons if no rule counts them (an alert must say how
 * many they were), and the values of a rule while they are fewer than its threshold. So there is no window and no table
 * here; the values of an event are appended with its time.
 *
 * Kept: every sighting newer than the watermark, and before it the newest of each value; a sighting whose successor is
 * settled is dropped when its block is full, so a reader of the same few again and again holds few.
 */

import { type Hashes, LatestTable } from './latest-table.ts';
import { Run, RunStore } from './run-store.ts';

/** Row: time, hi, lo. */
const F = 2;
const W = 4;
const HI = 2;
const LO = 3;

export class SeenLog extends RunStore {
  /** Scratch table for searching one run. */
  readonly #seen = new LatestTable();

  constructor() {
    super(4 * W);
  }

  override get bytes(): number {
    return super.bytes + this.#seen.bytes;
  }

  /** Adds the values of an event. Returns true if they are the group's newest. */
  add(run: Run, t: number, { words, length }: Hashes, watermark: number): boolean {
    if (length === 0) return false;
    if (!this.hasRoom(run, length)) this.dropSettled(run, watermark);
    const index = this.countUpTo(run, t);
    const newest = index === run.length;
    const from = this.insert(run, index, length);
    const { f64, u32 } = this;
    for (let i = 0; i < length; i += 1) {
      const row = from + i;
      f64[row * F] = t;
      u32[row * W + HI] = words[2 * i]!;
      u32[row * W + LO] = words[2 * i + 1]!;
    }
    return newest;
  }

  /** Adds the persons seen after `from` and up to `to` (event times, ms). */
  addPersonsTo(persons: { add(hi: number, lo: number): void }, run: Run, from: number, to: number): void {
    const last = run.first + this.countUpTo(run, to);
    for (let row = run.first + this.countUpTo(run, from); row < last; row += 1) {
      persons.add(this.u32[row * W + HI]!, this.u32[row * W + LO]!);
    }
  }

  /** Forgets sightings at or before `t`. */
  trim(run: Run, t: number): void {
    const gone = this.countUpTo(run, t);
    if (gone > 0) this.dropFront(run, gone);
  }

  /** Forgets the sightings that lie in a pane. Returns how many. */
  coalesce(run: Run, paneOf: (index: number) => number): number {
    const before = run.length;
    this.compact(run, (_, i) => Number.isNaN(paneOf(i)));
    return before - run.length;
  }

  /** Copies the value at a row into `words`. */
  hashAt(row: number, words: Uint32Array): void {
    words[0] = this.u32[row * W + HI]!;
    words[1] = this.u32[row * W + LO]!;
  }

  /** Drops sightings of values that were seen again before the watermark, if that frees a quarter. */
  dropSettled(run: Run, watermark: number): void {
    if (run.length < 16) return;
    const { first } = run;
    const settled = new Uint8Array(run.length);
    const next = new Run();
    this.#seen.makeRoom(next, run.length, -Infinity);
    let count = 0;
    for (let i = run.length - 1; i >= 0; i -= 1) {
      const hi = this.u32[(first + i) * W + HI]!;
      const lo = this.u32[(first + i) * W + LO]!;
      if (this.#seen.exchange(next, hi, lo, this.timeAt(first + i)) < watermark) {
        settled[i] = 1;
        count += 1;
      }
    }
    this.#seen.release(next);
    if (count >= run.length / 4) this.compact(run, (_, i) => settled[i] === 0);
  }
}
