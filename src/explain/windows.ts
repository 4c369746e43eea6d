/**
 * The sliding windows of one group, one after the other: each ends at an event's time and covers
 * (end − timespan, end], as the engine judges them, but with every entry at hand to be shown.
 */

import { measureOf } from '../detect/closing-measure.ts';
import type { PlannedClosing } from '../detect/plan.ts';
import { holds } from '../sigma/bounds.ts';
import type { Bound } from '../sigma/rule.ts';
import type { IdRun } from '../window/closing-log.ts';
import { type Usual, ValueHistories, ValueHistory } from '../window/value-history.ts';
import type { Beginning } from './begun-before.ts';

export interface WindowEntry {
  /** Ms since the epoch. */
  readonly time: number;
  /** Line of the event from 0; undefined for the firing of another correlation. */
  readonly line: number | undefined;
  readonly id: string | null;
  /** Keys of the referenced rules that it matched, or of the correlation that fired. */
  readonly rules: readonly string[];
  /** Its values of the measured field; empty for counts and temporal rules. */
  readonly values: readonly (string | number)[];
  /** Under `vigie.begun_before`, for entries of the last window. */
  readonly beginning?: Beginning;
}

export interface WindowExplanation {
  /** The window is (from, to], ms since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly holds: boolean;
  readonly bounds: readonly (Bound & { readonly holds: boolean })[];
  /** What the rule's baseline compares the value with; undefined without one. */
  readonly usual: Usual | undefined;
  /** Under `vigie.sequence`: the longest run that ends with the window, up to the length that is wanted. */
  readonly run?: IdRun & { readonly wanted: number };
  /** False if the events at its end do not count, so that the window is not to be judged. */
  readonly ends: boolean;
}

export interface Entry extends WindowEntry {
  readonly refs: readonly number[];
  readonly held: unknown;
  /** The watermark when it arrived: windows that end before were judged without it. */
  readonly judgedFrom: number;
}

/**
 * Yields every window of a group, in order of its end, slid through the measure of a rule. `bounds`: the rule's,
 * or its tighter ones for the group.
 */
export function* windows(
  sorted: readonly Entry[],
  planned: PlannedClosing,
  bounds: readonly Bound[],
): Generator<WindowExplanation, void> {
  const { timespanMs, sequence, baseline } = planned.watchers[0].rule;
  const histories = baseline && new ValueHistories(baseline, timespanMs);
  const history = new ValueHistory();
  const measure = measureOf(planned);
  // A late event counts in the windows that had not been judged when it came, and ends none.
  const entersAt = ({ time, judgedFrom }: Entry): number => Math.max(time, judgedFrom);
  const entering = [...sorted].sort((a, b) => entersAt(a) - entersAt(b));
  const inside = new Set<Entry>();
  const ends = sorted.filter(({ time, judgedFrom }) => time >= judgedFrom).map(({ time }) => time);
  let next = 0;
  let oldest = 0;
  for (const to of new Set(ends)) {
    const from = to - timespanMs;
    for (; next < entering.length && entersAt(entering[next]!) <= to; next += 1) {
      const entry = entering[next]!;
      if (entry.time <= from) continue;
      inside.add(entry);
      measure.enter(entry.held, entry.time);
    }
    for (; sorted[oldest]!.time <= from; oldest += 1) {
      if (inside.delete(sorted[oldest]!)) measure.leave(sorted[oldest]!.held);
    }
    const judged = measure.judge(to);
    const { value } = judged;
    histories?.note(history, to, value, false, to);
    const usual = histories?.usualAt(history, to);
    yield {
      from,
      to,
      value,
      holds: judged.holds && holds(bounds, value) && (usual === undefined || value > usual.upTo),
      bounds: bounds.map((bound) => ({ ...bound, holds: holds([bound], value) })),
      ends: judged.ends ?? true,
      ...(judged.run && sequence && { run: { ...judged.run, wanted: sequence.minRun } }),
      usual,
    };
  }
}

/** Negative if `a` came nearer to firing, or further past it. */
export function compareNearness(a: WindowExplanation | undefined, b: WindowExplanation | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return (
    Number(b.holds) - Number(a.holds) ||
    Number(b.ends) - Number(a.ends) ||
    shortfall(a) - shortfall(b) ||
    b.value - a.value
  );
}

function shortfall({ bounds, value, run, usual }: WindowExplanation): number {
  return Math.max(
    0,
    (usual?.upTo ?? -Infinity) - value,
    run === undefined ? 0 : run.wanted - run.ids,
    ...bounds.map((bound) => (bound.holds ? 0 : Math.abs(value - bound.value))),
  );
}
