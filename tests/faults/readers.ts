/** Consumer groups and the topics that they read: how far they have come. */

import type { Admin } from 'kafkajs';

export interface Reader {
  readonly group: string;
  readonly topic: string;
}

/** Offsets by partition, 0 where nothing was committed; fewer of them where the group is not known. */
export async function committedOf(admin: Admin, { group, topic }: Reader): Promise<number[]> {
  // A broker that no group has used yet first has to make room for offsets.
  const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(() => []);
  const entries = (offsets?.partitions ?? []).toSorted((a, b) => a.partition - b.partition);
  return entries.map(({ offset }) => Math.max(0, Number(offset)));
}

export async function endsOf(admin: Admin, topic: string): Promise<number[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
}
