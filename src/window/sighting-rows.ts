/**
 * How sightings of values lie in memory and are found: each row holds a time, the value, and when that value was seen
 * before and next, which chains the sightings of a value.
 */

import { RowFinder } from './row-finder.ts';
import { type Run, RunStore } from './run-store.ts';

/** Row: time, previous, next as floats, then words. */
const F = 5;
const W = 2 * F;
/** The same value's previous sighting; -Infinity if there was none. */
const PREVIOUS = 1;
/** The same value's next sighting; Infinity while there is none. */
const NEXT = 2;
const HI = 6;
const LO = 7;
/** Values a sighting stands for: 1, or more once sightings were coalesced and are nameless. */
const WEIGHT = 8;

/** Sightings examined one by one when looking for one; an event may have brought a hundred thousand at one time. */
const MOST_SCANNED = 64;

export class SightingRows extends RunStore {
  /** Rows of the sightings of a time, if there are many; valid until a row is moved. */
  readonly #ties = new RowFinder();
  /** Row of each value's first sighting from some index on, likewise. */
  readonly #later = new RowFinder();

  constructor() {
    super(4 * W);
  }

  override get bytes(): number {
    return super.bytes + this.#ties.bytes + this.#later.bytes;
  }

  /** Call after rows were added, moved or removed, before rows are looked for. */
  protected moved(): void {
    this.#ties.clear();
    this.#later.clear();
  }

  /** Time of the same value's previous sighting; -Infinity if there is none. */
  protected previousAt(row: number): number {
    return this.f64[row * F + PREVIOUS]!;
  }

  protected setPrevious(row: number, t: number): void {
    this.f64[row * F + PREVIOUS] = t;
  }

  /** Upper half of the value at a row. */
  protected hiAt(row: number): number {
    return this.u32[row * W + HI]!;
  }

  /** Lower half of the value at a row. */
  protected loAt(row: number): number {
    return this.u32[row * W + LO]!;
  }

  /** Makes the sighting at `into` stand for the values of the other one, too. */
  protected addWeight(into: number, row: number): void {
    this.u32[into * W + WEIGHT] = this.weightAt(into) + this.weightAt(row);
  }

  /** Values that the sighting at a row stands for: one, or several that lost their names. */
  weightAt(row: number): number {
    return this.u32[row * W + WEIGHT]!;
  }

  /** Time of the same value's next sighting; Infinity if there is none. */
  nextAt(row: number): number {
    return this.f64[row * F + NEXT]!;
  }

  /** Adds the persons of the named sightings after `from` and up to `to` (event times, ms). */
  addPersonsTo(persons: { add(hi: number, lo: number): void }, run: Run, from: number, to: number): void {
    const last = run.first + this.countUpTo(run, to);
    for (let row = run.first + this.countUpTo(run, from); row < last; row += 1) {
      if (this.isNamed(row)) persons.add(this.u32[row * W + HI]!, this.u32[row * W + LO]!);
    }
  }

  /** Copies the value at a row, which must have its name, into `words`. */
  hashAt(row: number, words: Uint32Array): void {
    words[0] = this.u32[row * W + HI]!;
    words[1] = this.u32[row * W + LO]!;
  }

  /** Whether the sighting is not coalesced with others. */
  isNamed(row: number): boolean {
    return this.weightAt(row) === 1;
  }

  /** Whether the expiry of the sighting at this position ends its value's cover. */
  protected endsCover(position: number, timespanMs: number): boolean {
    return this.nextAt(position) - this.timeAt(position) >= timespanMs;
  }

  /** Takes a sighting out of the chain of its value. */
  protected unlink(run: Run, row: number): void {
    const { f64 } = this;
    const next = f64[row * F + NEXT]!;
    const previous = f64[row * F + PREVIOUS]!;
    f64[row * F + PREVIOUS] = -Infinity;
    f64[row * F + NEXT] = Infinity;
    if (next === Infinity && previous === -Infinity) return;
    const hi = this.u32[row * W + HI]!;
    const lo = this.u32[row * W + LO]!;
    const before = previous === -Infinity ? -1 : this.#sightingAt(run, previous, hi, lo);
    if (before >= 0) f64[before * F + NEXT] = next;
    const after = next === Infinity ? -1 : this.#sightingAt(run, next, hi, lo);
    if (after >= 0) f64[after * F + PREVIOUS] = before < 0 ? -Infinity : previous;
  }

  /** Row of the value's first sighting at or after index `from`, which is known to exist. */
  protected nextSighting(run: Run, from: number, hi: number, lo: number): number {
    const { first } = run;
    const last = first + run.length - 1;
    for (let row = first + from; row <= last; row += 1) {
      if (row - first - from === MOST_SCANNED) {
        if (!this.#later.has(from)) this.#gather(this.#later, from, row, last);
        return this.#later.find(from, hi, lo);
      }
      if (this.isOf(row, hi, lo)) return row;
    }
    return -1;
  }

  protected linkNext(run: Run, at: number, hi: number, lo: number, t: number): void {
    const row = this.#sightingAt(run, at, hi, lo);
    if (row >= 0) this.f64[row * F + NEXT] = t;
  }

  /** Row of the value's sighting at a time; −1 if it is not held. */
  #sightingAt(run: Run, at: number, hi: number, lo: number): number {
    const { first } = run;
    const last = first + this.countUpTo(run, at) - 1;
    for (let row = last; row >= first && this.timeAt(row) === at; row -= 1) {
      if (last - row === MOST_SCANNED) {
        if (!this.#ties.has(at)) this.#gather(this.#ties, at, this.#firstOf(run, last), last);
        return this.#ties.find(at, hi, lo);
      }
      if (this.isOf(row, hi, lo)) return row;
    }
    return -1;
  }

  /** The first of the rows up to this one that have its time. */
  #firstOf({ first }: Run, row: number): number {
    const at = this.timeAt(row);
    let from = row;
    while (from > first && this.timeAt(from - 1) === at) from -= 1;
    return from;
  }

  /** Enters rows `[from, to]`; of several rows of a value, the first is found then. */
  #gather(finder: RowFinder, key: number, from: number, to: number): void {
    finder.begin(key, to - from + 1);
    for (let row = to; row >= from; row -= 1) {
      if (this.isNamed(row)) finder.put(key, this.u32[row * W + HI]!, this.u32[row * W + LO]!, row);
    }
  }

  protected isOf(row: number, hi: number, lo: number): boolean {
    return this.u32[row * W + LO] === lo && this.u32[row * W + HI] === hi && this.isNamed(row);
  }

  protected write(row: number, t: number, hi: number, lo: number, previous: number, next: number): void {
    const { f64, u32 } = this;
    f64[row * F] = t;
    f64[row * F + PREVIOUS] = previous;
    f64[row * F + NEXT] = next;
    u32[row * W + HI] = hi;
    u32[row * W + LO] = lo;
    u32[row * W + WEIGHT] = 1;
  }
}
