/**
 * Saved state of the pipeline: the engine, and its position in the source.
 *
 * Guarantee: what the file holds was acknowledged. State is of the moment of a flush and put in place only after that
 * flush was committed, so a process that goes on from it owes no alert, and its offsets are never ahead of the
 * committed ones. State that cannot be used is reported with a code and left alone, and the log is read again; if the
 * assignment ended meanwhile, or everything stops, there is nothing to report. Saving yields to events every thousand
 * groups, and loading to heartbeats.
 */

import type { Clock } from '../clock.ts';
import { savedLineage } from '../detect/engine-state.ts';
import type { Engine } from '../detect/engine.ts';
import type { Lineage } from '../detect/lineage.ts';
import { messageOf, VigieError } from '../errors.ts';
import type { PipelineObserver } from './pipeline-observer.ts';
import type { WarmUp } from './rule-change.ts';
import { SavingPace } from './saving-pace.ts';
import type { SnapshotFile, StoredState } from './snapshot-file.ts';
import { UnfinishedSnapshot } from './unfinished-snapshot.ts';
import type { AssignedPartition, ReadPosition, Source } from '../source/source.ts';
import { refused } from '../state/format.ts';
import { StateReader } from '../state/state-reader.ts';
import { inTurns } from '../state/steps.ts';

export interface SnapshotOptions {
  readonly file: SnapshotFile;
  /** Least wall time between two savings. */
  readonly intervalMs: number;
  /** Shared by all that save in this process. Default: one of its own. */
  readonly pace?: SavingPace;
  /** Consumer group: offsets of another group mean nothing here. */
  readonly group: string;
}

/** Where the engine stood. */
export interface Position {
  /** By partition; partitions from which nothing was read are listed without an offset. */
  readonly partitions: readonly ReadPosition[];
  /** The event time that `RestorePlan` read again from, for alerts older than what was read. */
  readonly reliableFromMs: number | undefined;
  /** Its `toTimeMs`; absent in older files, and if nothing was read again. */
  readonly readAgainToMs?: number | undefined;
  /** Rules that had not yet seen all that decides on their windows; absent in older files, which knew none. */
  readonly warmUps?: readonly WarmUp[];
  /** The result of `Intake.save`. */
  readonly intake?: unknown;
}

interface Stored extends Position {
  readonly source: string;
  readonly group: string;
  readonly takenAtMs: number;
}

/** Why saved state is not used or not written, in the log and in metrics; docs/recovery.md explains each. */
export const STATE_CODES = [
  'STATE_PARTITIONS',
  'STATE_RULES',
  'STATE_OFFSETS',
  'STATE_SOURCE',
  'STATE_KEY',
  'STATE_SETTINGS',
  'STATE_VERSION',
  'STATE_TORN',
  'STATE_FOREIGN',
  'STATE_UNREADABLE',
  'STATE_UNWRITABLE',
] as const;

/** Largest share of the time that goes into saving, however large the state is. */
const LARGEST_SHARE = 0.05;

export class Snapshots {
  readonly #options: SnapshotOptions;
  readonly #source: Source;
  readonly #clock: Clock;
  readonly #observer: PipelineObserver;
  readonly #pace: SavingPace;
  #dueAt: number;
  #underWay: UnfinishedSnapshot | undefined;
  #settled: Promise<void> = Promise.resolve();

  constructor(options: SnapshotOptions, source: Source, clock: Clock, observer: PipelineObserver) {
    this.#options = options;
    this.#source = source;
    this.#clock = clock;
    this.#observer = observer;
    this.#pace = options.pace ?? new SavingPace(clock);
    this.#dueAt = clock.elapsed() + options.intervalMs;
  }

  get due(): boolean {
    return this.#underWay?.isWriting !== true && this.#clock.elapsed() >= this.#dueAt;
  }

  /**
   * Begins to save the state of this instant, replacing a saving under way. Call the returned function once everything
   * up to this instant is committed; otherwise the state is not kept.
   */
  take(engine: Engine, position: Position): () => void {
    const before = this.abandon();
    const takenAtMs = this.#clock.now();
    const { group, intervalMs } = this.#options;
    this.#dueAt = this.#clock.elapsed() + intervalMs;
    const stored: Stored = { ...position, source: this.#source.name, group, takenAtMs };
    const snapshot = new UnfinishedSnapshot(engine, JSON.stringify(stored), this.#clock, this.#pace);
    this.#underWay = snapshot;
    this.#settled = before.then(() => this.#write(snapshot, takenAtMs));
    return () => snapshot.commit();
  }

  /** Call between two batches: waits while the disk is far behind with what events leave to be saved. */
  async relieve(): Promise<void> {
    await this.#underWay?.relieve();
  }

  /** Gives up the saving under way; resolves when it has stopped. */
  async abandon(): Promise<void> {
    this.#underWay?.abandon();
    await this.#settled;
  }

  /** Waits for the saving under way if it was committed. */
  async settled(): Promise<void> {
    if (this.#underWay?.isCommitted === false) this.#underWay.abandon();
    this.#underWay?.hurry();
    await this.#settled;
  }

  async #write(snapshot: UnfinishedSnapshot, takenAtMs: number): Promise<void> {
    const since = this.#clock.elapsed();
    try {
      const kept = await snapshot.writeTo(this.#options.file);
      if (kept === undefined) return;
      const { bytes, busyMs } = kept;
      this.#dueAt = Math.max(this.#dueAt, since + busyMs / LARGEST_SHARE);
      this.#observer.snapshot({ kind: 'saved', seconds: busyMs / 1000, bytes, takenAtMs });
    } catch (error) {
      // The previous state is still there: only more would have to be read again.
      const reason = `${this.#options.file.path}: ${messageOf(error)}`;
      this.#observer.snapshot({ kind: 'failed', code: 'STATE_UNWRITABLE', reason });
    } finally {
      if (this.#underWay === snapshot) this.#underWay = undefined;
    }
  }

  /**
   * An engine that goes on from the saved state, with the source set to its position; undefined if there is no usable
   * state. `newEngine`: makes one with the present rules.
   */
  async load(
    assigned: readonly AssignedPartition[],
    newEngine: (former: Lineage) => Engine,
  ): Promise<{ readonly engine: Engine; readonly position: Position } | undefined> {
    await this.settled();
    let stored: StoredState | undefined;
    try {
      stored = await this.#options.file.open();
      return stored && (await this.#goOnFrom(stored, assigned, newEngine));
    } catch (error) {
      const code = error instanceof VigieError ? error.code : 'STATE_UNREADABLE';
      this.#observer.snapshot({ kind: 'refused', code, reason: messageOf(error) });
      return undefined;
    } finally {
      await stored?.close().catch(() => undefined);
    }
  }

  async #goOnFrom(
    stored: StoredState,
    assigned: readonly AssignedPartition[],
    newEngine: (former: Lineage) => Engine,
  ): Promise<{ readonly engine: Engine; readonly position: Position } | undefined> {
    const since = this.#clock.elapsed();
    const reader = await StateReader.stored(stored);
    const position = reader.section('position', (section) => JSON.parse(section.text()) as Stored);
    this.#check(position, assigned);
    const engine = newEngine(savedLineage(reader));
    const without = await inTurns(engine.loading(reader));
    if (without.length > 0) {
      const keys = without.map(({ key }) => key).join(', ');
      throw refused('STATE_RULES', `it was saved under rules that fire otherwise or are new: ${keys}`);
    }
    const goesOn = await this.#source.resume?.(position.partitions);
    if (goesOn === undefined) return undefined;
    if (!goesOn) throw refused('STATE_OFFSETS', 'the source no longer holds what came after it');
    const seconds = (this.#clock.elapsed() - since) / 1000;
    const { takenAtMs } = position;
    this.#observer.snapshot({ kind: 'loaded', seconds, bytes: stored.length, takenAtMs });
    return { engine, position };
  }

  #check({ source, group, partitions }: Stored, assigned: readonly AssignedPartition[]): void {
    if (source !== this.#source.name || group !== this.#options.group) {
      throw refused('STATE_SOURCE', `it is of ${source} as read by ${group}`);
    }
    const saved = new Map(partitions.map((position) => [position.partition, position]));
    if (saved.size !== assigned.length || assigned.some(({ partition }) => !saved.has(partition))) {
      throw refused('STATE_PARTITIONS', `it is of partitions ${[...saved.keys()].join(', ')}`);
    }
    for (const { partition, committedOffset, gap } of assigned) {
      const { nextOffset } = saved.get(partition)!;
      const known =
        nextOffset === undefined ? committedOffset === undefined : nextOffset <= (committedOffset ?? -1);
      if (gap !== undefined || !known) {
        throw refused('STATE_OFFSETS', `it stands at another place of partition ${partition} than the group`);
      }
    }
  }
}
