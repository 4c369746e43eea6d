/** Sets of texts, each stored once and referred to by number: nearly all persons share the same few. */

/** Further values are left out: beyond this many they help nobody. */
const MOST_VALUES = 100;

const EMPTY: readonly string[] = [];

export class ValueSets {
  /** By number; 0 is the empty set. */
  readonly #sets: { readonly values: readonly string[]; readonly larger: Map<string, number> }[] = [
    { values: EMPTY, larger: new Map() },
  ];
  readonly #numbers = new Map<string, number>();

  /** Number of the set that also contains `value`; an empty text adds nothing. */
  with(set: number, value: string): number {
    if (value === '') return set;
    const { values, larger } = this.#sets[set]!;
    const known = larger.get(value);
    if (known !== undefined) return known;
    const isIn = values.includes(value) || values.length >= MOST_VALUES;
    const number = isIn ? set : this.#numberOf([...values, value].sort());
    larger.set(value, number);
    return number;
  }

  /** Sorted. */
  values(set: number): readonly string[] {
    return this.#sets[set]!.values;
  }

  #numberOf(values: readonly string[]): number {
    const key = JSON.stringify(values);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#sets.push({ values, larger: new Map() });
    this.#numbers.set(key, this.#sets.length - 1);
    return this.#sets.length - 1;
  }
}
