/**
 * A topic, read as a member of a consumer group.
 *
 * Guarantees: every batch belongs to the latest assignment yielded; within one assignment, each partition's offsets are
 * handed out once, in order, from the committed offset (or where `rewind` or `resume` moved it); a commit is refused
 * (`KAFKA_GENERATION_LOST`, retryable) unless the latest assignment yielded still holds. Broker trouble never ends the
 * iteration: it is reported through `onProblem` and retried.
 */

import type { Admin } from 'kafkajs';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { orAborted } from '../abort.ts';
import { VigieError } from '../errors.ts';
import { kafkaError } from './kafka-errors.ts';
import { type Generation, generationLost } from './generation.ts';
import { KafkaGroup } from './kafka-group.ts';
import type { KafkaGroupOptions } from './kafka-group.ts';
import { encodeMetadata } from './kafka-offsets.ts';
import { type Landmark, stillThere } from './landmarks.ts';
import { WakeUp } from './wake-up.ts';
import type { Assignment, Commit, EventBatch, Idle, ReadPosition, Source } from './source.ts';

export interface KafkaSourceOptions extends KafkaGroupOptions {
  /** Yields an idle item after this long without news. Default 500 ms. */
  readonly quietMs?: number | undefined;
  /** How much later than its event a message may be stamped, beyond a minute, ms. Default 0. */
  readonly stampMarginMs?: number | undefined;
}

const IDLE_MS = 500;
/** A message's timestamp is from its producer's clock, which may be behind the one that wrote the event time. */
const CLOCK_MARGIN_MS = 60_000;
const REWIND_RETRY_MS = 500;
/** After the stop signal, how long a broker may take to say where to resume, although nobody reads on then. */
const STOP_MS = 2000;
/** The group is left this long after the stop signal, answered or not; leaving itself gets at least a second. */
const LEFT_MS = 9000;
const LEAST_LEAVE_MS = 1000;

export class KafkaSource implements Source {
  readonly name: string;
  readonly type = 'kafka';
  readonly #options: KafkaSourceOptions;
  readonly #group: KafkaGroup;
  readonly #news = new WakeUp();
  /** The generation whose assignment came last. */
  #announced: Generation | undefined;
  #stop: AbortSignal | undefined;
  #stoppedAt: number | undefined;
  /** Aborts when broker answers are no longer awaited. */
  readonly #unanswered = new AbortController();
  /** Code of the current failure of commits. */
  #commitTrouble: string | undefined;
  /** Code of the current failure to learn where the log stands. */
  #askTrouble: string | undefined;

  constructor(options: KafkaSourceOptions) {
    this.name = options.topic;
    this.#options = options;
    this.#group = new KafkaGroup(options, () => this.#news.notify());
  }

  /** Ends when the signal aborts. Only `close` leaves the group, so that a last commit is possible. */
  async *read(signal: AbortSignal): AsyncGenerator<EventBatch | Assignment | Idle, void, undefined> {
    const wake = (): void => {
      this.#news.notify();
      this.#stoppedAt = this.#options.clock.elapsed();
      setTimeout(() => this.#unanswered.abort(), STOP_MS).unref();
    };
    this.#stop = signal;
    signal.addEventListener('abort', wake);
    this.#group.join();
    try {
      while (!signal.aborted) {
        // Processing is synchronous: without a turn of the event loop, no fetch or heartbeat would get through.
        await nextTurn();
        const item = this.#next();
        if (item !== undefined) {
          yield item;
          continue;
        }
        const since = this.#options.clock.elapsed();
        const { quietMs = IDLE_MS } = this.#options;
        await this.#news.wait(quietMs);
        const idle = this.#options.clock.elapsed() - since >= quietMs * 0.9;
        if (idle && this.#announced !== undefined && !signal.aborted) yield { kind: 'idle' };
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #next(): EventBatch | Assignment | undefined {
    const generation = this.#group.generation;
    if (generation === undefined) return undefined;
    if (generation !== this.#announced) {
      this.#announced = generation;
      return { kind: 'assignment', partitions: generation.assigned, total: generation.total };
    }
    generation.start();
    return generation.inbox.take();
  }

  /**
   * Goes by message timestamps, with a margin. Never moves past the position where the partition would resume anyway;
   * goes to the beginning if all messages are stamped as older than the newest committed event. Broker trouble is
   * waited out: reading on without going back would leave holes in windows. Does nothing once the assignment has ended,
   * since the next one asks again. Returns true after the stop signal: everything is still to be read.
   */
  async rewind(partition: number, fromTimeMs: number): Promise<boolean> {
    const { topic, stampMarginMs = 0 } = this.#options;
    const generation = this.#announced;
    if (generation === undefined) return false;
    const since = Math.max(0, Math.floor(fromTimeMs - CLOCK_MARGIN_MS - stampMarginMs));
    while (this.#group.generation === generation) {
      const position = generation.inbox.position(partition);
      if (position === undefined) return false;
      try {
        const asked = this.#offsetBefore(generation, partition, since, position);
        const found = await orAborted(asked, this.#unanswered.signal);
        if (generation !== this.#group.generation) return false;
        this.#answered();
        if (found === undefined) return false;
        generation.inbox.rewind(partition, found);
        generation.consumer.seek({ topic, partition, offset: String(found) });
        return true;
      } catch (error) {
        if (this.#stop?.aborted === true) return true;
        await this.#trouble(error);
      }
    }
    return false;
  }

  /** Offset of the first message at or after `sinceMs`, if it lies before the position. */
  async #offsetBefore(
    { admin }: Generation,
    partition: number,
    sinceMs: number,
    position: number,
  ): Promise<number | undefined> {
    const { topic, log } = this.#options;
    const of = (entry: { readonly partition: number }): boolean => entry.partition === partition;
    const found = (await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs)).find(of);
    if (found !== undefined && Number(found.offset) < position) return Number(found.offset);
    // The last committed event is newer, so a message before the position should be stamped later; if none is, stamps
    // say nothing.
    const oldest = Number((await admin.fetchTopicOffsets(topic)).find(of)?.low ?? position);
    if (oldest >= position) return undefined;
    log('warn', 'messages are stamped earlier than their events happened: all of them are read again', {
      code: 'INPUT_STAMPS',
      topic,
      partition,
      remedy:
        'Set the clock of whoever produces, or give the topic message.timestamp.type=LogAppendTime: windows are read again by the stamps of messages.',
    });
    return oldest;
  }

  /** Broker trouble is waited out: otherwise the saved state would be lost, and going back needs the same answers. */
  async resume(positions: readonly ReadPosition[]): Promise<boolean | undefined> {
    const { topic } = this.#options;
    const generation = this.#announced;
    if (generation === undefined) return undefined;
    const { admin, inbox, consumer } = generation;
    const known = positions.flatMap(({ partition, nextOffset, landmark }) =>
      nextOffset === undefined ? [] : [{ partition, nextOffset, landmark }],
    );
    while (this.#group.generation === generation) {
      try {
        const holds = await orAborted(this.#holds(admin, known), this.#unanswered.signal);
        if (this.#group.generation !== generation) return undefined;
        this.#answered();
        if (!holds) return false;
        for (const { partition, nextOffset } of known) {
          if (nextOffset === inbox.position(partition)) continue;
          inbox.rewind(partition, nextOffset);
          consumer.seek({ topic, partition, offset: String(nextOffset) });
        }
        return true;
      } catch (error) {
        if (this.#stop?.aborted === true) return undefined;
        await this.#trouble(error);
      }
    }
    return undefined;
  }

  /** Whether the log is the one that was read up to these offsets, and still holds what follows. */
  async #holds(
    admin: Admin,
    known: readonly { partition: number; nextOffset: number; landmark: Landmark | undefined }[],
  ): Promise<boolean> {
    const { topic } = this.#options;
    const logs = await admin.fetchTopicOffsets(topic);
    const lows = new Map(logs.map(({ partition, low }) => [partition, Number(low)]));
    const highs = new Map(logs.map(({ partition, high }) => [partition, Number(high)]));
    for (const { partition, nextOffset, landmark } of known) {
      if (nextOffset < (lows.get(partition) ?? Infinity)) return false;
      if (nextOffset > (highs.get(partition) ?? -1)) return false;
      if (landmark !== undefined && !(await stillThere(admin, topic, partition, landmark))) return false;
    }
    return true;
  }

  /** Reports a failed request under a current assignment, and waits before the next attempt. */
  async #trouble(error: unknown): Promise<void> {
    const { topic, log, onProblem } = this.#options;
    const problem = kafkaError(error, this.#options, topic);
    const { code, message, remedy } = problem;
    onProblem(problem);
    if (code !== this.#askTrouble) log('warn', message, { code, remedy });
    this.#askTrouble = code;
    await delay(REWIND_RETRY_MS);
  }

  #answered(): void {
    if (this.#askTrouble === undefined) return;
    this.#askTrouble = undefined;
    this.#options.onProblem(undefined);
  }

  landmarkOf(partition: number): Landmark | undefined {
    return this.#announced?.landmarks.of(partition);
  }

  /**
   * Refuses a commit to a log other than the one that was read; a new assignment then says so. Reports any failure of a
   * commit; the next one may succeed.
   */
  async commit(commits: readonly Commit[]): Promise<void> {
    if (commits.length === 0) return;
    const generation = this.#held();
    const { inbox, landmarks } = generation;
    for (const { partition, metadata } of commits) {
      if (inbox.position(partition) === undefined) throw generationLost(this.name);
      if (Number.isFinite(metadata.newestEventTime)) inbox.progress(partition, metadata.newestEventTime);
    }
    try {
      if (!(await landmarks.sameLog())) generation.recreated();
      // These requests may outlive the assignment, and another may have begun.
      if (this.#held() !== generation) throw generationLost(this.name);
      await this.#group.commit(
        commits.map(({ partition, nextOffset, metadata }) => ({
          partition,
          offset: String(nextOffset),
          metadata: encodeMetadata(metadata, landmarks.of(partition)),
        })),
      );
    } catch (error) {
      throw this.#uncommitted(error);
    }
    if (this.#commitTrouble === undefined) return;
    this.#commitTrouble = undefined;
    this.#options.onProblem(undefined);
  }

  /** Why nothing was committed, always retryable; reported unless the assignment has ended. */
  #uncommitted(error: unknown): VigieError {
    const problem = kafkaError(error, this.#options, this.name);
    const { code, message, remedy } = problem;
    if (code === 'KAFKA_GENERATION_LOST' || this.#group.generation !== this.#announced) {
      return generationLost(this.name);
    }
    this.#options.onProblem(problem);
    if (code !== this.#commitTrouble)
      this.#options.log('warn', `nothing is committed: ${message}`, { code, remedy });
    this.#commitTrouble = code;
    return new VigieError(code, message, {
      retryable: true,
      remedy,
      cause: error,
    });
  }

  progress(partition: number, newestEventTimeMs: number): void {
    if (Number.isFinite(newestEventTimeMs)) this.#announced?.inbox.progress(partition, newestEventTimeMs);
  }

  holdBack(ahead: (partition: number) => number): void {
    this.#group.ahead = ahead;
  }

  caughtUp(partition: number): boolean {
    return this.#announced?.inbox.caughtUp(partition) ?? true;
  }

  async close(): Promise<void> {
    const { clock } = this.#options;
    const leftMs = LEFT_MS + (this.#stoppedAt ?? clock.elapsed()) - clock.elapsed();
    await this.#group.leave(Math.max(LEAST_LEAVE_MS, leftMs));
  }

  /** The generation that the pipeline works for. Throws once that has ended. */
  #held(): Generation {
    const generation = this.#group.generation;
    if (generation === undefined || generation !== this.#announced) throw generationLost(this.name);
    return generation;
  }
}
