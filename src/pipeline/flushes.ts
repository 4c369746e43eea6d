/**
 * The order of acknowledgements: what was made of the events (alerts, or signals) → archive → dead letters → and
 * only then the commit of the offsets that all of it covers.
 *
 * A flush is written while further events are processed. At most one is under way, so a slow sink holds back whoever
 * reads instead of filling memory.
 *
 * Guarantee: what a commit covers is durable. Offsets are committed under the assignment that they are of or not at
 * all: under the next one they may be those of another topic of the same name. After a failure nothing is committed
 * any more, and whoever goes on meets it.
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
  /** Writes what was made of the events. */
  readonly results: (signal: AbortSignal) => Promise<void>;
  readonly archive: readonly ArchivedEvent[];
  readonly letters: readonly DeadLetter[];
  readonly commits: readonly Commit[];
  /** Called once they are committed. */
  readonly onCommitted?: (() => void) | undefined;
}

/** After a stop signal, what is in hand gets this long to be acknowledged, ms. */
const FINAL_MS = 8000;

export class Flushes {
  readonly #targets: FlushTargets;
  readonly #end = new AbortController();
  #forget = (): void => undefined;
  /** Counts assignments. */
  #assignment = 0;
  #underWay: Promise<void> | undefined;
  #failure: unknown;

  constructor(targets: FlushTargets) {
    this.#targets = targets;
  }

  /** Writes outlive `stop` for a while: what is in hand is to be acknowledged, not thrown away. */
  outlive(stop: AbortSignal, finalMs = FINAL_MS): void {
    const onStop = (): unknown => setTimeout(() => this.#end.abort(), finalMs).unref();
    this.#forget = () => stop.removeEventListener('abort', onStop);
    if (stop.aborted) onStop();
    else stop.addEventListener('abort', onStop, { once: true });
  }

  /** Aborts when nothing is to be waited for any more. */
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

  /** The assignment has ended: waits for the flush under way, which commits nothing any more. Throws as `settled`. */
  async newAssignment(): Promise<void> {
    this.#assignment += 1;
    await this.settled();
  }

  /** Begins to write; the one before has settled. */
  start(flush: Flush): void {
    this.#underWay = this.#write(flush)
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /** Waits for the last one. Throws as `settled`. */
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
      // The group gave the partitions away, or the broker has trouble: the next commit, here or elsewhere, is past these.
      if (!(error instanceof VigieError) || !error.retryable) throw error;
    }
  }
}
