/**
 * How an engine's state lies in a container: a section of what all rules share, and one per stream, named by what
 * decides the firings of its rules.
 */

import { createHmac } from 'node:crypto';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { refused } from '../state/format.ts';
import type { SectionReader, StateReader } from '../state/state-reader.ts';
import type { SectionWriter, StateWriter } from '../state/state-writer.ts';
import { firingHashes } from './firing-hash.ts';

export interface Saved {
  save(to: SectionWriter): void;
  /** To be called of a new one. */
  load(from: SectionReader): void;
}

const SHARED = 'engine';

export class EngineState {
  readonly #ruleSet: RuleSet;
  readonly #streamRules: readonly (readonly CorrelationRule[])[];
  /** Tells pseudonym keys apart, and does not give them away. */
  readonly #keyCheck: string;
  readonly #settings: string;
  #names: readonly string[] | undefined;

  /** `settings`: whatever else decides what an event is. */
  constructor(
    ruleSet: RuleSet,
    streamRules: readonly (readonly CorrelationRule[])[],
    hashKey: Uint8Array,
    settings: unknown,
  ) {
    this.#ruleSet = ruleSet;
    this.#streamRules = streamRules;
    this.#keyCheck = createHmac('sha256', hashKey).update('saved state').digest('hex').slice(0, 32);
    this.#settings = JSON.stringify(settings);
  }

  save(to: StateWriter, shared: readonly Saved[], streams: readonly Saved[]): void {
    to.section(SHARED, (section) => {
      section.text(this.#keyCheck);
      section.text(this.#settings);
      for (const part of shared) part.save(section);
    });
    streams.forEach((stream, i) => to.section(this.#sections[i]!, (section) => stream.save(section)));
  }

  /** Returns the rules of the streams that have no section. Throws a coded error. */
  load(from: StateReader, shared: readonly Saved[], streams: readonly Saved[]): CorrelationRule[] {
    from.section(SHARED, (section) => {
      if (section.text() !== this.#keyCheck) {
        throw refused('STATE_KEY', 'the saved state was made under another pseudonym key');
      }
      if (section.text() !== this.#settings) {
        throw refused('STATE_SETTINGS', 'the saved state was made under other settings');
      }
      for (const part of shared) part.load(section);
    });
    const without: CorrelationRule[] = [];
    streams.forEach((stream, i) => {
      const name = this.#sections[i]!;
      if (from.has(name)) from.section(name, (section) => stream.load(section));
      else without.push(...this.#streamRules[i]!);
    });
    return without;
  }

  /** Per stream the name of its section: made when first asked for, as most engines never save. */
  get #sections(): readonly string[] {
    return (this.#names ??= this.#streamRules.map(firingHashes(this.#ruleSet)));
  }
}
