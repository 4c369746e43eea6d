/**
 * State that is being saved: written in steps beside the previous file, while events go on, and put in its place once
 * everything is written and all before it is committed.
 */

import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Engine } from '../detect/engine.ts';
import { StateWriter } from '../state/state-writer.ts';
import { begun } from '../state/steps.ts';
import type { SavingPace } from './saving-pace.ts';
import type { SnapshotFile, UnfinishedFile } from './snapshot-file.ts';

/** How often what events have left to be saved is written during a pause. */
const DRAIN_MS = 10;
/** Bytes that may wait for the disk before events have to wait. */
const MOST_WAITING = 32 * 1024 * 1024;
/** Events no longer wait for a disk that has taken nothing for this long. */
const STUCK_MS = 10_000;

/** The state that was put in place. */
export interface Kept {
  readonly bytes: number;
  /** Time spent in steps. */
  readonly busyMs: number;
}

export class UnfinishedSnapshot {
  readonly #writer = new StateWriter();
  readonly #steps: Generator<void>;
  readonly #clock: Clock;
  readonly #pace: SavingPace;
  readonly #committed = Promise.withResolvers<boolean>();
  #isWritten = false;
  #isCommitted = false;
  #isAbandoned = false;
  readonly #hurry = new AbortController();
  #busyMs = 0;
  #bytes = 0;
  /** When the disk last took something, by the clock's `elapsed`. */
  #takenAt: number;

  /** Begins to save the state of this instant. */
  constructor(engine: Engine, position: string, clock: Clock, pace: SavingPace) {
    this.#clock = clock;
    this.#takenAt = clock.elapsed();
    this.#pace = pace;
    this.#writer.section('position').text(position);
    this.#steps = begun(engine.saving(this.#writer));
  }

  /** Whether there are steps left. */
  get isWriting(): boolean {
    return !this.#isWritten;
  }

  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** Everything before this state is committed. */
  commit(): void {
    this.#isCommitted = true;
    this.#committed.resolve(true);
  }

  /** The state is not wanted any more. If it is just being put in place, it stays there. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#committed.resolve(false);
    this.hurry();
  }

  /** Writes the rest without pauses, because somebody waits for it. */
  hurry(): void {
    this.#hurry.abort();
  }

  /**
   * Waits while much of what events have left to be saved waits for the disk: with a slow disk, memory could fill with
   * up to all of the state. A disk that hangs costs that memory, but not detection.
   */
  async relieve(): Promise<void> {
    while (
      this.isWriting &&
      this.#writer.outstanding > MOST_WAITING &&
      this.#clock.elapsed() - this.#takenAt < STUCK_MS
    ) {
      await delay(DRAIN_MS);
    }
  }

  /** Returns undefined if abandoned. Throws the file system's errors; the previous state stays then. */
  async writeTo(target: SnapshotFile): Promise<Kept | undefined> {
    let file: UnfinishedFile | undefined;
    try {
      file = await target.begin();
      await this.#write(file);
      if (!this.#isAbandoned && (await this.#committed.promise)) {
        await file.keep();
        return { bytes: this.#bytes, busyMs: this.#busyMs };
      }
      await file.drop();
      return undefined;
    } catch (error) {
      await file?.drop();
      throw error;
    } finally {
      this.#isWritten = true;
      this.#steps.return(undefined);
    }
  }

  async #write(file: UnfinishedFile): Promise<void> {
    for (let done: boolean | undefined = false; done !== true && !this.#isAbandoned;) {
      const since = this.#clock.elapsed();
      done = this.#steps.next().done;
      const pieces = done === true ? this.#writer.finish() : this.#writer.take();
      const stepMs = this.#clock.elapsed() - since;
      this.#busyMs += stepMs;
      await this.#add(pieces, file);
      await (done === true || this.#hurry.signal.aborted
        ? setImmediate()
        : this.#pause(this.#pace.after(stepMs), file));
    }
    this.#isWritten = true;
  }

  async #add(pieces: readonly Uint8Array[], file: UnfinishedFile): Promise<void> {
    for (const { length } of pieces) this.#bytes += length;
    await file.write(pieces);
    this.#takenAt = this.#clock.elapsed();
    this.#writer.giveBack(pieces);
  }

  /** What events leave to be written meanwhile does not wait for its end: it may be hundreds of MiB a second. */
  async #pause(ms: number, file: UnfinishedFile): Promise<void> {
    const over = delay(ms, true, { signal: this.#hurry.signal }).catch(() => true);
    while (!(await Promise.race([over, delay(DRAIN_MS, false)]))) {
      await this.#add(this.#writer.take(), file);
    }
  }
}
