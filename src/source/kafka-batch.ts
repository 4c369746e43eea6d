/** The messages of one fetch from one partition as an `EventBatch`. A tombstone is an empty range: no event. */

import type { Batch, KafkaMessage } from 'kafkajs';
import type { EventBatch, EventVisitor } from './source.ts';

const NOTHING = new Uint8Array(0);

/**
 * The part of the batch from `position` on; undefined if the whole batch lies before it. Kafka's offsets fit a double:
 * 2^53 messages take centuries.
 */
export function eventBatch(batch: Batch, position: number): EventBatch | undefined {
  const nextOffset = Number(batch.lastOffset()) + 1;
  if (nextOffset <= position) return undefined;
  const messages = fromPosition(batch.messages, position);
  let bytes = 0;
  for (const message of messages) bytes += message.value?.length ?? 0;
  return {
    kind: 'events',
    partition: batch.partition,
    count: messages.length,
    bytes,
    nextOffset,
    endOffset: Number(batch.highWatermark),
    forEach(visit: EventVisitor): void {
      for (const message of messages) {
        const value = message.value ?? NOTHING;
        visit(value, 0, value.length, Number(message.offset));
      }
    },
  };
}

function fromPosition(messages: KafkaMessage[], position: number): KafkaMessage[] {
  const first = messages.findIndex((message) => Number(message.offset) >= position);
  if (first === 0) return messages;
  return first < 0 ? [] : messages.slice(first);
}
