/**
 * Composes the stages: source → decode → engine → sink, and commits offsets after the sink acknowledged.
 *
 * Guarantee: what a commit covers is durable as alert rows, archived events and dead letters. Writing again writes the
 * same rows, so a crash at any point repeats work and changes no result.
 */

import type { Episode } from '../alert/episode.ts';
import type { Engine } from '../detect/engine.ts';
import { alertingHashes } from '../detect/firing-hash.ts';
import type { Lineage } from '../detect/lineage.ts';
import { type AlertRow, AlertRows, type IsCanary } from './alert-rows.ts';
import { eventIntake, type EventReaderOptions } from './event-intake.ts';
import { Flushes } from './flushes.ts';
import { KnownAlerts } from './known-alerts.ts';
import { Listening } from './listening.ts';
import { type Intake, newTally, type PipelineSummary, Waiting } from './intake.ts';
import type { PipelineObserver } from './pipeline-observer.ts';
import { PartitionProgress } from './partition-progress.ts';
import { RestorePlan, windowReachOf } from './restore-plan.ts';
import { handingOver, type WarmUp, warmUpsAfter } from './rule-change.ts';
import { raisesAlerts, type CorrelationRule, type RuleSet } from '../sigma/rule.ts';
import type { AlertSink, DeadLetterSink } from '../sink/sink.ts';
import { type SnapshotOptions, Snapshots } from './snapshots.ts';
import { inTurns } from '../state/steps.ts';
import type {
  AssignedPartition,
  Assignment,
  Commit,
  EventBatch,
  ReadPosition,
  Source,
} from '../source/source.ts';

export interface PipelineOptions extends EventReaderOptions {
  readonly source: Source;
  readonly sink: AlertSink;
  readonly deadLetters: DeadLetterSink;
  readonly ruleSet: RuleSet;
  readonly latenessMs: number;
  readonly idleTimeoutMs: number;
  readonly flushIntervalMs: number;
  /** Where state is saved; without it, the log is read again after every start. */
  readonly snapshots?: SnapshotOptions | undefined;
  readonly observer: PipelineObserver;
  readonly isCanary?: IsCanary | undefined;
  /** How the source's items become input of an engine. Default: as events. */
  readonly intakeOf?: (ruleSet: RuleSet, former?: Lineage) => Intake;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  /** The rules last reported to the observer. */
  #inForce: RuleSet;
  /** The rules in force, or those taking their place. */
  #ruleSet: RuleSet;
  #intake: Intake;
  #engine: Engine;
  /** Rules that are to replace those in force. */
  #nextRules: RuleSet | undefined;
  #warmUps: readonly WarmUp[] = [];
  #restore: RestorePlan;
  /** Until all that may be part of these is read again, nothing is written or committed. */
  readonly #known: KnownAlerts;
  readonly #reading = {
    nextOffset: (partition: number) => this.#progress.nextOffset(partition),
    isNew: (episode: Episode) => this.#rows.isNew(episode),
  };
  readonly #snapshots: Snapshots | undefined;
  #assignedPartitions: readonly AssignedPartition[] = [];
  readonly #progress: PartitionProgress;
  readonly #rows: AlertRows;
  readonly #waiting = new Waiting();
  readonly #flushes: Flushes;
  readonly #listening: Listening;
  #lastFlush = 0;
  #assignedAt = 0;
  /** Like `#assignedAt`, on the clock of `#listening`. */
  #heardSince = 0;
  /** When the oldest event not yet flushed was taken, by the clock's `elapsed`. */
  #unflushedSince: number | undefined;
  readonly #tally = newTally();
  /** Newest event time of a partition. */
  readonly #newestOf = (partition: number): number => this.#intake.newestOf(this.#engine, partition);

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { snapshots, source, clock, observer } = options;
    this.#snapshots = snapshots && new Snapshots(snapshots, source, clock, observer);
    this.#inForce = this.#ruleSet = options.ruleSet;
    this.#rows = new AlertRows(alertingHashes(options.ruleSet), options.isCanary);
    this.#intake = this.#intakeOf(options.ruleSet);
    this.#engine = this.#intake.newEngine();
    this.#restore = RestorePlan.none();
    this.#progress = new PartitionProgress(options.latenessMs);
    this.#flushes = new Flushes(options);
    this.#listening = new Listening(clock);
    this.#known = new KnownAlerts(options);
  }

  /**
   * Replaces the rules in force, between two batches and once windows are restored; the observer is told when that is
   * done. `undefined`: the rules in force stay, whatever was asked before; if others are just taking their place, they
   * come back.
   */
  replaceRules(ruleSet: RuleSet = this.#inForce): void {
    this.#nextRules = ruleSet === this.#ruleSet ? undefined : ruleSet;
  }

  get engine(): Engine {
    return this.#engine;
  }

  /** Runs until the input ends or the signal aborts, then flushes. The sink must be open. */
  async run(stop: AbortSignal): Promise<PipelineSummary> {
    const { source, clock } = this.#options;
    this.#lastFlush = clock.elapsed();
    this.#flushes.outlive(stop);
    for await (const item of source.read(stop)) {
      this.#listening.heard();
      if (item.kind === 'assignment') {
        await this.#assigned(item);
      } else {
        if (item.kind === 'events') {
          this.#process(item);
          await this.#snapshots?.relieve();
        }
        this.#finishRestore();
        this.#letIdleGo();
        await this.#flushIfDue();
      }
      await this.#changeRules();
    }
    // A file has an end: what waits for the watermark is judged there. A topic goes on.
    if (!stop.aborted && source.type !== 'kafka') this.#engine.finish();
    await this.#flush(true);
    await this.#flushes.end();
    await this.#snapshots?.settled();
    return { ...this.#tally };
  }

  #intakeOf(ruleSet: RuleSet, former?: Lineage): Intake {
    const { intakeOf } = this.#options;
    return (
      intakeOf?.(ruleSet, former) ?? eventIntake(this.#options, ruleSet, this.#waiting, this.#tally, former)
    );
  }

  /** Puts the waiting rules in force. What ends with the old rules is written first. */
  async #changeRules(): Promise<void> {
    const ruleSet = this.#nextRules;
    if (ruleSet === undefined || this.#restore.unfinished) return;
    this.#nextRules = undefined;
    this.#ruleSet = ruleSet;
    // Episodes get their stored ids before they are copied.
    if (this.#known.areThere) await this.#flush();
    // State saved under the old rules is of no use under the new ones.
    await this.#snapshots?.abandon();
    const before = this.#engine;
    const intake = this.#intakeOf(ruleSet, before.lineage);
    const engine = intake.newEngine(before.lineage);
    const { empty, kept, ended } = await inTurns(handingOver(before, engine));
    const hashes = alertingHashes(ruleSet);
    for (const episode of ended) {
      before.tracker.end(episode, hashes.has(episode.of.rule.key) ? 'rule_changed' : 'rule_gone');
    }
    await this.#flush();
    await this.#flushes.settled();
    for (const [was, is] of kept) this.#rows.handOver(was, is);
    this.#inForce = ruleSet;
    this.#rows.inForce(hashes);
    intake.load?.(this.#intake.save?.());
    this.#intake = intake;
    this.#engine = engine;
    const { newest } = engine.watermarks;
    this.#options.observer.rules(ruleSet, engine);
    this.#setWarmUps(warmUpsAfter(ruleSet, empty, newest, this.#warmUps));
  }

  #setWarmUps(warmUps: readonly WarmUp[]): void {
    if (warmUps.length + this.#warmUps.length === 0) return;
    this.#warmUps = warmUps;
    this.#options.observer.warmUps(warmUps);
  }

  /** Whether the episode is, or will be, an alert in the database. */
  #tells(episode: Episode): boolean {
    const { rule } = episode.of;
    if (!raisesAlerts(rule) || !this.#restore.reliable(episode)) return false;
    return !this.#warmUps.some(
      ({ rule: key, heldUntilMs = -Infinity }) => key === rule.key && episode.lastTrueAt <= heldUntilMs,
    );
  }

  /** The partitions have changed: state is that of the committed offsets, loaded or rebuilt by reading again. */
  async #assigned({ partitions, total }: Assignment): Promise<void> {
    const { source, latenessMs, observer } = this.#options;
    this.#heardSince = this.#listening.time;
    await this.#flushes.newAssignment();
    this.#assignedAt = this.#options.clock.elapsed();
    observer.assigned(
      partitions.map(({ partition }) => partition),
      total,
    );
    if (await this.#goOn(partitions)) return;
    this.#known.forget();
    this.#unflushedSince = undefined;
    this.#waiting.take();
    this.#progress.clear();
    this.#assignedPartitions = partitions;
    const saved = await this.#snapshots?.load(partitions, (former) => this.#intake.newEngine(former));
    if (saved !== undefined) {
      const { engine, position } = saved;
      this.#engine = engine;
      this.#intake.load?.(position.intake);
      // They are written again, and so count as opened here: the same rows, or older versions of them.
      for (const episode of engine.tracker.open) engine.tracker.changed.add(episode);
      const { reliableFromMs: fromTimeMs, readAgainToMs: toTimeMs = Infinity } = position;
      this.#restore = RestorePlan.after(partitions, position.partitions, { fromTimeMs, toTimeMs });
      this.#setWarmUps(position.warmUps ?? []);
      for (const partition of partitions) this.#resume(partition);
      if (this.#restore.unfinished) observer.restore('started', 0);
      // Needed even if nothing is read again: what was written may not have been committed. A single partition is read
      // in the same order by rules with all their state, so the ids are the same.
      const { watermark } = engine.watermarks;
      if (partitions.length > 1) await this.#ask((rule) => watermark - rule.resolveTimeoutMs);
      return;
    }
    this.#engine = this.#intake.newEngine();
    // After reading again, windows are whole.
    this.#setWarmUps([]);
    this.#engine.watermarks.assign(partitions.map(({ partition }) => partition));
    this.#restore = RestorePlan.of(partitions, this.#ruleSet, latenessMs);
    for (const partition of partitions) this.#resume(partition);
    const { fromTimeMs } = this.#restore;
    // What crossed before its windows are whole is not reported.
    if (fromTimeMs !== undefined || partitions.length > 1) {
      await this.#ask((rule) => (fromTimeMs === undefined ? 0 : fromTimeMs + windowReachOf(rule)));
    }
    if (fromTimeMs === undefined) return;
    observer.restore('started', 0);
    for (const { partition, committedOffset } of partitions) {
      if (committedOffset === undefined || (await source.rewind(partition, fromTimeMs))) continue;
      if (this.#restore.skips(partition)) observer.restore('finished', 0);
    }
  }

  #ask(sinceOf: (rule: CorrelationRule) => number): Promise<void> {
    return this.#known.ask(this.#assignedPartitions, this.#ruleSet, sinceOf, this.#flushes.signal);
  }

  /** Whether alerts that are read again still wait for the rest of their events. */
  get #holds(): boolean {
    return this.#restore.unfinished && this.#known.areAwaited(this.#assignedPartitions, this.#assignedAt);
  }

  /**
   * The same partitions as before, which may have belonged to others in between. What is in memory is a function of the
   * log up to where it was read, so reading goes on there, and what waits to be written is still this process's.
   */
  async #goOn(partitions: readonly AssignedPartition[]): Promise<boolean> {
    const before = this.#assignedPartitions;
    if (before.length === 0 || before.length !== partitions.length) return false;
    const positions: ReadPosition[] = [];
    for (const { partition, gap } of partitions) {
      const nextOffset = this.#progress.nextOffset(partition);
      const same = before.some((each) => each.partition === partition);
      if (!same || gap !== undefined || nextOffset === undefined) return false;
      positions.push({ partition, nextOffset, landmark: this.#options.source.landmarkOf?.(partition) });
    }
    if ((await this.#options.source.resume?.(positions)) !== true) return false;
    this.#assignedPartitions = partitions;
    for (const partition of partitions) this.#resume(partition);
    this.#restore = RestorePlan.after(partitions, positions, this.#restore);
    return true;
  }

  /** On the clock of `#listening`. */
  #lastEventAt(partition: number): number {
    return this.#progress.lastEventAt(partition) ?? this.#heardSince;
  }

  /** Reports what will never be read, and moves the next commit past it, so that it is reported once. */
  #resume(assigned: AssignedPartition): void {
    const { observer, source } = this.#options;
    this.#progress.resume(assigned, this.#heardSince);
    if (assigned.gap !== undefined) observer.gap(source.name, assigned.partition, assigned.gap);
  }

  #process(batch: EventBatch): void {
    const { clock, observer, source } = this.#options;
    const engine = this.#engine;
    const { partition } = batch;
    const restore = this.#restore;
    this.#flushes.check();
    this.#unflushedSince ??= clock.elapsed();
    const { fruitful, restored } = this.#intake.process(batch, engine, restore.again(partition));
    // What is skipped or no event moves no watermark: a partition with nothing else must not hold it back.
    this.#progress.read(batch, fruitful ? this.#listening.time : this.#lastEventAt(partition));
    source.progress?.(partition, this.#newestOf(partition));
    restore.restored += restored;
    if (restore.finishes(partition, batch.nextOffset)) observer.restore('finished', restore.restored);
  }

  /** The committed range may end with offsets that never come (transaction markers, aborted messages). */
  #finishRestore(): void {
    const { source, observer } = this.#options;
    const restore = this.#restore;
    if (!restore.unfinished) return;
    for (const partition of restore.waiting) {
      if (source.caughtUp?.(partition) === true && restore.skips(partition)) {
        observer.restore('finished', restore.restored);
      }
    }
  }

  /**
   * Marks partitions as idle that have brought no event for a while and have none waiting. Checked after every batch: a
   * busy partition never leaves a quiet moment, so a silent one would hold it back for ever.
   */
  #letIdleGo(): void {
    const { idleTimeoutMs, source } = this.#options;
    if (!this.#intake.idles) return;
    const now = this.#listening.time;
    const { watermarks } = this.#engine;
    for (const partition of watermarks.partitions) {
      if (
        now - this.#lastEventAt(partition) >= idleTimeoutMs &&
        (source.caughtUp?.(partition) ?? true) &&
        watermarks.setIdle(partition)
      ) {
        this.#engine.advance();
      }
    }
  }

  async #flushIfDue(): Promise<void> {
    const { clock, flushIntervalMs } = this.#options;
    const due = clock.elapsed() - this.#lastFlush >= flushIntervalMs || this.#waiting.isMuch;
    if (due || (!this.#flushes.isUnderWay && this.#hasNewAlert())) await this.#flush();
  }

  #hasNewAlert(): boolean {
    if (this.#holds) return false;
    for (const episode of this.#engine.tracker.changed) {
      if (this.#tells(episode) && this.#rows.isNew(episode)) return true;
    }
    return false;
  }

  /** Starts a flush of all that changed, after the previous one ended. */
  async #flush(last = false): Promise<void> {
    await this.#flushes.settled();
    const { clock, observer, source } = this.#options;
    this.#lastFlush = clock.elapsed();
    const { rows, commits } = this.#due();
    const since = this.#unflushedSince;
    this.#unflushedSince = undefined;
    const lag = this.#progress.lag(source, this.#newestOf);
    observer.state(this.#engine, lag, this.#restore.unfinished);
    this.#flushes.start({
      results: (signal) => this.#write(rows, since, signal),
      ...this.#waiting.take(),
      commits,
      onCommitted: this.#takeSnapshot(commits, last),
    });
  }

  /** The rows and commits of the next flush; none while alerts wait for the rest of their events. */
  #due(): { readonly rows: readonly AlertRow[]; readonly commits: readonly Commit[] } {
    const { tracker, evidence } = this.#engine;
    if (this.#holds) {
      // Episodes that are never reported must not pile up meanwhile.
      for (const episode of tracker.changed) {
        if (!raisesAlerts(episode.of.rule)) tracker.changed.delete(episode);
      }
      return { rows: [], commits: [] };
    }
    const parts = this.#known.take(tracker, this.#reading).filter(([, episode]) => this.#tells(episode));
    const changed = [...tracker.changed].filter((episode) => this.#tells(episode));
    tracker.changed.clear();
    const commits = this.#progress.commits(this.#engine, this.#restore, this.#newestOf);
    const now = this.#options.clock.now();
    return { rows: [...this.#rows.render(changed, now, evidence), ...this.#rows.join(parts)], commits };
  }

  /** `since`: when the oldest event in the rows was taken, if there was one. */
  async #write(rows: readonly AlertRow[], since: number | undefined, signal: AbortSignal): Promise<void> {
    if (rows.length === 0) return;
    const { sink, observer, clock } = this.#options;
    const written = await this.#rows.write(rows, sink, signal);
    observer.alerts(written, since === undefined ? 0 : clock.elapsed() - since);
  }

  /** Saves state with a flush if it is due; returns a function to call after the commit, which keeps the state. */
  #takeSnapshot(commits: readonly Commit[], last: boolean): (() => void) | undefined {
    const snapshots = this.#snapshots;
    if (snapshots === undefined || !(last || snapshots.due)) return undefined;
    // Half-restored state is older than what is committed, and state without a commit is newer.
    if (this.#restore.unfinished || commits.length === 0) return undefined;
    const { source } = this.#options;
    const partitions = this.#assignedPartitions.map(({ partition, committedOffset }): ReadPosition => ({
      partition,
      nextOffset: this.#progress.nextOffset(partition) ?? committedOffset,
      landmark: source.landmarkOf?.(partition),
    }));
    return snapshots.take(this.#engine, {
      partitions,
      reliableFromMs: this.#restore.fromTimeMs,
      readAgainToMs: Number.isFinite(this.#restore.toTimeMs) ? this.#restore.toTimeMs : undefined,
      warmUps: this.#warmUps.filter(({ untilMs }) => untilMs >= this.#engine.watermarks.watermark),
      intake: this.#intake.save?.(),
    });
  }
}
