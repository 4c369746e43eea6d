/**
 * The stateful half of a scaled-out detector: each partition of the signals topic assigned to this process is a shard,
 * with its own pipeline, engine, watermark, commits and saved state. A shard comes and goes as a whole; one that stays
 * through a rebalance continues from memory.
 *
 * Batches of all shards are processed one after another, as they come from one consumer.
 */

import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RuleSet } from '../sigma/rule.ts';
import type { Assignment, Commit, EventBatch, Idle, Source } from '../source/source.ts';

type Item = EventBatch | Assignment | Idle;

interface Running {
  readonly lane: Lane;
  readonly pipeline: Pipeline;
  readonly done: Promise<void>;
}

interface Made {
  readonly pipeline: Pipeline;
  /** Called once the shard was taken away and its pipeline has ended. */
  readonly onEnd: () => void;
}

/** `of`: the number of partitions of the topic. */
export type PipelineOf = (shard: number, of: number, source: Source, ruleSet: RuleSet) => Made;

/** Learns which shards this process has now, and how many partitions the topic has by now. */
type OnAssigned = (shards: ReadonlySet<number>, total: number | undefined) => void;

export class Shards {
  readonly #source: Source;
  readonly #pipelineOf: PipelineOf;
  readonly #shards: number;
  readonly #onAssigned: OnAssigned;
  readonly #running = new Map<number, Running>();
  #ruleSet: RuleSet;

  /** `shards`: the number of partitions of the topic. */
  constructor(
    source: Source,
    shards: number,
    ruleSet: RuleSet,
    onAssigned: OnAssigned,
    pipelineOf: PipelineOf,
  ) {
    this.#source = source;
    this.#shards = shards;
    this.#ruleSet = ruleSet;
    this.#onAssigned = onAssigned;
    this.#pipelineOf = pipelineOf;
  }

  /** Each shard takes the new rules when it can. */
  replaceRules(ruleSet: RuleSet): void {
    this.#ruleSet = ruleSet;
    for (const { pipeline } of this.#running.values()) pipeline.replaceRules(ruleSet);
  }

  /** Runs until the signal aborts; then every shard writes and commits all it has. Throws what ended a shard. */
  async run(stop: AbortSignal): Promise<void> {
    for await (const item of this.#source.read(stop)) {
      switch (item.kind) {
        case 'assignment':
          await this.#assigned(item, stop);
          break;
        case 'events':
          await this.#running.get(item.partition)?.lane.push(item);
          break;
        case 'idle':
          for (const { lane } of this.#running.values()) await lane.push(item);
          break;
      }
    }
    await this.#endAll([...this.#running.keys()]);
  }

  async #assigned({ partitions, total }: Assignment, stop: AbortSignal): Promise<void> {
    const now = new Set(partitions.map(({ partition }) => partition));
    this.#onAssigned(now, total);
    await this.#endAll([...this.#running.keys()].filter((shard) => !now.has(shard)));
    for (const assigned of partitions) {
      const { partition } = assigned;
      const running = this.#running.get(partition) ?? this.#begin(partition, stop);
      await running.lane.push({ kind: 'assignment', partitions: [assigned] });
    }
  }

  #begin(shard: number, stop: AbortSignal): Running {
    const lane = new Lane(this.#source);
    const { pipeline, onEnd } = this.#pipelineOf(shard, this.#shards, lane, this.#ruleSet);
    const done = pipeline.run(stop).then(onEnd);
    done.catch((error: unknown) => lane.fail(error));
    const running = { lane, pipeline, done };
    this.#running.set(shard, running);
    return running;
  }

  /** Waits for all of them before it throws the error of one. */
  async #endAll(shards: readonly number[]): Promise<void> {
    const ends = shards.map((shard) => this.#end(shard));
    await Promise.allSettled(ends);
    await Promise.all(ends);
  }

  async #end(shard: number): Promise<void> {
    const { lane, done } = this.#running.get(shard)!;
    this.#running.delete(shard);
    lane.end();
    await done;
  }
}

/** The source of one shard. */
class Lane implements Source {
  readonly name: string;
  readonly type = 'kafka';
  readonly #source: Source;
  #item: { readonly item: Item; readonly done: () => void } | undefined;
  #failed: (error: unknown) => void = () => undefined;
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #committed = '';
  #wake: () => void = () => undefined;

  constructor(source: Source) {
    this.name = source.name;
    this.#source = source;
  }

  /** Resolves once the pipeline has processed the item; rejects with the error that ended it. Only one at a time. */
  push(item: Item): Promise<void> {
    return new Promise((done, failed) => {
      this.#item = { item, done };
      this.#failed = failed;
      if (this.#failure === undefined) this.#wake();
      else failed(this.#failure.error);
    });
  }

  /** The pipeline has ended with an error, which this and later pushes reject with. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#failed(error);
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Ends when the shard is taken away or the process stops, not with the signal: pushed items are still processed. */
  async *read(): AsyncGenerator<Item, void, undefined> {
    for (;;) {
      while (this.#item === undefined) {
        if (this.#ended) return;
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
      const { item, done } = this.#item;
      if (item.kind === 'assignment') this.#committed = '';
      this.#item = undefined;
      yield item;
      done();
    }
  }

  rewind(...of: Parameters<Source['rewind']>): Promise<boolean> {
    return this.#source.rewind(...of);
  }

  resume(...of: Parameters<NonNullable<Source['resume']>>): Promise<boolean | undefined> {
    return this.#source.resume?.(...of) ?? Promise.resolve(false);
  }

  landmarkOf(partition: number): ReturnType<NonNullable<Source['landmarkOf']>> {
    return this.#source.landmarkOf?.(partition);
  }

  /** Skips a commit that repeats the last one: there are many shards, and each has its own intervals. */
  async commit(commits: readonly Commit[]): Promise<void> {
    const text = JSON.stringify(commits);
    if (text === this.#committed) return;
    await this.#source.commit(commits);
    this.#committed = text;
  }

  caughtUp(partition: number): boolean {
    return this.#source.caughtUp?.(partition) ?? true;
  }

  async close(): Promise<void> {}
}
