/**
 * Link of an id (`event/id-links.ts`) → a time: a map of numbers to numbers in one flat array, because thousands of ids
 * come and go in one window and nothing else is known of most of them.
 *
 * Open addressing; deletions leave no mark. Links are hashes, so their low bits are as good as any.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

/** Never a link: links are −1 or more. */
const EMPTY = -2;
const SMALLEST = 16;
const NOTHING = new Float64Array(0);

export class LinkTimes {
  /** Link, time, link, time, …; no cells while the map is empty. */
  #cells = NOTHING;
  #mask = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The link's time; NaN if not held. */
  get(link: number): number {
    return this.#size === 0 ? NaN : this.#cells[2 * this.#cell(link) + 1]!;
  }

  set(link: number, time: number): void {
    if (2 * this.#size >= this.#cells.length / 2) this.#grow();
    const cell = this.#cell(link);
    if (this.#cells[2 * cell] === EMPTY) this.#size += 1;
    this.#cells[2 * cell] = link;
    this.#cells[2 * cell + 1] = time;
  }

  /** Forgets the link if its time is not after `upTo`. Returns whether it did. */
  deleteUpTo(link: number, upTo: number): boolean {
    if (this.#size === 0) return false;
    const cells = this.#cells;
    const mask = this.#mask;
    let gap = this.#cell(link);
    if (!(cells[2 * gap + 1]! <= upTo)) return false;
    this.#size -= 1;
    if (this.#size === 0) {
      this.clear();
      return true;
    }
    // Moves entries back into the gap, so that look-ups still find them.
    for (let at = (gap + 1) & mask; cells[2 * at] !== EMPTY; at = (at + 1) & mask) {
      const pushed = cells[2 * at]!;
      if (((at - (pushed & mask)) & mask) < ((at - gap) & mask)) continue;
      cells[2 * gap] = pushed;
      cells[2 * gap + 1] = cells[2 * at + 1]!;
      gap = at;
    }
    cells[2 * gap] = EMPTY;
    cells[2 * gap + 1] = NaN;
    return true;
  }

  clear(): void {
    this.#cells = NOTHING;
    this.#mask = 0;
    this.#size = 0;
  }

  save(to: SectionWriter): void {
    to.u32(this.#cells.length);
    to.u32(this.#size);
    to.memory(this.#cells);
  }

  load(from: SectionReader): void {
    this.#cells = new Float64Array(from.u32());
    this.#size = from.u32();
    this.#mask = Math.max(0, this.#cells.length / 2 - 1);
    from.memory(this.#cells);
  }

  /** The cell with the link, or the empty cell for it. */
  #cell(link: number): number {
    const cells = this.#cells;
    const mask = this.#mask;
    for (let at = link & mask; ; at = (at + 1) & mask) {
      const held = cells[2 * at]!;
      if (held === link || held === EMPTY) return at;
    }
  }

  #grow(): void {
    const before = this.#cells;
    const cells = Math.max(SMALLEST, before.length);
    this.#cells = new Float64Array(2 * cells);
    for (let at = 0; at < cells; at += 1) {
      this.#cells[2 * at] = EMPTY;
      this.#cells[2 * at + 1] = NaN;
    }
    this.#mask = cells - 1;
    for (let at = 0; at < before.length; at += 2) {
      const link = before[at]!;
      if (link === EMPTY) continue;
      const cell = this.#cell(link);
      this.#cells[2 * cell] = link;
      this.#cells[2 * cell + 1] = before[at + 1]!;
    }
  }
}
