/** Helpers: the engine on events given as plain objects, and random logs that stress it. */

import type { Alert } from '../../../src/alert/alert.ts';
import { type Episode, renderAlert } from '../../../src/alert/episode.ts';
import { Engine } from '../../../src/detect/engine.ts';
import { type FieldValue, FieldTable } from '../../../src/event/record.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';

export interface Sent {
  /** Event time, ms. */
  readonly time: number;
  readonly id?: string;
  readonly partition?: number;
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** A correlation over the rule `read`, which matches every event with an `action` of `read`. */
export interface RuleSketch {
  readonly type: 'event_count' | 'value_count' | 'value_sum';
  readonly field?: string;
  readonly timespanMs: number;
  readonly gte: number;
  readonly resolveTimeoutMs?: number;
  readonly groupBy?: readonly string[];
  /** Further keys at the document's root, `vigie.max_groups: 3`. */
  readonly root?: string;
}

/** Timespans are written in whole seconds; the sketch's are ms, so a second here is a thousandth of one. */
export function rulesOf(...sketches: readonly RuleSketch[]): RuleSet {
  const correlations = sketches.map(
    ({ type, field, timespanMs, gte, resolveTimeoutMs, groupBy, root }, i) => `---
title: c${i}
name: c${i}
correlation:
  type: ${type}
  rules: [read]
  group-by: [${(groupBy ?? ['user']).join(', ')}]
  timespan: ${timespanMs}s
  condition: {gte: ${gte}${field === undefined ? '' : `, field: ${field}`}}
${resolveTimeoutMs === undefined ? '' : `vigie.resolve_timeout: ${resolveTimeoutMs}s\n`}${root ?? ''}`,
  );
  const text = `title: read\nname: read\nlogsource: {category: portal}\ndetection:\n  sel: {action: read}\n  condition: sel\n${correlations.join('\n')}`;
  const set = parseRules([{ file: 'rules.yml', text }]);
  if (set.faults.length > 0) throw new Error(JSON.stringify(set.faults));
  return {
    ...set,
    correlations: set.correlations.map((rule) => ({
      ...rule,
      timespanMs: rule.timespanMs / 1000,
      resolveTimeoutMs: rule.resolveTimeoutMs / 1000,
      baseline: rule.baseline && {
        ...rule.baseline,
        historyMs: rule.baseline.historyMs / 1000,
        bucketMs: rule.baseline.bucketMs / 1000,
        seasonMs: rule.baseline.seasonMs / 1000,
      },
      newTerms: rule.newTerms && { ...rule.newTerms, historyMs: rule.newTerms.historyMs / 1000 },
    })),
  };
}

export interface BenchOptions {
  readonly latenessMs?: number;
  readonly exactEntries?: number;
}

/** An engine and the alerts it has shown. */
export class EngineBench {
  readonly engine: Engine;
  readonly #fields = new FieldTable();
  readonly #record;
  readonly #episodes = new Set<Episode>();
  readonly #changed = new Set<Episode>();

  constructor(ruleSet: RuleSet, { latenessMs = 0, exactEntries }: BenchOptions = {}) {
    this.engine = new Engine({
      ruleSet,
      fields: this.#fields,
      hashKey: new Uint8Array(16),
      latenessMs,
      ...(exactEntries === undefined ? {} : { exactEntries }),
    });
    this.#record = this.#fields.newRecord();
  }

  /** Takes an event. */
  take({ time, id, partition, fields }: Sent): void {
    const record = this.#record;
    record.time = time;
    record.slots.fill(undefined);
    record.slots[this.#fields.slot('action')] = 'read';
    if (id !== undefined) record.slots[this.#fields.slot('event.id')] = id;
    for (const [field, value] of Object.entries(fields)) record.slots[this.#fields.slot(field)] = value;
    this.engine.process(record, partition ?? 0);
    this.#note();
  }

  /** No further event comes: judges all windows that are left. */
  finish(): void {
    this.engine.finish();
    this.#note();
  }

  #note(): void {
    this.#changed.clear();
    for (const episode of this.engine.tracker.changed) {
      this.#changed.add(episode);
      this.#episodes.add(episode);
    }
    this.engine.tracker.changed.clear();
  }

  /** Takes an event; returns the alerts that it changed. */
  send(event: Sent): Alert[] {
    this.take(event);
    return [...this.#changed].map((episode) => this.render(episode));
  }

  render(episode: Episode): Alert {
    return renderAlert(episode, 0, this.engine.evidence);
  }

  /** Every episode so far that is not merged into another, by rule, group and crossing. */
  get episodes(): Episode[] {
    return [...this.#episodes]
      .filter(({ status }) => status !== 'merged')
      .sort(
        (a, b) =>
          compare(a.of.rule.key, b.of.rule.key) ||
          compare(JSON.stringify(a.group.fields), JSON.stringify(b.group.fields)) ||
          a.crossedAt - b.crossedAt,
      );
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Uniform random numbers from a seed (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
