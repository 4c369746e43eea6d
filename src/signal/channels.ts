/**
 * Tracks what a shard has of each partition of the source: signals may come again, after a restart of their sender
 * or from a process that lost the partition, and are taken once.
 *
 * A channel is one source partition as seen from one shard. Its numbers are the source's offsets, and its
 * stretches cover them without a gap, because a sender goes on from committed offsets and commits only what all
 * shards have. So an offset below `next` was here before, whoever sends it. A source topic that was created anew
 * numbers from the beginning: it has another *epoch*, and whatever still comes of an earlier one is too late.
 */

/** How a stretch relates to what is here. */
export type Verdict =
  /** It follows what is here, or repeats some of it. */
  | 'go on'
  /** It is from another topic than before. */
  | 'new'
  /** Something between the last stretch and this one never came. */
  | 'gap'
  /** It is from a topic that no longer exists: nothing of it is to be taken. */
  | 'stale';

interface Channel {
  epoch: number;
  /** First offset that the shard does not have. */
  next: number;
  readonly past: number[];
}

export type SavedChannel = readonly [partition: number, epoch: number, next: number, past: readonly number[]];

/** Most former topics of the same name that are remembered. */
const MOST_PAST = 8;

export class Channels {
  readonly #channels: Map<number, Channel>;

  constructor(saved: readonly SavedChannel[] = []) {
    this.#channels = new Map(
      saved.map(([partition, epoch, next, past]) => [partition, { epoch, next, past: [...past] }]),
    );
  }

  /** Begins a stretch at the offset `from`. */
  begin(partition: number, epoch: number, from: number): Verdict {
    const channel = this.#channels.get(partition);
    if (channel === undefined) {
      // What came before is not known here: reading began after it.
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

  /**
   * Ends the stretch. Returns false if all of it was here before, so that it tells nothing new of its partition's
   * time either.
   */
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
