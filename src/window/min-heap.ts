/** A binary min-heap of values by key, such as window ends over all groups: finds what is due without visiting all. */
export class MinHeap<T> {
  readonly #keys: number[] = [];
  readonly #values: T[] = [];

  /** Least key; Infinity when empty. */
  get least(): number {
    return this.#keys[0] ?? Infinity;
  }

  push(key: number, value: T): void {
    let at = this.#keys.length;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (this.#keys[parent]! <= key) break;
      this.#keys[at] = this.#keys[parent]!;
      this.#values[at] = this.#values[parent]!;
      at = parent;
    }
    this.#keys[at] = key;
    this.#values[at] = value;
  }

  /** Removes and returns a value with the least key. The heap must not be empty. */
  pop(): T {
    const top = this.#values[0]!;
    const key = this.#keys.pop()!;
    const value = this.#values.pop()!;
    const { length } = this.#keys;
    if (length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#keys[child + 1]! < this.#keys[child]!) child += 1;
      if (this.#keys[child]! >= key) break;
      this.#keys[at] = this.#keys[child]!;
      this.#values[at] = this.#values[child]!;
      at = child;
    }
    this.#keys[at] = key;
    this.#values[at] = value;
    return top;
  }
}
