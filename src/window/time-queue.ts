/**
 * Items with a time, oldest first, that mostly come in order and leave at the front.
 *
 * Invariant: sorted by time, ties in order of arrival. Adding in order and leaving at the front are O(1) amortised.
 */
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

export class TimeQueue<T extends { readonly time: number }> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The i-th oldest; undefined beyond the newest. */
  at(i: number): T | undefined {
    return this.#items[this.#head + i];
  }

  /** Inserts the item after all that are not newer, at an index in [from, to]. */
  add(item: T, from = 0, to = this.length): void {
    const items = this.#items;
    let at = this.#head + to;
    while (at > this.#head + from && items[at - 1]!.time > item.time) at -= 1;
    if (at === items.length) items.push(item);
    else items.splice(at, 0, item);
  }

  /** Forgets the `count` oldest. */
  dropFront(count: number): void {
    const items = this.#items;
    const head = this.#head + count;
    if (2 * head >= items.length) {
      items.splice(0, head);
      this.#head = 0;
      return;
    }
    items.fill(undefined, this.#head, head);
    this.#head = head;
  }

  /** Of the `count` oldest, keeps those that `keep` accepts; asks in order. */
  filterFront(count: number, keep: (item: T) => boolean): void {
    const items = this.#items.slice(this.#head) as T[];
    this.#items = items.filter((item, i) => i >= count || keep(item));
    this.#head = 0;
  }

  save(to: SectionWriter, write: (item: T) => void): void {
    to.list(this.#items.slice(this.#head) as T[], write);
  }

  load(from: SectionReader, read: () => T): void {
    this.#items = from.list(read);
    this.#head = 0;
  }
}
