/**
 * From streams to chunks, in the order in which the log would receive the events.
 *
 * Logs do not arrive sorted: a share of the events is held back and written up to `maxDelayMs` of event time later, and
 * a share is written twice, as by a producer that retries. Each is drawn from its own stream, so the multiset of events
 * is the same whatever the disorder. Only delayed events and duplicates are held.
 * Guarantee: no event is written after one that is more than `maxDelayMs` newer.
 */

import type { EventStream } from './event-stream.ts';
import { TimeHeap } from './event-stream.ts';
import type { EventChunk, EventWriter, HeldEvent } from './event-writer.ts';
import type { Random } from './random.ts';

export interface DeliveryOptions {
  /** Share of the events that arrive late, 0 to 1. */
  readonly disorder: number;
  /** Longest delay, ms of event time; ≥ 1 if anything is delayed or duplicated. */
  readonly maxDelayMs: number;
  /** Share of the events that are written a second time, 0 to 1; duplicates are delayed like late events. */
  readonly duplicates: number;
}

/** Yields everything of `stream`. Chunks belong to the caller. */
export function* deliver(
  stream: EventStream,
  writer: EventWriter,
  random: Random,
  options: DeliveryOptions,
): Generator<EventChunk, void, void> {
  const { disorder, maxDelayMs, duplicates } = options;
  const delayed = random.split('disorder');
  const copied = random.split('duplicates');
  const held = new TimeHeap<HeldEvent>();

  for (;;) {
    const time = stream.time;
    if (held.least <= time && held.size > 0) {
      writer.append(held.pop());
    } else if (time < Infinity) {
      const late = disorder > 0 && delayed.chance(disorder);
      writer.delayMs = late ? 1 + delayed.below(maxDelayMs) : 0;
      stream.next(writer);
      if (duplicates > 0 && copied.chance(duplicates)) {
        held.push(time + 1 + copied.below(maxDelayMs), writer.copyLast());
      }
      if (late) {
        held.push(time + writer.delayMs, writer.copyLast());
        writer.dropLast();
      }
    } else {
      break;
    }
    if (writer.isFull) yield writer.take();
  }
  if (writer.count > 0) yield writer.take();
}
