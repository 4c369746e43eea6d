/**
 * The sightings of values in a group, counted: the windows of `value_count` rules over one field, for all timespans.
 *
 * A sighting x of a value covers the window ends [x, x + timespan) unless the value's next sighting takes over first;
 * the distinct count of a window is the number of values that cover its end. So each sighting remembers when its value
 * was seen before and next: this says for every timespan whether it starts or ends the value's cover, and one table of
 * newest sightings serves all horizons.
 *
 * In-order arrival is O(1) amortised. A sighting that arrives out of order walks back from the newest entry over all
 * newer entries, undoing starts and expiries.
 *
 * Kept: every sighting newer than the watermark, and before it the newest sighting of each value; a sighting whose
 * successor is settled is dropped when its block is full.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { HorizonState, WindowVisitor } from './horizon.ts';
import { type Hashes, LatestTable } from './latest-table.ts';
import type { Run } from './run-store.ts';
import { SightingRows } from './sighting-rows.ts';

/** Below this many sightings a look-up scans them; a table only pays beyond. */
const TABLE_FROM = 12;
/** What becomes of a coalesced sighting: it is removed, or it stays and loses its name. */
const GONE = 1;
const NAMED = 2;

/** One group's counted sightings. */
export interface CountedSightings {
  readonly run: Run;
  readonly table: Run;
  readonly horizons: readonly HorizonState[];
}

export class CountedLog extends SightingRows {
  readonly #latest = new LatestTable();
  readonly #longestMs: number;
  /** When the current values were seen before. */
  #before = new Float64Array(64);
  /** Values that come out of order, each with the same value's sightings before and after. */
  readonly #fresh: { hi: number; lo: number; previous: number; next: number }[] = [];

  /** `longestMs`: how long sightings are kept, at least the longest timespan of the horizons. */
  constructor(longestMs: number) {
    super();
    this.#longestMs = longestMs;
  }

  override get bytes(): number {
    return super.bytes + this.#latest.bytes;
  }

  save(to: SectionWriter, { run, table }: CountedSightings): void {
    this.saveRun(to, run);
    this.#latest.saveRun(to, table);
  }

  load(from: SectionReader, { run, table }: CountedSightings): void {
    this.loadRun(from, run);
    this.#latest.loadRun(from, table);
  }

  /**
   * Adds the sightings of an event's values. Returns true if they are the group's newest (`judgeNewest` must still be
   * called); otherwise the windows they may have raised have been reported already.
   */
  add(s: CountedSightings, t: number, values: Hashes, judgedFrom: number, visitor: WindowVisitor): boolean {
    const { run } = s;
    if (t >= run.newest.ms || run.length === 0 || t >= this.timeAt(run.first + run.length - 1)) {
      this.append(s, t, values, judgedFrom);
      return true;
    }
    this.#addOutOfOrder(s, t, values, judgedFrom, visitor);
    return false;
  }

  /** Reports the windows that end at the group's newest entry. */
  judgeNewest(s: CountedSightings, judgedFrom: number, visitor: WindowVisitor): void {
    const t = this.timeAt(s.run.first + s.run.length - 1);
    if (t < judgedFrom) return;
    for (let h = 0; h < s.horizons.length; h += 1) {
      const { horizon, value } = s.horizons[h]!;
      if (value >= horizon.leastThreshold) visitor.window(horizon, t, value);
    }
  }

  /** Forgets sightings at or before `t`, which no window can hold any more. */
  trim(s: CountedSightings, t: number): void {
    const { run } = s;
    const gone = this.countUpTo(run, t);
    if (gone === 0) return;
    const first = run.first;
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      const { timespanMs } = state.horizon;
      for (let i = state.tail; i < gone; i += 1) {
        if (this.endsCover(first + i, timespanMs)) state.value -= this.weightAt(first + i);
      }
      state.tail = Math.max(0, state.tail - gone);
    }
    this.dropFront(run, gone);
    if (run.length === 0) this.#latest.release(s.table);
  }

  /** Frees all memory and resets the horizons. */
  clear(s: CountedSightings): void {
    this.release(s.run);
    this.#latest.release(s.table);
    for (const state of s.horizons) {
      state.tail = 0;
      state.value = 0;
    }
  }

  /**
   * Like `EventLog.coalesce`: the newest sightings of values within one pane become one nameless sighting with their
   * total weight, and older sightings of a value are removed. The log is then that of the remaining sightings, so a
   * value that returns is counted anew.
   */
  coalesce(s: CountedSightings, paneOf: (index: number) => number): number {
    const { run } = s;
    const before = run.length;
    const joined = new Uint8Array(before);
    let into = -1;
    let pane = NaN;
    for (let i = before - 1; i >= 0; i -= 1) {
      const own = paneOf(i);
      if (own !== pane) into = -1;
      pane = own;
      if (Number.isNaN(own)) continue;
      const row = run.first + i;
      if (this.nextAt(row) !== Infinity) {
        joined[i] = GONE;
      } else if (into < 0) {
        into = row;
      } else {
        joined[i] = GONE;
        if (this.isNamed(into)) joined[into - run.first] = NAMED;
        this.addWeight(into, row);
      }
    }
    // Newest first, so that what is linked to a removed row is linked on to one that stays.
    for (let i = before - 1; i >= 0; i -= 1) {
      if (joined[i] === NAMED || (joined[i] === GONE && this.isNamed(run.first + i))) {
        this.unlink(run, run.first + i);
      }
    }
    this.moved();
    this.compact(run, (_, i) => joined[i] !== GONE);
    // Half of the table would have to go: building it anew costs less.
    this.#latest.release(s.table);
    this.#makeTable(s, -Infinity, run.length);
    const start = run.first;
    const newest = this.timeAt(start + run.length - 1);
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      const { timespanMs } = state.horizon;
      state.tail = this.countUpTo(run, newest - timespanMs);
      state.value = 0;
      for (let i = state.tail; i < run.length; i += 1) {
        if (this.endsCover(start + i, timespanMs)) state.value += this.weightAt(start + i);
      }
    }
    return before - run.length;
  }

  /** Moves the window's start on to its place for a window that ends at `t`. */
  #expire(first: number, state: HorizonState, t: number): void {
    const { timespanMs } = state.horizon;
    let { tail } = state;
    while (this.timeAt(first + tail) <= t - timespanMs) {
      if (this.endsCover(first + tail, timespanMs)) state.value -= this.weightAt(first + tail);
      tail += 1;
    }
    state.tail = tail;
  }

  /** Adds values as the newest sightings. */
  append(s: CountedSightings, t: number, values: Hashes, judgedFrom: number): void {
    const { run, table, horizons } = s;
    const { words, length } = values;
    const staleUpTo = judgedFrom - this.#longestMs;
    if (!this.hasRoom(run, length)) this.#dropSettled(s, judgedFrom);
    this.reserve(run, length);
    if (table.capacity === 0 && run.length + length > TABLE_FROM) this.#makeTable(s, staleUpTo, length);
    const looked = table.capacity > 0;
    if (looked) {
      if (this.#before.length < length) this.#before = new Float64Array(2 * length);
      this.#latest.renew(table, values, t, staleUpTo, this.#before);
    }
    for (let i = 0; i < length; i += 1) {
      const hi = words[2 * i]!;
      const lo = words[2 * i + 1]!;
      const latest = looked ? this.#before[i]! : this.#latestOf(s, hi, lo);
      if (latest === t) continue;
      // A sighting that every window has left is as good as none.
      const seen = latest > staleUpTo;
      if (seen) this.linkNext(run, latest, hi, lo, t);
      this.write(this.insert(run, run.length), t, hi, lo, seen ? latest : -Infinity, Infinity);
      for (let h = 0; h < horizons.length; h += 1) {
        const state = horizons[h]!;
        if (!(seen && t - latest < state.horizon.timespanMs)) state.value += 1;
      }
    }
    this.moved();
    const { first } = run;
    for (let h = 0; h < horizons.length; h += 1) {
      this.#expire(first, horizons[h]!, t);
    }
  }

  /** Adds values older than the newest, all at once: newer entries are moved once and walked back over once. */
  #addOutOfOrder(
    s: CountedSightings,
    t: number,
    values: Hashes,
    judgedFrom: number,
    visitor: WindowVisitor,
  ): void {
    const { run } = s;
    const index = this.countUpTo(run, t);
    this.#linkFresh(s, index, t, values, judgedFrom);
    const fresh = this.#fresh;
    if (fresh.length === 0) return;
    const at = this.insert(run, index, fresh.length);
    fresh.forEach(({ hi, lo, previous, next }, i) => this.write(at + i, t, hi, lo, previous, next));

    const newest = this.timeAt(run.first + run.length - 1);
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      const from = newest - state.horizon.timespanMs;
      if (t <= from) state.tail += fresh.length;
      else
        for (const { previous, next } of fresh) if (next === Infinity && previous <= from) state.value += 1;
      this.#judgeBack(run, state, index, t, Math.max(t, judgedFrom), visitor);
    }
    fresh.length = 0;
    if (!this.hasRoom(run, 1)) this.#dropSettled(s, judgedFrom);
  }

  /** Links the values' sightings before and after with those at `t` to be inserted at `index`, in `#fresh`. */
  #linkFresh(s: CountedSightings, index: number, t: number, values: Hashes, judgedFrom: number): void {
    const { run, table } = s;
    const { words, length } = values;
    const staleUpTo = judgedFrom - this.#longestMs;
    if (table.capacity === 0 && run.length + length > TABLE_FROM) this.#makeTable(s, staleUpTo, length);
    const looked = table.capacity > 0;
    const fresh = this.#fresh;
    for (let i = 0; i < length; i += 1) {
      const hi = words[2 * i]!;
      const lo = words[2 * i + 1]!;
      const latest = this.#latestOf(s, hi, lo);
      const after = latest > t ? this.nextSighting(run, index, hi, lo) : -1;
      // As in order: a sighting that every window has left is as good as none, and may have been forgotten.
      let previous = latest > staleUpTo ? latest : -Infinity;
      let next = Infinity;
      if (after >= 0) {
        previous = this.previousAt(after);
        next = this.timeAt(after);
      }
      // Also skips a value that the event names twice.
      if (previous === t || (!looked && fresh.some((other) => other.hi === hi && other.lo === lo))) continue;
      if (after >= 0) this.setPrevious(after, t);
      else if (looked) this.#latest.set(table, hi, lo, t, staleUpTo);
      if (previous !== -Infinity) this.linkNext(run, previous, hi, lo, t);
      fresh.push({ hi, lo, previous, next });
    }
    this.moved();
  }

  /** Reports the windows that end in [from, t + timespan), from the newest entry back to `index`. */
  #judgeBack(
    run: Run,
    state: HorizonState,
    index: number,
    t: number,
    from: number,
    visitor: WindowVisitor,
  ): void {
    const first = run.first;
    const { horizon } = state;
    const { timespanMs, leastThreshold } = horizon;
    let { value, tail } = state;
    const newest = this.timeAt(first + run.length - 1);
    const told = Math.max(leastThreshold, visitor.quietBelow(horizon, from, newest));
    for (let end = run.length - 1; end >= index;) {
      const s = this.timeAt(first + end);
      if (s < from) return;
      if (s < t + timespanMs && value >= told) visitor.window(horizon, s, value);
      for (; end >= index && this.timeAt(first + end) === s; end -= 1) {
        if (s - this.previousAt(first + end) >= timespanMs) value -= this.weightAt(first + end);
      }
      if (end < index) return;
      const before = this.timeAt(first + end) - timespanMs;
      for (; tail > 0 && this.timeAt(first + tail - 1) > before; tail -= 1) {
        if (this.endsCover(first + tail - 1, timespanMs)) value += this.weightAt(first + tail - 1);
      }
    }
  }

  /** Time of the value's newest sighting; NaN if none is held. */
  #latestOf(s: CountedSightings, hi: number, lo: number): number {
    const { run, table } = s;
    if (table.capacity > 0) return this.#latest.get(table, hi, lo);
    const first = run.first;
    for (let i = first + run.length - 1; i >= first; i -= 1) {
      if (this.isOf(i, hi, lo)) return this.timeAt(i);
    }
    return NaN;
  }

  #makeTable({ run, table }: CountedSightings, staleUpTo: number, room: number): void {
    const { first } = run;
    this.#latest.makeRoom(table, room, staleUpTo);
    for (let i = first; i < first + run.length; i += 1) {
      if (this.nextAt(i) === Infinity && this.isNamed(i)) {
        this.#latest.set(table, this.hiAt(i), this.loAt(i), this.timeAt(i), staleUpTo);
      }
    }
  }

  /** Drops sightings whose value was seen again before the watermark, if that frees a quarter. */
  #dropSettled(s: CountedSightings, watermark: number): void {
    const { run } = s;
    if (run.length < 16) return;
    const first = run.first;
    let settled = 0;
    for (let i = first; i < first + run.length; i += 1) if (this.nextAt(i) < watermark) settled += 1;
    if (settled < run.length / 4) return;
    const newest = this.timeAt(first + run.length - 1);
    this.compact(run, (position) => this.nextAt(position) >= watermark);
    for (let h = 0; h < s.horizons.length; h += 1) {
      const state = s.horizons[h]!;
      state.tail = this.countUpTo(run, newest - state.horizon.timespanMs);
    }
  }
}
