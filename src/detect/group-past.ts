/** What a group's logs say of the past, for its alerts: of the events after `from` and up to `to` (event times, ms). */

import type { Totals } from '../alert/totals.ts';
import type { GroupNumbers } from './group-numbers.ts';
import type { StreamLogs } from './stream-logs.ts';

/** Adds the events that hold the measure, and the persons of all, to totals; with sign −1 subtracts the events. */
export function addRange(
  { events: log, distincts, counted, persons, evidence, atHand }: StreamLogs,
  numbers: GroupNumbers,
  totals: Totals,
  measure: number,
  from: number,
  to: number,
  sign: 1 | -1,
): void {
  if (!evidence) return;
  const run = numbers.events;
  if (from < numbers.coalescedUpTo) totals.estimated = true;
  const last = run.first + log.countUpTo(run, to);
  for (let row = run.first + log.countUpTo(run, from); row < last; row += 1) {
    if (log.holds(row, measure)) log.addTo(totals, row, sign);
  }
  if (counted >= 0) {
    distincts[counted]!.log.addPersonsTo(totals.persons, numbers.sightings[counted]!, from, to);
  } else {
    persons?.addPersonsTo(totals.persons, numbers.persons, from, to);
  }
  if (atHand.personsHeld && from < atHand.time && atHand.time <= to) totals.personsOf = atHand.number;
}

/** Number of records in the events that hold the measure. */
export function recordsIn(
  { events: log }: StreamLogs,
  { events: run }: GroupNumbers,
  measure: number,
  from: number,
  to: number,
): number {
  const last = run.first + log.countUpTo(run, to);
  let records = 0;
  for (let row = run.first + log.countUpTo(run, from); row < last; row += 1) {
    if (log.holds(row, measure)) records += log.recordsAt(row);
  }
  return records;
}

/** Time of the oldest event that holds the measure; `to` if there is none. */
export function oldestIn(
  { events: log }: StreamLogs,
  { events: run }: GroupNumbers,
  measure: number,
  from: number,
  to: number,
): number {
  for (let i = log.countUpTo(run, from); i < run.length; i += 1) {
    const t = log.timeAt(run.first + i);
    if (t > to) break;
    if (log.holds(run.first + i, measure)) return t;
  }
  return to;
}
