/** What stands between a source's bytes and an engine, and what it leaves to be written beside alerts. */

import type { Engine } from '../detect/engine.ts';
import type { Lineage } from '../detect/lineage.ts';
import type { ArchivedEvent, DeadLetter } from '../sink/sink.ts';
import type { EventBatch } from '../source/source.ts';

/** Made for a set of rules. */
export interface Intake {
  /**
   * An engine of the rules. What is processed from now on goes to the one that was made last. `former`: where the
   * rules lay in saved state that it is to take; the first time, what the intake was made with.
   */
  newEngine(former?: Lineage): Engine;
  process(batch: EventBatch, engine: Engine, again: ReadAgain): Processed;
  /** Newest event time before which nothing of the partition is needed but for windows; −Infinity for none. */
  newestOf(engine: Engine, partition: number): number;
  /** Whether partitions of the source that fall silent are to be let go by whoever reads it. */
  readonly idles: boolean;
  /** What decides beside the engine's state what becomes of the next batch, as JSON holds it. */
  save?(): unknown;
  load?(saved: unknown): void;
}

/** What of a partition was processed before a restart: only state is to be made of it. */
export interface ReadAgain {
  /** What is new begins here. */
  readonly untilOffset: number;
  /** Newest event time that was accepted before, ms since the epoch; −Infinity when that is not known. */
  readonly newestMs: number;
}

export const NOTHING_AGAIN: ReadAgain = { untilOffset: 0, newestMs: -Infinity };

export interface Processed {
  /** Some of it moved event time, or could have. */
  readonly fruitful: boolean;
  /** Pieces of the batch that made state only. */
  readonly restored: number;
}

/** What waits for the next flush. */
export class Waiting {
  #archive: ArchivedEvent[] = [];
  #archiveBytes = 0;
  #letters: DeadLetter[] = [];
  #letterBytes = 0;

  /** `bytes`: of the event as it came, which is not less than what is kept of it. */
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

  /** A flush is due earlier when this much waits. */
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

/** What a run came to. */
export interface PipelineSummary {
  readonly events: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly deadLetters: number;
  /** Lines that the mapping leaves out. */
  readonly skipped: number;
  /** Lines of a mapped log that were read with U+FFFD for bytes that are no UTF-8. */
  readonly replaced: number;
  /** Accepted events older than the watermark; not known where correlating is another process's. */
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
