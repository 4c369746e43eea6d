/**
 * The stateless half of a scaled-out detector: turns partitions of the input into signals to the shards.
 *
 * Guarantee: everything that a commit covers was acknowledged, in all shards by the signals topic, and as archived
 * events and dead letters. A crash repeats work; the shards recognise repetitions. The epoch of a partition is
 * committed before the first signal that carries it.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { orAborted } from '../abort.ts';
import { VigieError } from '../errors.ts';
import { EventReader, type EventReaderOptions } from '../pipeline/event-intake.ts';
import { FieldTable } from '../event/record.ts';
import { Flushes } from '../pipeline/flushes.ts';
import { Listening } from '../pipeline/listening.ts';
import { newTally, NOTHING_AGAIN, type PipelineSummary, Waiting } from '../pipeline/intake.ts';
import { lagOf, type ReadState } from '../pipeline/partition-progress.ts';
import type { PartitionLag, PipelineObserver } from '../pipeline/pipeline-observer.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { Router, type RouterCounts } from '../signal/router.ts';
import type { AlertSink, DeadLetterSink } from '../sink/sink.ts';
import type { SignalSink } from '../sink/signal-topic.ts';
import type { Assignment, Commit, EventBatch, Source } from '../source/source.ts';

export interface MatchStageOptions extends EventReaderOptions {
  readonly source: Source;
  readonly signals: SignalSink;
  /** Number of partitions of the signals topic. */
  readonly shards: number;
  readonly keyCheck: number;
  /** For archived events. */
  readonly sink: Pick<AlertSink, 'writeEvents'>;
  readonly deadLetters: DeadLetterSink;
  readonly ruleSet: RuleSet;
  readonly idleTimeoutMs: number;
  /** Longest wall time between two commits, ms. */
  readonly flushIntervalMs: number;
  readonly observer: Pick<PipelineObserver, 'assigned' | 'batch' | 'deadLetter' | 'gap'> & {
    /** Called after each sending. `sent`: the number of messages and their bytes. */
    matched(counts: RouterCounts, sent: { readonly messages: number; readonly bytes: number }): void;
    lag(lag: ReadonlyMap<number, PartitionLag>): void;
    /** Other rules came into force. */
    rules(ruleSet: RuleSet): void;
  };
}

interface PartitionState extends ReadState {
  readonly epoch: number;
}

/** Signals are sent this often, ms, or once this much waits; less often with very many shards (ms per shard). */
const SEND_MS = 50;
const SEND_MS_PER_SHARD = 1;
const SEND_BYTES = 1024 * 1024;
/** Shards that start in the middle of their log learn of every partition within this wall time, ms. */
const REPEAT_MS = 10_000;
const BEGIN_RETRY_MS = 500;
const NOTHING = { archive: [], letters: [] };

export class MatchStage {
  readonly #options: MatchStageOptions;
  readonly #waiting = new Waiting();
  readonly #flushes: Flushes;
  readonly #listening: Listening;
  readonly #tally = newTally();
  readonly #partitions = new Map<number, PartitionState>();
  #router: Router;
  #events: EventReader;
  #ruleSet: RuleSet;
  #nextRules: RuleSet | undefined;
  #sourcePartitions = 0;
  #sentAt = 0;
  #committedAt = 0;
  #repeatedAt = 0;

  constructor(options: MatchStageOptions) {
    this.#options = options;
    this.#flushes = new Flushes(options);
    this.#listening = new Listening(options.clock);
    this.#ruleSet = options.ruleSet;
    [this.#router, this.#events] = this.#newStages();
  }

  /** Replaces the rules in force, between two batches. `undefined` takes back a waiting change. */
  replaceRules(ruleSet: RuleSet | undefined): void {
    this.#nextRules = ruleSet;
  }

  get ruleSet(): RuleSet {
    return this.#ruleSet;
  }

  /** Runs until the signal aborts, then sends and commits everything in hand. */
  async run(stop: AbortSignal): Promise<PipelineSummary> {
    const { source } = this.#options;
    this.#flushes.outlive(stop);
    for await (const item of source.read(stop)) {
      this.#listening.heard();
      if (item.kind === 'assignment') await this.#assigned(item, stop);
      else if (item.kind === 'events') this.#process(item);
      this.#letIdleGo();
      await this.#sendIfDue();
      await this.#changeRules();
    }
    await this.#send(true);
    await this.#flushes.end();
    return { ...this.#tally };
  }

  #newStages(): [Router, EventReader] {
    const { shards, keyCheck } = this.#options;
    const fields = new FieldTable();
    const router = new Router(this.#ruleSet, fields, {
      shards,
      partitions: this.#sourcePartitions,
      keyCheck,
    });
    return [router, new EventReader(this.#options, fields, this.#waiting, this.#tally)];
  }

  async #assigned({ partitions, total }: Assignment, stop: AbortSignal): Promise<void> {
    const { source, observer } = this.#options;
    const lastEventAt = this.#listening.time;
    await this.#flushes.newAssignment();
    observer.assigned(partitions.map(({ partition }) => partition));
    this.#waiting.take();
    this.#partitions.clear();
    this.#sourcePartitions = total ?? partitions.length;
    [this.#router, this.#events] = this.#newStages();
    const begun: Commit[] = [];
    for (const { partition, committedOffset, metadata, position, endOffset, gap } of partitions) {
      const nextOffset = position ?? committedOffset ?? 0;
      const epoch = metadata?.epoch ?? randomBytes(6).readUIntBE(0, 6);
      const newestEventTime = metadata?.newestEventTime ?? -Infinity;
      if (gap !== undefined) observer.gap(source.name, partition, gap);
      if (metadata?.epoch === undefined)
        begun.push({ partition, nextOffset, metadata: { newestEventTime, epoch } });
      this.#partitions.set(partition, { epoch, nextOffset, endOffset, lastEventAt });
      this.#router.assign(partition, epoch, nextOffset, newestEventTime);
    }
    if (begun.length > 0) await this.#begin(begun, stop);
  }

  /**
   * Commits epochs before any shard learns of them: after a crash, a successor would otherwise choose others, and all
   * signals would seem new to the shards. Broker trouble is waited out; if the assignment has ended, the next one
   * starts over.
   */
  async #begin(commits: readonly Commit[], stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await orAborted(this.#options.source.commit(commits), stop);
        return;
      } catch (error) {
        if (stop.aborted) break;
        if (!(error instanceof VigieError) || !error.retryable) throw error;
        if (error.code === 'KAFKA_GENERATION_LOST') break;
        await delay(BEGIN_RETRY_MS, undefined, { signal: stop }).catch(() => undefined);
      }
    }
    this.#partitions.clear();
    this.#router.clear();
  }

  #process(batch: EventBatch): void {
    const { source } = this.#options;
    const { partition } = batch;
    this.#flushes.check();
    const { fruitful } = this.#events.process(batch, this.#router, NOTHING_AGAIN);
    this.#router.advance(partition, batch.nextOffset);
    const state = this.#partitions.get(partition)!;
    state.nextOffset = batch.nextOffset;
    state.endOffset = batch.endOffset;
    if (fruitful) state.lastEventAt = this.#listening.time;
    source.progress?.(partition, this.#router.newestOf(partition));
  }

  /** Partitions that are idle and have no event waiting do not hold back event time. */
  #letIdleGo(): void {
    const { idleTimeoutMs, source } = this.#options;
    const now = this.#listening.time;
    for (const [partition, { lastEventAt }] of this.#partitions) {
      if (now - lastEventAt < idleTimeoutMs || source.caughtUp?.(partition) === false) continue;
      this.#router.setIdle(partition);
    }
  }

  /** Puts waiting rules into force, after sending what the former ones matched. */
  async #changeRules(): Promise<void> {
    if (this.#nextRules !== undefined) await this.#send();
    // Unless the change was taken back meanwhile.
    const ruleSet = this.#nextRules;
    if (ruleSet === undefined) return;
    const before = this.#router;
    this.#ruleSet = ruleSet;
    this.#nextRules = undefined;
    [this.#router, this.#events] = this.#newStages();
    this.#router.continueFrom(before);
    this.#options.observer.rules(ruleSet);
  }

  async #sendIfDue(): Promise<void> {
    const now = this.#options.clock.elapsed();
    if (now - this.#repeatedAt >= REPEAT_MS) {
      this.#repeatedAt = now;
      this.#router.repeat();
    }
    const sendMs = Math.max(SEND_MS, SEND_MS_PER_SHARD * this.#options.shards);
    if (now - this.#sentAt >= sendMs || this.#router.size >= SEND_BYTES || this.#waiting.isMuch) {
      await this.#send();
    }
  }

  /** Starts sending all signals in hand, after the previous flush; when it is time, writes all else and commits. */
  async #send(last = false): Promise<void> {
    await this.#flushes.settled();
    const { clock, flushIntervalMs, observer, signals, source } = this.#options;
    const now = clock.elapsed();
    this.#sentAt = now;
    const messages = this.#router.take();
    const bytes = messages.flat().reduce((sum, { length }) => sum + length, 0);
    observer.matched(this.#router.counts, { messages: messages.flat().length, bytes });
    const committing = last || this.#waiting.isMuch || now - this.#committedAt >= flushIntervalMs;
    if (bytes === 0 && !committing) return;
    if (committing) {
      this.#committedAt = now;
      observer.lag(lagOf(this.#partitions, source, (partition) => this.#router.newestOf(partition)));
    }
    this.#flushes.start({
      results: (signal) => signals.send(messages, signal),
      ...(committing ? this.#waiting.take() : NOTHING),
      commits: committing ? this.#commits() : [],
    });
  }

  #commits(): Commit[] {
    return [...this.#partitions].map(([partition, { nextOffset, epoch }]) => ({
      partition,
      nextOffset,
      metadata: { newestEventTime: this.#router.newestOf(partition), epoch },
    }));
  }
}
