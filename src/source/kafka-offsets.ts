/** Where a group resumes: committed offsets and what travels with them, checked against what the log holds. */

import type { Admin } from 'kafkajs';
import { z } from 'zod';
import type { PartitionStart } from './partition-inbox.ts';
import type { AssignedPartition, CommitMetadata } from './source.ts';

export interface Resumption extends PartitionStart {
  readonly assigned: AssignedPartition;
  /** Something the operator should know about the committed offset. */
  readonly surprise: string | undefined;
}

const storedMetadata = z.object({ v: z.literal(1), newest: z.number() });

export function encodeMetadata(metadata: CommitMetadata): string {
  // Before the first event there is no newest one; JSON has no -Infinity.
  const newest = Number.isFinite(metadata.newestEventTime) ? metadata.newestEventTime : undefined;
  return newest === undefined ? '' : JSON.stringify({ v: 1, newest });
}

/** Undefined when there is none, or it is another program's or version's. */
export function decodeMetadata(text: string | null): CommitMetadata | undefined {
  if (text === null || text === '') return undefined;
  try {
    const parsed = storedMetadata.safeParse(JSON.parse(text));
    return parsed.success ? { newestEventTime: parsed.data.newest } : undefined;
  } catch {
    return undefined;
  }
}

export async function resumeAt(
  admin: Admin,
  groupId: string,
  topic: string,
  partitions: readonly number[],
): Promise<Resumption[]> {
  if (partitions.length === 0) return [];
  const [committed, limits] = await Promise.all([
    admin.fetchOffsets({ groupId, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
  ]);
  const stored = new Map((committed[0]?.partitions ?? []).map((entry) => [entry.partition, entry]));
  const logs = new Map(limits.map((entry) => [entry.partition, entry]));
  return partitions
    .toSorted((a, b) => a - b)
    .map((partition) => {
      const log = logs.get(partition);
      const low = Number(log?.low ?? 0);
      const high = Number(log?.high ?? 0);
      const entry = stored.get(partition);
      return resumption(partition, Number(entry?.offset ?? -1), entry?.metadata ?? null, low, high);
    });
}

function resumption(
  partition: number,
  committed: number,
  metadata: string | null,
  low: number,
  high: number,
): Resumption {
  const recreated = committed > high;
  const none = committed < 0 || recreated;
  const assigned: AssignedPartition = {
    partition,
    committedOffset: none ? undefined : committed,
    metadata: none ? undefined : decodeMetadata(metadata),
    endOffset: high,
  };
  let surprise: string | undefined;
  if (recreated) {
    surprise = `committed offset ${committed} lies beyond the end of the log (${high}): the topic was recreated, reading it from its beginning`;
  } else if (!none && committed < low) {
    surprise = `${low - committed} messages after committed offset ${committed} were deleted by retention before they were read`;
  }
  return {
    partition,
    position: none ? low : Math.max(committed, low),
    endOffset: high,
    newestEventTimeMs: assigned.metadata?.newestEventTime,
    assigned,
    surprise,
  };
}
