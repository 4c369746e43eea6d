/**
 * Permanent membership in a consumer group: connects, joins, and after any failure retries with backoff, until `leave`.
 * Fetched messages go to the inbox of the current generation. Heartbeats continue while a batch waits, however long the
 * pipeline takes.
 *
 * Reading resumes at the group's committed offsets, or at the beginning if there are none.
 */

import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { VigieError } from '../errors.ts';
import { FormerMember } from './former-member.ts';
import { type Generation, generationLost } from './generation.ts';
import { eventBatch } from './kafka-batch.ts';
import { JoinAttempts, LASTING_MS } from './join-attempts.ts';
import { connectKafka, KAFKA_RETRY } from './kafka-client.ts';
import type { KafkaConnection } from './kafka-client.ts';
import { createConsumer } from './kafka-consumer.ts';
import type { ClosableConsumer } from './kafka-consumer.ts';
import { isOfType, kafkaError, OffsetGone } from './kafka-errors.ts';
import { resumeAt } from './kafka-offsets.ts';
import { partitionsOf } from './kafka-topics.ts';
import { Landmarks } from './landmarks.ts';
import { PartitionInbox } from './partition-inbox.ts';
import { stickyAssigner } from './sticky-assigner.ts';

export interface KafkaGroupOptions extends KafkaConnection {
  readonly topic: string;
  readonly groupId: string;
  /** Partitions further ahead of the slowest one with lag must wait; ms of event time. Default 10 min. */
  readonly maxSkewMs?: number;
  /** Number of messages, over all partitions, that they may read before they must. Default 65,536. */
  readonly slack?: number;
  /** How long a silent member keeps its partitions, ms. Default 30 s. */
  readonly sessionTimeoutMs?: number;
  /** File that keeps the member id, so that after a kill the group does not wait for the former member. */
  readonly memberFile?: string;
  /**
   * Partitions for which this member has state at the start: in a rebalance, members keep partitions that they hold
   * state for. If absent, partitions are divided regardless of former owners.
   */
  readonly sticky?: readonly number[] | undefined;
  /** Default 3 s. Also how fast a rebalance is noticed. */
  readonly heartbeatIntervalMs?: number;
  /** The source cannot read (a reason), or can again (undefined). It keeps retrying by itself. */
  readonly onProblem: (problem: VigieError | undefined) => void;
  readonly clock: Clock;
  /** In [0, 1), for the jitter. Default Math.random. */
  readonly random?: () => number;
}

/**
 * Number of messages, over all partitions, that may be read beyond the allowed skew. Each stays in memory until the
 * slowest partition has caught up: some ten MiB.
 */
const SLACK = 65_536;
const HEARTBEAT_CHECK_MS = 1000;
/**
 * Longest wait, ms, for a broker that does not answer the request to leave; the next start repeats it. Part of it may
 * pass until a join in progress ends: leaving before that would leave behind a member that never answers and holds up
 * all others.
 */
const LEAVE_MS = 6000;
const JOIN_END_MS = 4000;

export class KafkaGroup {
  readonly #options: KafkaGroupOptions;
  readonly #kafka: Kafka;
  readonly #onChange: () => void;
  readonly #left = new AbortController();
  readonly #former: FormerMember;
  readonly #attempts: JoinAttempts;
  #generation: Generation | undefined;
  /** Counts joins, so that preparations for an earlier one are recognised. */
  #joins = 0;
  /** Where the previous attempt would have continued reading, by partition. */
  #failedAt: Readonly<Record<number, number>> = {};
  /** How far a partition is ahead of the slowest one that others read, ms of event time. */
  ahead: (partition: number) => number = () => 0;
  /** Partitions of the latest generation. */
  #held: readonly number[] | undefined;
  #supervision: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  /** Offsets that the group is known to have committed, by partition. */
  readonly #committed = new Map<number, number>();
  /** First offsets read of partitions for which the group has never committed anything. */
  readonly #begun = new Map<number, number>();
  /** First unread offsets of a topic that was found to be gone, by partition, until the group has resumed. */
  readonly #gone = new Map<number, number>();
  #commitRaw: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;

  /** `onChange`: a generation began, or a batch arrived. */
  constructor(options: KafkaGroupOptions, onChange: () => void) {
    this.#options = options;
    this.#kafka = connectKafka(options);
    this.#former = new FormerMember(options.groupId, options.memberFile);
    this.#attempts = new JoinAttempts(options.clock, options.random ?? Math.random);
    this.#onChange = onChange;
  }

  /** The current generation; undefined while there is none (not joined, or rebalancing). */
  get generation(): Generation | undefined {
    return this.#generation;
  }

  join(): void {
    this.#supervision ??= this.#supervise();
  }

  /** `withinMs`: the time left for stopping. */
  leave(withinMs = LEAVE_MS): Promise<void> {
    this.#leaving ??= this.#leave(Math.min(withinMs, LEAVE_MS));
    return this.#leaving;
  }

  async #leave(withinMs: number): Promise<void> {
    this.#left.abort();
    this.#endGeneration();
    await Promise.race([this.#supervision, delay(withinMs, undefined, { ref: false })]);
  }

  /** Commits under the current generation, or fails at once. Throws the error that `kafkaError` makes. */
  async commit(
    partitions: readonly { partition: number; offset: string; metadata: string }[],
  ): Promise<void> {
    const { topic } = this.#options;
    const generation = this.#generation;
    if (generation === undefined) throw generationLost(topic);
    try {
      if (this.#commitRaw !== undefined) {
        await this.#commitRaw({ topics: [{ topic, partitions: [...partitions] }] });
      } else {
        // Used before the first batch.
        await generation.consumer.commitOffsets(partitions.map((partition) => ({ topic, ...partition })));
      }
      for (const { partition, offset } of partitions) this.#committed.set(partition, Number(offset));
    } catch (error) {
      // KafkaJS notices at its next heartbeat, which is hours away if the wall clock was set back meanwhile.
      if (isOfType(error, 'UNKNOWN_MEMBER_ID')) generation.expelled(error);
      throw kafkaError(error, this.#options, topic);
    }
  }

  async #supervise(): Promise<void> {
    const { topic, onProblem, log } = this.#options;
    while (!this.#left.signal.aborted) {
      try {
        await this.#consume();
      } catch (error) {
        if (this.#left.signal.aborted) return;
        const problem = kafkaError(error, this.#options, topic);
        onProblem(problem);
        const { code, remedy } = problem;
        const retryInMs = this.#attempts.failed();
        // KafkaJS does not say which partition it could not read.
        const at = code === 'KAFKA_BATCH_UNREADABLE' ? { nextOffsets: this.#failedAt } : {};
        log('error', problem.message, { code, remedy, retryInMs, ...at });
        await delay(retryInMs, undefined, { signal: this.#left.signal }).catch(() => undefined);
      }
    }
  }

  /** Returns once the group was left; throws if the consumer failed. */
  async #consume(): Promise<void> {
    const { groupId, topic, sessionTimeoutMs = 30_000, heartbeatIntervalMs = 3000, sticky } = this.#options;
    const admin = this.#kafka.admin({ retry: KAFKA_RETRY });
    let closable: ClosableConsumer | undefined;
    try {
      await admin.connect();
      const partitions = await partitionsOf(topic, admin);
      // Left meanwhile: joining now would take partitions without reading them.
      if (this.#left.signal.aborted) return;
      const assigner =
        sticky === undefined
          ? kafkajs.PartitionAssigners.roundRobin
          : stickyAssigner(topic, () => this.#held ?? sticky);
      closable = createConsumer(this.#kafka, {
        groupId,
        partitions,
        sessionTimeoutMs,
        heartbeatIntervalMs,
        assigner,
      });
      await this.#run(closable, admin, partitions);
    } finally {
      this.#failedAt = this.#nextOffsets();
      this.#endGeneration();
      this.#commitRaw = undefined;
      await closable?.close();
      await admin.disconnect().catch(() => undefined);
    }
  }

  async #run(closable: ClosableConsumer, admin: Admin, partitions: number): Promise<void> {
    const { consumer } = closable;
    const { topic, log } = this.#options;
    const failed = Promise.withResolvers<void>();
    // May reject while something else is awaited; it is awaited below.
    failed.promise.catch(() => undefined);
    consumer.on(consumer.events.CRASH, ({ payload }) => failed.reject(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#endGeneration();
      // Fetch nothing until the resume position is known: the committed offset may no longer be in the log.
      consumer.pause([{ topic }]);
      this.#former.joined(payload.memberId).catch((error: unknown) => {
        log('warn', `the group will wait for this process when it is killed: ${messageOf(error)}`, {
          code: 'MEMBER_NOT_KEPT',
          remedy: 'Let it write its data folder, and see that the disk has room.',
        });
      });
      const assigned = payload.memberAssignment[topic] ?? [];
      this.#prepare(consumer, admin, assigned, failed.reject).catch(failed.reject);
    });
    consumer.on(consumer.events.REBALANCING, () => this.#endGeneration());
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      // A batch of control records only: it never reaches eachBatch, but it is no lag either.
      if (payload.batchSize > 0) return;
      const nextOffset = Number(payload.lastOffset) + 1;
      this.#generation?.inbox.skip(payload.partition, nextOffset, Number(payload.highWatermark));
    });
    this.#left.signal.addEventListener('abort', () => failed.resolve(), { once: true });

    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.#former.leave(closable.cluster!);
    // That may have taken long: joining after leaving would add a member that nobody hears of.
    if (this.#left.signal.aborted) return;
    const joined = consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitions,
      eachBatch: (payload) => this.#receive(payload),
    });
    await Promise.race([failed.promise, joined]);
    await failed.promise;
    await Promise.race([joined.catch(() => undefined), delay(JOIN_END_MS, undefined, { ref: false })]);
  }

  /** Finds out where to resume, and seeks there. */
  async #prepare(
    consumer: Consumer,
    admin: Admin,
    partitions: readonly number[],
    fail: (reason: unknown) => void,
  ): Promise<void> {
    const { topic, groupId, maxSkewMs = 600_000, slack = SLACK, clock, log, onProblem } = this.#options;
    const join = ++this.#joins;
    const committed = this.#committed;
    const total = await partitionsOf(topic, admin);
    const known = { committed, gone: this.#gone, begun: this.#begun };
    const resumptions = await resumeAt(admin, groupId, topic, partitions, known);
    if (join !== this.#joins) return;
    this.#gone.clear();
    for (const { partition, position, assigned } of resumptions) {
      if (assigned.committedOffset === undefined) {
        committed.delete(partition);
        this.#begun.set(partition, position);
      } else {
        committed.set(partition, assigned.committedOffset);
        this.#begun.delete(partition);
      }
      consumer.seek({ topic, partition, offset: String(position) });
    }
    this.#held = partitions;
    const started = Promise.withResolvers<void>();
    const inbox = new PartitionInbox(resumptions, {
      maxSkewMs,
      slack: Math.ceil(slack / total),
      clock,
      ahead: (partition) => this.ahead(partition),
      pause: (partition) => consumer.pause([{ topic, partitions: [partition] }]),
      resume: (partition) => consumer.resume([{ topic, partitions: [partition] }]),
    });
    this.#generation = {
      assigned: resumptions.map((resumption) => resumption.assigned),
      total,
      inbox,
      landmarks: new Landmarks({ admin, topic, groupId, clock, committed }, resumptions),
      consumer,
      admin,
      start: started.resolve,
      started: started.promise,
      recreated: () => {
        if (join !== this.#joins) return;
        for (const { partition, position } of resumptions) {
          this.#gone.set(partition, committed.get(partition) ?? inbox.position(partition) ?? position);
        }
        this.#endGeneration();
        fail(new OffsetGone());
      },
      expelled: (reason) => {
        if (join !== this.#joins) return;
        this.#endGeneration();
        fail(reason);
      },
    };
    // Includes partitions held back in an earlier generation.
    consumer.resume([{ topic }]);
    this.#attempts.joined();
    if (!this.#attempts.isDoubtful) onProblem(undefined);
    else void this.#lasts().then((lasts) => (lasts ? onProblem(undefined) : undefined));
    log('info', `joined group ${groupId}`, { topic, partitions: [...partitions] });
    this.#onChange();
  }

  /** Next offset to read, by partition. */
  #nextOffsets(): Record<number, number> {
    const { assigned = [], inbox } = this.#generation ?? {};
    return Object.fromEntries(assigned.map(({ partition }) => [partition, inbox?.position(partition) ?? 0]));
  }

  /** Whether this generation lasts `LASTING_MS`. */
  async #lasts(): Promise<boolean> {
    const join = this.#joins;
    await delay(LASTING_MS, undefined, { ref: false });
    return join === this.#joins;
  }

  #endGeneration(): void {
    this.#joins++;
    const generation = this.#generation;
    this.#generation = undefined;
    generation?.inbox.dropAll();
    generation?.start();
  }

  async #receive(payload: EachBatchPayload): Promise<void> {
    this.#commitRaw = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    const generation = this.#generation;
    if (generation === undefined) {
      // Fetched before the resume position was known: the seek that follows makes this batch stale.
      while (this.#generation === undefined && payload.isRunning()) {
        await delay(10);
        await payload.heartbeat();
      }
      return;
    }
    const last = payload.batch.messages.at(-1);
    if (last !== undefined) generation.landmarks.received(payload.batch.partition, Number(last.timestamp));
    await this.#whileAlive(payload, generation.started);
    if (generation !== this.#generation || payload.isStale()) return;
    const { inbox } = generation;
    const position = inbox.position(payload.batch.partition);
    if (position === undefined) return;
    const batch = eventBatch(payload.batch, position);
    if (batch === undefined) {
      payload.resolveOffset(String(position - 1));
      return;
    }
    const fate = inbox.offer(batch);
    this.#onChange();
    if ((await this.#whileAlive(payload, fate)) === 'taken' && generation === this.#generation) {
      payload.resolveOffset(String(batch.nextOffset - 1));
    }
  }

  /** Awaits the promise while sending heartbeats. A heartbeat that reports a rebalance ends the generation. */
  async #whileAlive<T>(payload: EachBatchPayload, promise: Promise<T>): Promise<T> {
    for (;;) {
      // Not done with an aborting signal: twice per batch, creating its errors would cost as much as fetching.
      const tick = Promise.withResolvers<typeof tickMark>();
      const timer = setTimeout(tick.resolve, HEARTBEAT_CHECK_MS, tickMark);
      const first = await Promise.race([promise, tick.promise]);
      clearTimeout(timer);
      if (first !== tickMark) return first;
      try {
        await payload.heartbeat();
      } catch (error) {
        this.#endGeneration();
        throw error;
      }
    }
  }
}

const tickMark = Symbol('tick');
