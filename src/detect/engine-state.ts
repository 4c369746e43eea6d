/**
 * The layout of an engine's saved state: sections for what all rules share, and one section per stream, named by a hash
 * of all that decides the firings of its rules.
 */

import { createHmac } from 'node:crypto';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { refused } from '../state/format.ts';
import type { SectionReader, SectionSource, StateReader } from '../state/state-reader.ts';
import type { SectionWriter, StateWriter } from '../state/state-writer.ts';
import { begun } from '../state/steps.ts';
import { firingHashes, streamHash } from './firing-hash.ts';
import { type Lineage, lineageOf, lineageText } from './lineage.ts';
import type { Routes } from './routing.ts';

/** State that is saved in one go. */
export interface Saved {
  save(to: SectionWriter): void;
  /** Call on a new object only. */
  load(from: SectionReader): void;
}

/** State so large that it is saved and loaded in steps of some milliseconds. */
interface SavedInSteps {
  /** Saves the state as of the first step, whatever arrives between the steps. */
  saving(to: SectionWriter): Generator<void>;
  /** Call on a new object only, which is unusable before the last step. */
  loading(from: SectionReader): Generator<void>;
}

type Save = (to: SectionWriter) => Generator<void>;

/** By section name. */
export type Sections = ReadonlyMap<string, Save>;

/** All that an engine saves. */
export interface EngineParts {
  readonly small: readonly Saved[];
  readonly copies: SavedInSteps;
  readonly evidence: SavedInSteps;
  /** In the order of the streams' rules. */
  readonly streams: readonly SavedInSteps[];
}

/** The rules of a stream: those alive, and all that have a place in its state. */
interface StreamRules {
  readonly rules: readonly CorrelationRule[];
  readonly places: readonly CorrelationRule[];
}

const SMALL = 'engine';
const COPIES = 'copies';
const EVIDENCE = 'evidence';
const LINEAGE = 'lineage';

export class EngineState {
  readonly #ruleSet: RuleSet;
  readonly #streams: readonly StreamRules[];
  /** Tells pseudonym keys apart without revealing them. */
  readonly #keyCheck: string;
  readonly #settings: string;
  readonly #former: Lineage;
  readonly #routes: Routes | undefined;
  #lineage: Lineage | undefined;

  /** `settings`: everything else that decides what an event is. */
  constructor(
    ruleSet: RuleSet,
    streams: readonly StreamRules[],
    hashKey: Uint8Array,
    settings: unknown,
    former: Lineage = [],
    routes?: Routes,
  ) {
    this.#ruleSet = ruleSet;
    this.#streams = streams;
    this.#former = former;
    this.#routes = routes;
    this.#keyCheck = createHmac('sha256', hashKey).update('saved state').digest('hex').slice(0, 32);
    this.#settings = JSON.stringify(settings);
  }

  /** Per section the function that saves it, as of its first step. */
  sections({ small, copies, evidence, streams }: EngineParts): Sections {
    const names = [COPIES, EVIDENCE, ...this.#sections];
    return new Map([
      [SMALL, (to) => this.#savingSmall(to, small)],
      [LINEAGE, (to) => this.#savingLineage(to)],
      ...[copies, evidence, ...streams].map((part, i): [string, Save] => [
        names[i]!,
        (to) => part.saving(to),
      ]),
    ]);
  }

  /** Saves all sections as of the first step. */
  *saving(to: StateWriter, parts: EngineParts): Generator<void> {
    const under = [...this.sections(parts)].map(([name, save]) => begun(save(to.section(name))));
    try {
      yield;
      for (const steps of under) yield* steps;
    } finally {
      for (const steps of under) steps.return(undefined);
    }
  }

  *#savingSmall(to: SectionWriter, small: readonly Saved[]): Generator<void> {
    to.text(this.#keyCheck);
    to.text(this.#settings);
    for (const part of small) part.save(to);
    yield;
  }

  *#savingLineage(to: SectionWriter): Generator<void> {
    to.text(lineageText(this.lineage));
    yield;
  }

  *#loadingSmall(from: SectionReader, small: readonly Saved[]): Generator<void> {
    yield;
    if (from.text() !== this.#keyCheck) {
      throw refused('STATE_KEY', 'the saved state was made under another pseudonym key');
    }
    if (from.text() !== this.#settings) {
      throw refused('STATE_SETTINGS', 'the saved state was made under other settings');
    }
    for (const part of small) part.load(from);
  }

  /** Returns the rules of the streams that have no section. Throws a coded error. */
  *loading(
    from: SectionSource,
    { small, copies, evidence, streams }: EngineParts,
  ): Generator<void, CorrelationRule[]> {
    yield* from.sectionInSteps(SMALL, (section) => this.#loadingSmall(section, small));
    yield* from.sectionInSteps(COPIES, (section) => copies.loading(section));
    yield* from.sectionInSteps(EVIDENCE, (section) => evidence.loading(section));
    const without: CorrelationRule[] = [];
    const names = this.#sections;
    for (const [i, stream] of streams.entries()) {
      const name = names[i]!;
      if (from.has(name)) yield* from.sectionInSteps(name, (section) => stream.loading(section));
      else without.push(...this.#streams[i]!.rules);
    }
    return without;
  }

  /** Where the rules lie. Computed on first use, as most engines never save. */
  get lineage(): Lineage {
    if (this.#lineage !== undefined) return this.#lineage;
    const hashOf = firingHashes(this.#ruleSet, this.#routes);
    const former = new Map(this.#former.flat().map(({ rule, hash }) => [rule, hash]));
    this.#lineage = this.#streams.map(({ rules, places }) =>
      places.map((rule) => ({ rule, hash: rules.includes(rule) ? hashOf(rule.key) : former.get(rule)! })),
    );
    return this.#lineage;
  }

  get #sections(): readonly string[] {
    return this.lineage.map(streamHash);
  }
}

/** Where the rules lay when the state was saved. */
export function savedLineage(from: StateReader): Lineage {
  return from.section(LINEAGE, (section) => lineageOf(section.text()));
}
