/**
 * Where an event belongs: which shards hold the groups that it enters and, seen from a shard, which of its groups are
 * the shard's own. Both sides ask the same class, so they cannot disagree.
 *
 * In a shard, the deciding field of a group-by is read from a slot of its own (`keyedPath`), which holds only the
 * shard's own values: an event with a list of organisations enters only some of their groups here, while its measures
 * and what alerts say of it see all values.
 */

import type { EventRecord, FieldValue } from '../event/record.ts';
import type { StreamPlan } from './plan.ts';
import { type Routes, shardOf } from './routing.ts';
import { MOST_COMBINATIONS, textOf, textsOf } from './values.ts';

/** Slot path of the shard's own values of a field. No field of an event has such a name. */
export function keyedPath(path: string): string {
  return `\u0000${path}`;
}

/** How the events that matched one reference find the shards of one stream. */
interface Way {
  /** Slot of the deciding value; undefined if everything goes to `fixed`. */
  readonly slot: number | undefined;
  /** Slots of all group-by values. */
  readonly slots: readonly number[];
  readonly groupMissing: boolean;
  readonly fixed: number;
}

export class Placement {
  readonly #shards: number;
  /** By reference, then by stream. */
  readonly #ways: ReadonlyMap<number, ReadonlyMap<number, Way>>;
  readonly #keyed: readonly (readonly [slot: number, keyed: number])[];
  readonly #missing: number;
  /** By slot: how many values the event has, and how many of them are this shard's. */
  readonly #all: number[] = [];
  readonly #own: number[] = [];

  /** `streams`: of a plan; in a shard, of one made with the same routes. */
  constructor(streams: readonly StreamPlan[], routes: Routes, shards: number) {
    this.#shards = shards;
    this.#missing = shardOf(null, shards);
    const ways = new Map<number, Map<number, Way>>();
    const keyed = new Map<number, number>();
    streams.forEach(({ rules, keySlots, valueSlots, groupMissing }, stream) => {
      const { field, fixed } = routes.get(rules[0]!.key)!;
      for (const [ref, slots] of valueSlots) {
        const slot = field === undefined ? undefined : slots[field]!;
        if (slot !== undefined) keyed.set(slot, keySlots.get(ref)![field!]!);
        const way = { slot, slots, groupMissing, fixed: shardOf(fixed, shards) };
        ways.set(ref, (ways.get(ref) ?? new Map<number, Way>()).set(stream, way));
      }
    });
    this.#ways = ways;
    this.#keyed = [...keyed];
  }

  /**
   * Adds the shards that an event belongs to; `refs`: the references that it matched, the first `count` of them. Calls
   * `skipped` for each stream in which the event has no group.
   */
  shardsOf(
    record: EventRecord,
    refs: ArrayLike<number>,
    count: number,
    into: Set<number>,
    skipped: (stream: number) => void,
  ): void {
    for (let i = 0; i < count; i += 1) {
      const ways = this.#ways.get(refs[i]!);
      if (ways === undefined) continue;
      for (const [stream, way] of ways) {
        const { slot, groupMissing, fixed } = way;
        if (slot === undefined) {
          into.add(fixed);
          continue;
        }
        const value = record.slots[slot];
        const text = textOf(value);
        if (text !== undefined && way.slots.length === 1) {
          into.add(shardOf(text, this.#shards));
          continue;
        }
        const texts = text === undefined ? textsOf(value) : [text];
        if (tooMany(way, record) || (texts.length === 0 && !groupMissing)) skipped(stream);
        else if (texts.length === 0) into.add(this.#missing);
        else for (const each of texts) into.add(shardOf(each, this.#shards));
      }
    }
  }

  /** Puts the values that belong to the shard into their slots. Call for each event before `owns`. */
  see(record: EventRecord, shard: number): void {
    const { slots } = record;
    for (const [slot, keyed] of this.#keyed) {
      const text = textOf(slots[slot]);
      if (text !== undefined) {
        const own = shardOf(text, this.#shards) === shard;
        slots[keyed] = own ? text : undefined;
        this.#own[slot] = own ? 1 : 0;
        this.#all[slot] = 1;
        continue;
      }
      const texts = textsOf(slots[slot]);
      const own: FieldValue[] = texts.filter((each) => shardOf(each, this.#shards) === shard);
      slots[keyed] = own.length === 0 ? undefined : own;
      this.#own[slot] = own.length;
      this.#all[slot] = texts.length;
    }
  }

  /** Whether the event last passed to `see`, having matched a reference, enters a group of the shard in a stream. */
  owns(record: EventRecord, ref: number, stream: number, shard: number): boolean {
    const way = this.#ways.get(ref)?.get(stream);
    if (way === undefined) return false;
    const { slot, slots, groupMissing, fixed } = way;
    if (slot === undefined) return fixed === shard;
    const all = this.#all[slot]!;
    const own = all > 0 ? this.#own[slot]! > 0 : groupMissing && this.#missing === shard;
    return own && ((slots.length === 1 && all === 1) || !tooMany(way, record));
  }
}

/** Whether an event is in more groups than a stream takes, and so in none. All its values count, not only a shard's. */
function tooMany({ slots }: Way, record: EventRecord): boolean {
  let product = 1;
  for (const slot of slots) {
    const value = record.slots[slot];
    if (textOf(value) !== undefined) continue;
    product *= Math.max(1, new Set(textsOf(value)).size);
  }
  return product > MOST_COMBINATIONS;
}
