/**
 * Membership in a consumer group, kept up for ever: connects, joins, and after any failure tries again with
 * backoff, until it is left. What it fetches goes to the inbox of the current generation.
 * Heartbeats go on while a batch waits, however long the pipeline takes.
 *
 * Reading resumes at the group's committed offsets, at the beginning where there is none.
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
import { Landmarks } from './landmarks.ts';
import { PartitionInbox } from './partition-inbox.ts';
import { stickyAssigner } from './sticky-assigner.ts';

export interface KafkaGroupOptions extends KafkaConnection {
  readonly topic: string;
  readonly groupId: string;
  /** Partitions further ahead of the slowest one with lag wait, event time. Default 10 min. */
  readonly maxSkewMs?: number;
  /** Messages of all partitions together that they may read before they do. Default 65,536. */
  readonly slack?: number;
  /** How long a silent member keeps its partitions. Default 30 s. */
  readonly sessionTimeoutMs?: number;
  /** Keeps the name of the member, so that a process that was killed is not waited for when it starts again. */
  readonly memberFile?: string;
  /**
   * Who has state of a partition keeps it in a rebalance; these are the ones that this member has some of at the
   * start. Without it partitions are divided whoever had them before.
   */
  readonly sticky?: readonly number[];
  /** Default 3 s. Also how fast a rebalance is noticed. */
  readonly heartbeatIntervalMs?: number;
  /** The source cannot read (a reason), or can again (undefined). It goes on trying by itself. */
  readonly onProblem: (problem: VigieError | undefined) => void;
  readonly clock: Clock;
  /** In [0, 1), for the jitter. Default Math.random. */
  readonly random?: () => number;
}

/**
 * Messages of all partitions together that may be read beyond the allowed skew. Each is held in memory until the slowest
 * partition comes by: some ten MiB.
 */
const SLACK = 65_536;
const HEARTBEAT_CHECK_MS = 1000;
/**
 * Longest wait for a broker that does not answer the goodbye; the next start says it again. Part of it may go
 * by until a join that is under way has come to its end: who leaves before would stay in the group as a member that
 * never answers, and hold up everybody else.
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
  /** Counts joins, so that what was prepared for an earlier one is recognised. */
  #joins = 0;
  /** Where the attempt before would have read on, by partition. */
  #failedAt: Readonly<Record<number, number>> = {};
  /** How far a partition is ahead of the slowest one that others read, in event time, ms. */
  ahead: (partition: number) => number = () => 0;
  /** Partitions of the generation that was announced last. */
  #held: readonly number[] | undefined;
  #supervision: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  /** Offsets that the group is known to have committed, by partition. */
  readonly #committed = new Map<number, number>();
  /** Where partitions were begun that the group has never committed anything of. */
  readonly #begun = new Map<number, number>();
  /** First offsets not read of a topic that turned out to be gone, by partition, until the group has resumed. */
  readonly #gone = new Map<number, number>();
  #commitRaw: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;

  /** `onChange`: a generation began, or a batch came in. */
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

  /** `withinMs`: what is left of the time in which to stop. */
  leave(withinMs = LEAVE_MS): Promise<void> {
    this.#leaving ??= this.#leave(Math.min(withinMs, LEAVE_MS));
    return this.#leaving;
  }

  async #leave(withinMs: number): Promise<void> {
    this.#left.abort();
    this.#endGeneration();
    await Promise.race([this.#supervision, delay(withinMs, undefined, { ref: false })]);
  }

  /** Commits under the current generation, at once or not at all. Throws what `kafkaError` makes of it. */
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
        // Before the first batch.
        await generation.consumer.commitOffsets(partitions.map((partition) => ({ topic, ...partition })));
      }
      for (const { partition, offset } of partitions) this.#committed.set(partition, Number(offset));
    } catch (error) {
      // KafkaJS sees it at its next heartbeat, which is hours away when the wall clock was set back meanwhile.
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
        // KafkaJS does not say which one it could not read.
        const at = code === 'KAFKA_BATCH_UNREADABLE' ? { nextOffsets: this.#failedAt } : {};
        log('error', problem.message, { code, remedy, retryInMs, ...at });
        await delay(retryInMs, undefined, { signal: this.#left.signal }).catch(() => undefined);
      }
    }
  }

  /** Returns once left; throws when the consumer failed. */
  async #consume(): Promise<void> {
    const { groupId, topic, sessionTimeoutMs = 30_000, heartbeatIntervalMs = 3000, sticky } = this.#options;
    const admin = this.#kafka.admin({ retry: KAFKA_RETRY });
    let closable: ClosableConsumer | undefined;
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics[0]?.partitions.length ?? 1;
      // Left meanwhile: who joined now would hold partitions that it does not read.
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
    // It may fail while something else is awaited; it is awaited below.
    failed.promise.catch(() => undefined);
    consumer.on(consumer.events.CRASH, ({ payload }) => failed.reject(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#endGeneration();
      // Nothing is fetched until it is known where to resume: the committed offset may no longer be in the log.
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
      // Nothing but control records: it never gets to eachBatch, but it is no lag either.
      if (payload.batchSize > 0) return;
      const nextOffset = Number(payload.lastOffset) + 1;
      this.#generation?.inbox.skip(payload.partition, nextOffset, Number(payload.highWatermark));
    });
    this.#left.signal.addEventListener('abort', () => failed.resolve(), { once: true });

    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.#former.leave(closable.cluster!);
    // It may have taken long: who joined now would be a member that nobody hears of.
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

  /** Learns where to resume, and seeks there. */
  async #prepare(
    consumer: Consumer,
    admin: Admin,
    partitions: readonly number[],
    fail: (reason: unknown) => void,
  ): Promise<void> {
    const { topic, groupId, maxSkewMs = 600_000, slack = SLACK, clock, log, onProblem } = this.#options;
    const join = ++this.#joins;
    const committed = this.#committed;
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const total = topics[0]?.partitions.length ?? 1;
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
    // Also what was held back in an earlier generation.
    consumer.resume([{ topic }]);
    this.#attempts.joined();
    if (!this.#attempts.isDoubtful) onProblem(undefined);
    else void this.#lasts().then((lasts) => (lasts ? onProblem(undefined) : undefined));
    log('info', `joined group ${groupId}`, { topic, partitions: [...partitions] });
    this.#onChange();
  }

  /** Where each partition is read on, by partition. */
  #nextOffsets(): Record<number, number> {
    const { assigned = [], inbox } = this.#generation ?? {};
    return Object.fromEntries(assigned.map(({ partition }) => [partition, inbox?.position(partition) ?? 0]));
  }

  /** Whether the present generation does. */
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
      // Fetched before it was known where to resume: the seek that follows makes it stale.
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

  /** Awaits, heartbeating. A heartbeat that says the group rebalances ends the generation. */
  async #whileAlive<T>(payload: EachBatchPayload, promise: Promise<T>): Promise<T> {
    for (;;) {
      // No signal that aborts: twice a batch, making its errors costs as much as asking for events.
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
