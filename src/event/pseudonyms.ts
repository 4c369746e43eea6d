import type { IdLinks } from './id-links.ts';

/**
 * Keyed 64-bit hashes of persons' ids, as two 32-bit words each: all that the rest of the process knows of a
 * person. Text form: 16 lower-case hex digits, high word first.
 */
export class Pseudonyms {
  /** hi, lo, hi, lo, … ; only the first `2 * length` words count, the buffer may be larger and reused. */
  words: Uint32Array;
  /** Number of pseudonyms. */
  length: number;
  /** Which of the ids are neighbours; only for fields for which somebody asked. */
  readonly links: IdLinks | undefined;

  constructor(words: Uint32Array = new Uint32Array(16), length = 0, links?: IdLinks) {
    this.words = words;
    this.length = length;
    this.links = links;
  }

  /** Removes all pseudonyms; the buffers stay. */
  clear(): void {
    this.length = 0;
    if (this.links !== undefined) this.links.length = 0;
  }

  /** Text of the i-th pseudonym. */
  text(i: number): string {
    return pseudonymText(this.words[2 * i]!, this.words[2 * i + 1]!);
  }
}

/** 16 lower-case hex digits, high word first. */
export function pseudonymText(hi: number, lo: number): string {
  return (hi >>> 0).toString(16).padStart(8, '0') + (lo >>> 0).toString(16).padStart(8, '0');
}

/** Whether a text has the form of a pseudonym. */
export function isPseudonym(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}
