/**
 * Labelled traffic × rules → which alerts belong to an incident, and which are false.
 *
 * Decoder and engine are those of `vigie run`, without a sink or a clock. An alert **belongs to an incident** if an
 * event of the incident is behind it: the event matches one of the base rules that the alert's rule rests on, carries
 * the group's values, and lies in the crossing window. Any other alert is false, even one on a thief's account that
 * opened before the theft and lasts into it.
 *
 * Memory: a few numbers per alert and a few runs per labelled group; false alerts in the learning time are not kept at
 * all.
 */

import { type Episode, PERSONS_FIELD } from '../alert/episode.ts';
import { Engine } from '../detect/engine.ts';
import { numberOf, textOf } from '../detect/values.ts';
import { createDecoder } from '../event/create-decoder.ts';
import type { Decoder } from '../event/decoder.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { LineOptions } from '../event/decoder-options.ts';
import { type EventRecord, FieldTable } from '../event/record.ts';
import { raisesAlerts, type CorrelationRule, type RuleSet } from '../sigma/rule.ts';
import type { Cause, Causes } from './causes.ts';
import { Contributions } from './contributions.ts';
import { type Theft, type Taken, TheftLog } from './theft-log.ts';

export interface JudgeOptions extends LineOptions {
  /** False alerts that cross earlier than this long after the first event do not count, ms. */
  readonly learnMs: number;
  /** The judged period, ms since the epoch, if known better than from the first and last event. */
  readonly judged?: { readonly from: number; readonly to: number };
  /** Default 60,000 ms. */
  readonly latenessMs?: number;
}

/** The alerts of one rule that belong to one incident. */
export interface Hit extends Omit<OpenHit, 'first'> {
  readonly first: HitAlert;
}

interface OpenHit {
  readonly incident: number;
  /** Key of the rule. */
  readonly rule: string;
  alerts: number;
  /** Of those, inhibited by an alert of another rule. */
  inhibited: number;
  /** The earliest. */
  first: Crossing;
}

interface Crossing {
  readonly group: Readonly<Record<string, string | null>>;
  /** ms since the epoch, like all instants here. */
  readonly crossedAt: number;
  /** Event time at which the engine reported the crossing: later if the rule waits for the watermark. */
  readonly raisedAt: number;
  readonly value: number;
}

interface HitAlert extends Crossing {
  /** Gone by the crossing, and by the time it was reported. */
  readonly taken: Taken;
  readonly takenWhenRaised: Taken;
}

export interface FalseAlerts {
  readonly rule: string;
  /** A confounder of the labels, or `ordinary work`. */
  readonly cause: string;
  alerts: number;
  inhibited: number;
  /** A few, for closer inspection. */
  readonly examples: {
    readonly group: Readonly<Record<string, string | null>>;
    readonly crossedAt: number;
    readonly value: number;
  }[];
}

export interface IncidentTraffic extends Theft {
  readonly name: string;
  readonly title: string;
  readonly course: readonly Taken[];
}

export interface Judgement {
  readonly events: number;
  readonly deadLetters: number;
  /** Events older than the watermark, which end no window. Many mean that the log is not sorted by time. */
  readonly late: number;
  /** Lines that the mapping leaves out, by reason. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Lines of a mapped log in which bytes that are not UTF-8 were read as U+FFFD. */
  readonly replaced: number;
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
  /** Length of the judged period, ms. */
  readonly judgedMs: number;
  /** Distinct `user.id` of events that did not fail. */
  readonly accounts: number;
  readonly incidents: readonly IncidentTraffic[];
  readonly hits: readonly Hit[];
  readonly falseAlerts: readonly FalseAlerts[];
  /** Groups and bytes of state at the end. */
  readonly state: { readonly groups: number; readonly bytes: number };
}

const EXAMPLES = 3;
const COURSE_POINTS = 240;

export class Judge {
  readonly #engine: Engine;
  readonly #decoder: Decoder;
  readonly #record: EventRecord;
  readonly #causes: Causes;
  readonly #contributions: Contributions;
  readonly #learnMs: number;
  readonly #judged: JudgeOptions['judged'];
  readonly #latenessMs: number;
  readonly #slots: Readonly<
    Record<'session' | 'source' | 'account' | 'outcome' | 'records' | 'persons', number>
  >;
  readonly #thefts: TheftLog[] = [];
  readonly #open = new Map<Episode, number>();
  readonly #hits = new Map<string, OpenHit>();
  readonly #false = new Map<string, FalseAlerts>();
  readonly #accounts = new Set<string>();
  readonly #skipped = new Map<string, number>();
  #events = 0;
  #deadLetters = 0;
  #firstAt: number | undefined;
  #lastAt: number | undefined;

  /** `causes` may grow as events come in: an event is judged by its state at that time. */
  constructor(ruleSet: RuleSet, causes: Causes, options: JudgeOptions) {
    const fields = new FieldTable();
    const { learnMs, latenessMs = 60_000 } = options;
    // Nothing is written, so no secret is needed.
    const key = options.pseudonymKey ?? new Uint8Array(16);
    this.#causes = causes;
    this.#learnMs = learnMs;
    this.#judged = options.judged;
    this.#latenessMs = latenessMs;
    this.#contributions = new Contributions(ruleSet, fields);
    this.#slots = {
      session: fields.slot('portal.session.id'),
      source: fields.slot('source.ip'),
      account: fields.slot('user.id'),
      outcome: fields.slot('event.outcome'),
      records: fields.slot('portal.records.count'),
      persons: fields.slot(PERSONS_FIELD),
    };
    this.#engine = new Engine({ ruleSet, fields, hashKey: key, latenessMs, evidence: false });
    this.#decoder = createDecoder({ ...options, fields, timeRequired: true, pseudonymKey: key });
    this.#record = fields.newRecord();
  }

  get events(): number {
    return this.#events;
  }

  /** Takes the event in `data[start, end)`. */
  take(data: Uint8Array, start: number, end: number): void {
    const record = this.#record;
    const fault = this.#decoder.decode(data, start, end, record);
    if (fault !== undefined) {
      if (fault.code === 'SKIPPED') {
        this.#skipped.set(fault.reason, (this.#skipped.get(fault.reason) ?? 0) + 1);
      } else {
        this.#deadLetters += 1;
      }
      return;
    }
    const { slots, time } = record;
    this.#events += 1;
    // Late events do not extend the judged period: a single clock in 1970 would dilute all rates.
    if (time >= this.#engine.watermarks.watermark) {
      this.#firstAt = Math.min(time, this.#firstAt ?? time);
      this.#lastAt = Math.max(time, this.#lastAt ?? time);
    }
    const account = textOf(slots[this.#slots.account]) ?? '';
    this.#causes.noteAccount(account);
    if (account !== '' && slots[this.#slots.outcome] !== 'failure') this.#accounts.add(account);
    const engine = this.#engine;
    const matched = engine.process(record, 0);
    // A duplicate adds nothing.
    if (matched < 0) return;
    const cause = this.#causes.of(
      textOf(slots[this.#slots.session]),
      textOf(slots[engine.evidence.idSlot]),
      textOf(slots[this.#slots.source]),
    );
    if (!Number.isNaN(cause)) {
      this.#contributions.note(record, engine.matcher.matched, matched, cause);
      if (cause >= 0) this.#noteTheft(cause, record, account);
    }
    this.#noteEpisodes(time);
  }

  finish(): Judgement {
    this.#engine.finish();
    this.#noteEpisodes(undefined);
    for (const [episode, raisedAt] of this.#open) this.#judge(episode, raisedAt);
    this.#open.clear();
    return {
      events: this.#events,
      deadLetters: this.#deadLetters,
      late: this.#engine.counts.late,
      skipped: this.#skipped,
      replaced: this.#decoder.replaced ?? 0,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      judgedMs: Math.max(0, (this.#judged?.to ?? this.#lastAt ?? 0) - this.#judgedFrom),
      accounts: this.#accounts.size,
      incidents: this.#causes.incidents.map(({ name, title }, i) => {
        const log = this.#thefts[i] ?? new TheftLog();
        return { name, title, ...log.theft(), course: log.course(COURSE_POINTS) };
      }),
      // Known only now, as events may come out of order.
      hits: [...this.#hits.values()].map((hit) => {
        const log = this.#thefts[hit.incident]!;
        const { crossedAt, raisedAt } = hit.first;
        return {
          ...hit,
          first: { ...hit.first, taken: log.by(crossedAt), takenWhenRaised: log.by(raisedAt) },
        };
      }),
      falseAlerts: [...this.#false.values()],
      state: this.#engine.size(),
    };
  }

  get #judgedFrom(): number {
    return this.#judged?.from ?? (this.#firstAt ?? 0) + this.#learnMs;
  }

  #noteTheft(incident: Cause, { slots, time }: EventRecord, account: string): void {
    const persons = slots[this.#slots.persons];
    const shown =
      numberOf(slots[this.#slots.records]) ?? (persons instanceof Pseudonyms ? persons.length : 0);
    const records = slots[this.#slots.outcome] === 'failure' ? 0 : shown;
    (this.#thefts[incident] ??= new TheftLog()).note(time, records, persons, account);
  }

  /** `now`: current event time; undefined at the end of the input, where the watermark would still have to come. */
  #noteEpisodes(now: number | undefined): void {
    const { changed } = this.#engine.tracker;
    if (changed.size === 0) return;
    for (const episode of changed) {
      if (!raisesAlerts(episode.of.rule)) continue;
      const raisedAt = this.#open.get(episode) ?? now ?? episode.crossedAt + this.#latenessMs;
      if (episode.status === 'firing') {
        this.#open.set(episode, raisedAt);
      } else {
        this.#open.delete(episode);
        if (episode.status === 'resolved') this.#judge(episode, raisedAt);
      }
    }
    changed.clear();
  }

  #judge(episode: Episode, raisedAt: number): void {
    const { rule } = episode.of;
    const { crossedAt, valueAtCrossing: value } = episode;
    const group = episode.group.fields;
    const behind = this.#contributions.within(rule, group, crossedAt);
    const inhibited = episode.inhibitedBy === '' ? 0 : 1;
    let belongs = false;
    for (const cause of behind.keys()) {
      if (cause < 0) continue;
      belongs = true;
      this.#noteHit(cause, rule, inhibited, { group, crossedAt, raisedAt, value });
    }
    if (belongs || crossedAt < this.#judgedFrom) return;
    const [most] = [...behind].sort((a, b) => b[1] - a[1]);
    const cause = this.#causes.nameOf(most?.[0] ?? this.#causes.ofGroup(group));
    const id = JSON.stringify([rule.key, cause]);
    let row = this.#false.get(id);
    if (row === undefined) {
      row = { rule: rule.key, cause, alerts: 0, inhibited: 0, examples: [] };
      this.#false.set(id, row);
    }
    row.alerts += 1;
    row.inhibited += inhibited;
    if (row.examples.length < EXAMPLES) row.examples.push({ group, crossedAt, value });
  }

  #noteHit(incident: Cause, rule: CorrelationRule, inhibited: number, alert: Crossing): void {
    const id = JSON.stringify([incident, rule.key]);
    const hit = this.#hits.get(id);
    if (hit === undefined) {
      this.#hits.set(id, { incident, rule: rule.key, alerts: 1, inhibited, first: alert });
      return;
    }
    hit.alerts += 1;
    hit.inhibited += inhibited;
    if (alert.crossedAt < hit.first.crossedAt) hit.first = alert;
  }
}
