/**
 * The gate of a horizon whose rules have a baseline: of the windows that reach a rule's own bound it lets
 * through those that are above what is usual in the group.
 *
 * Order of arrival: a window is only ever compared with a history that is final. Nearly always it is when the
 * window is told of, and the alert comes at once; a window whose history the watermark has still to pass waits
 * with its largest value. As a window's value only rises and its history stands, more events never take a
 * window back.
 */

import type { Baseline } from '../sigma/rule.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { ValueHistory } from '../window/value-history.ts';

export type Verdict =
  /** No rule's own bound is reached. */
  | 'below'
  | 'usual'
  | 'unusual'
  /** Its history is not final. */
  | 'waiting';

export class BaselineGate {
  readonly history: ValueHistory;
  readonly #leastBound: number;
  /** End → largest value; in nearly every group nothing ever waits. */
  #waiting: Map<number, number> | undefined;
  #nextEnd = Infinity;

  /** `leastBound`: smaller values hold for no rule of the horizon. */
  constructor(baseline: Baseline, timespanMs: number, leastBound: number) {
    this.history = new ValueHistory(baseline, timespanMs);
    this.#leastBound = leastBound;
  }

  /** Takes note of a window, which must be told of whatever its value. */
  take(endMs: number, value: number, estimated: boolean, watermark: number): Verdict {
    const { history } = this;
    history.note(endMs, value, estimated, watermark);
    if (value < this.#leastBound) return 'below';
    const finalAfter = history.finalAfter(endMs);
    if (finalAfter >= watermark) {
      this.#wait(endMs, value, finalAfter);
      return 'waiting';
    }
    return value > history.usualAt(endMs).upTo ? 'unusual' : 'usual';
  }

  #wait(endMs: number, value: number, finalAfter: number): void {
    const waiting = (this.#waiting ??= new Map());
    waiting.set(endMs, Math.max(value, waiting.get(endMs) ?? value));
    this.#nextEnd = Math.min(this.#nextEnd, finalAfter);
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = undefined;
    this.#nextEnd = Infinity;
  }

  /** Some window can be judged once the watermark is past this time; Infinity when none waits. */
  get nextEnd(): number {
    return this.#nextEnd;
  }

  save(to: SectionWriter): void {
    this.history.save(to);
    to.list(this.#waiting ?? [], ([endMs, value]) => {
      to.f64(endMs);
      to.f64(value);
    });
  }

  load(from: SectionReader): void {
    this.history.load(from);
    from.each(() => {
      const endMs = from.f64();
      this.#wait(endMs, from.f64(), this.history.finalAfter(endMs));
    });
  }

  /** Judges what waited for the watermark; reports what is unusual. */
  release(watermark: number, report: (endMs: number, value: number) => void): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#nextEnd >= watermark) return;
    this.#nextEnd = Infinity;
    for (const [endMs, value] of waiting) {
      const finalAfter = this.history.finalAfter(endMs);
      if (finalAfter >= watermark) {
        this.#nextEnd = Math.min(this.#nextEnd, finalAfter);
        continue;
      }
      waiting.delete(endMs);
      if (value > this.history.usualAt(endMs).upTo) report(endMs, value);
    }
    if (waiting.size === 0) this.#waiting = undefined;
  }
}
