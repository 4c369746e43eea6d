/**
 * The gate of a horizon whose rules have a baseline: of the windows that reach a rule's own bound, only those above
 * what is usual in the group pass.
 *
 * Order of arrival: a window is only ever compared with a final history. Nearly always its history is final when the
 * window is reported, and the alert comes at once; a window whose history the watermark has yet to pass waits with its
 * largest value. A window's value only rises and its history is fixed, so more events never take a window back.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { ValueHistories, type ValueHistory } from '../window/value-history.ts';
import type { PlannedHorizon } from './plan.ts';

export type Verdict =
  /** The value reaches no rule's own bound. */
  | 'below'
  | 'usual'
  | 'unusual'
  /** The window's history is not final yet. */
  | 'waiting';

/** The gate and histories of all groups. */
export class BaselineGate {
  readonly horizon: PlannedHorizon;
  readonly histories: ValueHistories;

  /** `horizon` must have a baseline. */
  constructor(horizon: PlannedHorizon) {
    this.horizon = horizon;
    this.histories = new ValueHistories(horizon.baseline!, horizon.timespanMs);
  }

  /** Notes and judges a window; must be called for every window, whatever its value. */
  take(history: ValueHistory, endMs: number, value: number, estimated: boolean, watermark: number): Verdict {
    const { histories } = this;
    histories.note(history, endMs, value, estimated, watermark);
    if (value < this.horizon.leastBound) return 'below';
    if (histories.finalAfter(endMs) >= watermark) return 'waiting';
    return value > histories.usualAt(history, endMs).upTo ? 'unusual' : 'usual';
  }
}

/** The windows of a group that wait before a gate. */
export class WaitingWindows {
  readonly #gate: BaselineGate;
  /** Window end → largest value. */
  readonly #values = new Map<number, number>();
  #nextEnd = Infinity;

  constructor(gate: BaselineGate) {
    this.#gate = gate;
  }

  add(endMs: number, value: number): void {
    this.#values.set(endMs, Math.max(value, this.#values.get(endMs) ?? value));
    this.#nextEnd = Math.min(this.#nextEnd, this.#gate.histories.finalAfter(endMs));
  }

  /** Some window can be judged once the watermark is past this time; Infinity if none waits. */
  get nextEnd(): number {
    return this.#nextEnd;
  }

  save(to: SectionWriter): void {
    to.list(this.#values, ([endMs, value]) => {
      to.f64(endMs);
      to.f64(value);
    });
  }

  load(from: SectionReader): void {
    from.each(() => {
      const endMs = from.f64();
      this.add(endMs, from.f64());
    });
  }

  /** Judges the windows that waited for the watermark; reports unusual ones. */
  release(history: ValueHistory, watermark: number, report: (endMs: number, value: number) => void): void {
    if (this.#nextEnd >= watermark) return;
    const { histories } = this.#gate;
    this.#nextEnd = Infinity;
    for (const [endMs, value] of this.#values) {
      const finalAfter = histories.finalAfter(endMs);
      if (finalAfter >= watermark) {
        this.#nextEnd = Math.min(this.#nextEnd, finalAfter);
        continue;
      }
      this.#values.delete(endMs);
      if (value > histories.usualAt(history, endMs).upTo) report(endMs, value);
    }
  }
}
