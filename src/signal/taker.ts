/**
 * A shard's work on messages of signals: what is new goes into its engine, and event time follows what the source
 * partitions report.
 *
 * Guarantee: the engine is a function of the shard's log of messages, so a log that is read again gives the same
 * answers; and of the signals alone, whatever the stretches in which they came.
 */

import type { Engine } from '../detect/engine.ts';
import type { EventRecord } from '../event/record.ts';
import { Channels, type SavedChannel } from './channels.ts';
import type { SignalReader, SignalVisitor } from './signal-reader.ts';
import type { SignalHead } from './signal-writer.ts';

export interface TakerCounts {
  /** Signals that were taken. */
  signals: number;
  /** Signals that were here before, or are from a topic that no longer exists. */
  copies: number;
  /** How often something of a source partition never came. */
  gaps: number;
}

/** What decides, beside the engine's state, what is done with the next message. */
export interface SavedTaker {
  readonly partitions: number;
  readonly channels: readonly SavedChannel[];
}

export class Taker implements SignalVisitor {
  readonly counts: TakerCounts = { signals: 0, copies: 0, gaps: 0 };
  /** Head of the latest message. */
  latest: SignalHead | undefined;
  readonly #reader: SignalReader;
  readonly #engine: Engine;
  #channels = new Channels();
  /** Number of source partitions that the engine knows of. */
  #known = 0;
  #partition = 0;
  #stale = false;

  constructor(engine: Engine, reader: SignalReader) {
    this.#engine = engine;
    this.#reader = reader;
  }

  /** Takes a message. Returns why it is not one, or undefined if it was taken. */
  take(data: Uint8Array, start: number, end: number): string | undefined {
    return this.#reader.read(data, start, end, this);
  }

  save(): SavedTaker {
    return { partitions: this.#known, channels: this.#channels.save() };
  }

  /** To be called on a new taker, with a loaded engine. */
  load({ partitions, channels }: SavedTaker): void {
    this.#known = partitions;
    this.#channels = new Channels(channels);
  }

  head(head: SignalHead): void {
    this.latest = head;
    // No partition may be overlooked: there is no watermark until each has told its time.
    if (head.partitions > this.#known) this.#assign(head.partitions);
  }

  begin(partition: number, epoch: number, from: number): void {
    this.#partition = partition;
    const verdict = this.#channels.begin(partition, epoch, from);
    this.#stale = verdict === 'stale';
    if (verdict === 'gap') this.counts.gaps += 1;
    // Fewer partitions: the topic was created anew.
    if (verdict === 'new' && this.latest!.partitions < this.#known) this.#assign(this.latest!.partitions);
  }

  signal(offset: number, newest: number, record: EventRecord, matched: readonly number[]): void {
    if (this.#stale || !this.#channels.isNew(this.#partition, offset)) {
      this.counts.copies += 1;
      return;
    }
    this.counts.signals += 1;
    this.#observe(newest);
    if (matched.length > 0) this.#engine.take(record, matched);
    this.#observe(record.time);
  }

  end(nextOffset: number, newest: number, idle: boolean): void {
    if (this.#stale || !this.#channels.end(this.#partition, nextOffset)) return;
    this.#observe(newest);
    if (idle && this.#engine.watermarks.setIdle(this.#partition)) this.#engine.advance();
  }

  #assign(partitions: number): void {
    this.#known = partitions;
    this.#engine.watermarks.assign(Array.from({ length: partitions }, (_, i) => i));
  }

  #observe(timeMs: number): void {
    if (timeMs === -Infinity) return;
    if (this.#engine.watermarks.observe(this.#partition, timeMs)) this.#engine.advance();
  }
}
