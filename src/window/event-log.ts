/**
 * The events of a group, in event-time order, with what an alert must say of them: the window of
 * `event_count` rules and the evidence of all rules over the same stream.
 *
 * Memory: nothing older than watermark − longest timespan; see `coalesce` for the bound once a group has crossed
 * its thresholds.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { Run } from './run-store.ts';
import { TotalsLog } from './totals-log.ts';

/** What is kept of one event. Interned numbers are the evidence dictionaries'; all but time fit 32 bits. */
export interface EventEntry {
  time: number;
  /** Half of its id's hash; 0 when it has no id. */
  id: number;
  /** Bit k: the event holds a value for measure k of its stream; bit 0 is set for every event. */
  held: number;
  records: number;
  bytes: number;
  application: number;
  organisation: number;
  network: number;
  category: number;
  account: number;
}

/** None of these numbers is larger: an application shares a word with an organisation, a category with a network. */
export const LIMITS = {
  application: 2 ** 12 - 1,
  organisation: 2 ** 20 - 1,
  network: 2 ** 20 - 1,
  category: 2 ** 12 - 1,
  account: 1_000_000,
} as const;

export function saveEntry(to: SectionWriter, entry: EventEntry): void {
  to.f64(entry.time);
  for (const word of WORDS) to.u32(entry[word]);
}

export function loadEntry(from: SectionReader): EventEntry {
  const time = from.f64();
  const words = Object.fromEntries(WORDS.map((word) => [word, from.u32()]));
  return { ...(words as Record<(typeof WORDS)[number], number>), time };
}

const WORDS = [
  'id',
  'held',
  'records',
  'bytes',
  'application',
  'organisation',
  'network',
  'category',
  'account',
] as const;

/** What an entry can be added to. */
export interface EventTotals {
  addEvents(sign: 1 | -1, events: number, records: number, bytes: number): void;
  addDimensions(
    application: number,
    organisation: number,
    network: number,
    category: number,
    account: number,
  ): void;
}

/** 32-bit words of a row: the time, then these. */
const W = 10;
const F = W / 2;
/** Half of a hash is enough to tell events of one instant apart. */
const ID = 2;
const HELD = 3;
/** Events an entry stands for: 1, or more once entries were coalesced. */
const WEIGHT = 4;
const RECORDS = 5;
const BYTES = 6;
/** The organisation, and from bit 20 on the application. */
const ORGANISATION = 7;
/** The network, and from bit 20 on the category. */
const NETWORK = 8;
const ACCOUNT = 9;
const LOW_BITS = 20;
const LOW = 2 ** LOW_BITS - 1;

export class EventLog extends TotalsLog {
  constructor() {
    super(4 * W);
  }

  /** Puts the entry in its place in time and returns its index (0 = oldest). */
  add(run: Run, entry: EventEntry): number {
    const index = this.countUpTo(run, entry.time);
    const row = this.insert(run, index);
    const at = row * W;
    const { u32 } = this;
    this.f64[row * F] = entry.time;
    u32[at + ID] = entry.id;
    u32[at + HELD] = entry.held;
    u32[at + WEIGHT] = 1;
    u32[at + RECORDS] = entry.records;
    u32[at + BYTES] = entry.bytes;
    u32[at + ORGANISATION] = entry.organisation | (entry.application << LOW_BITS);
    u32[at + NETWORK] = entry.network | (entry.category << LOW_BITS);
    u32[at + ACCOUNT] = entry.account;
    return index;
  }

  /** Events that the entry at a row stands for. */
  override amountAt(row: number): number {
    return this.u32[row * W + WEIGHT]!;
  }

  holds(row: number, measure: number): boolean {
    return (this.u32[row * W + HELD]! & measure) !== 0;
  }

  recordsAt(row: number): number {
    return this.u32[row * W + RECORDS]!;
  }

  /** Adds the entry to totals, or with sign −1 takes it back. */
  addTo(totals: EventTotals, row: number, sign: 1 | -1): void {
    const { u32 } = this;
    const at = row * W;
    totals.addEvents(sign, u32[at + WEIGHT]!, u32[at + RECORDS]!, u32[at + BYTES]!);
    const organisation = u32[at + ORGANISATION]!;
    const network = u32[at + NETWORK]!;
    totals.addDimensions(
      organisation >>> LOW_BITS,
      organisation & LOW,
      network & LOW,
      network >>> LOW_BITS,
      u32[at + ACCOUNT]!,
    );
  }

  /** Whether an entry with this time and id is held. */
  has(run: Run, entry: EventEntry): boolean {
    for (let row = run.first + this.countUpTo(run, entry.time) - 1; row >= run.first; row -= 1) {
      if (this.timeAt(row) !== entry.time) return false;
      if (this.u32[row * W + ID] === entry.id) return true;
    }
    return false;
  }

  /**
   * Adds entries of one pane that hold the same measures to the newest of them. `paneOf`: the pane of the
   * entry at an index, NaN when it stays as it is. Sums stay true; what is lost is where inside the pane a
   * window's edge falls. Returns how many entries went away.
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
      const from = (run.first + i) * W;
      const into = newestHolding.get(u32[from + HELD]!);
      if (into === undefined) {
        newestHolding.set(u32[from + HELD]!, from);
        continue;
      }
      joined[i] = 1;
      for (const word of [WEIGHT, RECORDS, BYTES]) {
        u32[into + word] = Math.min(0xffff_ffff, u32[into + word]! + u32[from + word]!);
      }
    }
    this.compact(run, (_, i) => joined[i] === 0);
    return before - run.length;
  }
}
