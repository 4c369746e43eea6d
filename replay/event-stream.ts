/**
 * The contract of a generator: a lazy stream of events in event-time order.
 *
 * A stream holds only what it needs for its next events (at most a day's plan), so streams of any length can be merged
 * by time in bounded memory.
 */

import type { EventWriter } from './event-writer.ts';

export interface EventStream {
  /** Event time of the next event, ms since the epoch; Infinity at the end. Never decreases. */
  readonly time: number;
  /** Writes the next event and advances. Only called while `time` is finite. */
  next(out: EventWriter): void;
}

/** Smallest key first; equal keys in the order they were added. */
export class TimeHeap<T> {
  readonly #keys: number[] = [];
  readonly #turns: number[] = [];
  readonly #values: T[] = [];
  #turn = 0;

  get size(): number {
    return this.#keys.length;
  }

  /** Infinity when empty. */
  get least(): number {
    return this.#keys.length === 0 ? Infinity : this.#keys[0]!;
  }

  push(key: number, value: T): void {
    const turn = this.#turn++;
    let i = this.#keys.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(key, turn, parent)) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#place(i, key, turn, value);
  }

  /** Removes and returns the first value. The heap must not be empty. */
  pop(): T {
    const first = this.#values[0]!;
    const key = this.#keys.pop()!;
    const turn = this.#turns.pop()!;
    const value = this.#values.pop()!;
    if (this.#keys.length > 0) this.#sink(key, turn, value);
    return first;
  }

  #before(key: number, turn: number, other: number): boolean {
    const otherKey = this.#keys[other]!;
    return key < otherKey || (key === otherKey && turn < this.#turns[other]!);
  }

  #sink(key: number, turn: number, value: T): void {
    const size = this.#keys.length;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(this.#keys[child + 1]!, this.#turns[child + 1]!, child)) child++;
      if (this.#before(key, turn, child)) break;
      this.#move(child, i);
      i = child;
    }
    this.#place(i, key, turn, value);
  }

  #move(from: number, to: number): void {
    this.#place(to, this.#keys[from]!, this.#turns[from]!, this.#values[from]!);
  }

  #place(i: number, key: number, turn: number, value: T): void {
    this.#keys[i] = key;
    this.#turns[i] = turn;
    this.#values[i] = value;
  }
}

/**
 * Merges streams by time. At equal times the current stream continues; otherwise the one given first, or waiting
 * longest, goes first.
 */
export class MergedStream implements EventStream {
  readonly #waiting = new TimeHeap<EventStream>();
  #current: EventStream | undefined;

  constructor(streams: readonly EventStream[]) {
    for (const stream of streams) if (stream.time < Infinity) this.#waiting.push(stream.time, stream);
    this.#select();
  }

  get time(): number {
    return this.#current === undefined ? Infinity : this.#current.time;
  }

  next(out: EventWriter): void {
    const stream = this.#current!;
    stream.next(out);
    // Most streams are ahead for a while, so a stream returns to the heap only when another one's turn comes.
    if (stream.time > this.#waiting.least || stream.time === Infinity) {
      if (stream.time < Infinity) this.#waiting.push(stream.time, stream);
      this.#select();
    }
  }

  #select(): void {
    this.#current = this.#waiting.size === 0 ? undefined : this.#waiting.pop();
  }
}

/** Events few enough to list: the story around a theft. Steps are sorted by time; ties keep their order. */
export class ListedStream implements EventStream {
  readonly #steps: readonly ListedStep[];
  #i = 0;

  constructor(steps: readonly ListedStep[]) {
    this.#steps = [...steps].sort((a, b) => a.time - b.time);
  }

  get time(): number {
    return this.#steps[this.#i]?.time ?? Infinity;
  }

  next(out: EventWriter): void {
    this.#steps[this.#i++]!.write(out);
  }
}

export interface ListedStep {
  /** ms since the epoch. */
  readonly time: number;
  write(out: EventWriter): void;
}
