/**
 * What a decoder yields: one record of slots, reused for every event.
 *
 * The loaded rules, the alerts' evidence and the archive ask a `FieldTable` for the fields they want; each
 * distinct path gets a slot number. The decoder fills `slots[slot]`, and nothing else of the event becomes a
 * value. Whoever keeps a value beyond the call copies it.
 */

import type { Pseudonyms } from './pseudonyms.ts';

/**
 * A decoded value; `undefined` is an absent field, `null` a present null. A path that crosses a list of
 * objects yields the list of what its elements hold. Person fields hold `Pseudonyms`, never raw ids.
 */
export type FieldValue =
  | string
  | number
  | boolean
  | null
  | Pseudonyms
  | FieldValue[]
  | { [key: string]: FieldValue };

export interface EventRecord {
  /** Event time, ms since the epoch, UTC; NaN when the event has none. */
  time: number;
  /** One entry per field of the table, by slot. */
  readonly slots: (FieldValue | undefined)[];
  /** Encoded size of the event in bytes. */
  size: number;
  /** The whole event, only when the table asked for it (keyword searches); person fields are pseudonymised. */
  whole: FieldValue | undefined;
}

/** The wanted fields. Ask for slots first, then build a decoder: later additions are refused. */
export class FieldTable {
  readonly #slots = new Map<string, number>();
  readonly #linkSteps = new Map<number, number>();
  #frozen = false;
  #whole = false;

  /** Slot of a dotted path, allocated on first use. Throws if the path is new and the table is frozen. */
  slot(path: string): number {
    const known = this.#slots.get(path);
    if (known !== undefined) return known;
    if (this.#frozen) throw new Error(`field ${path} was asked for after the decoder was built`);
    const slot = this.#slots.size;
    this.#slots.set(path, slot);
    return slot;
  }

  /** Slot of a path; undefined if nobody asked for it. */
  find(path: string): number | undefined {
    return this.#slots.get(path);
  }

  /**
   * Slot of a path. If it is a person field, the neighbours of its ids are hashed as well, up to `steps` below and
   * above (`Pseudonyms.links`); of other fields the ids are at hand.
   */
  linkedSlot(path: string, steps: number): number {
    const slot = this.slot(path);
    const known = this.linkSteps(slot);
    if (steps <= known) return slot;
    if (this.#frozen) throw new Error(`neighbours in ${path} were asked for after the decoder was built`);
    this.#linkSteps.set(slot, steps);
    return slot;
  }

  /** How many steps of neighbours are wanted for a slot's ids; 0 for none. */
  linkSteps(slot: number): number {
    return this.#linkSteps.get(slot) ?? 0;
  }

  /** Also decode the whole event (keyword searches). Costs a full parse of every event. */
  wantWhole(): void {
    if (this.#whole) return;
    if (this.#frozen) throw new Error('the whole event was asked for after the decoder was built');
    this.#whole = true;
  }

  get wantsWhole(): boolean {
    return this.#whole;
  }

  /** Dotted paths in slot order. */
  get paths(): readonly string[] {
    return [...this.#slots.keys()];
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Called by a decoder: from here on the set of fields is fixed. */
  freeze(): void {
    this.#frozen = true;
  }

  newRecord(): EventRecord {
    return { time: NaN, slots: Array.from({ length: this.size }), size: 0, whole: undefined };
  }
}
