/**
 * Rules × events → what they find, in deterministic event time to the end of the input. This is the engine of `vigie
 * run` without a clock or a sink, for `vigie eval` and the rules' own tests.
 */

import type { Episode } from '../alert/episode.ts';
import { Engine } from '../detect/engine.ts';
import { createDecoder } from '../event/create-decoder.ts';
import type { Decoder } from '../event/decoder.ts';
import type { LineOptions } from '../event/decoder-options.ts';
import { type EventRecord, FieldTable } from '../event/record.ts';
import { textOf } from '../detect/values.ts';
import type { BaseRule, Bound, Level, RuleSet } from '../sigma/rule.ts';

export interface EvalOptions extends LineOptions {
  /** Allowed lateness. Default 60,000 ms. */
  readonly latenessMs?: number;
  /** Also reports matches of base rules that only correlations refer to. */
  readonly allMatches?: boolean;
  /** Also reports firings of correlations that only others refer to. */
  readonly allFirings?: boolean;
}

export type EvalLine =
  | {
      type: 'match';
      rule: string;
      title: string;
      level: Level;
      event: { index: number; id: string | null };
      time: string | null;
    }
  | {
      type: 'firing';
      rule: string;
      title: string;
      level: Level;
      group: Record<string, string | null>;
      time: string;
      value: number;
      threshold: Partial<Record<Bound['op'], number>>;
    }
  | {
      type: 'alert';
      alert_id: string;
      rule: string;
      group: Record<string, string | null>;
      status: 'firing' | 'resolved';
      first_event_at: string;
      crossed_at: string;
      last_event_at: string;
      events: number;
      value: number;
    };

export interface RejectedEvent {
  /** Line number from 0. */
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

export interface EvalOutput {
  /** In event-time order, alerts last. */
  readonly lines: EvalLine[];
  readonly deadLetters: RejectedEvent[];
  /** Lines that the mapping leaves out, by reason. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Lines of a mapped log in which bytes that are not UTF-8 were read as U+FFFD. */
  readonly replaced: number;
  /** Events older than the watermark, which end no window. */
  readonly late: number;
  /** Events left out because an earlier one with another time has the same id. */
  readonly conflicts: number;
  /**
   * By group-by fields, how many events a rule skipped because one of them was missing; the most, if several rules
   * group by them.
   */
  readonly withoutGroup: ReadonlyMap<string, number>;
}

interface Match {
  readonly rule: number;
  readonly index: number;
  readonly id: string | null;
  readonly time: number;
}

/** Takes raw events one by one; `finish` judges what is left and returns everything. */
export class Evaluator {
  readonly #ruleSet: RuleSet;
  readonly #engine: Engine;
  readonly #decoder: Decoder;
  readonly #record: EventRecord;
  readonly #allFirings: boolean;
  readonly #reported: readonly boolean[];
  readonly #matches: Match[] = [];
  readonly #episodes = new Set<Episode>();
  readonly #deadLetters: RejectedEvent[] = [];
  readonly #skipped = new Map<string, number>();

  constructor(ruleSet: RuleSet, options: EvalOptions = {}) {
    this.#ruleSet = ruleSet;
    const fields = new FieldTable();
    const key = options.pseudonymKey ?? new Uint8Array(16);
    this.#engine = new Engine({ ruleSet, fields, hashKey: key, latenessMs: options.latenessMs ?? 60_000 });
    const timeRequired = ruleSet.correlations.length > 0;
    this.#decoder = createDecoder({ ...options, fields, timeRequired, pseudonymKey: key });
    this.#record = fields.newRecord();
    this.#allFirings = options.allFirings === true;
    this.#reported = ruleSet.rules.map((rule) => rule.alertsAlone || options.allMatches === true);
  }

  /** `index`: line number from 0. */
  take(data: Uint8Array, start: number, end: number, index: number): void {
    const record = this.#record;
    const fault = this.#decoder.decode(data, start, end, record);
    if (fault?.code === 'SKIPPED') {
      this.#skipped.set(fault.reason, (this.#skipped.get(fault.reason) ?? 0) + 1);
      return;
    }
    if (fault !== undefined) {
      this.#deadLetters.push({ index, code: fault.code, message: fault.message });
      return;
    }
    const engine = this.#engine;
    const matched = engine.process(record, 0);
    for (let i = 0; i < matched; i += 1) {
      const rule = engine.matcher.matched[i]!;
      if (!this.#reported[rule]) continue;
      const id = textOf(record.slots[engine.evidence.idSlot]) ?? null;
      this.#matches.push({ rule, index, id, time: record.time });
    }
    this.#noteEpisodes();
  }

  finish(): EvalOutput {
    this.#engine.finish();
    this.#noteEpisodes();
    const order = new Map(this.#ruleSet.correlations.map((rule, i) => [rule.key, i]));
    const episodes = [...this.#episodes]
      .filter((episode) => episode.status !== 'merged' && (this.#allFirings || episode.of.rule.alertsAlone))
      .map((episode) => ({
        episode,
        rule: order.get(episode.of.rule.key)!,
        group: JSON.stringify(episode.group.fields),
      }))
      .sort(
        (a, b) =>
          a.episode.crossedAt - b.episode.crossedAt ||
          a.rule - b.rule ||
          (a.group < b.group ? -1 : a.group > b.group ? 1 : 0),
      )
      .map(({ episode }) => episode);
    const matches = this.#matches.sort(
      (a, b) => compareTimes(a.time, b.time) || a.index - b.index || a.rule - b.rule,
    );

    const lines: EvalLine[] = [];
    let next = 0;
    for (const episode of episodes) {
      while (next < matches.length && !(matches[next]!.time > episode.crossedAt)) {
        lines.push(this.#matchLine(matches[next]!));
        next += 1;
      }
      lines.push(firingLine(episode));
    }
    for (; next < matches.length; next += 1) lines.push(this.#matchLine(matches[next]!));
    for (const episode of episodes) lines.push(alertLine(episode));
    const { late, conflicts } = this.#engine.counts;
    const { replaced = 0 } = this.#decoder;
    const withoutGroup = this.#withoutGroup();
    const [deadLetters, skipped] = [this.#deadLetters, this.#skipped];
    return { lines, deadLetters, skipped, replaced, late, conflicts, withoutGroup };
  }

  #withoutGroup(): Map<string, number> {
    const { missingGroup } = this.#engine.counts;
    const most = new Map<string, number>();
    for (const { key, groupBy } of this.#ruleSet.correlations) {
      const skipped = missingGroup.get(key) ?? 0;
      const fields = groupBy.join(' or ');
      if (skipped > (most.get(fields) ?? 0)) most.set(fields, skipped);
    }
    return most;
  }

  #noteEpisodes(): void {
    const { changed } = this.#engine.tracker;
    // Clearing a set allocates another, and nearly every event changes nothing.
    if (changed.size === 0) return;
    for (const episode of changed) this.#episodes.add(episode);
    changed.clear();
  }

  #matchLine(match: Match): EvalLine {
    const rule: BaseRule = this.#ruleSet.rules[match.rule]!;
    return {
      type: 'match',
      rule: rule.key,
      title: rule.title,
      level: rule.level,
      event: { index: match.index, id: match.id },
      time: Number.isNaN(match.time) ? null : isoTime(match.time),
    };
  }
}

/** Evaluates events in arrival order, one JSON object each. */
export function evalEvents(
  ruleSet: RuleSet,
  events: Iterable<Uint8Array | string>,
  options: EvalOptions = {},
): EvalOutput {
  const evaluator = new Evaluator(ruleSet, options);
  let index = 0;
  for (const event of events) {
    const data = typeof event === 'string' ? Buffer.from(event) : event;
    evaluator.take(data, 0, data.length, index);
    index += 1;
  }
  return evaluator.finish();
}

function firingLine(episode: Episode): EvalLine {
  const { rule } = episode.of;
  return {
    type: 'firing',
    rule: rule.key,
    title: rule.title,
    level: rule.level,
    group: { ...episode.group.fields },
    time: isoTime(episode.crossedAt),
    value: episode.valueAtCrossing,
    threshold: Object.fromEntries(rule.bounds.map(({ op, value }) => [op, value])),
  };
}

function alertLine(episode: Episode): EvalLine {
  return {
    type: 'alert',
    alert_id: episode.alertId,
    rule: episode.of.rule.key,
    group: { ...episode.group.fields },
    status: episode.status === 'resolved' ? 'resolved' : 'firing',
    first_event_at: isoTime(episode.firstEventAt),
    crossed_at: isoTime(episode.crossedAt),
    last_event_at: isoTime(episode.lastTrueAt),
    events: episode.totals.events,
    value: episode.value,
  };
}

/** Events without a time come first. */
function compareTimes(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(b)) - Number(Number.isNaN(a)) : a - b;
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
