/**
 * How a partition is told from another of the same name: by a *landmark*, a time and the offset of the first
 * message that is not older. In one log that offset never changes while the message is kept, however much is
 * appended. A topic that was deleted and created again holds other messages there, nearly always younger ones,
 * and answers with an earlier offset. (KafkaJS does not tell topic ids.)
 *
 * A landmark travels with the committed offset. It is renewed now and then, so that retention seldom passes it;
 * once that has happened it says nothing.
 */

import type { Admin } from 'kafkajs';
import type { Clock } from '../clock.ts';

export interface Landmark {
  /** As messages are stamped, ms since the epoch. */
  readonly timeMs: number;
  /** Of the first message of that time or later. */
  readonly offset: number;
}

const RENEW_MS = 600_000;

interface Kept {
  readonly landmark: Landmark | undefined;
  readonly renewAtMs: number;
}

/** The landmarks of one assignment. */
export class Landmarks {
  readonly #admin: Admin;
  readonly #topic: string;
  readonly #clock: Clock;
  readonly #kept = new Map<number, Kept>();

  constructor(admin: Admin, topic: string, clock: Clock) {
    this.#admin = admin;
    this.#topic = topic;
    this.#clock = clock;
  }

  /** What came with the committed offset, until there is a newer one. */
  remember(partition: number, landmark: Landmark | undefined): void {
    this.#kept.set(partition, { landmark, renewAtMs: -Infinity });
  }

  /** `timeMs`: the stamp of a message that was read. Without an answer the one before stays. */
  async of(partition: number, timeMs: number | undefined): Promise<Landmark | undefined> {
    const kept = this.#kept.get(partition);
    const now = this.#clock.elapsed();
    if (timeMs === undefined || (kept !== undefined && now < kept.renewAtMs)) return kept?.landmark;
    let landmark = kept?.landmark;
    try {
      const offset = await offsetAt(this.#admin, this.#topic, partition, timeMs);
      // The first message of all stands at the same offset in every log.
      if (offset !== undefined && offset > 0) landmark = { timeMs, offset };
    } catch {
      // Nothing depends on it now; the next commit asks again only after a while.
    }
    this.#kept.set(partition, { landmark, renewAtMs: now + RENEW_MS });
    return landmark;
  }
}

/** False only when the log is certainly another one. */
export async function stillThere(
  admin: Admin,
  topic: string,
  partition: number,
  { timeMs, offset }: Landmark,
): Promise<boolean> {
  const found = await offsetAt(admin, topic, partition, timeMs);
  return found === undefined || found >= offset;
}

async function offsetAt(
  admin: Admin,
  topic: string,
  partition: number,
  timeMs: number,
): Promise<number | undefined> {
  const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, timeMs);
  const found = offsets.find((entry) => entry.partition === partition);
  return found === undefined ? undefined : Number(found.offset);
}
