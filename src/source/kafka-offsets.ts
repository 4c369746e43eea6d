/**
 * Where a group resumes: committed offsets and their metadata, checked against what the log holds.
 *
 * Guarantee: if the group cannot resume where it stopped, `gap` says what is missing.
 */

import type { Admin } from 'kafkajs';
import { z } from 'zod';
import { type Landmark, stillThere } from './landmarks.ts';
import type { PartitionStart } from './partition-inbox.ts';
import type { AssignedPartition, CommitMetadata, InputGap } from './source.ts';

export interface Resumption extends PartitionStart {
  readonly assigned: AssignedPartition;
  readonly landmark: Landmark | undefined;
}

/** `open`: null if no alert was open. `mark`: time and offset of a landmark. `epoch`: only in scaled-out groups. */
const storedMetadata = z.object({
  v: z.literal(1),
  /** Absent before the first event. */
  newest: z.number().optional(),
  // Older releases did not store it: an alert of any age may have been open.
  open: z.number().nullable().default(-Infinity),
  mark: z.tuple([z.number(), z.number()]).optional(),
  epoch: z.number().optional(),
});

interface StoredMetadata {
  readonly metadata: CommitMetadata | undefined;
  readonly landmark: Landmark | undefined;
}

export function encodeMetadata(metadata: CommitMetadata, landmark?: Landmark): string {
  // There is no newest event time before the first event, and JSON has no -Infinity.
  const newest = Number.isFinite(metadata.newestEventTime) ? metadata.newestEventTime : undefined;
  const mark = landmark === undefined ? {} : { mark: [landmark.timeMs, landmark.offset] };
  const { oldestOpen = null, epoch } = metadata;
  const open = oldestOpen === -Infinity ? undefined : oldestOpen;
  return newest === undefined && epoch === undefined
    ? ''
    : JSON.stringify({ v: 1, newest, open, ...mark, epoch });
}

/** Returns nothing if there is no metadata, or if it is from another program or version. */
export function decodeMetadata(text: string | null): StoredMetadata {
  const nothing = { metadata: undefined, landmark: undefined };
  if (text === null || text === '') return nothing;
  try {
    const parsed = storedMetadata.safeParse(JSON.parse(text));
    if (!parsed.success) return nothing;
    const { newest = -Infinity, open, mark, epoch } = parsed.data;
    return {
      metadata: {
        newestEventTime: newest,
        ...(open === null ? {} : { oldestOpen: open }),
        ...(epoch === undefined ? {} : { epoch }),
      },
      landmark: mark === undefined ? undefined : { timeMs: mark[0], offset: mark[1] },
    };
  } catch {
    return nothing;
  }
}

/** What this process remembers of the partitions, by partition. */
interface Remembered {
  /** Offsets that the group is known to have committed. Brokers forget them when a topic is deleted. */
  readonly committed: ReadonlyMap<number, number>;
  /** First unread offsets of a log that is known to be gone. */
  readonly gone: ReadonlyMap<number, number>;
  /** First offsets read of partitions for which the group has never committed anything. */
  readonly begun: ReadonlyMap<number, number>;
}

export async function resumeAt(
  admin: Admin,
  groupId: string,
  topic: string,
  partitions: readonly number[],
  known: Remembered,
): Promise<Resumption[]> {
  if (partitions.length === 0) return [];
  const committed = await admin.fetchOffsets({ groupId, topics: [topic] });
  const stored = new Map((committed[0]?.partitions ?? []).map((entry) => [entry.partition, entry]));
  const found = await Promise.all(
    partitions
      .toSorted((a, b) => a - b)
      .map(async (partition) => {
        const entry = stored.get(partition);
        const { metadata, landmark } = decodeMetadata(entry?.metadata ?? null);
        const same = landmark === undefined || (await stillThere(admin, topic, partition, landmark));
        const offset = Number(entry?.offset ?? -1);
        const forgotten = offset < 0 && (known.committed.get(partition) ?? 0) > 0;
        const gone = known.gone.get(partition) ?? (forgotten ? known.committed.get(partition) : undefined);
        const committed = offset < 0 ? (gone ?? offset) : offset;
        return { partition, committed, metadata, landmark, same: same && gone === undefined };
      }),
  );
  const limits = new Map((await admin.fetchTopicOffsets(topic)).map((entry) => [entry.partition, entry]));
  return found.map((partition) => {
    const { low, high } = limits.get(partition.partition) ?? { low: '0', high: '0' };
    return resumption(partition, known.begun.get(partition.partition), Number(low), Number(high));
  });
}

interface Found extends StoredMetadata {
  readonly partition: number;
  /** Negative for none. */
  readonly committed: number;
  /** False if the offset belongs to another log. */
  readonly same: boolean;
}

function resumption(
  { partition, committed, metadata, landmark, same }: Found,
  begun: number | undefined,
  low: number,
  high: number,
): Resumption {
  const none = committed < 0;
  const recreated = !none && (committed > high || !same);
  const anew = none || recreated;
  const position = anew ? low : Math.max(committed, low);
  const fromOffset = none ? (begun ?? low) : committed;
  const cause: InputGap['cause'] | undefined = recreated
    ? 'recreated'
    : fromOffset < low
      ? 'deleted'
      : undefined;
  return {
    partition,
    position,
    endOffset: high,
    newestEventTimeMs:
      anew || !Number.isFinite(metadata?.newestEventTime) ? undefined : metadata?.newestEventTime,
    assigned: {
      partition,
      committedOffset: anew ? undefined : committed,
      metadata: anew ? undefined : metadata,
      endOffset: high,
      position,
      ...(cause === undefined ? {} : { gap: { cause, fromOffset, toOffset: position } }),
    },
    landmark: anew ? undefined : landmark,
  };
}
