/**
 * Where an event belongs: in which shards the groups lie that it enters, and seen from a shard, which of its groups
 * are the shard's own. Both sides ask the same class, so they cannot disagree.
 *
 * In a shard, the deciding field of a group-by is read from a slot of its own (`keyedPath`), in which only the
 * shard's own values stand: an event with a list of organisations enters here the groups of some of them, while
 * its measures and what alerts say of it see all.
 */

import type { EventRecord, FieldValue } from '../event/record.ts';
import type { StreamPlan } from './plan.ts';
import { type Routes, shardOf } from './routing.ts';
import { MOST_COMBINATIONS, textOf, textsOf } from './values.ts';

/** Slot path of the shard's own values of a field. No field of an event is called that. */
export function keyedPath(path: string): string {
  return `\u0000${path}`;
}

/** How the events that matched one reference find the shards of one stream. */
interface Way {
  /** Slot of the deciding value; undefined where all goes to `fixed`. */
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

  /** `streams`: of a plan, in a shard of one that was made with the routes. */
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
   * Adds the shards that an event belongs to, `refs` being the first `count` references that it matched. `skipped`
   * is told of streams in which it has no group.
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

  /** Puts the values that fall to the shard into their slots. To be called of each event before `owns`. */
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

  /** Whether an event that was seen last, and matched a reference, enters a group of the shard in a stream. */
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

/** Whether an event is in more groups than a stream takes, and so in none: all of its values count, not a shard's. */
function tooMany({ slots }: Way, record: EventRecord): boolean {
  let product = 1;
  for (const slot of slots) {
    const value = record.slots[slot];
    if (textOf(value) !== undefined) continue;
    product *= Math.max(1, new Set(textsOf(value)).size);
  }
  return product > MOST_COMBINATIONS;
}
