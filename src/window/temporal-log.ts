/**
 * Which of several rules matched in a group, and in which order: the windows of temporal correlations whose condition
 * more events can only make true.
 *
 * The state of the newest window is a few times, not its entries: per rule the newest match; for ordered rules, per
 * length m the latest time at which a chain of m rules, in the listed order, can have begun. A window (t − timespan, t]
 * holds a chain exactly when that time is after t − timespan. So in-order arrival costs the number of rules. An event
 * that arrives out of order replays the entries of its windows.
 *
 * Kept: the entries newer than the watermark − timespan, at most `maxEntries`. Beyond that, if order does not matter,
 * of the entries before the watermark only each rule's newest stay; then the oldest go.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

/** What a temporal rule looks at. Rules are numbered by their place in the correlation. */
export interface TemporalSpec {
  readonly timespanMs: number;
  readonly rules: number;
  readonly ordered: boolean;
  readonly maxEntries: number;
  /** Whether the window satisfies the condition: `seen[i]` per rule, `value` the number of rules seen or in order. */
  readonly holds: (seen: readonly boolean[], value: number) => boolean;
}

interface TemporalEntry {
  readonly time: number;
  /** Places of the rules that the event matched, ascending. */
  readonly rules: readonly number[];
}

/** Called for every true window (by its end) that an arrival may have made true. */
export type TrueWindow = (endMs: number, value: number) => void;

export class TemporalLog {
  readonly #spec: TemporalSpec;
  #entries: TemporalEntry[] = [];
  #newest: Progress;

  constructor(spec: TemporalSpec) {
    this.#spec = spec;
    this.#newest = new Progress(spec);
  }

  /** Adds an event. Windows that end before `judgedFrom` have been judged. Returns how many entries had to go. */
  add(time: number, rules: readonly number[], judgedFrom: number, report: TrueWindow): number {
    const entries = this.#entries;
    let at = entries.length;
    while (at > 0 && entries[at - 1]!.time > time) at -= 1;
    entries.splice(at, 0, { time, rules });
    // Matches of the same instant have no order: they are taken together.
    if (at === entries.length - 1 && !(entries[at - 1]?.time === time)) {
      this.#newest.take(time, rules);
      if (time >= judgedFrom) this.#newest.report(time, report);
    } else {
      this.#replay(time, judgedFrom, report);
    }
    return this.#trim(judgedFrom);
  }

  save(to: SectionWriter): void {
    to.list(this.#entries, ({ time, rules }) => {
      to.f64(time);
      to.numbers(rules);
    });
    this.#newest.save(to);
  }

  load(from: SectionReader): void {
    this.#entries = from.list(() => ({ time: from.f64(), rules: from.numbers() }));
    this.#newest.load(from);
  }

  #replay(time: number, judgedFrom: number, report: TrueWindow): void {
    const progress = new Progress(this.#spec);
    for (let i = 0; i < this.#entries.length;) {
      const end = this.#entries[i]!.time;
      const together: number[] = [];
      for (; this.#entries[i]?.time === end; i += 1) together.push(...this.#entries[i]!.rules);
      progress.take(end, together);
      if (end >= time && end >= judgedFrom && end < time + this.#spec.timespanMs)
        progress.report(end, report);
    }
    this.#newest = progress;
  }

  #trim(watermark: number): number {
    const { timespanMs, maxEntries, ordered } = this.#spec;
    const entries = this.#entries;
    let expired = 0;
    while (expired < entries.length && entries[expired]!.time <= watermark - timespanMs) expired += 1;
    if (expired > 0) entries.splice(0, expired);
    if (entries.length <= maxEntries) return 0;
    const before = entries.length;
    if (!ordered) {
      const covered = new Set<number>();
      this.#entries = entries
        .reverse()
        .filter((entry) => {
          if (entry.time >= watermark) return true;
          const news = entry.rules.some((rule) => !covered.has(rule));
          for (const rule of entry.rules) covered.add(rule);
          return news;
        })
        .reverse();
    }
    // Whatever no arrival within the lateness can need is gone by now; beyond that the oldest go.
    const excess = this.#entries.length - maxEntries;
    if (excess > 0) this.#entries.splice(0, Math.max(excess, maxEntries >>> 2));
    return excess > 0 ? before - this.#entries.length : 0;
  }
}

/** What is known of the window that ends at the last time taken. */
export class Progress {
  readonly #spec: TemporalSpec;
  /** Per rule: newest match. */
  readonly #last: Float64Array;
  /** [length − 1][rule]: latest beginning of a chain of that length that ends with the rule. */
  readonly #begin: Float64Array[];
  readonly #seen: boolean[];

  constructor(spec: TemporalSpec) {
    this.#spec = spec;
    this.#last = new Float64Array(spec.rules).fill(-Infinity);
    this.#seen = Array.from({ length: spec.rules }, () => false);
    this.#begin = spec.ordered
      ? Array.from({ length: spec.rules }, () => new Float64Array(spec.rules).fill(-Infinity))
      : [];
  }

  save(to: SectionWriter): void {
    for (const times of [this.#last, ...this.#begin]) to.memory(times);
  }

  load(from: SectionReader): void {
    for (const times of [this.#last, ...this.#begin]) from.memory(times);
  }

  /** Takes all matches of one instant; times must not decrease. */
  take(time: number, rules: readonly number[]): void {
    for (const rule of rules) this.#last[rule] = Math.max(this.#last[rule]!, time);
    if (!this.#spec.ordered) return;
    for (const rule of [...new Set(rules)].sort((a, b) => a - b)) {
      // The order of lengths does not matter: a chain takes each rule once, and earlier rules came first.
      this.#begin[0]![rule] = time;
      for (let length = 1; length <= rule; length += 1) {
        let best = -Infinity;
        for (let earlier = 0; earlier < rule; earlier += 1) {
          best = Math.max(best, this.#begin[length - 1]![earlier]!);
        }
        this.#begin[length]![rule] = Math.max(this.#begin[length]![rule]!, best);
      }
    }
  }

  /** Judges the window (end − timespan, end]; `end` is not before the last time taken. */
  judge(end: number): { holds: boolean; value: number } {
    const { timespanMs, ordered, rules, holds } = this.#spec;
    const from = end - timespanMs;
    let value = 0;
    for (let rule = 0; rule < rules; rule += 1) {
      this.#seen[rule] = this.#last[rule]! > from;
      if (this.#seen[rule] && !ordered) value += 1;
    }
    if (ordered) {
      for (let length = rules; length > 0 && value === 0; length -= 1) {
        if (this.#begin[length - 1]!.some((begin) => begin > from)) value = length;
      }
    }
    return { holds: holds(this.#seen, value), value };
  }

  report(end: number, report: TrueWindow): void {
    const { holds, value } = this.judge(end);
    if (holds) report(end, value);
  }
}
