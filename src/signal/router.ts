/**
 * The match stage's work on one event: which rules it matches, which shards hold its groups, and the signals that
 * go there. The only state is what has not been sent yet.
 *
 * Guarantee: for each source partition, what each shard is sent covers all offsets from where reading began, in
 * order and without a gap, even where no event matches.
 */

import { Evidence } from '../detect/evidence.ts';
import { Placement } from '../detect/placement.ts';
import { planCorrelations } from '../detect/plan.ts';
import { routesOf } from '../detect/routing.ts';
import type { EventRecord, FieldTable } from '../event/record.ts';
import { compileMatcher, type Matcher } from '../sigma/matcher.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { signalFields, signalRules } from './schema.ts';
import { type SignalHead, SignalWriter } from './signal-writer.ts';

export interface RouterCounts {
  signals: number;
  /** By rule index of the rule set. */
  readonly matches: number[];
  /** Matches of canaries' events among them, counted by whoever reads events. */
  canaryMatches: number;
  /** By rule key: events skipped for a missing group-by value. */
  readonly missingGroup: Map<string, number>;
}

/** Size in bytes at which a message is full. By default brokers take batches of 1 MiB. */
export const FULL_BYTES = 512 * 1024;

interface Partition {
  readonly epoch: number;
  /** Offset after the last one processed. */
  next: number;
  newest: number;
  idle: boolean;
  /** By shard: offset up to which the shard was told. */
  readonly told: number[];
  /** There is something to send although no offset was processed. */
  news: boolean;
}

interface Outlet {
  readonly writer: SignalWriter;
  /** Full messages. */
  full: Buffer[];
  /** Partition of the open stretch. */
  open: number | undefined;
}

export class Router {
  readonly evidence: Evidence;
  readonly counts: RouterCounts;
  readonly #matcher: Matcher;
  readonly #head: SignalHead;
  readonly #placement: Placement;
  readonly #outlets: readonly Outlet[];
  readonly #relevant: readonly boolean[];
  readonly #partitions = new Map<number, Partition>();
  readonly #into = new Set<number>();
  readonly #skip: (stream: number) => void;

  /** `fields`: must not be frozen yet. */
  constructor(ruleSet: RuleSet, fields: FieldTable, head: SignalHead) {
    this.#head = head;
    this.#matcher = compileMatcher(ruleSet.rules, fields, ruleSet.lists);
    this.evidence = new Evidence(fields);
    const plan = planCorrelations(ruleSet, fields);
    this.#placement = new Placement(plan.streams, routesOf(ruleSet.correlations), head.shards);
    const schema = {
      fields: signalFields(ruleSet).map((path) => [path, fields.slot(path)] as const),
      rules: signalRules(ruleSet),
      idSlot: this.evidence.idSlot,
    };
    this.#relevant = schema.rules.map((hash) => hash !== undefined);
    this.#outlets = Array.from({ length: head.shards }, () => ({
      writer: new SignalWriter(schema),
      full: [],
      open: undefined,
    }));
    const matches = ruleSet.rules.map(() => 0);
    this.counts = { signals: 0, matches, canaryMatches: 0, missingGroup: new Map() };
    const { missingGroup } = this.counts;
    this.#skip = (stream) => {
      for (const { key } of plan.streams[stream]!.rules)
        missingGroup.set(key, (missingGroup.get(key) ?? 0) + 1);
    };
  }

  /** Bytes that wait to be sent. */
  get size(): number {
    return this.#outlets.reduce((sum, { writer, full }) => sum + writer.size + full.length * FULL_BYTES, 0);
  }

  /** Forgets what waits and all partitions. */
  clear(): void {
    this.#partitions.clear();
    for (const outlet of this.#outlets) {
      outlet.writer.take();
      outlet.full = [];
      outlet.open = undefined;
    }
  }

  /** Takes over the partitions of a router with other rules, where they stand there. What waits there stays there. */
  continueFrom(before: Router): void {
    for (const [partition, { epoch, next, newest, idle }] of before.#partitions) {
      this.assign(partition, epoch, next, newest);
      this.#partitions.get(partition)!.idle = idle;
    }
  }

  /** Reading of a partition begins at offset `next`; `newest` is its newest event time before that, or −Infinity. */
  assign(partition: number, epoch: number, next: number, newest: number): void {
    const told = Array.from({ length: this.#head.shards }, () => next);
    this.#partitions.set(partition, { epoch, next, newest, idle: false, told, news: true });
  }

  /** Takes an event; returns how many base rules matched. */
  process(record: EventRecord, partition: number, offset: number): number {
    const state = this.#partitions.get(partition)!;
    const { counts } = this;
    const matcher = this.#matcher;
    const matched = matcher.match(record);
    const { newest } = state;
    if (record.time > newest) state.newest = record.time;
    state.idle = false;
    if (matched === 0) return 0;
    let relevant = false;
    for (let i = 0; i < matched; i += 1) {
      const rule = matcher.matched[i]!;
      counts.matches[rule]! += 1;
      relevant ||= this.#relevant[rule]!;
    }
    if (!relevant) return matched;
    this.#into.clear();
    this.#placement.shardsOf(record, matcher.matched, matched, this.#into, this.#skip);
    for (const shard of this.#into) {
      const outlet = this.#outlets[shard]!;
      if (outlet.writer.size >= FULL_BYTES) this.#cut(outlet, shard, offset, newest, partition);
      if (outlet.open !== partition) this.#begin(shard, partition);
      outlet.writer.add(offset, newest, record, matcher.matched, matched);
      counts.signals += 1;
    }
    return matched;
  }

  /** Everything before this offset of the partition has been processed, whether it held events or not. */
  advance(partition: number, nextOffset: number): void {
    this.#partitions.get(partition)!.next = nextOffset;
  }

  newestOf(partition: number): number {
    return this.#partitions.get(partition)?.newest ?? -Infinity;
  }

  /** The partition is silent and caught up: it no longer holds time back. Returns whether that is new. */
  setIdle(partition: number): boolean {
    const state = this.#partitions.get(partition);
    if (state === undefined || state.idle) return false;
    state.idle = true;
    state.news = true;
    return true;
  }

  /** Puts every partition into the next messages, even if all shards were told, for shards that begin in the middle. */
  repeat(): void {
    for (const state of this.#partitions.values()) state.news = true;
  }

  /** The messages by shard, to be sent in this order. */
  take(): Buffer[][] {
    const messages = this.#outlets.map((outlet, shard) => {
      if (outlet.open !== undefined) this.#end(shard);
      for (const [partition, { next, told, news }] of this.#partitions) {
        if (told[shard]! >= next && !news) continue;
        this.#begin(shard, partition);
        this.#end(shard);
      }
      const { full } = outlet;
      outlet.full = [];
      const last = outlet.writer.take();
      return last === undefined ? full : [...full, last];
    });
    for (const state of this.#partitions.values()) state.news = false;
    return messages;
  }

  /** Ends a message before the event at an offset. */
  #cut(outlet: Outlet, shard: number, offset: number, newest: number, partition: number): void {
    if (outlet.open === partition) {
      outlet.writer.end(offset, newest, false);
      this.#partitions.get(partition)!.told[shard] = offset;
      outlet.open = undefined;
    } else if (outlet.open !== undefined) this.#end(shard);
    outlet.full.push(outlet.writer.take()!);
  }

  #begin(shard: number, partition: number): void {
    const outlet = this.#outlets[shard]!;
    if (outlet.open !== undefined) this.#end(shard);
    const { epoch, told } = this.#partitions.get(partition)!;
    outlet.writer.begin(this.#head, partition, epoch, told[shard]!);
    outlet.open = partition;
  }

  #end(shard: number): void {
    const outlet = this.#outlets[shard]!;
    const { next, newest, idle, told } = this.#partitions.get(outlet.open!)!;
    outlet.writer.end(next, newest, idle);
    told[shard] = next;
    outlet.open = undefined;
  }
}
