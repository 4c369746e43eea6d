/**
 * Why a correlation does or doesn't fire: what it made of a file of events, group by group.
 *
 * Firings and counts are the production engine's. The entries of a window, which the engine keeps in compressed
 * form, are collected beside it with the same plan and slid through the same measures, so that they can be shown.
 * Everything is held in memory: meant for files, not for streams.
 */

import type { Episode } from '../alert/episode.ts';
import { heldBy, matchedBy } from '../detect/closing-measure.ts';
import { Engine } from '../detect/engine.ts';
import { termsIn } from '../detect/novelty-gate.ts';
import { planCorrelations, type PlannedClosing, type StreamPlan } from '../detect/plan.ts';
import { ScaledBounds } from '../detect/scaled-bounds.ts';
import { combinations, groupTexts, textOf, textsOf } from '../detect/values.ts';
import type { EvalOptions, RejectedEvent } from '../eval/eval.ts';
import { createDecoder } from '../event/create-decoder.ts';
import type { Decoder } from '../event/decoder.ts';
import { type EventRecord, FieldTable } from '../event/record.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { SequenceHeld } from '../window/sequence-measure.ts';
import { beginningsIn } from './begun-before.ts';
import { type Sighting, type Uncounted, sift } from './novelty.ts';
import { compareNearness, type Entry, type WindowEntry, type WindowExplanation, windows } from './windows.ts';

export interface LastWindow extends WindowExplanation {
  /** Oldest first. */
  readonly entries: readonly WindowEntry[];
  /** Referenced rule → time of its newest match in the window, null if there is none. */
  readonly seen: ReadonlyMap<string, number | null>;
}

export interface GroupExplanation {
  readonly group: Readonly<Record<string, string | null>>;
  /** The number in the group's row of the list that scales the bounds; undefined when there is none. */
  readonly scale: number | undefined;
  /** Entries over the whole input, and events that lack the measured field. */
  readonly entries: number;
  readonly withoutValue: number;
  /** Events that show nothing new, for rules on new terms; these are not entries. */
  readonly uncounted: Uncounted | undefined;
  /** The window that ends at the group's last event; undefined if no event was in time to end one. */
  readonly last: LastWindow | undefined;
  /** The window nearest to firing, or furthest past it. */
  readonly nearest: WindowExplanation | undefined;
  readonly firings: readonly { readonly time: number; readonly value: number }[];
}

export interface CorrelationExplanation {
  readonly events: number;
  /** Lines that are no events. */
  readonly rejected: readonly RejectedEvent[];
  /** Lines that the mapping leaves out, by reason; not among the events. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Lines of a mapped log that were read with U+FFFD in place of invalid UTF-8. */
  readonly replaced: number;
  readonly late: number;
  readonly copies: number;
  /** Entries that the engine merged beyond what it holds exactly: its values may then differ from those here. */
  readonly folded: number;
  /** Groups evicted beyond the cap of groups. */
  readonly evicted: number;
  /** Per referenced rule: its matches or firings, and how many of them have no value for a group-by field. */
  readonly references: readonly {
    readonly rule: string;
    readonly found: number;
    readonly withoutGroup: number;
  }[];
  /** Firings of the correlations that the rule refers to. */
  readonly parents: readonly {
    readonly rule: string;
    readonly group: Readonly<Record<string, string | null>>;
    readonly time: number;
    readonly value: number;
  }[];
  /** Groups that fired first, then by how near they came to firing. */
  readonly groups: readonly GroupExplanation[];
}

interface Group {
  readonly fields: Readonly<Record<string, string | null>>;
  entries: Entry[];
  withoutValue: number;
  /** For rules on new terms: all events, including those without a value to measure. */
  readonly sightings: Sighting[];
  uncounted: Uncounted | undefined;
}

export class CorrelationExplainer {
  readonly #rule: CorrelationRule;
  readonly #keys: readonly string[];
  readonly #engine: Engine;
  readonly #fields = new FieldTable();
  readonly #stream: StreamPlan;
  readonly #planned: PlannedClosing;
  readonly #scaled: ScaledBounds;
  readonly #decoder: Decoder;
  readonly #record: EventRecord;
  readonly #episodes = new Set<Episode>();
  readonly #groups = new Map<string, Group>();
  readonly #rejected: RejectedEvent[] = [];
  readonly #skipped = new Map<string, number>();
  readonly #found: Map<number, { found: number; withoutGroup: number }>;
  #events = 0;

  /** `rule` is one of the set. */
  constructor(ruleSet: RuleSet, rule: CorrelationRule, options: EvalOptions = {}) {
    const hashKey = options.pseudonymKey ?? new Uint8Array(16);
    const needed = neededBy(ruleSet, rule);
    this.#rule = rule;
    this.#keys = [...needed.rules, ...needed.correlations].map(({ key }) => key);
    const fields = this.#fields;
    this.#engine = new Engine({ ruleSet: needed, fields, hashKey, latenessMs: options.latenessMs ?? 60_000 });
    // The rule is alone in its stream: a needed rule with the same references would refer to itself.
    this.#stream = planCorrelations(needed, fields).streams.find(({ rules }) => rules[0] === rule)!;
    this.#planned = measuredBy(this.#stream, rule);
    this.#scaled = new ScaledBounds([rule], ruleSet.lists);
    this.#found = new Map(
      [...this.#stream.keySlots.keys()].map((ref) => [ref, { found: 0, withoutGroup: 0 }]),
    );
    this.#decoder = createDecoder({ ...options, fields, timeRequired: true, pseudonymKey: hashKey });
    this.#record = fields.newRecord();
  }

  /** `line`: number from 0. */
  take(data: Uint8Array, start: number, end: number, line: number): void {
    const record = this.#record;
    const fault = this.#decoder.decode(data, start, end, record);
    if (fault?.code === 'SKIPPED') {
      this.#skipped.set(fault.reason, (this.#skipped.get(fault.reason) ?? 0) + 1);
      return;
    }
    if (fault !== undefined) {
      this.#rejected.push({ index: line, code: fault.code, message: fault.message });
      return;
    }
    this.#events += 1;
    const engine = this.#engine;
    const { watermark } = engine.watermarks;
    const matched = engine.process(record, 0);
    this.#noteEpisodes();
    if (matched <= 0) return;
    const refs = [...engine.matcher.matched.subarray(0, matched)].filter((ref) =>
      this.#stream.keySlots.has(ref),
    );
    const id = textOf(record.slots[engine.evidence.idSlot]) ?? null;
    this.#enter(record, refs, { line, id, judgedFrom: watermark });
  }

  finish(): CorrelationExplanation {
    const engine = this.#engine;
    engine.finish();
    this.#noteEpisodes();
    const episodes = [...this.#episodes].filter(({ status }) => status !== 'merged');
    const parents = episodes
      .filter(({ of }) => this.#rule.rules.includes(of.rule.key))
      .sort((a, b) => a.crossedAt - b.crossedAt || a.sequence - b.sequence);
    for (const parent of parents) this.#enterFiring(parent);
    const firings = new Map<string, { time: number; value: number }[]>();
    for (const { of, group, crossedAt, valueAtCrossing } of episodes) {
      if (of.rule !== this.#rule) continue;
      const key = JSON.stringify(Object.values(group.fields));
      firings.set(key, [...(firings.get(key) ?? []), { time: crossedAt, value: valueAtCrossing }]);
    }
    const { novelty } = this.#stream;
    if (novelty !== undefined)
      for (const group of this.#groups.values()) Object.assign(group, sift(group.sightings, novelty));
    const groups = [...this.#groups].map(([key, group]) =>
      this.#explain(
        group,
        (firings.get(key) ?? []).sort((a, b) => a.time - b.time),
      ),
    );
    const { late, duplicates, conflicts, coalesced, evictions } = engine.counts;
    return {
      events: this.#events,
      rejected: this.#rejected,
      skipped: this.#skipped,
      replaced: this.#decoder.replaced ?? 0,
      late,
      copies: duplicates + conflicts,
      folded: coalesced,
      evicted: evictions.get(this.#rule.key)!,
      references: [...this.#found].map(([ref, counts]) => ({ rule: this.#keys[ref]!, ...counts })),
      parents: parents.map(({ of, group, crossedAt, valueAtCrossing }) => ({
        rule: of.rule.key,
        group: group.fields,
        time: crossedAt,
        value: valueAtCrossing,
      })),
      groups: groups.sort(
        (a, b) =>
          Number(b.firings.length > 0) - Number(a.firings.length > 0) ||
          compareNearness(a.nearest, b.nearest),
      ),
    };
  }

  #noteEpisodes(): void {
    const { changed } = this.#engine.tracker;
    for (const episode of changed) this.#episodes.add(episode);
    changed.clear();
  }

  /** A firing as the chained rule sees it: an event at the crossing that has the group-by values as fields. */
  #enterFiring({ of, group, crossedAt }: Episode): void {
    const record = this.#record;
    record.slots.fill(undefined);
    record.time = crossedAt;
    for (const [field, value] of Object.entries(group.fields)) {
      const slot = this.#fields.find(field);
      if (slot !== undefined) record.slots[slot] = value;
    }
    const ref = this.#keys.indexOf(of.rule.key);
    this.#enter(record, [ref], { line: undefined, id: null, judgedFrom: -Infinity });
  }

  #enter(record: EventRecord, refs: readonly number[], of: Pick<Entry, 'line' | 'id' | 'judgedFrom'>): void {
    const members = new Map<Group, number[]>();
    // In the order of the rules' list, as the stream takes them.
    for (const [ref, slots] of this.#stream.keySlots) {
      if (!refs.includes(ref)) continue;
      const found = this.#found.get(ref)!;
      found.found += 1;
      const groups = this.#groupsOf(record, slots);
      if (groups.length === 0) found.withoutGroup += 1;
      for (const group of groups) members.set(group, [...(members.get(group) ?? []), ref]);
    }
    const { temporal } = this.#planned;
    const { novelty } = this.#stream;
    for (const [group, matched] of members) {
      const again = ({ id, time }: Entry): boolean => id === of.id && time === record.time;
      const held =
        temporal === undefined
          ? this.#held(record, matched[0]!)
          : matchedBy(temporal, placesOf(temporal.places, matched), this.#held(record, matched[0]!));
      const entry: Entry | undefined =
        held === undefined
          ? undefined
          : {
              ...of,
              time: record.time,
              refs: matched,
              rules: matched.map((ref) => this.#keys[ref]!),
              held,
              values: temporal === undefined ? this.#shownValues(held, record, matched[0]!) : [],
            };
      if (novelty !== undefined) {
        const terms = termsIn(novelty, matched[0]!, record);
        group.sightings.push({ time: record.time, judgedFrom: of.judgedFrom, terms, entry });
      } else if (entry === undefined) {
        group.withoutValue += 1;
      } else if (!(of.id !== null && of.judgedFrom > record.time && group.entries.some(again))) {
        group.entries.push(entry);
      }
    }
  }

  #groupsOf(record: EventRecord, slots: readonly number[]): Group[] {
    const { groupBy, groupMissing } = this.#stream;
    const rows = combinations(
      slots.map((slot): readonly (string | null)[] => {
        const texts = groupTexts(record.slots[slot]);
        return texts.length === 0 && groupMissing ? [null] : [...new Set(texts)];
      }),
    );
    return rows.map((values) => {
      const key = JSON.stringify(values);
      const known = this.#groups.get(key);
      if (known !== undefined) return known;
      const fields = Object.fromEntries(groupBy.map((field, i) => [field, values[i]!]));
      const group: Group = { fields, entries: [], withoutValue: 0, sightings: [], uncounted: undefined };
      this.#groups.set(key, group);
      return group;
    });
  }

  #held(record: EventRecord, ref: number): unknown {
    const held = heldBy(this.#planned, ref, record);
    if (this.#stream.sums.length === 0 || held === undefined) return held;
    // Sums with a lower bound only grow: a negative value is no amount.
    const amounts = (held as readonly number[]).filter((amount) => amount >= 0);
    return amounts.length === 0 ? undefined : amounts;
  }

  #explain(
    { fields, entries, withoutValue, uncounted }: Group,
    firings: GroupExplanation['firings'],
  ): GroupExplanation {
    const sorted = [...entries].sort((a, b) => a.time - b.time);
    let last: WindowExplanation | undefined;
    let nearest: WindowExplanation | undefined;
    for (const window of windows(sorted, this.#planned, this.#scaled.of(this.#rule, { fields }))) {
      last = window;
      if (nearest === undefined || compareNearness(window, nearest) < 0) nearest = window;
    }
    const within = sorted.filter(
      ({ time, judgedFrom }) =>
        last !== undefined && time > last.from && time <= last.to && judgedFrom <= last.to,
    );
    return {
      group: fields,
      scale: this.#scaled.numberOf(this.#rule, { fields }),
      entries: entries.length,
      withoutValue,
      uncounted,
      last: last && { ...last, ...this.#contentsOf(within) },
      nearest,
      firings,
    };
  }

  #contentsOf(within: readonly Entry[]): Pick<LastWindow, 'entries' | 'seen'> {
    const name = this.#rule.begunBefore?.rule;
    const beginnings = name === undefined ? [] : beginningsIn(within, name);
    const seen = new Map<string, number | null>(this.#rule.rules.map((key) => [key, null]));
    const entries = within.map((entry, i) => {
      const beginning = beginnings[i];
      for (const rule of entry.rules) {
        if (rule === name || (beginning?.counts ?? true)) seen.set(rule, entry.time);
      }
      return beginning === undefined ? entry : { ...entry, beginning };
    });
    return { entries, seen };
  }

  /** The measured values; the ids if events are only counted and a run of ids is wanted. */
  #shownValues(held: unknown, record: EventRecord, ref: number): readonly (string | number)[] {
    const { sequence } = this.#planned;
    if (sequence === undefined) return shownValues(held);
    const { own } = held as SequenceHeld;
    return own === null ? textsOf(record.slots[sequence.slotOf(ref)]) : shownValues(own);
  }
}

/** The rule and all that it refers to, directly or through others. */
function neededBy(ruleSet: RuleSet, rule: CorrelationRule): RuleSet {
  const needed = new Set([rule.key]);
  // The set grows while it is walked, until nothing new is referred to.
  for (const key of needed) {
    for (const of of ruleSet.correlations) if (of.key === key) for (const each of of.rules) needed.add(each);
  }
  return {
    ...ruleSet,
    rules: ruleSet.rules.filter(({ key }) => needed.has(key)),
    correlations: ruleSet.correlations.filter(({ key }) => needed.has(key)),
  };
}

/** What the only rule of a stream measures, in the form that closed windows use. */
function measuredBy(stream: StreamPlan, rule: CorrelationRule): PlannedClosing {
  const { closings, distincts, sums, temporals } = stream;
  const slotsOf = (distincts[0] ?? sums[0])?.slotsOf ?? (() => []);
  return (
    closings[0] ?? {
      watchers: [{ rule, measure: 1, muted: false }],
      muted: false,
      slotsOf,
      temporal: temporals[0],
      sequence: undefined,
      maxEntries: Infinity,
    }
  );
}

function placesOf(places: ReadonlyMap<number, number>, refs: readonly number[]): number[] {
  return refs.map((ref) => places.get(ref)!).sort((a, b) => a - b);
}

function shownValues(held: unknown): readonly (string | number)[] {
  return ((held ?? []) as readonly (string | number)[]).map((value) => {
    if (typeof value === 'number') return value;
    const tuple = JSON.parse(value) as string[];
    return tuple.length === 1 ? tuple[0]! : value;
  });
}
