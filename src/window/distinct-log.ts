/**
 * The sightings of values in a group, in event-time order: the windows of `value_count` rules over one
 * field, whatever their timespans.
 *
 * A sighting x of a value covers the window ends [x, x + timespan) unless the value's next sighting takes
 * over first; the distinct count of a window is the number of values that cover its end. So each sighting
 * remembers when its value was seen before and next: whether it starts or ends a value's cover follows for
 * every timespan, and one table of newest sightings serves all horizons.
 *
 * In-order arrival is O(1) amortised. A sighting that arrives out of order walks back from the newest
 * entry over what is newer than it, undoing starts and expiries.
 *
 * Kept: every sighting newer than the watermark, and before it the newest sighting of each value; a
 * sighting whose successor is settled is dropped when its block is full.
 */

import { type Horizon, HorizonState, type WindowVisitor } from './horizon.ts';
import { LatestTable } from './latest-table.ts';
import { Run, RunStore } from './run-store.ts';

/** Below this many sightings a look-up scans them; a table only pays beyond. */
const TABLE_FROM = 12;

/** One group's sightings. */
export class Sightings {
  readonly run = new Run();
  readonly table = new Run();
  readonly horizons: HorizonState[];

  constructor(horizonCount: number) {
    this.horizons = Array.from({ length: horizonCount }, () => new HorizonState());
  }
}

export class DistinctLog extends RunStore {
  hi = new Uint32Array(1024);
  lo = new Uint32Array(1024);
  /** Values a sighting stands for: 1, or more once sightings were coalesced. */
  weight = new Uint32Array(1024);
  /** The same value's sighting before; -Infinity when there was none. */
  previous = new Float64Array(1024);
  /** The same value's sighting after; Infinity while there is none. */
  next = new Float64Array(1024);
  readonly #latest = new LatestTable();
  readonly #horizons: readonly Horizon[];
  readonly #longestMs: number;

  /** `longestMs`: how long sightings are kept, at least the longest timespan of the horizons. */
  constructor(horizons: readonly Horizon[], longestMs: number) {
    super();
    this.#horizons = horizons;
    this.#longestMs = longestMs;
  }

  protected override columns() {
    return [this.hi, this.lo, this.weight];
  }

  protected override replaceColumns(next: ReturnType<DistinctLog['columns']>): void {
    this.hi = next[0]!;
    this.lo = next[1]!;
    this.weight = next[2]!;
  }

  protected override doubles() {
    return [this.previous, this.next];
  }

  protected override replaceDoubles(next: Float64Array<ArrayBuffer>[]): void {
    this.previous = next[0]!;
    this.next = next[1]!;
  }

  override get bytes(): number {
    return super.bytes + this.#latest.bytes;
  }

  /**
   * Adds a sighting. Returns true when it is the group's newest (call `judgeNewest` once after all values
   * of an event); otherwise the windows it may have raised have been reported already.
   */
  add(s: Sightings, t: number, hi: number, lo: number, judgedFrom: number, visitor: WindowVisitor): boolean {
    const { run } = s;
    if (run.length >= 16 && run.head + run.length === run.capacity) this.#dropSettled(s, judgedFrom);
    const newest = run.length === 0 ? -Infinity : this.time[run.offset + run.head + run.length - 1]!;
    const latest = this.#latestOf(s, hi, lo);
    if (t < newest) {
      this.#addOutOfOrder(s, t, hi, lo, latest, judgedFrom, visitor);
      return false;
    }
    if (latest === t) return true;
    // A sighting that every window has left is as good as none.
    const seen = latest > judgedFrom - this.#longestMs;
    if (seen) this.#setNext(run, latest, hi, lo, t);
    const at = this.insert(run, run.length);
    this.#write(at, t, hi, lo, seen ? latest : -Infinity, Infinity);
    this.#remember(s, hi, lo, t, judgedFrom);
    const first = run.offset + run.head;
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      const { timespanMs } = this.#horizons[h]!;
      this.#expire(first, state, t - timespanMs, timespanMs);
      if (!(seen && t - latest < timespanMs)) state.value += 1;
    }
    return true;
  }

  /** Reports the windows that end at the group's newest entry. */
  judgeNewest(s: Sightings, judgedFrom: number, visitor: WindowVisitor): void {
    const t = this.time[s.run.offset + s.run.head + s.run.length - 1]!;
    if (t < judgedFrom) return;
    for (let h = 0; h < s.horizons.length; h += 1) {
      const { value } = s.horizons[h]!;
      if (value >= this.#horizons[h]!.leastThreshold) visitor.window(this.#horizons[h]!, t, value);
    }
  }

  /** Forgets sightings at or before `t`, which no window can hold any more. */
  trim(s: Sightings, t: number): void {
    const { run } = s;
    const gone = this.countUpTo(run, t);
    if (gone === 0) return;
    const first = run.offset + run.head;
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      const { timespanMs } = this.#horizons[h]!;
      for (let i = state.tail; i < gone; i += 1) {
        if (this.#endsCover(first + i, timespanMs)) state.value -= this.weight[first + i]!;
      }
      state.tail = Math.max(0, state.tail - gone);
    }
    this.dropFront(run, gone);
    if (run.length === 0) this.#latest.release(s.table);
  }

  /** Gives everything back. */
  clear(s: Sightings): void {
    this.release(s.run);
    this.#latest.release(s.table);
    for (const state of s.horizons) {
      state.tail = 0;
      state.value = 0;
    }
  }

  /** As `EventLog.coalesce`: counts stay true, a value that returns is counted anew. */
  coalesce(s: Sightings, joinsNext: (index: number) => boolean): number {
    const { run } = s;
    const before = run.length;
    const first = run.offset + run.head;
    const merges = new Uint8Array(before);
    for (let i = 0; i + 1 < before; i += 1) {
      if (!joinsNext(i)) continue;
      if (this.next[first + i] !== Infinity) {
        merges[i] = 1;
      } else if (this.next[first + i + 1] === Infinity) {
        merges[i] = 1;
        this.weight[first + i + 1] = this.weight[first + i + 1]! + this.weight[first + i]!;
      }
    }
    this.compact(run, (_, i) => merges[i] === 0);
    this.#latest.release(s.table);
    const start = run.offset + run.head;
    const newest = this.time[start + run.length - 1]!;
    for (let i = 0; i < run.length; i += 1) {
      if (this.next[start + i] !== Infinity) continue;
      this.#latest.set(s.table, this.hi[start + i]!, this.lo[start + i]!, this.time[start + i]!, -Infinity);
    }
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      const { timespanMs } = this.#horizons[h]!;
      state.tail = this.countUpTo(run, newest - timespanMs);
      state.value = 0;
      for (let i = state.tail; i < run.length; i += 1) {
        if (this.#endsCover(start + i, timespanMs)) state.value += this.weight[start + i]!;
      }
    }
    return before - run.length;
  }

  /** Whether the sighting at this position is the one whose expiry ends its value's cover. */
  #endsCover(position: number, timespanMs: number): boolean {
    return this.next[position]! - this.time[position]! >= timespanMs;
  }

  #expire(first: number, state: HorizonState, upTo: number, timespanMs: number): void {
    let { tail } = state;
    while (this.time[first + tail]! <= upTo) {
      if (this.#endsCover(first + tail, timespanMs)) state.value -= this.weight[first + tail]!;
      tail += 1;
    }
    state.tail = tail;
  }

  #addOutOfOrder(
    s: Sightings,
    t: number,
    hi: number,
    lo: number,
    latest: number,
    judgedFrom: number,
    visitor: WindowVisitor,
  ): void {
    const { run } = s;
    const index = this.countUpTo(run, t);
    const after = latest > t ? this.#nextSighting(run, index, hi, lo) : -1;
    let previous = Number.isNaN(latest) ? -Infinity : latest;
    let next = Infinity;
    if (after >= 0) {
      previous = this.previous[after]!;
      next = this.time[after]!;
    }
    if (previous === t) return;
    if (after >= 0) this.previous[after] = t;
    if (previous !== -Infinity) this.#setNext(run, previous, hi, lo, t);
    const at = this.insert(run, index);
    this.#write(at, t, hi, lo, previous, next);
    if (after < 0) this.#remember(s, hi, lo, t, judgedFrom);

    const first = run.offset + run.head;
    const newest = this.time[first + run.length - 1]!;
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      const horizon = this.#horizons[h]!;
      const { timespanMs } = horizon;
      if (t <= newest - timespanMs) state.tail += 1;
      else if (after < 0 && previous <= newest - timespanMs) state.value += 1;
      this.#judgeBack(run, state, horizon, index, t, Math.max(t, judgedFrom), visitor);
    }
  }

  /** Reports the windows that end in [from, t + timespan), from the newest entry back to `index`. */
  #judgeBack(
    run: Run,
    state: HorizonState,
    horizon: Horizon,
    index: number,
    t: number,
    from: number,
    visitor: WindowVisitor,
  ): void {
    const first = run.offset + run.head;
    const { timespanMs, leastThreshold } = horizon;
    const { time } = this;
    let { value, tail } = state;
    for (let end = run.length - 1; end >= index;) {
      const s = time[first + end]!;
      if (s < from) return;
      if (s < t + timespanMs && value >= leastThreshold) visitor.window(horizon, s, value);
      for (; end >= index && time[first + end] === s; end -= 1) {
        if (s - this.previous[first + end]! >= timespanMs) value -= 1;
      }
      if (end < index) return;
      const before = time[first + end]! - timespanMs;
      for (; tail > 0 && time[first + tail - 1]! > before; tail -= 1) {
        if (this.#endsCover(first + tail - 1, timespanMs)) value += this.weight[first + tail - 1]!;
      }
    }
  }

  /** Position of the value's first sighting at or after index `from`, which is known to exist. */
  #nextSighting(run: Run, from: number, hi: number, lo: number): number {
    const first = run.offset + run.head;
    for (let i = first + from; i < first + run.length; i += 1) {
      if (this.lo[i] === lo && this.hi[i] === hi) return i;
    }
    return -1;
  }

  /** Time of the value's newest sighting, NaN when none is held. */
  #latestOf(s: Sightings, hi: number, lo: number): number {
    const { run, table } = s;
    if (table.capacity > 0) return this.#latest.get(table, hi, lo);
    const first = run.offset + run.head;
    for (let i = first + run.length - 1; i >= first; i -= 1) {
      if (this.lo[i] === lo && this.hi[i] === hi) return this.time[i]!;
    }
    return NaN;
  }

  #remember(s: Sightings, hi: number, lo: number, t: number, judgedFrom: number): void {
    const { run, table } = s;
    const staleUpTo = judgedFrom - this.#longestMs;
    if (table.capacity > 0) {
      this.#latest.set(table, hi, lo, t, staleUpTo);
    } else if (run.length > TABLE_FROM) {
      const first = run.offset + run.head;
      for (let i = first; i < first + run.length; i += 1) {
        if (this.next[i] === Infinity) {
          this.#latest.set(table, this.hi[i]!, this.lo[i]!, this.time[i]!, staleUpTo);
        }
      }
    }
  }

  #setNext(run: Run, at: number, hi: number, lo: number, t: number): void {
    const first = run.offset + run.head;
    for (let i = first + this.countUpTo(run, at) - 1; i >= first && this.time[i] === at; i -= 1) {
      if (this.lo[i] === lo && this.hi[i] === hi) {
        this.next[i] = t;
        return;
      }
    }
  }

  #write(at: number, t: number, hi: number, lo: number, previous: number, next: number): void {
    this.time[at] = t;
    this.hi[at] = hi;
    this.lo[at] = lo;
    this.weight[at] = 1;
    this.previous[at] = previous;
    this.next[at] = next;
  }

  /** Drops sightings whose value was seen again before the watermark, if that frees a quarter. */
  #dropSettled(s: Sightings, watermark: number): void {
    const { run } = s;
    const first = run.offset + run.head;
    let settled = 0;
    for (let i = first; i < first + run.length; i += 1) if (this.next[i]! < watermark) settled += 1;
    if (settled < run.length / 4) return;
    const newest = this.time[first + run.length - 1]!;
    this.compact(run, (position) => this.next[position]! >= watermark);
    for (let h = 0; h < s.horizons.length; h += 1) {
      s.horizons[h]!.tail = this.countUpTo(run, newest - this.#horizons[h]!.timespanMs);
    }
  }
}
