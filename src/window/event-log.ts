/**
 * The events of a group, in event-time order, with what an alert must say of them: the window of
 * `event_count` rules and the evidence of all rules over the same stream.
 *
 * In-order arrival is O(1) per horizon. An entry that arrives out of order re-judges the windows that end
 * between it and the newest entry. Memory: nothing older than watermark − longest timespan; see `coalesce`
 * for the bound once a group has crossed its thresholds.
 */

import { type Horizon, type HorizonState, type WindowVisitor } from './horizon.ts';
import { type Run, RunStore } from './run-store.ts';

/** What is kept of one event. Interned numbers are the evidence dictionary's. */
export interface EventEntry {
  time: number;
  idHi: number;
  idLo: number;
  /** Bit k: the event holds a value for measure k of its stream; bit 0 is set for every event. */
  held: number;
  records: number;
  bytes: number;
  application: number;
  organisation: number;
  network: number;
  category: number;
}

export class EventLog extends RunStore {
  idHi = new Uint32Array(1024);
  idLo = new Uint32Array(1024);
  held = new Uint32Array(1024);
  /** Events an entry stands for: 1, or more once entries were coalesced. */
  weight = new Uint32Array(1024);
  /** Records and bytes of the response; both saturate at 2³² − 1 an entry. */
  records = new Uint32Array(1024);
  bytesRead = new Uint32Array(1024);
  application = new Uint32Array(1024);
  category = new Uint32Array(1024);
  organisation = new Uint32Array(1024);
  network = new Uint32Array(1024);

  protected override columns() {
    return [
      this.idHi,
      this.idLo,
      this.held,
      this.weight,
      this.records,
      this.bytesRead,
      this.application,
      this.category,
      this.organisation,
      this.network,
    ];
  }

  protected override replaceColumns(next: ReturnType<EventLog['columns']>): void {
    this.idHi = next[0]!;
    this.idLo = next[1]!;
    this.held = next[2]!;
    this.weight = next[3]!;
    this.records = next[4]!;
    this.bytesRead = next[5]!;
    this.application = next[6]!;
    this.category = next[7]!;
    this.organisation = next[8]!;
    this.network = next[9]!;
  }

  /** Puts the entry in its place in time and returns its index (0 = oldest). */
  add(run: Run, entry: EventEntry): number {
    const index = this.countUpTo(run, entry.time);
    const at = this.insert(run, index);
    this.time[at] = entry.time;
    this.idHi[at] = entry.idHi;
    this.idLo[at] = entry.idLo;
    this.held[at] = entry.held;
    this.weight[at] = 1;
    this.records[at] = entry.records;
    this.bytesRead[at] = entry.bytes;
    this.application[at] = entry.application;
    this.category[at] = entry.category;
    this.organisation[at] = entry.organisation;
    this.network[at] = entry.network;
    return index;
  }

  /** Whether an entry with this time and id is held. */
  has(run: Run, entry: EventEntry): boolean {
    const first = RunStore.first(run);
    for (let i = this.countUpTo(run, entry.time) - 1; i >= 0; i -= 1) {
      if (this.time[first + i] !== entry.time) return false;
      if (this.idHi[first + i] === entry.idHi && this.idLo[first + i] === entry.idLo) return true;
    }
    return false;
  }

  /**
   * Counts the entry just added at `index` into one horizon and reports the windows it may have raised.
   * Windows that end before `judgedFrom` (the watermark) were judged and stay as they are.
   */
  count(
    run: Run,
    state: HorizonState,
    horizon: Horizon,
    index: number,
    judgedFrom: number,
    visitor: WindowVisitor,
  ): void {
    const first = RunStore.first(run);
    const { time, weight } = this;
    const t = time[first + index]!;
    const { timespanMs, leastThreshold } = horizon;
    const newest = run.length - 1;
    if (index === newest) {
      const oldestIn = t - timespanMs;
      let { tail, value } = state;
      while (time[first + tail]! <= oldestIn) {
        value -= weight[first + tail]!;
        tail += 1;
      }
      value += 1;
      state.tail = tail;
      state.value = value;
      if (value >= leastThreshold && t >= judgedFrom) visitor.window(horizon, t, value);
      return;
    }
    if (t > time[first + newest]! - timespanMs) state.value += 1;
    else state.tail += 1;

    let low = this.countUpTo(run, t - timespanMs);
    let inWindow = 0;
    let high = low;
    for (let end = index; end <= newest; end += 1) {
      const s = time[first + end]!;
      if (s >= t + timespanMs) break;
      if (end < newest && time[first + end + 1] === s) continue;
      for (; high <= end; high += 1) inWindow += weight[first + high]!;
      for (; time[first + low]! <= s - timespanMs; low += 1) inWindow -= weight[first + low]!;
      if (inWindow >= leastThreshold && s >= judgedFrom) visitor.window(horizon, s, inWindow);
    }
  }

  /** To be called before `dropFront(run, dropped)`, for every horizon of the group. */
  dropped(run: Run, state: HorizonState, dropped: number): void {
    const first = RunStore.first(run);
    for (let i = state.tail; i < dropped; i += 1) state.value -= this.weight[first + i]!;
    state.tail = Math.max(0, state.tail - dropped);
  }

  /**
   * Adds each entry that `joinsNext` allows to its newer neighbour. Sums stay true; what is lost is where
   * between them a window's edge falls. Returns how many entries went away.
   */
  coalesce(run: Run, joinsNext: (index: number) => boolean): number {
    const before = run.length;
    const first = RunStore.first(run);
    const merges = new Uint8Array(before);
    for (let i = 0; i + 1 < before; i += 1) {
      if (!joinsNext(i)) continue;
      if (this.held[first + i] !== this.held[first + i + 1]) continue;
      merges[i] = 1;
      const into = first + i + 1;
      this.weight[into] = this.weight[into]! + this.weight[first + i]!;
      this.records[into] = this.records[into]! + this.records[first + i]!;
      this.bytesRead[into] = this.bytesRead[into]! + this.bytesRead[first + i]!;
    }
    this.compact(run, (_, i) => merges[i] === 0);
    return before - run.length;
  }

  /** Recomputes a horizon's state after `coalesce`. */
  settle(run: Run, state: HorizonState, horizon: Horizon): void {
    const first = RunStore.first(run);
    const newest = this.time[first + run.length - 1]!;
    state.tail = this.countUpTo(run, newest - horizon.timespanMs);
    state.value = 0;
    for (let i = state.tail; i < run.length; i += 1) state.value += this.weight[first + i]!;
  }
}
