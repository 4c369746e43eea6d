/**
 * Divides partitions among the members of a group so that members keep partitions for which they hold state: a
 * rebalance moves only as many as it takes to be even. Each member states in its join request which partitions it
 * holds.
 */

import kafkajs from 'kafkajs';
import type { PartitionAssigner } from 'kafkajs';

interface Member {
  readonly id: string;
  readonly held: readonly number[];
}

const NAME = 'VigieSticky';
const VERSION = 1;

/** `held`: partitions for which this process has state. */
export function stickyAssigner(topic: string, held: () => readonly number[]): PartitionAssigner {
  const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify(held())),
      }),
    }),
    assign: async ({ members }) => {
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
      const asked = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        held: heldIn(MemberMetadata.decode(memberMetadata)?.userData),
      }));
      return [...divided(asked, partitions)].map(([memberId, own]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: { [topic]: own },
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });
}

/** Partitions by member: even to within one, and no member loses a partition that it can keep. */
export function divided(members: readonly Member[], partitions: readonly number[]): Map<string, number[]> {
  // Any member that divides gets the same order.
  const sorted = members.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const own = new Map(sorted.map(({ id }): [string, number[]] => [id, []]));
  if (sorted.length === 0) return own;
  const free = new Set(partitions);
  const claims = new Map<number, number>();
  for (const partition of sorted.flatMap(({ held }) => held)) {
    claims.set(partition, (claims.get(partition) ?? 0) + 1);
  }
  const least = Math.floor(partitions.length / sorted.length);
  let larger = partitions.length % sorted.length;
  for (const { id, held } of sorted) {
    const keeps = own.get(id)!;
    // Partitions that no other member claims come first, which leaves some for members with the same claims.
    for (const partition of held.toSorted((a, b) => claims.get(a)! - claims.get(b)!)) {
      const most = larger > 0 ? least + 1 : least;
      if (keeps.length >= most || !free.delete(partition)) continue;
      keeps.push(partition);
    }
    if (keeps.length > least) larger -= 1;
  }
  for (const partition of [...free].toSorted((a, b) => a - b)) {
    let fewest = own.get(sorted[0]!.id)!;
    for (const each of own.values()) if (each.length < fewest.length) fewest = each;
    fewest.push(partition);
  }
  return own;
}

function heldIn(userData: Buffer | undefined): readonly number[] {
  try {
    const parsed: unknown = JSON.parse(userData?.toString() ?? '[]');
    return Array.isArray(parsed) ? parsed.filter((each) => Number.isInteger(each)) : [];
  } catch {
    return [];
  }
}
