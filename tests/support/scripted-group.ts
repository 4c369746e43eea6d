/**
 * A topic and the consumer group that reads it, without a broker: who has which partitions, and what was committed. A
 * member that has lost its partitions, and may not know it yet, cannot commit.
 */

import { VigieError } from '../../src/errors.ts';
import type { Assignment, Commit, ReadPosition, Source } from '../../src/source/source.ts';
import { batch, type Item } from '../unit/scripted-pipeline.ts';
import type { Act } from './scripted-process.ts';

/** A message, and its timestamp at the broker. */
export interface Message {
  readonly data: string | Buffer;
  readonly timeMs: number;
}

export class ScriptedGroup {
  /** By partition, in order of arrival. */
  readonly logs: readonly Message[][];
  readonly committed = new Map<number, Commit>();
  generation = 0;
  #assigned: ReadonlyMap<GroupMember, readonly number[]> = new Map();

  constructor(logs: readonly (readonly Message[])[]) {
    this.logs = logs.map((log) => [...log]);
  }

  /** Assigns partitions to members from now on. */
  assign(partitions: ReadonlyMap<GroupMember, readonly number[]>): void {
    this.generation += 1;
    this.#assigned = partitions;
  }

  /** Members that have partitions. */
  get members(): readonly GroupMember[] {
    return [...this.#assigned].flatMap(([member, partitions]) => (partitions.length > 0 ? [member] : []));
  }

  partitionsOf(member: GroupMember): readonly number[] | undefined {
    return this.#assigned.get(member);
  }

  /** True if all of the logs is committed. */
  get isRead(): boolean {
    return this.logs.every(
      (log, partition) => log.length <= (this.committed.get(partition)?.nextOffset ?? 0),
    );
  }
}

export interface MemberOptions {
  readonly act: Act;
  /** Returns a whole number from 0 to below `below`. */
  readonly random: (below: number) => number;
  /** Resolves to true when the next item may be read, to false when the member is to stop. */
  readonly turn: () => Promise<boolean>;
  /** True if the member has learned by now that its partitions went to others. Default: it learns at once. */
  readonly learns?: () => boolean;
  /** Called with the time of what is read. */
  readonly onRead?: (timeMs: number) => void;
}

export class GroupMember implements Source {
  readonly name = 'scripted';
  readonly type = 'kafka';
  readonly #group: ScriptedGroup;
  readonly #options: MemberOptions;
  readonly #next = new Map<number, number>();
  #generation = 0;
  #knows = false;

  constructor(group: ScriptedGroup, options: MemberOptions) {
    this.#group = group;
    this.#options = options;
  }

  async *read(): AsyncGenerator<Item> {
    while (await this.#options.turn()) yield this.#item();
  }

  /** True if nothing is left to read. */
  get isThrough(): boolean {
    return !this.#isLost && [...this.#next.keys()].every((partition) => this.caughtUp(partition));
  }

  #item(): Item {
    if (this.#learns()) {
      this.#generation = this.#group.generation;
      this.#knows = false;
      this.#next.clear();
      const partitions = this.#group.partitionsOf(this);
      if (partitions !== undefined) return this.#assignment(partitions);
    }
    const { random, onRead } = this.#options;
    const open = [...this.#next.keys()].filter((partition) => !this.caughtUp(partition));
    if (open.length === 0) return { kind: 'idle' };
    const partition = open[random(open.length)]!;
    const from = this.#next.get(partition)!;
    const log = this.#group.logs[partition]!;
    const messages = log.slice(from, from + 1 + random(3));
    const nextOffset = from + messages.length;
    this.#next.set(partition, nextOffset);
    for (const { timeMs } of messages) onRead?.(timeMs);
    return {
      ...batch(partition, nextOffset, ...messages.map(({ data }) => data)),
      endOffset: log.length,
    };
  }

  #assignment(partitions: readonly number[]): Assignment {
    const { logs, committed } = this.#group;
    return {
      kind: 'assignment',
      total: logs.length,
      partitions: partitions.map((partition) => {
        const { nextOffset: committedOffset, metadata } = committed.get(partition) ?? {};
        this.#next.set(partition, committedOffset ?? 0);
        return { partition, committedOffset, metadata, endOffset: logs[partition]!.length };
      }),
    };
  }

  get #isLost(): boolean {
    return this.#generation !== this.#group.generation;
  }

  /** True if its partitions went to others and it knows. */
  #learns(): boolean {
    this.#knows ||= this.#isLost && (this.#options.learns?.() ?? true);
    return this.#knows;
  }

  async rewind(partition: number, fromTimeMs: number): Promise<boolean> {
    const before = this.#next.get(partition);
    if (before === undefined || this.#learns()) return false;
    const first = this.#group.logs[partition]!.findIndex(({ timeMs }) => timeMs >= fromTimeMs);
    this.#next.set(partition, first < 0 ? before : Math.min(first, before));
    return this.#next.get(partition)! < before;
  }

  async resume(positions: readonly ReadPosition[]): Promise<boolean | undefined> {
    if (this.#learns()) return undefined;
    for (const { partition, nextOffset } of positions) {
      if (nextOffset !== undefined) this.#next.set(partition, nextOffset);
    }
    return true;
  }

  commit(commits: readonly Commit[]): Promise<void> {
    return this.#options.act(() => {
      if (this.#isLost) throw new VigieError('KAFKA_GENERATION_LOST', 'rebalanced', { retryable: true });
      for (const commit of commits) this.#group.committed.set(commit.partition, commit);
    });
  }

  caughtUp(partition: number): boolean {
    return (this.#next.get(partition) ?? 0) >= this.#group.logs[partition]!.length;
  }

  async close(): Promise<void> {}
}
