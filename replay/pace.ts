/**
 * How fast events leave: as fast as they are taken, or so that event time advances `speed` times as fast as wall time.
 * A replay at speed 1 runs like the incident itself; the generators do not know about the pace.
 *
 * Guarantee: no event leaves before its time; the order does not change; waiting ends at once if the signal aborts.
 */

import { setTimeout as delay } from 'node:timers/promises';

import type { Clock } from '../src/clock.ts';
import type { EventChunk } from './event-writer.ts';

/** `max`, or event seconds per wall second, > 0. */
export type Speed = 'max' | number;

export interface PaceOptions {
  readonly speed: Speed;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Resolves after this many ms or when the signal aborts. Default: a timer. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** Shorter waits are not worth a timer: events leave in small groups instead. */
const MIN_SLEEP_MS = 5;
/** Long gaps are waited for in pieces, so that a clock that jumps ahead after a suspend is noticed. */
const MAX_SLEEP_MS = 60_000;

/** The chunks, whole or in pieces, each when it is due. Ends early if the signal aborts. */
export async function* paced(
  chunks: Iterable<EventChunk>,
  options: PaceOptions,
): AsyncGenerator<EventChunk, void, void> {
  const { speed, clock, signal, sleep = sleepUnlessAborted } = options;
  let origin: { readonly wall: number; readonly time: number } | undefined;
  let newest = -Infinity;
  const aborted = (): boolean => signal?.aborted === true;
  for (const chunk of chunks) {
    if (aborted()) return;
    if (speed === 'max') {
      yield chunk;
      continue;
    }
    origin ??= { wall: clock.elapsed(), time: chunk.times[0]! };
    let from = 0;
    while (from < chunk.count) {
      const due = origin.time + (clock.elapsed() - origin.wall) * speed;
      let to = from;
      // A late event leaves with the events around it: the newest time so far decides.
      while (to < chunk.count && Math.max(newest, chunk.times[to]!) <= due) {
        newest = Math.max(newest, chunk.times[to]!);
        to++;
      }
      if (to > from) {
        yield slice(chunk, from, to);
        from = to;
      } else {
        const wait = (Math.max(newest, chunk.times[from]!) - due) / speed;
        await sleep(Math.min(MAX_SLEEP_MS, Math.max(MIN_SLEEP_MS, wait)), signal);
      }
      if (aborted()) return;
    }
  }
}

/** The events [from, to) of a chunk, over the same bytes. */
export function slice(chunk: EventChunk, from: number, to: number): EventChunk {
  if (from === 0 && to === chunk.count) return chunk;
  const start = from === 0 ? 0 : chunk.ends[from - 1]!;
  return {
    bytes: chunk.bytes.subarray(start, chunk.ends[to - 1]),
    count: to - from,
    ends: chunk.ends.slice(from, to).map((end) => end - start),
    keys: chunk.keys.slice(from, to),
    times: chunk.times.subarray(from, to),
  };
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
