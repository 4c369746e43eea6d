/**
 * The events of a group, in event-time order, with what an alert must say of them: the window of `event_count` rules
 * and the evidence of all rules over the same stream.
 *
 * Memory: nothing older than watermark − longest timespan; see `coalesce` for the bound once a group has crossed its
 * thresholds.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { DimensionTable, DimensionTotals } from './dimension-table.ts';
import type { Run } from './run-store.ts';
import { TotalsLog } from './totals-log.ts';

/** What is kept of one event; every field but the time fits 32 bits. */
export interface EventEntry {
  time: number;
  /** Half of the hash of the event's id; 0 if it has no id. */
  id: number;
  /** Bit k: the event holds a value for measure k of its stream; bit 0 is always set. Below 2^(MEASURES + 1). */
  held: number;
  records: number;
  bytes: number;
  /** What alerts list of the event: its row number in the `DimensionTable`, at most `MOST_DIMENSIONS`. */
  dimensions: number;
}

/** Measures of a stream, besides the number of events. */
export const MEASURES = 8;
export const MOST_DIMENSIONS = 2 ** 23 - 1;

export function saveEntry(to: SectionWriter, entry: EventEntry): void {
  to.f64(entry.time);
  for (const word of WORDS) to.u32(entry[word]);
}

export function loadEntry(from: SectionReader): EventEntry {
  const time = from.f64();
  const words = Object.fromEntries(WORDS.map((word) => [word, from.u32()]));
  return { ...(words as Record<(typeof WORDS)[number], number>), time };
}

const WORDS = ['id', 'held', 'records', 'bytes', 'dimensions'] as const;

/** Something that an entry can be added to. */
export interface EventTotals extends DimensionTotals {
  addEvents(sign: 1 | -1, events: number, records: number, bytes: number): void;
}

/** 32-bit words per row: the time, then these. */
const W = 6;
const F = W / 2;
/** Half of a hash, enough to tell events of one instant apart; in a joined row, how many events it stands for. */
const ID = 2;
const RECORDS = 3;
const BYTES = 4;
/** The dimensions; from bit 23 the measures the event holds besides bit 0; in bit 31 whether the row is joined. */
const WHAT = 5;
const MEASURES_BIT = 23;
const MEASURES_MASK = 2 ** (MEASURES + 1) - 2;
const JOINED = 2 ** 31;
const MOST = 2 ** 32 - 1;

export class EventLog extends TotalsLog {
  readonly #dimensions: DimensionTable;

  constructor(dimensions: DimensionTable) {
    super(4 * W);
    this.#dimensions = dimensions;
  }

  /** Inserts the entry at its place in time and returns its index (0 = oldest). */
  add(run: Run, entry: EventEntry): number {
    const index = this.countUpTo(run, entry.time);
    const row = this.insert(run, index);
    const at = row * W;
    const { u32 } = this;
    this.f64[row * F] = entry.time;
    u32[at + ID] = entry.id;
    u32[at + RECORDS] = entry.records;
    u32[at + BYTES] = entry.bytes;
    u32[at + WHAT] = entry.dimensions | ((entry.held >>> 1) << MEASURES_BIT);
    return index;
  }

  /** Events that the entry at a row stands for. */
  override amountAt(row: number): number {
    const { u32 } = this;
    return u32[row * W + WHAT]! < JOINED ? 1 : u32[row * W + ID]!;
  }

  holds(row: number, measure: number): boolean {
    return (this.#heldAt(row) & measure) !== 0;
  }

  recordsAt(row: number): number {
    return this.u32[row * W + RECORDS]!;
  }

  /** Row number of what alerts list of the event. */
  dimensionsAt(row: number): number {
    return this.u32[row * W + WHAT]! & MOST_DIMENSIONS;
  }

  #heldAt(row: number): number {
    return ((this.u32[row * W + WHAT]! >>> (MEASURES_BIT - 1)) & MEASURES_MASK) | 1;
  }

  /** Adds the entry to totals; with sign −1 subtracts it. */
  addTo(totals: EventTotals, row: number, sign: 1 | -1): void {
    const { u32 } = this;
    const at = row * W;
    totals.addEvents(sign, this.amountAt(row), u32[at + RECORDS]!, u32[at + BYTES]!);
    this.#dimensions.addTo(totals, this.dimensionsAt(row));
  }

  /** Adds the entries after `from` and up to `to` that hold the measure to totals; with sign −1 subtracts them. */
  addRange(totals: EventTotals, run: Run, measure: number, from: number, to: number, sign: 1 | -1): void {
    const last = run.first + this.countUpTo(run, to);
    for (let row = run.first + this.countUpTo(run, from); row < last; row += 1) {
      if (this.holds(row, measure)) this.addTo(totals, row, sign);
    }
  }

  /** Number of records in the entries after `from` and up to `to` that hold the measure. */
  recordsIn(run: Run, measure: number, from: number, to: number): number {
    const last = run.first + this.countUpTo(run, to);
    let records = 0;
    for (let row = run.first + this.countUpTo(run, from); row < last; row += 1) {
      if (this.holds(row, measure)) records += this.recordsAt(row);
    }
    return records;
  }

  /** Time of the oldest entry after `from` and up to `to` that holds the measure; `to` if there is none. */
  oldestIn(run: Run, measure: number, from: number, to: number): number {
    for (let i = this.countUpTo(run, from); i < run.length; i += 1) {
      const t = this.timeAt(run.first + i);
      if (t > to) break;
      if (this.holds(run.first + i, measure)) return t;
    }
    return to;
  }

  /** Whether an entry with this time and id is held. */
  has(run: Run, entry: EventEntry): boolean {
    for (let row = run.first + this.countUpTo(run, entry.time) - 1; row >= run.first; row -= 1) {
      if (this.timeAt(row) !== entry.time) return false;
      if (this.u32[row * W + WHAT]! < JOINED && this.u32[row * W + ID] === entry.id) return true;
    }
    return false;
  }

  /**
   * Adds entries of one pane that hold the same measures to the newest of them. `paneOf`: the pane of the entry at an
   * index, NaN if the entry stays as it is. Sums stay true; what is lost is where inside the pane a window's edge
   * falls. Returns how many entries were removed.
   */
  coalesce(run: Run, paneOf: (index: number) => number): number {
    const before = run.length;
    const { u32 } = this;
    const joined = new Uint8Array(before);
    const newestHolding = new Map<number, number>();
    let pane = NaN;
    for (let i = before - 1; i >= 0; i -= 1) {
      const own = paneOf(i);
      if (own !== pane) newestHolding.clear();
      pane = own;
      if (Number.isNaN(own)) continue;
      const row = run.first + i;
      const held = this.#heldAt(row);
      const into = newestHolding.get(held);
      if (into === undefined) {
        newestHolding.set(held, row);
        continue;
      }
      joined[i] = 1;
      const events = this.amountAt(into) + this.amountAt(row);
      u32[into * W + WHAT]! |= JOINED;
      u32[into * W + ID] = Math.min(MOST, events);
      for (const word of [RECORDS, BYTES]) {
        u32[into * W + word] = Math.min(MOST, u32[into * W + word]! + u32[row * W + word]!);
      }
    }
    this.compact(run, (_, i) => joined[i] === 0);
    return before - run.length;
  }
}
