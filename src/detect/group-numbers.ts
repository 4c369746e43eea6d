/**
 * The numbers of a group: where its logs lie and how its horizons stand.
 *
 * The numbers of all groups of a stream lie side by side in typed rows, so an event finds its group's numbers in one or
 * two cache lines, and a million idle groups are one buffer. A stream has one `GroupNumbers` to work on; `open` writes
 * the open row back and reads another one.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { type Horizon, HorizonState } from '../window/horizon.ts';
import { Sightings, tellsAll } from '../window/distinct-log.ts';
import { Asleep } from '../window/sleeping-log.ts';
import { NewestTime, Run, RunStore } from '../window/run-store.ts';
import { ValueHistory } from '../window/value-history.ts';

export class Sum {
  readonly run: Run;
  readonly horizons: readonly HorizonState[];
  /** It holds an amount, or held a sum, that cannot be added and subtracted again without rounding. */
  inexact = false;

  constructor(horizons: readonly Horizon[], newest: NewestTime) {
    this.run = new Run(newest);
    this.horizons = statesOf(horizons);
  }
}

/** Which horizons look at what. */
export interface GroupShape {
  readonly counts: readonly Horizon[];
  readonly distincts: readonly { readonly horizons: readonly Horizon[] }[];
  readonly sums: readonly { readonly horizons: readonly Horizon[] }[];
  /** Whether persons are kept apart from what is counted. */
  readonly persons: unknown;
  /** Which of them can sleep. */
  readonly closings: readonly { readonly sleeping: unknown }[];
  /** One per horizon with a baseline. */
  readonly gates: readonly unknown[];
}

function statesOf(horizons: readonly Horizon[]): HorizonState[] {
  return horizons.map((horizon) => new HorizonState(horizon));
}

export class GroupNumbers extends RunStore {
  /** Time of the group's newest event. */
  readonly newest = new NewestTime();
  readonly events = new Run(this.newest);
  readonly persons = new Run(this.newest);
  readonly counts: readonly HorizonState[];
  readonly sightings: readonly Sightings[];
  readonly sums: readonly Sum[];
  /** By closing measure; undefined if its logs never sleep. */
  readonly asleep: readonly (Asleep | undefined)[];
  /** By gate. */
  readonly histories: readonly ValueHistory[];
  /** Watermark before which nothing is to be trimmed; Infinity while the group holds no event. */
  trimFrom = Infinity;
  /** Events at or before this time may have been coalesced. */
  coalescedUpTo = -Infinity;
  /** Log length beyond which coalescing is tried next. */
  boundAt: number;
  readonly #firstBoundAt: number;
  readonly #runs: readonly Run[];
  /** All horizons of the group. */
  readonly horizons: readonly HorizonState[];
  /** Sightings with a horizon that every window is reported to. */
  readonly #telling: readonly Sightings[];
  readonly #sleepers: readonly Asleep[];
  readonly #floats: number;
  /** Where the words of a row begin, in floats. */
  readonly #firstWord: number;
  /** The open row; −1 if none is open. */
  #row = -1;

  constructor({ counts, distincts, persons, sums, closings, gates }: GroupShape, firstBoundAt: number) {
    const horizons = [...distincts, ...sums].reduce((sum, of) => sum + of.horizons.length, counts.length);
    const telling = distincts.filter((of) => of.horizons.some(tellsAll)).length;
    const sleepers = closings.filter(({ sleeping }) => sleeping !== undefined).length;
    const held = persons === undefined ? 0 : 1;
    const runs = 1 + held + 3 * distincts.length + sums.length + sleepers + gates.length;
    const words = FIRST_NUMBER + RUN_WORDS * runs + horizons + sums.length + 2 * sleepers;
    const firstWord = FIRST_HORIZON + horizons + telling + gates.length;
    const floats = firstWord + Math.ceil(words / 2);
    super(8 * floats);
    this.#floats = floats;
    this.#firstWord = firstWord;
    const { newest } = this;
    this.counts = statesOf(counts);
    this.sightings = distincts.map((of) => new Sightings(of.horizons, newest));
    this.#telling = this.sightings.filter((each) => each.tellsAll);
    this.sums = sums.map((of) => new Sum(of.horizons, newest));
    this.asleep = closings.map(({ sleeping }) => (sleeping === undefined ? undefined : new Asleep(newest)));
    this.#sleepers = this.asleep.filter((each) => each !== undefined);
    this.histories = gates.map(() => new ValueHistory());
    this.#runs = [
      this.events,
      ...(held > 0 ? [this.persons] : []),
      ...this.sightings.flatMap(({ few, run, table }) => [few, run, table]),
      ...this.sums.map(({ run }) => run),
      ...this.#sleepers.map(({ run }) => run),
      ...this.histories.map(({ run }) => run),
    ];
    this.horizons = [
      ...this.counts,
      ...this.sightings.flatMap((each) => each.horizons),
      ...this.sums.flatMap((each) => each.horizons),
    ];
    this.#firstBoundAt = firstBoundAt;
    this.boundAt = firstBoundAt;
  }

  /** Makes a row for a new group and opens it. `number`: counts the groups that the stream has made. */
  create(number: number): number {
    this.#close();
    const row = this.allocate(1);
    this.#reset();
    this.#row = row;
    this.f64[row * this.#floats + NUMBER] = number;
    return row;
  }

  /** From here on the numbers are those of this row. */
  open(row: number): void {
    if (row === this.#row) return;
    this.#close();
    this.#row = row;
    const { f64, u32 } = this;
    const from = row * this.#floats;
    this.trimFrom = f64[from + TRIM_FROM]!;
    this.coalescedUpTo = f64[from + COALESCED_UP_TO]!;
    this.newest.ms = f64[from + NEWEST]!;
    let at = from + FIRST_HORIZON;
    for (let h = 0; h < this.horizons.length; h += 1) this.horizons[h]!.value = f64[at + h]!;
    at += this.horizons.length;
    for (let m = 0; m < this.#telling.length; m += 1) this.#telling[m]!.toldBefore = f64[at + m]!;
    at += this.#telling.length;
    for (let g = 0; g < this.histories.length; g += 1) this.histories[g]!.estimatedBucket = f64[at + g]!;
    at = 2 * (from + this.#firstWord);
    this.boundAt = u32[at + BOUND_AT]!;
    at += FIRST_NUMBER;
    for (let r = 0; r < this.#runs.length; r += 1) {
      const run = this.#runs[r]!;
      run.offset = u32[at]!;
      run.capacity = u32[at + 1]!;
      run.head = u32[at + 2]!;
      run.length = u32[at + 3]!;
      at += RUN_WORDS;
    }
    for (let h = 0; h < this.horizons.length; h += 1) this.horizons[h]!.tail = u32[at + h]!;
    at += this.horizons.length;
    for (let m = 0; m < this.sums.length; m += 1) this.sums[m]!.inexact = u32[at + m] === 1;
    at += this.sums.length;
    for (let m = 0; m < this.#sleepers.length; m += 1) {
      const asleep = this.#sleepers[m]!;
      asleep.weight = u32[at + 2 * m]!;
      asleep.spare = u32[at + 2 * m + 1]!;
    }
  }

  /** Writes the numbers back into their row. */
  #close(): void {
    if (this.#row < 0) return;
    const { f64, u32 } = this;
    const to = this.#row * this.#floats;
    this.#row = -1;
    f64[to + TRIM_FROM] = this.trimFrom;
    f64[to + COALESCED_UP_TO] = this.coalescedUpTo;
    f64[to + NEWEST] = this.newest.ms;
    let at = to + FIRST_HORIZON;
    for (let h = 0; h < this.horizons.length; h += 1) f64[at + h] = this.horizons[h]!.value;
    at += this.horizons.length;
    for (let m = 0; m < this.#telling.length; m += 1) f64[at + m] = this.#telling[m]!.toldBefore;
    at += this.#telling.length;
    for (let g = 0; g < this.histories.length; g += 1) f64[at + g] = this.histories[g]!.estimatedBucket;
    at = 2 * (to + this.#firstWord);
    u32[at + BOUND_AT] = this.boundAt;
    at += FIRST_NUMBER;
    for (let r = 0; r < this.#runs.length; r += 1) {
      const { offset, capacity, head, length } = this.#runs[r]!;
      u32[at] = offset;
      u32[at + 1] = capacity;
      u32[at + 2] = head;
      u32[at + 3] = length;
      at += RUN_WORDS;
    }
    for (let h = 0; h < this.horizons.length; h += 1) u32[at + h] = this.horizons[h]!.tail;
    at += this.horizons.length;
    for (let m = 0; m < this.sums.length; m += 1) u32[at + m] = this.sums[m]!.inexact ? 1 : 0;
    at += this.sums.length;
    for (let m = 0; m < this.#sleepers.length; m += 1) {
      const { weight, spare } = this.#sleepers[m]!;
      u32[at + 2 * m] = weight;
      u32[at + 2 * m + 1] = spare;
    }
  }

  /** The number given to `create`, of any row. */
  numberOf(row: number): number {
    return this.f64[row * this.#floats + NUMBER]!;
  }

  /** Last saving that the row no longer needs to be part of; undefined content before `setSavedIn`. */
  savedIn(row: number): number {
    return this.u32[2 * (row * this.#floats + this.#firstWord) + SAVED_IN]!;
  }

  setSavedIn(row: number, round: number): void {
    this.u32[2 * (row * this.#floats + this.#firstWord) + SAVED_IN] = round;
  }

  /** `trimFrom` of any row, without opening it. */
  trimFromOf(row: number): number {
    return row === this.#row ? this.trimFrom : this.f64[row * this.#floats + TRIM_FROM]!;
  }

  /** Time of the newest event of any row, without opening it. */
  newestOf(row: number): number {
    return row === this.#row ? this.newest.ms : this.f64[row * this.#floats + NEWEST]!;
  }

  /**
   * Whether a count's horizon is kept up with the log. A window with fewer events than the threshold interests no rule,
   * as long as each entry stands for one event.
   */
  keepsUp({ leastThreshold }: Horizon): boolean {
    return this.events.length >= leastThreshold || this.coalescedUpTo > -Infinity;
  }

  /** Entries of the longest log; sums never have more entries than there are events. */
  get longest(): number {
    let longest = Math.max(this.events.length, this.persons.length);
    for (const { run } of this.sightings) longest = Math.max(longest, run.length);
    return longest;
  }

  /** Saves the numbers of the open row, except where its logs lie. */
  save(to: SectionWriter): void {
    to.f64(this.trimFrom);
    to.f64(this.coalescedUpTo);
    to.f64(this.newest.ms);
    to.u32(this.boundAt);
    for (const { value, tail } of this.horizons) {
      to.f64(value);
      to.u32(tail);
    }
    for (const { toldBefore } of this.#telling) to.f64(toldBefore);
    for (const { estimatedBucket } of this.histories) to.f64(estimatedBucket);
    for (const { inexact } of this.sums) to.flag(inexact);
    for (const { weight } of this.#sleepers) to.u32(weight);
  }

  /** Loads into the open row. */
  load(from: SectionReader): void {
    this.trimFrom = from.f64();
    this.coalescedUpTo = from.f64();
    this.newest.ms = from.f64();
    this.boundAt = from.u32();
    for (const horizon of this.horizons) {
      horizon.value = from.f64();
      horizon.tail = from.u32();
    }
    for (const sightings of this.#telling) sightings.toldBefore = from.f64();
    for (const history of this.histories) history.estimatedBucket = from.f64();
    for (const sum of this.sums) sum.inexact = from.flag();
    for (const asleep of this.#sleepers) asleep.weight = from.u32();
  }

  /** Frees the open row. */
  delete(): void {
    this.recycle(this.#row, 1);
    this.#row = -1;
  }

  #reset(): void {
    this.trimFrom = Infinity;
    this.coalescedUpTo = -Infinity;
    this.newest.ms = -Infinity;
    this.boundAt = this.#firstBoundAt;
    for (const run of this.#runs) {
      run.offset = 0;
      run.capacity = 0;
      run.head = 0;
      run.length = 0;
    }
    for (const horizon of this.horizons) {
      horizon.tail = 0;
      horizon.value = 0;
    }
    for (const sightings of this.#telling) sightings.toldBefore = -Infinity;
    for (const history of this.histories) history.estimatedBucket = -Infinity;
    for (const sum of this.sums) sum.inexact = false;
    for (const asleep of this.#sleepers) {
      asleep.weight = 0;
      asleep.spare = 0;
    }
  }
}

/**
 * Floats of a row; after them the horizons' values, the times up to which all windows are reported, the newest buckets
 * with estimates, and then the words.
 */
const TRIM_FROM = 0;
const COALESCED_UP_TO = 1;
const NEWEST = 2;
const NUMBER = 3;
const FIRST_HORIZON = 4;
/** Words of a row; after them those of runs, horizons, sums and sleeping logs. */
const BOUND_AT = 0;
const SAVED_IN = 1;
const FIRST_NUMBER = 2;
const RUN_WORDS = 4;
