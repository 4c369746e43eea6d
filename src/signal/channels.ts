/**
 * What a shard has of each partition of the source: signals may come again, after a restart of who sends them or
 * from a process that lost the partition, and are taken once.
 *
 * A channel is one source partition as seen from one shard. Its numbers are the source's offsets, and its stretches
 * cover them without a gap, because a sender goes on from offsets that are committed, and commits only what all
 * shards have. So an offset below `next` was here before, whoever sends it. A source topic that was created anew
 * numbers from the beginning: it has another *epoch*, and what still comes of an earlier one is too late.
 */

/** What a stretch is. */
export type Verdict =
  /** It follows what is here, or repeats some of it. */
  | 'go on'
  /** It is of another topic than before. */
  | 'new'
  /** Something between the last stretch and this one never came. */
  | 'gap'
  /** It is of a topic that is no more: nothing is to be taken. */
  | 'stale';

interface Channel {
  epoch: number;
  /** First offset that the shard does not have. */
  next: number;
  readonly past: number[];
}

export type SavedChannel = readonly [partition: number, epoch: number, next: number, past: readonly number[]];

/** Former topics of the same name that are remembered. */
const MOST_PAST = 8;

export class Channels {
  readonly #channels: Map<number, Channel>;

  constructor(saved: readonly SavedChannel[] = []) {
    this.#channels = new Map(
      saved.map(([partition, epoch, next, past]) => [partition, { epoch, next, past: [...past] }]),
    );
  }

  /** A stretch begins, at the offset `from`. */
  begin(partition: number, epoch: number, from: number): Verdict {
    const channel = this.#channels.get(partition);
    if (channel === undefined) {
      // Whatever was before is not known here: reading began after it.
      this.#channels.set(partition, { epoch, next: from, past: [] });
      return 'go on';
    }
    if (channel.epoch !== epoch) {
      if (channel.past.includes(epoch)) return 'stale';
      channel.past.push(channel.epoch);
      if (channel.past.length > MOST_PAST) channel.past.shift();
      channel.epoch = epoch;
      channel.next = from;
      return 'new';
    }
    if (from <= channel.next) return 'go on';
    channel.next = from;
    return 'gap';
  }

  /** Whether a signal of this offset is new here. */
  isNew(partition: number, offset: number): boolean {
    return offset >= this.#channels.get(partition)!.next;
  }

  /** The stretch ends; false when all of it was here, so that it says nothing new of its partition's time either. */
  end(partition: number, nextOffset: number): boolean {
    const channel = this.#channels.get(partition)!;
    if (nextOffset < channel.next) return false;
    channel.next = nextOffset;
    return true;
  }

  save(): SavedChannel[] {
    return [...this.#channels].map(([partition, { epoch, next, past }]) => [partition, epoch, next, past]);
  }
}
