/** An engine with a decoder in front, whose state can be saved and loaded into another. */

import { type Alert } from '../../src/alert/alert.ts';
import { type Episode, renderAlert } from '../../src/alert/episode.ts';
import { Engine, type EngineCounts } from '../../src/detect/engine.ts';
import type { Lineage } from '../../src/detect/lineage.ts';
import { createDecoder } from '../../src/event/create-decoder.ts';
import { savedLineage } from '../../src/detect/engine-state.ts';
import { FieldTable } from '../../src/event/record.ts';
import type { CorrelationRule, RuleSet } from '../../src/sigma/rule.ts';
import { StateReader } from '../../src/state/state-reader.ts';
import { atOnce, begun } from '../../src/state/steps.ts';
import { StateWriter } from '../../src/state/state-writer.ts';

export interface StateBenchOptions {
  readonly latenessMs: number;
  readonly exactEntries?: number;
  readonly settings?: string;
  readonly evidence?: boolean;
  readonly hashKey?: Uint8Array;
  /** Where the rules lie in the state to continue from. */
  readonly former?: Lineage;
}

const KEY = new Uint8Array(16).fill(7);

export class StateBench {
  readonly engine: Engine;
  readonly ruleSet: RuleSet;
  readonly options: StateBenchOptions;
  readonly #decoder;
  readonly #record;
  /** By id, as last reported. */
  readonly #alerts: Map<string, Alert>;
  readonly #earlier: readonly EngineCounts[];

  /** `before`: the bench whose alerts and counts this one continues. */
  constructor(ruleSet: RuleSet, options: StateBenchOptions, before?: StateBench) {
    this.ruleSet = ruleSet;
    this.options = options;
    const fields = new FieldTable();
    const hashKey = options.hashKey ?? KEY;
    const { former, ...others } = options;
    const engine = new Engine({ ruleSet, fields, hashKey, ...others });
    this.#decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: hashKey });
    // As at a start from saved state, where the fields of the present rules are known by then.
    this.engine = former === undefined ? engine : new Engine({ ruleSet, fields, hashKey, ...options });
    this.#record = fields.newRecord();
    this.#alerts = new Map(before === undefined ? [] : before.#alerts);
    this.#earlier = before === undefined ? [] : [...before.#earlier, before.engine.counts];
  }

  /** Takes an event as JSON. */
  take(event: string, partition = 0): void {
    const data = Buffer.from(event);
    const fault = this.#decoder.decode(data, 0, data.length, this.#record);
    if (fault !== undefined) throw new Error(`${fault.code}: ${event}`);
    this.engine.process(this.#record, partition);
    this.#note();
  }

  finish(): void {
    this.engine.finish();
    this.#note();
  }

  #note(): void {
    const { changed } = this.engine.tracker;
    for (const episode of changed)
      this.#alerts.set(keyOf(episode), renderAlert(episode, 0, this.engine.evidence));
    changed.clear();
  }

  /** Every alert as last reported, and the counts. */
  outcome(): { alerts: Alert[]; counts: Record<string, unknown> } {
    const all = [...this.#earlier, this.engine.counts];
    const sum = (count: (counts: EngineCounts) => number) =>
      all.reduce((total, counts) => total + count(counts), 0);
    const byRule = (count: (counts: EngineCounts) => ReadonlyMap<string, number>) =>
      this.ruleSet.correlations.map(({ key }) => sum((counts) => count(counts).get(key) ?? 0));
    return {
      alerts: [...this.#alerts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, alert]) => alert),
      counts: {
        late: sum(({ late }) => late),
        duplicates: sum(({ duplicates }) => duplicates),
        conflicts: sum(({ conflicts }) => conflicts),
        coalesced: sum(({ coalesced }) => coalesced),
        matches: this.ruleSet.rules.map((_, i) => sum(({ matches }) => matches[i]!)),
        missingGroup: byRule(({ missingGroup }) => missingGroup),
        evictions: byRule(({ evictions }) => evictions),
      },
    };
  }
}

const keyOf = ({ alertId }: Episode): string => alertId;

export function savedBytes(engine: Engine): Buffer {
  const writer = new StateWriter();
  atOnce(engine.saving(writer));
  return Buffer.concat(writer.finish());
}

/** Saves state like `savedBytes`, but runs `meanwhile` between the beginning and the rest. */
export function savedMeanwhile(engine: Engine, meanwhile: () => void): Buffer {
  const writer = new StateWriter();
  const saving = begun(engine.saving(writer));
  meanwhile();
  atOnce(saving);
  return Buffer.concat(writer.finish());
}

/** A new bench, perhaps with other rules, that continues from this one's state: its present one, or `saved`. */
export function reloaded(
  bench: StateBench,
  {
    ruleSet = bench.ruleSet,
    without = [] as CorrelationRule[],
    saved = savedBytes(bench.engine),
    ...options
  }: Partial<StateBenchOptions> & {
    ruleSet?: RuleSet;
    /** Receives the rules that found no state. */
    without?: CorrelationRule[];
    saved?: Buffer;
  } = {},
): StateBench {
  const reader = StateReader.of(saved);
  const former = savedLineage(reader);
  const next = new StateBench(ruleSet, { ...bench.options, former, ...options }, bench);
  without.push(...atOnce(next.engine.loading(reader)));
  return next;
}
