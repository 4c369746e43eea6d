/**
 * Strings that come back (applications, organisations, networks, categories, accounts) as numbers, so that a
 * log entry holds integers instead of strings. Number 0 means none. The size is bounded: beyond
 * it every new string is `OVERFLOW`, which alerts show as such.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

const TEXTS_A_STEP = 10_000;
const OVERFLOW = '(others)';

export class Dictionary {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [''];
  readonly #limit: number;

  /** `limit`: no number is larger. */
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

  /** Saves what it holds at the first step. */
  *saving(to: SectionWriter): Generator<void> {
    const { length } = this.#texts;
    yield;
    to.u32(length - 1);
    for (let number = 1; number < length; number += 1) {
      to.text(this.#texts[number]!);
      if (number % TEXTS_A_STEP === 0) yield;
    }
  }

  /** Of an empty one. */
  *loading(from: SectionReader): Generator<void> {
    for (let left = from.u32(); left > 0; left -= 1) {
      this.number(from.text());
      if (left % TEXTS_A_STEP === 0) yield;
    }
  }
}
