/**
 * (state, event) → matches, firings, alerts. Pure: no I/O and no clock; event time comes with the events.
 *
 * One engine serves `run`, `eval`, the demo and the rules' own tests. docs/rule-language.md describes the streaming
 * semantics.
 */

import { ACCOUNT_FIELD } from '../alert/accounts.ts';
import type { Episode } from '../alert/episode.ts';
import { EpisodeTracker } from '../alert/episode-tracker.ts';
import type { EventRecord, FieldTable } from '../event/record.ts';
import { SipHash } from '../event/siphash.ts';
import type { SectionSource } from '../state/state-reader.ts';
import type { StateWriter } from '../state/state-writer.ts';
import { compileMatcher, type Matcher } from '../sigma/matcher.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { EventEntry } from '../window/event-log.ts';
import { Agenda } from './agenda.ts';
import { DuplicateFilter } from './duplicate-filter.ts';
import { type EngineParts, EngineState, type Saved, type Sections } from './engine-state.ts';
import { Evidence } from './evidence.ts';
import type { Lineage } from './lineage.ts';
import { keyedPath, Placement } from './placement.ts';
import { planCorrelations } from './plan.ts';
import { routesOf } from './routing.ts';
import { Stream } from './stream.ts';
import { ValueHashes } from './value-hashes.ts';
import { textOf } from './values.ts';
import { Watermarks } from './watermarks.ts';

export interface EngineOptions {
  readonly ruleSet: RuleSet;
  /** Must not be frozen yet: the engine asks for the fields it needs. */
  readonly fields: FieldTable;
  /** 16 bytes that seed the hashes of ids and values. */
  readonly hashKey: Uint8Array;
  readonly latenessMs: number;
  /** Entries that a log of one group holds exactly; more where a threshold needs them. Default: 16,384. */
  readonly exactEntries?: number;
  /**
   * Whether alerts say what was seen: events, records, persons, applications, samples. Default: true. Without evidence,
   * alerts hold rule, group, crossing, end and value, which is all that decides firings.
   */
  readonly evidence?: boolean;
  /** Where the rules lay in the saved state that is to be loaded. */
  readonly former?: Lineage | undefined;
  /** Everything else that decides what an event is: state saved under other settings is refused. */
  readonly settings?: string;
  /** Takes only the groups of this shard, of events that were matched elsewhere. */
  readonly shard?: Shard;
}

/** One of the parts into which all groups are divided. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** How long beyond the lateness duplicates of an event are recognised by id alone (event time). */
const COPIES_MS = 600_000;

/** Events between two sweeps for groups that can be forgotten. */
const SWEEP_EVERY = 64;

/** Least event time between two searches for texts still held, while a dictionary is full. */
const FORGET_EVERY_MS = 3_600_000;

/** What the engine counted since it started. */
export interface EngineCounts {
  late: number;
  duplicates: number;
  conflicts: number;
  /** By rule index of the rule set. */
  readonly matches: number[];
  /** Matches of canary events among `matches`, counted by whoever reads events. */
  canaryMatches: number;
  /** By rule key: events skipped because group-by values are missing or too many. */
  readonly missingGroup: ReadonlyMap<string, number>;
  /** By rule key: groups evicted over the cap. */
  readonly evictions: ReadonlyMap<string, number>;
  /** Log entries merged away beyond the exact bound. */
  coalesced: number;
}

export class Engine {
  readonly matcher: Matcher;
  readonly watermarks: Watermarks;
  readonly tracker: EpisodeTracker;
  readonly evidence: Evidence;
  readonly counts: EngineCounts;
  readonly #hash: SipHash;
  readonly #hashes: ValueHashes;
  readonly #copies = new DuplicateFilter();
  readonly #streams: Stream[];
  readonly #state: EngineState;
  readonly #streamsOf: readonly (readonly number[])[];
  readonly #entry: EventEntry = {
    time: 0,
    id: 0,
    held: 0,
    records: 0,
    bytes: 0,
    dimensions: 0,
  };
  #eventId = '';
  /** Streams that the current event enters (the first ones are valid), and per stream the rules it matched. */
  readonly #touched: Int32Array;
  readonly #refs: (readonly number[])[];
  /** Each rule as a list of its own: what most events match in a stream. */
  readonly #alone: readonly (readonly number[])[];
  readonly #fields: FieldTable;
  readonly #showsEvidence: boolean;
  readonly #shard: number;
  /** In a shard. */
  readonly #placement: Placement | undefined;
  readonly #refOf: ReadonlyMap<CorrelationRule, number>;
  readonly #depths: readonly {
    readonly rules: ReadonlySet<CorrelationRule>;
    readonly streams: readonly Stream[];
  }[];
  /** When the next thing that waits for the watermark is due. */
  readonly #agenda = new Agenda();
  #settledUpTo = -Infinity;
  #unswept = 0;
  /** Watermark from which texts may be forgotten again. */
  #forgetFrom = -Infinity;
  #firingRecord: EventRecord | undefined;

  constructor(options: EngineOptions) {
    const { ruleSet, fields, shard } = options;
    this.#hash = new SipHash(options.hashKey);
    this.#hashes = new ValueHashes(this.#hash);
    this.matcher = compileMatcher(ruleSet.rules, fields, ruleSet.lists);
    this.watermarks = new Watermarks(options.latenessMs);
    const groupsTellAccount = ruleSet.correlations.every(({ groupBy }) => groupBy.includes(ACCOUNT_FIELD));
    this.evidence = new Evidence(fields, groupsTellAccount);
    const routes = shard && routesOf(ruleSet.correlations);
    const plan = planCorrelations(ruleSet, fields, options.former, routes);
    this.#shard = shard?.index ?? 0;
    if (shard !== undefined && routes !== undefined) {
      this.#placement = new Placement(plan.streams, routes, shard.of);
    }
    this.tracker = new EpisodeTracker(ruleSet.correlations, this.evidence.dimensions);
    this.#fields = fields;
    this.#showsEvidence = options.evidence ?? true;
    this.#refOf = new Map(ruleSet.correlations.map((rule, i) => [rule, ruleSet.rules.length + i]));
    const byRule = (count: (stream: Stream) => number) =>
      new Map(plan.streams.flatMap(({ rules }, i) => rules.map(({ key }) => [key, count(streams[i]!)])));
    this.counts = {
      late: 0,
      duplicates: 0,
      conflicts: 0,
      matches: ruleSet.rules.map(() => 0),
      canaryMatches: 0,
      get missingGroup() {
        return byRule(({ skipped }) => skipped);
      },
      get evictions() {
        return byRule(({ evicted }) => evicted);
      },
      coalesced: 0,
    };
    this.#streamsOf = plan.streamsOf;
    const streams = plan.streams.map(
      (stream) =>
        new Stream(stream, {
          hash: this.#hash,
          hashes: this.#hashes,
          tracker: this.tracker,
          agenda: this.#agenda,
          lists: ruleSet.lists,
          counts: this.counts,
          dimensions: this.evidence.dimensions,
          personSlot: this.#showsEvidence ? this.evidence.personSlot : undefined,
          exactEntries: options.exactEntries ?? 16_384,
          copiesMs: COPIES_MS,
        }),
    );
    this.#streams = streams;
    this.#state = new EngineState(
      ruleSet,
      plan.streams,
      options.hashKey,
      [options.latenessMs, options.exactEntries, options.settings, ...(shard ? [shard] : [])],
      options.former,
      routes,
    );
    this.#touched = new Int32Array(plan.streams.length);
    this.#refs = plan.streams.map(() => NONE);
    this.#alone = ruleSet.rules.map((_, i) => [i]);
    this.#depths = plan.depths.map((rules) => ({
      rules: new Set(rules),
      streams: this.#streams.filter(
        (stream, i) => stream.waits && rules.includes(plan.streams[i]!.rules[0]!),
      ),
    }));
  }

  /**
   * Takes one event. Returns how many base rules matched (their indexes are in `matcher.matched`), or −1 if its id was
   * seen before.
   */
  process(record: EventRecord, partition: number): number {
    // Events without a time are let in only if no rule looks at time.
    const time = Number.isNaN(record.time) ? 0 : record.time;
    const { matcher, watermarks } = this;
    if (!this.#isFirst(record, time)) {
      // A duplicate still shows its partition's progress: the partition may hold nothing but duplicates of another one.
      if (watermarks.observe(partition, time)) this.advance();
      return -1;
    }
    const matched = matcher.match(record);
    for (let i = 0; i < matched; i += 1) this.counts.matches[matcher.matched[i]!]! += 1;
    if (matched > 0) this.#correlate(record, matcher.matched, matched, watermarks.watermark);
    if (watermarks.observe(partition, time)) this.advance();
    this.#sweep();
    return matched;
  }

  /**
   * Takes an event that matched the rules with these indexes (ascending) elsewhere. Returns false if its id was seen
   * before. Moves no watermark: whoever knows the partition updates `watermarks`.
   */
  take(record: EventRecord, matched: readonly number[]): boolean {
    if (!this.#isFirst(record, record.time)) return false;
    this.#placement?.see(record, this.#shard);
    this.#correlate(record, matched, matched.length, this.watermarks.watermark);
    this.#sweep();
    return true;
  }

  #isFirst({ slots }: EventRecord, time: number): boolean {
    const { watermark } = this.watermarks;
    const entry = this.#entry;
    // An empty id counts as none: some pipelines write it for a missing field.
    const id = textOf(slots[this.evidence.idSlot]) ?? '';
    this.#eventId = id;
    entry.id = 0;
    if (id !== '') {
      this.#hash.hashString(id);
      const { out } = this.#hash;
      entry.id = out[1]!;
      const sighting = this.#copies.see(out[0]!, out[1]!, time, watermark - COPIES_MS);
      if (sighting !== 'first') {
        if (sighting === 'duplicate') this.counts.duplicates += 1;
        else this.counts.conflicts += 1;
        return false;
      }
    }
    if (time < watermark) this.counts.late += 1;
    return true;
  }

  /** Call after something other than an event moved the watermark. */
  advance(): void {
    const { watermark } = this.watermarks;
    this.#settle(watermark);
    this.tracker.resolve(watermark);
  }

  #sweep(): void {
    this.#unswept += 1;
    if (this.#unswept < SWEEP_EVERY) return;
    this.#unswept = 0;
    const { watermark } = this.watermarks;
    for (const stream of this.#streams) stream.sweep(watermark);
    if (this.evidence.isFull && watermark >= this.#forgetFrom) this.#forgetTexts(watermark);
  }

  /** Visits all groups, so it does not run at every event while all texts are held. */
  #forgetTexts(watermark: number): void {
    this.#forgetFrom = watermark + FORGET_EVERY_MS;
    const held = this.evidence.noneHeld();
    for (const stream of this.#streams) stream.tellHeld(held);
    for (const { totals } of this.tracker.changed) held.addTotals(totals);
    this.evidence.forget(held);
  }

  /**
   * Saves all state as of the first step, between two events: everything that decides an answer; counts are not state.
   * What is in `tracker.changed` counts as reported. Runs in steps of some milliseconds, between which the engine goes
   * on. One saving at a time; an abandoned one must be ended (`return`).
   */
  saving(to: StateWriter): Generator<void> {
    return this.#state.saving(to, this.#parts);
  }

  /** Per section the function that saves it, for a successor of this engine, which takes no event meanwhile. */
  get sections(): Sections {
    return this.#state.sections(this.#parts);
  }

  /** Where the rules lie, for a successor of this engine. */
  get lineage(): Lineage {
    return this.#state.lineage;
  }

  /**
   * Loads saved state into a new engine, which then goes on like the one that saved it. Returns the rules that find no
   * state because something that decides their firings has changed. Throws a coded error if the state is damaged or was
   * saved under another key or other settings; the engine is unusable then, and until the last step. Steps take some
   * milliseconds.
   */
  *loading(from: SectionSource): Generator<void, CorrelationRule[]> {
    const without = yield* this.#state.loading(from, this.#parts);
    this.tracker.loaded();
    return without;
  }

  get #parts(): EngineParts {
    const own: Saved = {
      save: (to) => {
        to.f64(this.#settledUpTo);
        to.u32(this.#unswept);
      },
      load: (from) => {
        this.#settledUpTo = from.f64();
        this.#unswept = from.u32();
      },
    };
    const small = [own, this.watermarks];
    return { small, copies: this.#copies, evidence: this.evidence, streams: this.#streams };
  }

  /** Groups and bytes of state. */
  size(): { groups: number; bytes: number } {
    let groups = 0;
    let { bytes } = this.#copies;
    for (const stream of this.#streams) {
      groups += stream.groups;
      bytes += stream.bytes;
    }
    return { groups, bytes };
  }

  /** Judges every window that is left, as if no further event came. The watermark stays. */
  finish(): void {
    this.#settle(Infinity);
    this.tracker.resolve(this.watermarks.watermark);
  }

  /**
   * Processes what waits for the watermark, depth by depth: windows that more events could have made false, and firings
   * that chained rules see as events. Both are final only now. Mostly nothing is due.
   */
  #settle(watermark: number): void {
    if (this.#agenda.due(watermark) || this.tracker.nextFiring < watermark) {
      this.#agenda.clear();
      const before = this.#settledUpTo;
      for (const { rules, streams } of this.#depths) {
        for (const stream of streams) stream.close(watermark, before);
        for (const episode of this.tracker.takeFirings(watermark, rules)) this.#chain(episode);
      }
    }
    this.#settledUpTo = watermark;
  }

  /** Takes a firing as an event: its time is the crossing, its fields are the group-by values. */
  #chain({ of, group, crossedAt }: Episode): void {
    const record = (this.#firingRecord ??= this.#fields.newRecord());
    record.slots.fill(undefined);
    record.time = crossedAt;
    for (const [field, value] of Object.entries(group.fields)) {
      const slot = this.#fields.find(field);
      if (slot !== undefined) record.slots[slot] = value;
      const keyed = this.#placement && this.#fields.find(keyedPath(field));
      if (keyed !== undefined) record.slots[keyed] = value;
    }
    const dimensions = this.#showsEvidence ? this.evidence.accountsOf(record) : 0;
    Object.assign(this.#entry, NO_EVIDENCE, { time: crossedAt, dimensions });
    const ref = this.#refOf.get(of.rule)!;
    this.#hashes.next();
    for (const index of this.#streamsOf[ref]!) {
      this.#streams[index]!.take(record, [ref], this.#entry, '', this.#settledUpTo);
    }
  }

  /** `rules`: indexes of the rules that the event matched; only the first `matched` are valid. */
  #correlate(record: EventRecord, rules: ArrayLike<number>, matched: number, watermark: number): void {
    const entry = this.#entry;
    const touched = this.#touched;
    const placement = this.#placement;
    let streams = 0;
    for (let i = 0; i < matched; i += 1) {
      const rule = rules[i]!;
      for (const index of this.#streamsOf[rule]!) {
        if (placement !== undefined && !placement.owns(record, rule, index, this.#shard)) continue;
        const refs = this.#refs[index]!;
        if (refs.length > 0) this.#refs[index] = [...refs, rule];
        else {
          touched[streams] = index;
          streams += 1;
          this.#refs[index] = this.#alone[rule]!;
        }
      }
    }
    if (streams === 0) return;
    this.#hashes.next();
    entry.time = record.time;
    if (this.#showsEvidence) this.evidence.read(record, entry);
    for (let i = 0; i < streams; i += 1) {
      const index = touched[i]!;
      const refs = this.#refs[index]!;
      this.#refs[index] = NONE;
      this.#streams[index]!.take(record, refs, entry, this.#eventId, watermark);
    }
  }
}

const NONE: readonly number[] = [];

const NO_EVIDENCE = { id: 0, records: 0, bytes: 0 };
