/**
 * How a log is told from another of the same name. KafkaJS does not expose topic ids; two other things help:
 *
 * - Brokers forget the offsets committed for a topic when it is deleted. A member that knows of a commit but finds
 *   none is reading another topic now. The next commit would erase this evidence.
 * - A *landmark*: a time, and the offset of the first message at or after it. In one log that offset never changes
 *   while the message is kept, however much is appended. A topic that was deleted and created again holds other
 *   messages there, nearly always younger ones, and answers with an earlier offset. The landmark travels with the
 *   committed offset, so that a commit between the check and the deletion is recognised later.
 *
 * Invariant: a landmark belongs to the log being read. It is renewed now and then, so that retention seldom passes it
 * (after which it says nothing): the new one is requested right after a fetch, and adopted once the log has proved to
 * be the same since.
 */

import type { Admin } from 'kafkajs';
import type { Clock } from '../clock.ts';

export interface Landmark {
  /** A message timestamp, ms since the epoch. */
  readonly timeMs: number;
  /** Offset of the first message at that time or later. */
  readonly offset: number;
}

export interface LandmarkOptions {
  readonly admin: Admin;
  readonly topic: string;
  readonly groupId: string;
  readonly clock: Clock;
  /** Offsets that the group is known to have committed, by partition; it changes over time. */
  readonly committed: ReadonlyMap<number, number>;
}

interface MarkedPartition {
  readonly partition: number;
  readonly landmark: Landmark | undefined;
}

const RENEW_MS = 600_000;
/** A topic is recreated as a whole: checking one landmark at a time is enough. */
const CHECK_MS = 10_000;

interface Kept {
  landmark: Landmark | undefined;
  renewAtMs: number;
  /** Candidate for the next landmark. */
  next: Promise<Landmark | undefined> | undefined;
}

/** The landmarks of one assignment. */
export class Landmarks {
  readonly #options: LandmarkOptions;
  /** In the order in which they are checked next. */
  readonly #kept = new Map<number, Kept>();
  #checkAtMs = -Infinity;

  /** `starts`: the assigned partitions, with the landmarks stored with their committed offsets. */
  constructor(options: LandmarkOptions, starts: readonly MarkedPartition[]) {
    this.#options = options;
    const now = options.clock.elapsed();
    for (const { partition, landmark } of starts) {
      const renewAtMs = landmark === undefined ? now : now + RENEW_MS;
      this.#kept.set(partition, { landmark, renewAtMs, next: undefined });
    }
  }

  of(partition: number): Landmark | undefined {
    return this.#kept.get(partition)?.landmark;
  }

  /** A message with this timestamp was fetched just now: the moment to request a landmark, if one is due. */
  received(partition: number, stampMs: number): void {
    const { admin, topic, clock } = this.#options;
    const kept = this.#kept.get(partition);
    if (kept === undefined || kept.next !== undefined || clock.elapsed() < kept.renewAtMs) return;
    kept.renewAtMs = clock.elapsed() + RENEW_MS;
    kept.next = offsetAt(admin, topic, partition, stampMs).then(
      // The very first message has the same offset in every log.
      (offset) => (offset === undefined || offset === 0 ? undefined : { timeMs: stampMs, offset }),
      () => undefined,
    );
  }

  /**
   * Whether the log is still the one that was read. Call it before every commit. False only if it is certainly another
   * log. Throws what KafkaJS throws if the committed offsets cannot be read.
   */
  async sameLog(): Promise<boolean> {
    const next = await this.#answers();
    const checks = next.size > 0 ? [...next.keys()] : this.#dueCheck();
    const [forgotten, ...stand] = await Promise.all([
      this.#forgotten(),
      ...checks.map((partition) => this.#stands(partition, this.of(partition) ?? next.get(partition)!)),
    ]);
    if (forgotten || stand.includes(false)) return false;
    // Without an answer the former landmarks stay: nothing depends on the new ones yet.
    if (stand.includes(undefined)) return true;
    for (const [partition, landmark] of next) this.#kept.get(partition)!.landmark = landmark;
    return true;
  }

  async #answers(): Promise<Map<number, Landmark>> {
    const found = new Map<number, Landmark>();
    for (const [partition, kept] of this.#kept) {
      const landmark = await kept.next;
      kept.next = undefined;
      if (landmark !== undefined) found.set(partition, landmark);
    }
    return found;
  }

  #dueCheck(): number[] {
    const { clock } = this.#options;
    if (clock.elapsed() < this.#checkAtMs) return [];
    for (const [partition, kept] of this.#kept) {
      if (kept.landmark === undefined) continue;
      this.#checkAtMs = clock.elapsed() + CHECK_MS;
      this.#kept.delete(partition);
      this.#kept.set(partition, kept);
      return [partition];
    }
    return [];
  }

  async #forgotten(): Promise<boolean> {
    const { admin, groupId, topic, committed } = this.#options;
    const expected = [...this.#kept.keys()].filter((partition) => (committed.get(partition) ?? 0) > 0);
    if (expected.length === 0) return false;
    const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const offsets = new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return expected.some((partition) => (offsets.get(partition) ?? -1) < 0);
  }

  /** Undefined without an answer: the landmark can be checked again, since commits do not change it. */
  #stands(partition: number, landmark: Landmark): Promise<boolean | undefined> {
    const { admin, topic } = this.#options;
    return stillThere(admin, topic, partition, landmark).catch(() => undefined);
  }
}

/** False only if it is certainly another log. */
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
