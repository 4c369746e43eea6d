/**
 * Low-cardinality strings (applications, organisations, networks, categories) as small numbers, so that a
 * log entry holds four integers instead of four strings. Number 0 means none. The size is bounded: beyond
 * it every new string is `OVERFLOW`, which alerts show as such.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

const OVERFLOW = '(others)';

export class Dictionary {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [''];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  number(text: string): number {
    if (text === '') return 0;
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length >= this.#limit && text !== OVERFLOW) return this.number(OVERFLOW);
    const number = this.#texts.length;
    this.#texts.push(text);
    this.#numbers.set(text, number);
    return number;
  }

  text(number: number): string {
    return this.#texts[number]!;
  }

  save(to: SectionWriter): void {
    to.list(this.#texts.slice(1), (text) => to.text(text));
  }

  /** To be called of an empty one. */
  load(from: SectionReader): void {
    from.each(() => this.number(from.text()));
  }
}
