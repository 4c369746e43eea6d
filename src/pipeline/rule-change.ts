/**
 * Replaces the rules in force between two events: an engine with the new rules goes on from the state of the old one.
 *
 * Invariant: a rule goes on with its state if nothing that decides its firings has changed, and begins empty otherwise.
 * Nothing is read again. A rule that begins empty has not seen earlier events: until its windows hold only what it saw,
 * it is *warming up*.
 */

import type { Episode } from '../alert/episode.ts';
import type { Engine } from '../detect/engine.ts';
import type { Sections } from '../detect/engine-state.ts';
import { isClosing } from '../detect/sharing.ts';
import { windowReachOf } from './restore-plan.ts';
import { type CorrelationRule, raisesAlerts, type RuleSet } from '../sigma/rule.ts';
import { type SectionReader, type SectionSource, StateReader } from '../state/state-reader.ts';
import { StateWriter } from '../state/state-writer.ts';

/** A rule that began empty. Event times, ms since the epoch. */
export interface WarmUp {
  /** Key of the rule. */
  readonly rule: string;
  /** Windows that end later are judged by all that decides on them. */
  readonly untilMs: number;
  /** Alerts whose last true window ends at or before this are not written; absent if all are written. */
  readonly heldUntilMs?: number;
}

export interface Handover {
  /** Rules of the new engine that begin empty. */
  readonly empty: readonly CorrelationRule[];
  /** Open alerts that go on: as the old engine and the new one know them. */
  readonly kept: readonly (readonly [before: Episode, now: Episode])[];
  /** Open alerts of the old engine that do not go on. */
  readonly ended: readonly Episode[];
}

/**
 * Gives the state of an engine to a new one with other rules, in steps of some milliseconds. The old engine is not
 * changed, and takes no event meanwhile.
 */
export function* handingOver(before: Engine, next: Engine): Generator<void, Handover> {
  const empty = yield* next.loading(new Standing(before.sections));
  const now = new Map(
    [...next.tracker.open]
      .filter(({ of }) => raisesAlerts(of.rule))
      .map((episode) => [episode.alertId, episode]),
  );
  const kept: (readonly [Episode, Episode])[] = [];
  const ended: Episode[] = [];
  for (const episode of before.tracker.open) {
    if (!raisesAlerts(episode.of.rule)) continue;
    const same = now.get(episode.alertId);
    if (same === undefined) ended.push(episode);
    else kept.push([episode, same]);
  }
  return { empty, kept, ended };
}

/** State of an engine that takes no events, saved section by section on demand, so it is never copied as a whole. */
class Standing implements SectionSource {
  readonly #sections: Sections;

  constructor(sections: Sections) {
    this.#sections = sections;
  }

  has(name: string): boolean {
    return this.#sections.has(name);
  }

  *sectionInSteps<T>(name: string, read: (from: SectionReader) => Generator<void, T>): Generator<void, T> {
    const writer = new StateWriter();
    const save = this.#sections.get(name);
    if (save !== undefined) yield* save(writer.section(name));
    return yield* StateReader.of(...writer.finish()).sectionInSteps(name, read);
  }
}

/**
 * How long rules that begin empty are warming up. `newestMs`: newest event time that the previous engine had seen; all
 * rules see newer events. `before`: the warm-ups that were under way.
 *
 * With part of its events, a rule on lower bounds finds smaller values: it can miss alerts, but raises no false ones. A
 * rule that more events can make false would, so its alerts are held back until its windows are whole.
 */
export function warmUpsAfter(
  { correlations }: RuleSet,
  empty: readonly CorrelationRule[],
  newestMs: number,
  before: readonly WarmUp[],
): WarmUp[] {
  const byKey = new Map(correlations.map((rule) => [rule.key, rule]));
  const begun = new Set(empty);
  const under = new Map(before.map((warmUp) => [warmUp.rule, warmUp]));
  const known = new Map<string, WarmUp | undefined>();
  const warmUpOf = (key: string): WarmUp | undefined => {
    const rule = byKey.get(key);
    if (rule === undefined || known.has(key)) return known.get(key);
    const below = rule.rules.flatMap((each) => warmUpOf(each) ?? []);
    const isNew = begun.has(rule);
    // What the rule counts may be firings of rules that are warming up.
    const from = Math.max(isNew ? newestMs : -Infinity, ...below.map(({ untilMs }) => untilMs));
    const held = isNew && isClosing(rule) ? from : latest(below.map(({ heldUntilMs }) => heldUntilMs));
    const warmUp = {
      rule: key,
      untilMs: from + windowReachOf(rule),
      ...(held === -Infinity ? {} : { heldUntilMs: held + rule.timespanMs }),
    };
    const earlier = isNew ? undefined : under.get(key);
    const last = warmUp.untilMs > (earlier?.untilMs ?? -Infinity) ? warmUp : earlier;
    known.set(key, last);
    return last;
  };
  return correlations.flatMap(({ key }) => warmUpOf(key) ?? []);
}

function latest(times: readonly (number | undefined)[]): number {
  return Math.max(-Infinity, ...times.map((time = -Infinity) => time));
}

/** Documents of a rule set that are new, changed or gone. */
export interface RuleDifference {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Lists that rules may ask were added or removed, or have other columns. */
  readonly lists: boolean;
}

/** Compares all that rules say, including what only people read; a rule's place in its file makes no difference. */
export function differenceOf(before: RuleSet, after: RuleSet): RuleDifference {
  const [old, now] = [textsOf(before), textsOf(after)];
  return {
    added: [...now.keys()].filter((key) => !old.has(key)),
    changed: [...now].filter(([key, text]) => old.has(key) && old.get(key) !== text).map(([key]) => key),
    removed: [...old.keys()].filter((key) => !now.has(key)),
    lists: listsOf(before) !== listsOf(after),
  };
}

export function isDifferent({ added, changed, removed, lists }: RuleDifference): boolean {
  return lists || added.length + changed.length + removed.length > 0;
}

function textsOf({ rules, correlations }: RuleSet): Map<string, string> {
  return new Map(
    [...rules, ...correlations].map((rule) => [
      rule.key,
      JSON.stringify({ ...rule, file: '', line: 0 }, (_, value: unknown) =>
        value instanceof Map ? [...(value as ReadonlyMap<unknown, unknown>)] : value,
      ),
    ]),
  );
}

function listsOf({ lists }: RuleSet): string {
  return JSON.stringify(lists.names.map((name) => [name, lists.get(name)?.columns]));
}
