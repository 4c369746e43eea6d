/** Persons by pseudonym, with what was read of each: about a hundred bytes per person, however much was read. */

import { pseudonymText } from '../event/pseudonyms.ts';
import type { ValueSets } from './value-sets.ts';

/** What one read showed. The values become sets in the table's dictionaries. */
export interface Shown {
  readonly time: number;
  readonly applications: readonly string[];
  readonly organisations: readonly string[];
  readonly categories: readonly string[];
}

export type Dimension = Exclude<keyof Shown, 'time'>;

const DIMENSIONS: readonly Dimension[] = ['applications', 'organisations', 'categories'];

export interface AffectedPerson {
  /** 16 hex digits. */
  readonly pseudonym: string;
  /** The portal's own id of the person; '' if its list has none with that pseudonym. */
  readonly id: string;
  /** Events that showed the person. */
  readonly reads: number;
  /** Event times, ms since the epoch. */
  readonly firstRead: number;
  readonly lastRead: number;
  readonly applications: readonly string[];
  readonly organisations: readonly string[];
  readonly categories: readonly string[];
}

const SMALLEST = 1024;

export class PersonTable {
  readonly #values: Readonly<Record<Dimension, ValueSets>>;
  /** Open addressing: the person's number plus one, 0 for an empty place. */
  #places = new Uint32Array(2 * SMALLEST);
  /** High and low word of each person's pseudonym. */
  #words = new Uint32Array(2 * SMALLEST);
  #reads = new Uint32Array(SMALLEST);
  /** First and last read of each person. */
  #times = new Float64Array(2 * SMALLEST);
  #sets = new Uint32Array(DIMENSIONS.length * SMALLEST);
  /** Number of the last read that showed the person, as a read may list a person twice. */
  #lastIn = new Uint32Array(SMALLEST);
  readonly #ids: (string | undefined)[] = [];
  #size = 0;
  #read = 0;
  #identified = 0;

  constructor(values: Readonly<Record<Dimension, ValueSets>>) {
    this.#values = values;
  }

  get size(): number {
    return this.#size;
  }

  /** Number of persons whose id is known. */
  get identified(): number {
    return this.#identified;
  }

  /** Takes a read and the persons it showed: high and low words of `count` pseudonyms. */
  add(shown: Shown, words: Uint32Array, count: number): void {
    this.#read += 1;
    for (let i = 0; i < count; i += 1) {
      const person = this.#placeOf(words[2 * i]!, words[2 * i + 1]!);
      if (this.#lastIn[person] === this.#read) continue;
      this.#lastIn[person] = this.#read;
      this.#reads[person]! += 1;
      const { time } = shown;
      if (!(this.#times[2 * person]! <= time)) this.#times[2 * person] = time;
      if (!(this.#times[2 * person + 1]! >= time)) this.#times[2 * person + 1] = time;
      DIMENSIONS.forEach((dimension, d) => {
        const at = DIMENSIONS.length * person + d;
        const sets = this.#values[dimension];
        for (const value of shown[dimension]) this.#sets[at] = sets.with(this.#sets[at]!, value);
      });
    }
  }

  /** Sets the portal's own id of the person with this pseudonym. Of two ids with one pseudonym the first is kept. */
  identify(hi: number, lo: number, id: string): void {
    const person = this.#find(hi, lo);
    if (person === undefined || this.#ids[person] !== undefined) return;
    this.#ids[person] = id;
    this.#identified += 1;
  }

  /** In the order of first reads. */
  *persons(): Generator<AffectedPerson> {
    const [times, words] = [this.#times, this.#words];
    const order = Uint32Array.from({ length: this.#size }, (_, i) => i).sort(
      (a, b) =>
        times[2 * a]! - times[2 * b]! ||
        words[2 * a]! - words[2 * b]! ||
        words[2 * a + 1]! - words[2 * b + 1]!,
    );
    for (const person of order) {
      const of = (d: Dimension): readonly string[] =>
        this.#values[d].values(this.#sets[DIMENSIONS.length * person + DIMENSIONS.indexOf(d)]!);
      yield {
        pseudonym: pseudonymText(words[2 * person]!, words[2 * person + 1]!),
        id: this.#ids[person] ?? '',
        reads: this.#reads[person]!,
        firstRead: times[2 * person]!,
        lastRead: times[2 * person + 1]!,
        applications: of('applications'),
        organisations: of('organisations'),
        categories: of('categories'),
      };
    }
  }

  #find(hi: number, lo: number): number | undefined {
    const found = this.#places[this.#search(hi, lo)]!;
    return found === 0 ? undefined : found - 1;
  }

  /** Number of the person; adds a person if the pseudonym is new. */
  #placeOf(hi: number, lo: number): number {
    const at = this.#search(hi, lo);
    const found = this.#places[at]!;
    if (found !== 0) return found - 1;
    if (this.#size === this.#reads.length) this.#grow();
    const person = this.#size;
    this.#size += 1;
    this.#words[2 * person] = hi;
    this.#words[2 * person + 1] = lo;
    this.#times[2 * person] = NaN;
    this.#times[2 * person + 1] = NaN;
    this.#places[this.#search(hi, lo)] = person + 1;
    return person;
  }

  /** Place of the pseudonym, or where it would go. */
  #search(hi: number, lo: number): number {
    const mask = this.#places.length - 1;
    let at = (hi ^ lo) & mask;
    for (let found = this.#places[at]!; found !== 0; found = this.#places[at]!) {
      if (this.#words[2 * (found - 1)] === hi && this.#words[2 * found - 1] === lo) break;
      at = (at + 1) & mask;
    }
    return at;
  }

  #grow(): void {
    this.#words = longer(this.#words, new Uint32Array(2 * this.#words.length));
    this.#reads = longer(this.#reads, new Uint32Array(2 * this.#reads.length));
    this.#times = longer(this.#times, new Float64Array(2 * this.#times.length));
    this.#sets = longer(this.#sets, new Uint32Array(2 * this.#sets.length));
    this.#lastIn = longer(this.#lastIn, new Uint32Array(2 * this.#lastIn.length));
    this.#places = new Uint32Array(2 * this.#places.length);
    for (let person = 0; person < this.#size; person += 1) {
      this.#places[this.#search(this.#words[2 * person]!, this.#words[2 * person + 1]!)] = person + 1;
    }
  }
}

function longer<T extends Uint32Array | Float64Array>(held: T, into: T): T {
  into.set(held);
  return into;
}
