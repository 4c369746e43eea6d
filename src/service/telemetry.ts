/** Turns pipeline reports into metrics and log lines. Alerts are logged by id, rule and numbers, never by person. */

import type { Logger } from 'pino';
import type { Alert } from '../alert/alert.ts';
import type { Clock } from '../clock.ts';
import type { Engine, EngineCounts } from '../detect/engine.ts';
import { type EngineGauges, onlyEngine } from './engine-gauges.ts';
import { DEAD_LETTER_CODES } from '../event/decoder.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { BatchCounts, PipelineObserver, SnapshotEvent } from '../pipeline/pipeline-observer.ts';
import type { WarmUp } from '../pipeline/rule-change.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { STATE_CODES } from '../pipeline/snapshots.ts';
import type { InputGap } from '../source/source.ts';

/** A copy of the counts, for the difference at the next report. */
interface Seen {
  readonly engine: Engine;
  readonly counts: EngineCounts;
  readonly firings: ReadonlyMap<string, number>;
}

/** How many dead letters of one code get a log line each. */
const LOGGED_LETTERS = 100;

const STATE_TROUBLES = {
  refused: 'saved state cannot be used: reading the windows again',
  failed: 'state cannot be saved: the one before is kept, and a restart has more to read again',
} as const;

const UNWRITABLE_REMEDY =
  'See that the folder of VIGIE_STATE_DIR, else VIGIE_DATA_DIR, has room and is writable for this user.';

const GAP_CAUSES: readonly InputGap['cause'][] = ['deleted', 'recreated'];

/** As the labels of `vigie_alerts_total`. */
const ALERT_STATUSES = ['opened', 'resolved', 'merged'] as const;

export class Telemetry implements PipelineObserver {
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  #ruleSet: RuleSet;
  readonly #clock: Clock;
  #seen: Seen | undefined;
  /** Dead letters logged so far, by code. */
  readonly #loggedLetters = new Map<string, number>();
  /** Open alerts by id, for the gauge. */
  readonly #open = new Map<string, Alert>();
  /** Rules whose gauge says that they are warming up → until which event time, ms. */
  readonly #warming = new Map<string, number>();
  readonly #gauges: EngineGauges;
  /** The start of restoring windows was reported, but not yet its end. */
  #restoring = false;

  /** `gauges`: those of the engine; by default it is the process's only one. */
  constructor(
    metrics: Metrics,
    logger: Logger,
    ruleSet: RuleSet,
    clock: Clock,
    gauges: EngineGauges = onlyEngine(metrics, clock),
  ) {
    this.#gauges = gauges;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#ruleSet = ruleSet;
    this.#clock = clock;
    // Prometheus sees growth only from a value that it has scraped: a series that first appears at 3 shows no growth.
    for (const cause of GAP_CAUSES) metrics.inputGapTime.set({ cause }, 0);
    for (const code of DEAD_LETTER_CODES) metrics.deadLetters.inc({ code }, 0);
    for (const code of STATE_CODES) metrics.stateTroubles.inc({ code }, 0);
    this.#showRules();
  }

  #showRules(): void {
    const { rules, correlations } = this.#ruleSet;
    const metrics = this.#metrics;
    for (const { key } of rules) metrics.ruleMatches.inc({ rule: key }, 0);
    for (const { key, level } of correlations) {
      this.#gauges.openAlerts.begin({ rule: key, level });
      for (const status of ALERT_STATUSES) metrics.alerts.inc({ rule: key, level, status }, 0);
      metrics.ruleFirings.inc({ rule: key }, 0);
      metrics.eventsWithoutGroup.inc({ rule: key }, 0);
      metrics.groupsEvicted.inc({ rule: key }, 0);
    }
  }

  assigned(partitions: readonly number[], total = partitions.length): void {
    // A process that reads no partition is not needed, and misses nothing.
    const elsewhere = partitions.length === 0 ? 0 : total - partitions.length;
    this.#metrics.partitionsElsewhere.set(elsewhere);
    if (elsewhere === 0) return;
    this.#logger.error(
      {
        code: 'PARTITIONS_ELSEWHERE',
        partitions,
        elsewhere,
        remedy:
          'Run one process of this group, or set VIGIE_SIGNALS_TOPIC in all of them: then each group lies whole in one.',
      },
      'another process of the group reads other partitions: windows that are not grouped by the key of the topic hold a part of what happened, and a theft may stay below every threshold',
    );
  }

  batch(batch: BatchCounts): void {
    this.#metrics.eventsConsumed.inc(batch.events);
    this.#metrics.bytesConsumed.inc(batch.bytes);
    this.#metrics.eventsRestored.inc(batch.restored);
    this.#metrics.eventsGarbled.inc(batch.replaced);
    this.#metrics.canaryEvents.inc(batch.canaries);
    for (const [reason, lines] of batch.skipped) this.#metrics.eventsSkipped.inc({ case: reason }, lines);
  }

  deadLetter(letter: Parameters<PipelineObserver['deadLetter']>[0]): void {
    const { code, source, partition, offset } = letter;
    this.#metrics.deadLetters.inc({ code });
    if (code === 'FUTURE_TIME') this.#metrics.eventsFuture.inc();
    // Repeating the same line would hide the others: the metric counts all of them.
    const logged = (this.#loggedLetters.get(code) ?? 0) + 1;
    this.#loggedLetters.set(code, logged);
    if (logged > LOGGED_LETTERS) return;
    // The message may quote the event; place and code are enough to find it.
    const note = logged === LOGGED_LETTERS ? '; further ones with this code are only counted' : '';
    this.#logger.warn({ code, source, partition, offset }, `input is no event: dead letter${note}`);
  }

  alerts(written: Parameters<PipelineObserver['alerts']>[0], ackMs: number): void {
    const now = this.#clock.now();
    this.#metrics.processingToAcknowledge.observe(ackMs / 1000);
    for (const { alert, opened } of written) {
      if (alert.canary) {
        this.#canary(alert, opened);
        continue;
      }
      const labels = { rule: alert.rule, level: alert.level };
      if (opened) {
        this.#metrics.alerts.inc({ ...labels, status: 'opened' });
        this.#metrics.eventToAlert.observe(Math.max(0, now - alert.crossedAt) / 1000);
      }
      const wasOpen = this.#open.has(alert.alertId);
      if (alert.status === 'firing') {
        this.#open.set(alert.alertId, alert);
        if (!wasOpen) this.#gauges.openAlerts.add(labels, 1);
      } else {
        this.#metrics.alerts.inc({ ...labels, status: alert.status });
        if (this.#open.delete(alert.alertId)) this.#gauges.openAlerts.add(labels, -1);
      }
      if (opened && alert.status !== 'merged') this.#log(alert, 'opened');
      if (alert.status !== 'firing') this.#log(alert, alert.status);
    }
  }

  /** Not counted as an alert: nobody must be called for it. */
  #canary({ alertId, rule, title }: Alert, opened: boolean): void {
    if (!opened) return;
    this.#metrics.canarySeen.set({ rule }, this.#clock.now() / 1000);
    this.#logger.debug({ alertId, rule }, `canary seen: ${title}`);
  }

  /** An alert that is over when first written, from a log that is read fast, is also logged as opened. */
  #log(alert: Alert, what: string): void {
    const { alertId, rule, title, level, status, value, persons, records, applications } = alert;
    const crossedAt = new Date(alert.crossedAt).toISOString();
    this.#logger[level === 'critical' || level === 'high' ? 'warn' : 'info'](
      // Not `level`, which is the log line's own.
      { alertId, rule, severity: level, status, crossedAt, value, persons, records, applications },
      `alert ${what}: ${title}`,
    );
  }

  state(engine: Engine, lag: Parameters<PipelineObserver['state']>[1], restoring: boolean): void {
    const metrics = this.#metrics;
    const { counts } = engine;
    const before = this.#seen?.engine === engine ? this.#seen : undefined;
    if (before === undefined) this.forgetOpen();
    // Events that are read again were counted before the restart.
    if (!restoring) {
      this.#giveUpRestoring('the assignment changed');
      metrics.eventsLate.inc(counts.late - (before?.counts.late ?? 0));
      metrics.eventsDuplicate.inc(counts.duplicates - (before?.counts.duplicates ?? 0));
      metrics.eventsConflicting.inc(counts.conflicts - (before?.counts.conflicts ?? 0));
      metrics.stateCoalesced.inc(counts.coalesced - (before?.counts.coalesced ?? 0));
      counts.matches.forEach((total, rule) => {
        const grown = total - (before?.counts.matches[rule] ?? 0);
        if (grown > 0) metrics.ruleMatches.inc({ rule: this.#ruleSet.rules[rule]!.key }, grown);
      });
      metrics.canaryMatches.inc(counts.canaryMatches - (before?.counts.canaryMatches ?? 0));
      this.#incByRule(metrics.eventsWithoutGroup, counts.missingGroup, before?.counts.missingGroup);
      this.#incByRule(metrics.groupsEvicted, counts.evictions, before?.counts.evictions);
      this.#incByRule(metrics.ruleFirings, engine.tracker.opened, before?.firings);
    }
    this.#note(engine);
    this.#gauges.show(engine, lag);
    const { watermark } = engine.watermarks;
    this.#endWarmUps(watermark);
  }

  gap(source: string, partition: number, { cause, fromOffset, toOffset }: InputGap): void {
    const now = this.#clock.now();
    this.#metrics.inputGapTime.set({ cause }, now / 1000);
    const place = { source, partition, fromOffset, toOffset };
    if (cause === 'deleted') {
      const messages = toOffset - fromOffset;
      this.#metrics.inputGaps.inc(messages);
      this.#logger.error(
        {
          code: 'INPUT_GAP',
          ...place,
          messages,
          remedy:
            'Give the topic a retention longer than any outage; look for these hours in another copy of the log.',
        },
        'messages were deleted before they were read: nobody examined them',
      );
      return;
    }
    this.#logger.error(
      {
        code: 'TOPIC_RECREATED',
        ...place,
        remedy: 'Nothing, if it was meant. What was unread of the old topic is gone.',
      },
      'the topic is not the one that the committed offset is of: reading it from its beginning',
    );
  }

  rules(ruleSet: RuleSet, engine: Engine): void {
    const { openAlerts } = this.#gauges;
    const now = new Map(ruleSet.correlations.map((rule) => [rule.key, rule]));
    // Counters stay, even for rules that are gone: the end of their alerts was counted just now.
    for (const { key, level } of this.#ruleSet.correlations) {
      if (now.get(key)?.level !== level) openAlerts.end({ rule: key, level });
    }
    this.#ruleSet = ruleSet;
    this.#showRules();
    // The levels of their rules may have changed.
    for (const [id, alert] of this.#open) {
      const level = now.get(alert.rule)?.level ?? alert.level;
      if (level === alert.level) continue;
      this.#open.set(id, { ...alert, level });
      openAlerts.add({ rule: alert.rule, level: alert.level }, -1);
      openAlerts.add({ rule: alert.rule, level }, 1);
    }
    this.#note(engine);
  }

  warmUps(warmUps: readonly WarmUp[]): void {
    const before = new Map(this.#warming);
    this.#endWarmUps(Infinity);
    for (const { rule, untilMs, heldUntilMs } of warmUps) {
      this.#warming.set(rule, untilMs);
      this.#gauges.warming(rule, untilMs);
      if (before.get(rule) === untilMs) continue;
      const until = new Date(untilMs).toISOString();
      const heldUntil = heldUntilMs === undefined ? undefined : new Date(heldUntilMs).toISOString();
      this.#logger.warn(
        { code: 'RULE_WARMING_UP', rule, until, heldUntil },
        heldUntil === undefined
          ? 'the rule began empty: until its windows are whole it can miss'
          : 'the rule began empty: until its windows are whole its alerts are held back',
      );
    }
  }

  /** Clears the gauges of rules whose warm-up ended before this event time. */
  #endWarmUps(watermark: number): void {
    for (const [rule, untilMs] of this.#warming) {
      if (untilMs >= watermark) continue;
      this.#warming.delete(rule);
      this.#gauges.warming(rule, undefined);
    }
  }

  restore(state: 'started' | 'finished', events: number): void {
    if (state === 'started') this.#giveUpRestoring('the assignment changed');
    this.#restoring = state === 'started';
    this.#logger.info(
      { events },
      state === 'started' ? 'restoring windows by reading again' : 'windows restored',
    );
  }

  /** The service stops, or the shard belongs to another process now. */
  ended(): void {
    this.#giveUpRestoring('nothing more is read here');
  }

  #giveUpRestoring(why: string): void {
    if (!this.#restoring) return;
    this.#restoring = false;
    this.#logger.info(`gave up restoring windows: ${why}`);
  }

  snapshot(event: SnapshotEvent): void {
    switch (event.kind) {
      case 'saved':
        this.#metrics.stateSaveSeconds.observe(event.seconds);
        this.#logger.debug({ seconds: event.seconds, bytes: event.bytes }, 'state saved');
        break;
      case 'loaded': {
        const { seconds, bytes, takenAtMs } = event;
        this.#metrics.stateLoadSeconds.set(seconds);
        const takenAt = new Date(takenAtMs).toISOString();
        this.#logger.info({ seconds, bytes, takenAt }, 'going on from saved state');
        break;
      }
      default: {
        const { code, reason } = event;
        this.#metrics.stateTroubles.inc({ code });
        const remedy = event.kind === 'failed' ? { remedy: UNWRITABLE_REMEDY } : {};
        this.#logger.warn({ code, reason, ...remedy }, STATE_TROUBLES[event.kind]);
        return;
      }
    }
    this.#gauges.saved(event);
  }

  /**
   * The assignment has changed or ended: an alert of a partition that moved away is resolved elsewhere, and would stay
   * open here for ever. Alerts that are still this process's own are written again.
   */
  forgetOpen(): void {
    for (const { rule, level } of this.#open.values()) this.#gauges.openAlerts.add({ rule, level }, -1);
    this.#open.clear();
  }

  /** Keeps the counts, for the difference at the next report. */
  #note(engine: Engine): void {
    const { counts, tracker } = engine;
    this.#seen = {
      engine,
      counts: {
        ...counts,
        matches: [...counts.matches],
        missingGroup: new Map(counts.missingGroup),
        evictions: new Map(counts.evictions),
      },
      firings: new Map(tracker.opened),
    };
  }

  #incByRule(
    counter: Metrics['ruleFirings'],
    totals: ReadonlyMap<string, number>,
    before: ReadonlyMap<string, number> | undefined,
  ): void {
    for (const [rule, total] of totals) {
      const grown = total - (before?.get(rule) ?? 0);
      if (grown > 0) counter.inc({ rule }, grown);
    }
  }
}
