/**
 * The entries of a sliding window, in time order, for measures in which order matters. They are taken instant by
 * instant, since events of one time have no order among them. Nothing taken can be taken back: an entry that comes
 * late, before others already taken, makes all be taken anew. What left the window is recognised by its time alone.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

interface Held<T> {
  readonly time: number;
  readonly held: T;
}

export class Instants<T> {
  /** From #first on; entries that left are cut off now and then. */
  #entries: Held<T>[] = [];
  #first = 0;
  /** Entries before this index were taken. */
  #taken = 0;
  #stale = false;

  /** Adds an entry; times mostly grow. Returns how many entries are not newer. */
  enter(held: T, time: number): number {
    const entries = this.#entries;
    let at = entries.length;
    while (at > this.#first && entries[at - 1]!.time > time) at -= 1;
    if (at === entries.length) entries.push({ time, held });
    else entries.splice(at, 0, { time, held });
    if (at < this.#taken || entries[this.#taken - 1]?.time === time) this.#stale = true;
    return at - this.#first;
  }

  /** Oldest first, without the `from` oldest. */
  *held(from: number): Generator<T, void> {
    for (let i = this.#first + from; i < this.#entries.length; i += 1) yield this.#entries[i]!.held;
  }

  /** Removes and returns the oldest entry. */
  leave(): T {
    const { held } = this.#entries[this.#first]!;
    this.#first += 1;
    this.#taken = Math.max(this.#taken, this.#first);
    if (this.#first >= CUT_FROM && 2 * this.#first >= this.#entries.length) {
      this.#entries.splice(0, this.#first);
      this.#taken -= this.#first;
      this.#first = 0;
    }
    return held;
  }

  save(to: SectionWriter, write: (held: T) => void): void {
    to.list(this.#entries.slice(this.#first), ({ time, held }) => {
      to.f64(time);
      write(held);
    });
    to.u32(this.#taken - this.#first);
    to.flag(this.#stale);
  }

  load(from: SectionReader, read: (time: number) => T): void {
    this.#entries = from.list(() => {
      const time = from.f64();
      return { time, held: read(time) };
    });
    this.#taken = from.u32();
    this.#stale = from.flag();
  }

  /** Takes what was not taken yet; calls `restart` first if everything must be taken anew. */
  advance(restart: () => void, take: (time: number, together: readonly T[]) => void): void {
    if (this.#stale) {
      this.#stale = false;
      this.#taken = this.#first;
      restart();
    }
    const entries = this.#entries;
    while (this.#taken < entries.length) {
      const { time } = entries[this.#taken]!;
      const together: T[] = [];
      for (; entries[this.#taken]?.time === time; this.#taken += 1) together.push(entries[this.#taken]!.held);
      take(time, together);
    }
  }
}

const CUT_FROM = 64;
