/**
 * A detector of a common design: it counts in tumbling windows, a batch job examines the closed ones, and findings go
 * out by e-mail. It exists for comparison only and does not handle disorder: events have to come in time order.
 */

import { DAY_MS, isWorkingDay, parisDayOf, parisTime } from '../../replay/calendar.ts';
import { textOf } from '../detect/values.ts';
import { VigieError } from '../errors.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldTable } from '../event/record.ts';
import { holds } from '../sigma/bounds.ts';
import { compileMatcher, type Matcher } from '../sigma/matcher.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';

export interface DetectorSetup {
  /** Length of the windows, which start at multiples of it, ms. */
  readonly windowMs: number;
  /** The job runs at multiples of this, ms. */
  readonly batchMs: number;
  /** Time of day, Paris, at which e-mails are read on working days in France, ms after midnight. */
  readonly mailReadAtMs: number;
}

/** One e-mail. Instants in ms since the epoch. */
export interface Mail {
  readonly group: string;
  readonly persons: number;
  readonly windowFrom: number;
  readonly sentAt: number;
  readonly readAt: number;
}

export class TumblingDetector {
  readonly mails: Mail[] = [];
  readonly #rule: CorrelationRule;
  readonly #matcher: Matcher;
  readonly #setup: DetectorSetup;
  readonly #groupSlot: number;
  readonly #personSlot: number;
  readonly #window = new Map<string, Set<number>>();
  #windowFrom = -Infinity;

  /**
   * Takes the single correlation of the rule set, which must count distinct persons by one field. Requests slots from
   * the table, so it has to be built before the decoder. Throws COMPARE_RULE.
   */
  constructor(ruleSet: RuleSet, setup: DetectorSetup, fields: FieldTable) {
    const [rule, second] = ruleSet.correlations;
    if (rule?.type !== 'value_count' || rule.groupBy.length !== 1 || rule.fields.length !== 1 || second) {
      throw new VigieError(
        'COMPARE_RULE',
        'the detector to compare with takes one rule, a value_count by one field',
        {
          remedy: 'See docs/examples/misconfigured-2025/rule.yml.',
        },
      );
    }
    this.#rule = rule;
    this.#setup = setup;
    this.#matcher = compileMatcher(ruleSet.rules, fields);
    this.#groupSlot = fields.slot(rule.groupBy[0]!);
    this.#personSlot = fields.slot(rule.fields[0]!);
  }

  take(record: EventRecord): void {
    const { windowMs } = this.#setup;
    const from = Math.floor(record.time / windowMs) * windowMs;
    if (from > this.#windowFrom) {
      this.#judge();
      this.#windowFrom = from;
    }
    if (this.#matcher.match(record) === 0) return;
    const group = textOf(record.slots[this.#groupSlot]);
    const persons = record.slots[this.#personSlot];
    if (group === undefined || !(persons instanceof Pseudonyms)) return;
    const seen = this.#window.get(group) ?? new Set();
    this.#window.set(group, seen);
    // 53 bits of the pseudonym: two of half a million persons collide once in 70,000 runs.
    for (let i = 0; i < persons.length; i += 1) {
      seen.add((persons.words[2 * i]! & 0x1f_ffff) * 2 ** 32 + persons.words[2 * i + 1]!);
    }
  }

  /** The input has ended, which closes the last window. */
  finish(): void {
    this.#judge();
  }

  #judge(): void {
    const { windowMs, batchMs, mailReadAtMs } = this.#setup;
    const windowFrom = this.#windowFrom;
    for (const [group, { size: persons }] of this.#window) {
      if (!holds(this.#rule.bounds, persons)) continue;
      // A job that starts exactly at the end of the window does not see its last events yet.
      const sentAt = (Math.floor((windowFrom + windowMs) / batchMs) + 1) * batchMs;
      this.mails.push({ group, persons, windowFrom, sentAt, readAt: nextWorkingTime(sentAt, mailReadAtMs) });
    }
    this.#window.clear();
  }
}

/** The first instant at or after `from` at which it is `clockMs` in Paris on a working day. */
export function nextWorkingTime(from: number, clockMs: number): number {
  let day = parisDayOf(from);
  while (!isWorkingDay(day) || parisTime(day, clockMs) < from) day += 1;
  return parisTime(day, clockMs % DAY_MS);
}
