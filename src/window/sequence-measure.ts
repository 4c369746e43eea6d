/**
 * Runs of consecutive ids in a window: an enumeration, however much else is read in between.
 *
 * A run is a chain of sightings in time order, each of an id 1 to `steps` above (or, in a descending run, below) that
 * of the sighting before. Within one event the order of its list counts; if several events have the same time, nothing
 * says which came first, and their ids count in any order. Ids are known by links only (`event/id-links.ts`), which
 * tell which ids are neighbours but not what they are.
 *
 * Per id and direction: for each length m up to `minRun`, the latest time at which a run of m ids that ends in the id
 * can have begun. A window (t − timespan, t] holds such a run exactly when that time is after t − timespan, so nothing
 * has to be undone when the window moves on. Noise, revisits and parallel enumerations break nothing, since every id
 * continues whatever its neighbour has. A sighting costs 2 × steps look-ups and, inside a run, 2 × steps × minRun
 * comparisons. An id that is in no run costs one number.
 *
 * Kept: at most `maxIds` ids of the window, the newest; ids beyond that are forgotten and counted.
 */

import type { Entered, IdRun, Judgement, Sleeper, SlidingMeasure } from './closing-log.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { Instants } from './instants.ts';
import { LinkTimes } from './link-times.ts';
import { missingIds } from './missing-ids.ts';

export interface SequenceSpec {
  readonly timespanMs: number;
  readonly minRun: number;
  readonly steps: number;
  readonly maxIds: number;
}

/** What an event holds, for all its groups; `own` is for the rule's other measure. */
export interface SequenceHeld {
  readonly own: unknown;
  /** Per id, in list order: its link, then those of id − 1, id + 1, id − 2, id + 2, … */
  readonly links: readonly number[];
}

/** The sightings of one event in this window; no links once they are forgotten. */
interface Sightings {
  readonly time: number;
  links: readonly number[];
}

/** [m − 2]: latest beginning of a run of m ids that ends in an id; falls with m. A run of one begins when seen. */
type Begins = number[];

interface Runs {
  readonly up: Begins;
  readonly down: Begins;
}

/** With more ids, a closer look costs more than measuring them. */
const MOST_LOOKED_AT = 2048;

const NO_LINKS: readonly number[] = [];
const NO_RUN: IdRun = { ids: 0, sinceMs: NaN };

export class SequenceMeasure implements SlidingMeasure<SequenceHeld> {
  readonly #spec: SequenceSpec;
  readonly #own: SlidingMeasure<unknown>;
  readonly #stride: number;
  readonly #instants = new Instants<Sightings>();
  /** When each id in the window was last seen, by link. */
  readonly #seenAt = new LinkTimes();
  /** By link, for ids that continued another. */
  readonly #runs = new Map<number, Runs>();
  /** Ids that the entries hold. */
  #ids = 0;
  /** Time of the instant taken last, and the longest run that ends then. */
  #takenMs = -Infinity;
  #longest: IdRun = NO_RUN;
  #forgotten = 0;
  /** How many of the oldest entries no longer hold ids. */
  #bare = 0;

  constructor(spec: SequenceSpec, own: SlidingMeasure<unknown>) {
    this.#spec = spec;
    this.#own = own;
    this.#stride = 1 + 2 * spec.steps;
  }

  /** Ids that had to be forgotten beyond the bound. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Ids of which something is known. */
  get remembered(): number {
    return this.#seenAt.size;
  }

  enter(held: SequenceHeld, timeMs: number): void {
    this.#own.enter(held.own, timeMs);
    const sightings = { time: timeMs, links: held.links };
    this.#bare = Math.min(this.#bare, this.#instants.enter(sightings, timeMs));
    this.#ids += held.links.length / this.#stride;
    if (this.#ids > this.#spec.maxIds) this.#shed(sightings);
  }

  leave(held: SequenceHeld): void {
    this.#own.leave(held.own);
    const sightings = this.#instants.leave();
    this.#bare = Math.max(0, this.#bare - 1);
    this.#forget(sightings, sightings.links.length / this.#stride);
  }

  judge(endMs: number, lost = false): Judgement {
    this.#instants.advance(
      () => {
        this.#seenAt.clear();
        this.#runs.clear();
      },
      (time, together) => this.#take(time, together),
    );
    const { holds, value } = this.#own.judge(endMs, lost);
    const run = this.#takenMs === endMs ? this.#longest : NO_RUN;
    return { holds: holds && run.ids >= this.#spec.minRun, value, run };
  }

  /** Saves everything taken, as forgotten ids cannot be taken again. The other measure follows from the entries. */
  save(to: SectionWriter): void {
    this.#instants.save(to, ({ links }) => to.numbers(links));
    this.#seenAt.save(to);
    to.list(this.#runs, ([link, { up, down }]) => {
      to.f64(link);
      to.numbers(up);
      to.numbers(down);
    });
    to.u32(this.#ids);
    to.f64(this.#takenMs);
    to.u32(this.#longest.ids);
    to.f64(this.#longest.sinceMs);
    to.u32(this.#forgotten);
    to.u32(this.#bare);
  }

  load(from: SectionReader, entered: readonly Entered<SequenceHeld>[]): void {
    for (const { held, time } of entered) this.#own.enter(held.own, time);
    this.#instants.load(from, (time) => ({ time, links: from.numbers() }));
    this.#seenAt.load(from);
    from.each(() => this.#runs.set(from.f64(), { up: from.numbers(), down: from.numbers() }));
    this.#ids = from.u32();
    this.#takenMs = from.f64();
    this.#longest = { ids: from.u32(), sinceMs: from.f64() };
    this.#forgotten = from.u32();
    this.#bare = from.u32();
  }

  #take(time: number, together: readonly Sightings[]): void {
    const linked = together.filter(({ links }) => links.length > 0);
    this.#takenMs = time;
    this.#longest = NO_RUN;
    const [first, second] = linked;
    if (first === undefined) return;
    if (second === undefined) this.#takeInOrder(first.links, time);
    else {
      this.#takeInAnyOrder(linked, time, 'up', 1);
      this.#takeInAnyOrder(linked, time, 'down', 2);
    }
    this.#longest = { ids: 1, sinceMs: time };
    if (this.#runs.size === 0) return;
    for (const { links } of linked) {
      for (let at = 0; at < links.length; at += this.#stride) {
        const runs = this.#runs.get(links[at]!);
        if (runs === undefined) continue;
        this.#longest = longer(this.#longest, this.#runOf(runs.up, time));
        this.#longest = longer(this.#longest, this.#runOf(runs.down, time));
      }
    }
  }

  #takeInOrder(links: readonly number[], time: number): void {
    for (let at = 0; at < links.length; at += this.#stride) {
      this.#extend('up', links, at, 1, time);
      this.#extend('down', links, at, 2, time);
    }
  }

  /** Neighbours before those that continue them; `offset`: of the first neighbour in a sighting's links. */
  #takeInAnyOrder(linked: readonly Sightings[], time: number, direction: keyof Runs, offset: number): void {
    const sighted = new Map<number, { readonly links: readonly number[]; readonly at: number }>();
    for (const { links } of linked) {
      for (let at = 0; at < links.length; at += this.#stride) sighted.set(links[at]!, { links, at });
    }
    const begun = new Set<number>();
    for (const link of sighted.keys()) {
      const waiting = begun.has(link) ? [] : [link];
      begun.add(link);
      while (waiting.length > 0) {
        const { links, at } = sighted.get(waiting.at(-1)!)!;
        let neighbour: number | undefined;
        for (let k = offset; k < this.#stride && neighbour === undefined; k += 2) {
          const each = links[at + k]!;
          if (sighted.has(each) && !begun.has(each)) neighbour = each;
        }
        if (neighbour === undefined) {
          this.#extend(direction, links, at, offset, time);
          waiting.pop();
        } else {
          begun.add(neighbour);
          waiting.push(neighbour);
        }
      }
    }
  }

  /** The sighting continues the runs of its neighbours. */
  #extend(direction: keyof Runs, links: readonly number[], at: number, offset: number, time: number): void {
    const { minRun, timespanMs } = this.#spec;
    const link = links[at]!;
    this.#seenAt.set(link, time);
    let begins: Begins | undefined;
    for (let k = offset; k < this.#stride; k += 2) {
      const neighbour = links[at + k]!;
      let begin = this.#seenAt.get(neighbour);
      if (!(begin > time - timespanMs)) continue;
      const before = this.#runs.get(neighbour)?.[direction];
      for (let m = 2; m <= minRun && begin > time - timespanMs; m += 1) {
        begins ??= this.#runsOf(link)[direction];
        if (m - 2 === begins.length) begins.push(begin);
        else if (begin > begins[m - 2]!) begins[m - 2] = begin;
        begin = before?.[m - 2] ?? NaN;
      }
    }
  }

  #runsOf(link: number): Runs {
    let runs = this.#runs.get(link);
    if (runs === undefined) {
      runs = { up: [], down: [] };
      this.#runs.set(link, runs);
    }
    return runs;
  }

  #runOf(begins: Begins, time: number): IdRun {
    let longer = begins.length;
    while (longer > 0 && begins[longer - 1]! <= time - this.#spec.timespanMs) longer -= 1;
    return { ids: longer + 1, sinceMs: longer === 0 ? time : begins[longer - 1]! };
  }

  /** Forgets the oldest ids, down to an eighth below the bound, but none of the newest entry. */
  #shed(newest: Sightings): void {
    const { maxIds } = this.#spec;
    for (const sightings of this.#instants.held(this.#bare)) {
      const excess = this.#ids - (maxIds - (maxIds >>> 3));
      if (sightings === newest || excess <= 0) return;
      const ids = Math.min(excess, sightings.links.length / this.#stride);
      this.#forget(sightings, ids);
      this.#forgotten += ids;
      if (sightings.links.length === 0) this.#bare += 1;
    }
  }

  /** Forgets the first ids of an entry. */
  #forget(sightings: Sightings, ids: number): void {
    const { links, time } = sightings;
    const to = ids * this.#stride;
    for (let at = 0; at < to; at += this.#stride) {
      if (this.#seenAt.deleteUpTo(links[at]!, time)) this.#runs.delete(links[at]!);
    }
    this.#ids -= ids;
    sightings.links = to === links.length ? NO_LINKS : links.slice(to);
  }
}

/** A run needs enough ids, and ids that follow each other. */
export function sequenceSleeper({ minRun, maxIds, steps }: SequenceSpec): Sleeper<SequenceHeld> {
  const stride = 1 + 2 * steps;
  return {
    needed: Math.min(minRun, maxIds),
    missing: (links, rows) =>
      rows > Math.min(maxIds, MOST_LOOKED_AT) ? 0 : missingIds(links, rows, steps, Math.min(minRun, maxIds)),
    stride,
    weigh: ({ links }) => links.length / stride,
    numbersOf: ({ links }) => links,
    otherOf: ({ own }) => own,
    heldOf: (links, own) => ({ own, links }),
  };
}

function longer(a: IdRun, b: IdRun): IdRun {
  return a.ids > b.ids || (a.ids === b.ids && a.sinceMs >= b.sinceMs) ? a : b;
}
