/**
 * Which labelled events are behind an alert.
 *
 * An alert rests on the events that match the base rules it refers to, directly or through other correlations, and that
 * carry its group's values. `note` remembers the labelled ones among them by time; `within` returns the causes that lie
 * in an alert's crossing window. Events of one cause that follow each other within the shortest window ever asked for
 * are kept as one run, so a theft of millions is a few numbers per group, and whether a window holds any of them stays
 * exact.
 */

import { pathOf } from '../sigma/aliases.ts';
import { combinations, keyOf, textOf, textsOf } from '../detect/values.ts';
import type { EventRecord, FieldTable } from '../event/record.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { Cause } from './causes.ts';

/** Key of the group-by values; null if there is a single one and it is missing. */
type Key = string | null;

/** Events of one cause, at most one gap apart. */
interface Run {
  readonly cause: Cause;
  from: number;
  to: number;
  events: number;
}

/** A base rule as grouped by one correlation: the slot of each group-by value, if events have it. */
interface Basis {
  readonly slots: readonly (number | undefined)[];
  /** Pauses up to this, ms, do not end a run. */
  gapMs: number;
  readonly runs: Map<Key, Run[]>;
  /** Group and run of the previous event: a theft is millions of events of one group. */
  lastKey: Key | undefined;
  lastRun: Run | undefined;
}

interface Ground {
  readonly bases: readonly Basis[];
  /** Greatest distance of a contributing event before the crossing: a chain adds its parents' windows. */
  readonly spanMs: number;
}

export class Contributions {
  /** By base rule. */
  readonly #bases: Basis[][];
  readonly #grounds = new Map<CorrelationRule, Ground>();

  /** Requests the slots of the group-by fields, so it has to be built before the decoder. */
  constructor(ruleSet: RuleSet, fields: FieldTable) {
    const indexOf = new Map(ruleSet.rules.map((rule, i) => [rule.key, i]));
    const correlations = new Map(ruleSet.correlations.map((rule) => [rule.key, rule]));
    const known = new Map<string, Basis>();
    this.#bases = ruleSet.rules.map(() => []);
    /** `names`: the group-by fields as the rule's references call them; undefined if they have no such field. */
    const collect = (
      rule: CorrelationRule,
      names: readonly (string | undefined)[],
      into: Set<Basis>,
    ): number => {
      let parentsMs = 0;
      for (const ref of rule.rules) {
        const named = names.map((name) => (name === undefined ? undefined : pathOf(rule, ref, name)));
        const parent = correlations.get(ref);
        if (parent !== undefined) {
          // A firing carries only its group-by values.
          const carried = named.map((name) => (parent.groupBy.includes(name ?? '') ? name : undefined));
          parentsMs = Math.max(parentsMs, collect(parent, carried, into));
          continue;
        }
        const index = indexOf.get(ref)!;
        const slots = named.map((name) => (name === undefined ? undefined : fields.slot(name)));
        const id = JSON.stringify([index, slots.map((slot) => slot ?? null)]);
        let basis = known.get(id);
        if (basis === undefined) {
          basis = { slots, gapMs: Infinity, runs: new Map(), lastKey: undefined, lastRun: undefined };
          known.set(id, basis);
          this.#bases[index]!.push(basis);
        }
        into.add(basis);
      }
      return rule.timespanMs + parentsMs;
    };
    for (const rule of ruleSet.correlations) {
      const bases = new Set<Basis>();
      const spanMs = collect(rule, rule.groupBy, bases);
      for (const basis of bases) basis.gapMs = Math.min(basis.gapMs, spanMs);
      this.#grounds.set(rule, { bases: [...bases], spanMs });
    }
  }

  /** Notes a labelled event that matched the first `count` of these base rules. */
  note(record: EventRecord, matched: ArrayLike<number>, count: number, cause: Cause): void {
    for (let i = 0; i < count; i += 1) {
      for (const basis of this.#bases[matched[i]!]!) {
        const key = keyAlone(record, basis.slots);
        if (key !== undefined) noteIn(basis, key, record.time, cause);
        else for (const each of keysOf(record, basis.slots)) noteIn(basis, each, record.time, cause);
      }
    }
  }

  /** Cause → about how many of its events lie in the crossing window. Whether there are any is exact. */
  within(
    rule: CorrelationRule,
    group: Readonly<Record<string, string | null>>,
    crossedAt: number,
  ): Map<Cause, number> {
    const { bases, spanMs } = this.#grounds.get(rule)!;
    const key = keyOf(rule.groupBy.map((field) => group[field] ?? null));
    const found = new Map<Cause, number>();
    for (const basis of bases) {
      for (const { cause, from, to, events } of basis.runs.get(key) ?? []) {
        if (from <= crossedAt && to > crossedAt - spanMs) found.set(cause, (found.get(cause) ?? 0) + events);
      }
    }
    return found;
  }
}

/** The key of an event whose only group-by field has a single value, as in nearly every event. */
function keyAlone({ slots: held }: EventRecord, slots: Basis['slots']): Key | undefined {
  const [slot] = slots;
  return slots.length === 1 && slot !== undefined ? textOf(held[slot]) : undefined;
}

function keysOf(record: EventRecord, slots: readonly (number | undefined)[]): Key[] {
  const values = slots.map((slot) => {
    const texts: readonly (string | null)[] = slot === undefined ? [] : textsOf(record.slots[slot]);
    return texts.length === 0 ? [null] : texts;
  });
  return combinations(values).map(keyOf);
}

function noteIn(basis: Basis, key: Key, time: number, cause: Cause): void {
  const { gapMs, lastRun } = basis;
  const run = basis.lastKey === key && lastRun?.cause === cause ? lastRun : newestRun(basis, key, cause);
  if (run === undefined || time - run.to > gapMs || run.from - time > gapMs) {
    const begun = { cause, from: time, to: time, events: 1 };
    const list = basis.runs.get(key);
    if (list === undefined) basis.runs.set(key, [begun]);
    else list.push(begun);
    basis.lastRun = begun;
  } else {
    run.from = Math.min(run.from, time);
    run.to = Math.max(run.to, time);
    run.events += 1;
    basis.lastRun = run;
  }
  basis.lastKey = key;
}

function newestRun({ runs }: Basis, key: Key, cause: Cause): Run | undefined {
  return runs.get(key)?.findLast((run) => run.cause === cause);
}
