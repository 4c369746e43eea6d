/**
 * The order of acknowledgements: the results of the events (alerts, or signals) → archive → dead letters → and only
 * then the commit of the offsets that cover them all.
 *
 * A flush is written while further events are processed. At most one is under way, so a slow sink slows the reader
 * instead of filling memory.
 *
 * Guarantee: what a commit covers is durable. Offsets are committed under their own assignment or not at all: under the
 * next one they may belong to another topic of the same name. After a failure nothing more is committed, and `check`
 * and `settled` throw.
 */

import { orAborted } from '../abort.ts';
import { VigieError } from '../errors.ts';
import type { AlertSink, ArchivedEvent, DeadLetter, DeadLetterSink } from '../sink/sink.ts';
import type { Commit, Source } from '../source/source.ts';

export interface FlushTargets {
  readonly sink: Pick<AlertSink, 'writeEvents'>;
  readonly deadLetters: Pick<DeadLetterSink, 'write'>;
  readonly source: Pick<Source, 'commit'>;
}

export interface Flush {
  /** Writes the results of the events. */
  readonly results: (signal: AbortSignal) => Promise<void>;
  readonly archive: readonly ArchivedEvent[];
  readonly letters: readonly DeadLetter[];
  readonly commits: readonly Commit[];
  /** Called once the offsets are committed. */
  readonly onCommitted?: (() => void) | undefined;
}

/** After a stop signal, unacknowledged writes get this long to finish, ms. */
const FINAL_MS = 8000;

export class Flushes {
  readonly #targets: FlushTargets;
  readonly #end = new AbortController();
  #forget = (): void => undefined;
  /** Number of the current assignment. */
  #assignment = 0;
  #underWay: Promise<void> | undefined;
  #failure: unknown;

  constructor(targets: FlushTargets) {
    this.#targets = targets;
  }

  /** Lets writes outlive `stop` for a while, so that they are acknowledged and not thrown away. */
  outlive(stop: AbortSignal, finalMs = FINAL_MS): void {
    const onStop = (): unknown => setTimeout(() => this.#end.abort(), finalMs).unref();
    this.#forget = () => stop.removeEventListener('abort', onStop);
    if (stop.aborted) onStop();
    else stop.addEventListener('abort', onStop, { once: true });
  }

  /** Aborts when nothing may be waited for any more. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Throws what a flush failed with. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits for the flush under way; throws what it failed with. */
  async settled(): Promise<void> {
    await this.#underWay;
    this.check();
  }

  /** The assignment has ended: waits for the flush under way, which commits nothing any more. Throws like `settled`. */
  async newAssignment(): Promise<void> {
    this.#assignment += 1;
    await this.settled();
  }

  /** Begins to write; the previous one has settled. */
  start(flush: Flush): void {
    this.#underWay = this.#write(flush)
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /** Waits for the last flush. Throws like `settled`. */
  async end(): Promise<void> {
    await this.settled();
    this.#forget();
  }

  async #write({ results, archive, letters, commits, onCommitted }: Flush): Promise<void> {
    const { sink, deadLetters, source } = this.#targets;
    const { signal } = this;
    const assignment = this.#assignment;
    await results(signal);
    if (archive.length > 0) await sink.writeEvents(archive, signal);
    if (letters.length > 0) await deadLetters.write(letters, signal);
    if (commits.length === 0 || assignment !== this.#assignment) return;
    try {
      await orAborted(source.commit(commits), signal);
      onCommitted?.();
    } catch (error) {
      if (signal.aborted && error === signal.reason) return;
      // The partitions were given away, or the broker has trouble: the next commit, here or elsewhere, covers these.
      if (!(error instanceof VigieError) || !error.retryable) throw error;
    }
  }
}
