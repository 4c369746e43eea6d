/**
 * A *generation* is one assignment of partitions to this member of the group. It ends with the next rebalance, a crash
 * or leaving; from then on none of its batches is handed out and none of its offsets is committed.
 */

import type { Admin, Consumer } from 'kafkajs';
import { VigieError } from '../errors.ts';
import type { Landmarks } from './landmarks.ts';
import type { PartitionInbox } from './partition-inbox.ts';
import type { AssignedPartition } from './source.ts';

export interface Generation {
  readonly assigned: readonly AssignedPartition[];
  /** Number of partitions of the topic. */
  readonly total: number;
  readonly inbox: PartitionInbox;
  readonly landmarks: Landmarks;
  readonly consumer: Consumer;
  readonly admin: Admin;
  /** Lets batches through, once the pipeline has handled the assignment. */
  readonly start: () => void;
  readonly started: Promise<void>;
  /** Ends the generation because the topic was recreated; the next one reads it from its beginning, and says so. */
  readonly recreated: () => void;
  /** Ends the generation because the group has expelled this member, which joins anew. */
  readonly expelled: (reason: unknown) => void;
}

/** The error of a commit under a generation that has ended. */
export function generationLost(topic: string): VigieError {
  return new VigieError(
    'KAFKA_GENERATION_LOST',
    `The consumer group of ${topic} rebalanced meanwhile: these offsets may belong to another process now`,
    {
      retryable: true,
      remedy: 'Nothing to do: the new assignment follows and reading resumes at the committed offsets.',
    },
  );
}
