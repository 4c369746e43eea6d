/** What stands between a source's bytes and an engine, and what it leaves to be written besides alerts. */

import type { Engine } from '../detect/engine.ts';
import type { Lineage } from '../detect/lineage.ts';
import type { ArchivedEvent, DeadLetter } from '../sink/sink.ts';
import type { EventBatch } from '../source/source.ts';

/** An intake is made for one set of rules. */
export interface Intake {
  /**
   * Makes an engine of the rules; from now on events go to the engine made last. `former`: where the rules lay in the
   * saved state to be loaded; the first time, what the intake was made with.
   */
  newEngine(former?: Lineage): Engine;
  process(batch: EventBatch, engine: Engine, again: ReadAgain): Processed;
  /** Newest event time of the partition, before which only windows need its events; −Infinity if there is none. */
  newestOf(engine: Engine, partition: number): number;
  /** Whether the reader of the source is to mark silent partitions as idle. */
  readonly idles: boolean;
  /** What else, besides the engine's state, decides what becomes of the next batch; as JSON holds it. */
  save?(): unknown;
  load?(saved: unknown): void;
}

/** What of a partition was processed before a restart: it is only to rebuild state. */
export interface ReadAgain {
  /** First offset that is new. */
  readonly untilOffset: number;
  /** Newest event time accepted before, ms since the epoch; −Infinity if unknown. */
  readonly newestMs: number;
}

export const NOTHING_AGAIN: ReadAgain = { untilOffset: 0, newestMs: -Infinity };

export interface Processed {
  /** Some of the batch moved event time, or could have. */
  readonly fruitful: boolean;
  /** Pieces of the batch that only rebuilt state. */
  readonly restored: number;
}

/** What waits for the next flush. */
export class Waiting {
  #archive: ArchivedEvent[] = [];
  #archiveBytes = 0;
  #letters: DeadLetter[] = [];
  #letterBytes = 0;

  /** `bytes`: of the event as it arrived, at least what is kept of it. */
  keep(event: ArchivedEvent, bytes: number): void {
    this.#archive.push(event);
    this.#archiveBytes += bytes;
  }

  reject(letter: DeadLetter): void {
    this.#letters.push(letter);
    this.#letterBytes += letter.bytes.length;
  }

  take(): { readonly archive: readonly ArchivedEvent[]; readonly letters: readonly DeadLetter[] } {
    const taken = { archive: this.#archive, letters: this.#letters };
    this.#archive = [];
    this.#archiveBytes = 0;
    this.#letters = [];
    this.#letterBytes = 0;
    return taken;
  }

  /** Whether so much waits that a flush is due early. */
  get isMuch(): boolean {
    return (
      this.#archive.length >= ARCHIVE_BATCH ||
      this.#archiveBytes >= ARCHIVE_BYTES ||
      this.#letterBytes >= DEAD_LETTER_BYTES
    );
  }
}

const ARCHIVE_BATCH = 20_000;
const ARCHIVE_BYTES = 8 * 1024 * 1024;
const DEAD_LETTER_BYTES = 16 * 1024 * 1024;

/** Totals of a run. */
export interface PipelineSummary {
  readonly events: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly deadLetters: number;
  /** Lines that the mapping leaves out. */
  readonly skipped: number;
  /** Lines of a mapped log that were read with U+FFFD in place of bytes that are not UTF-8. */
  readonly replaced: number;
  /** Accepted events older than the watermark; 0 where another process correlates. */
  readonly late: number;
  readonly bytes: number;
}

export type Tally = { -readonly [K in keyof PipelineSummary]: number };

export function newTally(): Tally {
  return {
    events: 0,
    accepted: 0,
    duplicates: 0,
    deadLetters: 0,
    skipped: 0,
    replaced: 0,
    late: 0,
    bytes: 0,
  };
}
