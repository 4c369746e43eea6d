/**
 * Recurring strings (applications, organisations, networks, categories, accounts) as numbers, so that a log entry holds
 * integers instead of strings. Number 0 means none. The size is bounded: when it is full, numbers that nobody holds any
 * more are reused (`forget`); while all are held, a new string becomes `OTHERS`, which alerts show as such.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

const TEXTS_A_STEP = 10_000;
/** Stands for a string that got no number. */
export const OTHERS = '(others)';
/** Stands in the place of a forgotten text. */
const FREE = '';

export class Dictionary {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [''];
  readonly #limit: number;
  readonly #free: number[] = [];
  #savings = 0;

  /** `limit`: no number is larger. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  number(text: string): number {
    if (text === '') return 0;
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const recycled = this.#free.pop();
    if (recycled === undefined && this.#texts.length >= this.#limit && text !== OTHERS) {
      return this.number(OTHERS);
    }
    const number = recycled ?? this.#texts.length;
    this.#texts[number] = text;
    this.#numbers.set(text, number);
    return number;
  }

  text(number: number): string {
    return this.#texts[number]!;
  }

  /** Whether new strings become `OTHERS`, and `forget` may help. */
  get isFull(): boolean {
    // Numbers being saved must keep their meaning meanwhile.
    return this.#texts.length >= this.#limit && this.#free.length === 0 && this.#savings === 0;
  }

  /** Frees the numbers that nobody holds. `isHeld`: by number, 0 if nobody holds it. */
  forget(isHeld: Uint8Array): void {
    const end = Math.min(this.#texts.length, this.#limit);
    for (let number = 1; number < end; number += 1) {
      const text = this.#texts[number]!;
      if (isHeld[number] !== 0 || text === FREE) continue;
      this.#numbers.delete(text);
      this.#texts[number] = FREE;
      this.#free.push(number);
    }
  }

  /** Saves the texts as of the first step. */
  *saving(to: SectionWriter): Generator<void> {
    const { length } = this.#texts;
    this.#savings += 1;
    try {
      yield;
      to.u32(length - 1);
      for (let number = 1; number < length; number += 1) {
        to.text(this.#texts[number]!);
        if (number % TEXTS_A_STEP === 0) yield;
      }
    } finally {
      this.#savings -= 1;
    }
  }

  /** Call on a new one only; its few texts are among the saved ones. */
  *loading(from: SectionReader): Generator<void> {
    this.#texts.length = 1;
    this.#numbers.clear();
    for (let left = from.u32(); left > 0; left -= 1) {
      const text = from.text();
      if (text === FREE) this.#free.push(this.#texts.length);
      else this.#numbers.set(text, this.#texts.length);
      this.#texts.push(text);
      if (left % TEXTS_A_STEP === 0) yield;
    }
  }
}
