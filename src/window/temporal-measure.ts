/** Which rules matched, and in which order, in a window that is judged once it is closed. */

import type { Judgement, Sleeper, SlidingMeasure } from './closing-log.ts';
import { Instants } from './instants.ts';
import { Progress, type TemporalSpec } from './temporal-log.ts';

/** Places of the rules that an event matched, ascending. */
type Places = readonly number[];

export class TemporalMeasure implements SlidingMeasure<Places> {
  readonly #spec: TemporalSpec;
  readonly #instants = new Instants<Places>();
  #progress: Progress;

  constructor(spec: TemporalSpec) {
    this.#spec = spec;
    this.#progress = new Progress(spec);
  }

  enter(rules: Places, timeMs: number): void {
    this.#instants.enter(rules, timeMs);
  }

  leave(): void {
    this.#instants.leave();
  }

  judge(endMs: number): { holds: boolean; value: number } {
    this.#instants.advance(
      () => (this.#progress = new Progress(this.#spec)),
      (time, together) => this.#progress.take(time, together.flat()),
    );
    return this.#progress.judge(endMs);
  }
}

export interface BegunMatch {
  readonly rules: Places;
  /** When the thing that the event belongs to began; NaN if the event does not say. */
  readonly begunMs: number;
}

/**
 * Like `TemporalMeasure`, but a match of any rule but `newest` counts only if what it belongs to began before the
 * newest match of `newest` in the window (up to the match itself). Windows end only at matches that count.
 *
 * A match that counts leaves the window together with that match of `newest`, which is at least as old: taken as if it
 * had that time, it is seen and stands in chains exactly as long as it counts.
 */
export class BegunBeforeMeasure implements SlidingMeasure<BegunMatch> {
  readonly #spec: TemporalSpec;
  readonly #newest: number;
  readonly #instants = new Instants<BegunMatch>();
  #progress: Progress;
  /** Time of the newest match of the rule `newest`. */
  #newestMs = -Infinity;
  /** Time of the newest match that counts, and the time it was taken as. */
  #countedMs = -Infinity;
  #takenAsMs = -Infinity;

  /** @param newest place of the rule. */
  constructor(spec: TemporalSpec, newest: number) {
    this.#spec = spec;
    this.#newest = newest;
    this.#progress = new Progress(spec);
  }

  enter(match: BegunMatch, timeMs: number): void {
    this.#instants.enter(match, timeMs);
  }

  leave(): void {
    this.#instants.leave();
  }

  judge(endMs: number): Judgement {
    this.#instants.advance(
      () => this.#restart(),
      (time, together) => this.#take(time, together),
    );
    const { holds, value } = this.#progress.judge(endMs);
    const ends = this.#countedMs === endMs && this.#takenAsMs > endMs - this.#spec.timespanMs;
    return { holds: holds && ends, value, ends };
  }

  #restart(): void {
    this.#progress = new Progress(this.#spec);
    this.#newestMs = -Infinity;
  }

  #take(time: number, together: readonly BegunMatch[]): void {
    if (together.some(({ rules }) => rules.includes(this.#newest))) this.#newestMs = time;
    const counted = together.flatMap(({ rules, begunMs }) =>
      begunMs < this.#newestMs ? rules : rules.filter((rule) => rule === this.#newest),
    );
    if (counted.length === 0) return;
    this.#countedMs = time;
    this.#takenAsMs = this.#newestMs;
    this.#progress.take(this.#newestMs, counted);
  }
}

/**
 * Without a match of the rule `newest` nothing counts. Of matches of one rule with the same beginning the latest is
 * enough: if a late match of `newest` makes any of them count, it makes the latest count, as of the same time.
 */
export function begunBeforeSleeper(newest: number): Sleeper<BegunMatch> {
  const numbers = [NaN, 0];
  return {
    needed: 1,
    weigh: ({ rules }) => (rules.includes(newest) ? 1 : 0),
    latestIsEnough: true,
    stride: 2,
    numbersOf: ({ rules, begunMs }) => {
      numbers[0] = begunMs;
      numbers[1] = rules[0]!;
      return numbers;
    },
    // Nearly every event matches one rule.
    otherOf: ({ rules }) => (rules.length === 1 ? null : rules),
    heldOf: ([begunMs, rule], others) => ({ rules: (others as Places | null) ?? [rule!], begunMs: begunMs! }),
  };
}
