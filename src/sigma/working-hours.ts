/**
 * When people work, as `vigie.off_hours` says, and whether an instant lies within.
 *
 * Local time of an instant costs a look-up of the zone's offset and whole-number arithmetic; whether a day is
 * a holiday is remembered until the day changes.
 */

import { isHoliday, weekdayOf } from './holidays.ts';
import { zoneOffset } from './time-part.ts';

/** Days, times of day and holidays on which people work. */
export interface WorkingHours {
  /** By weekday, Monday first. */
  readonly days: readonly boolean[];
  /** Minutes after midnight, `from` included and `to` not; in no order. */
  readonly hours: readonly (readonly [from: number, to: number])[];
  /** A region whose holidays are known, or a list with a column `date`. */
  readonly holidays: { readonly region: string } | { readonly list: string } | undefined;
}

/** Why an instant is outside, or that it is not; `timeless` when the event has no time. */
export type WorkState = 'working' | 'weekday' | 'holiday' | 'hour' | 'timeless';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Instant (ms since the epoch, NaN for none) → whether people work then. `listed` says whether a local day,
 * as days since 1970-01-01, stands in the list of holidays.
 */
export function compileWorkClock(
  { days, hours, holidays }: WorkingHours,
  timezone: string,
  listed: (day: number) => boolean,
): (time: number) => WorkState {
  const offset = zoneOffset(timezone);
  const free =
    holidays === undefined
      ? () => false
      : 'list' in holidays
        ? listed
        : remembered((day) => isHoliday(day, holidays.region));
  return (time) => {
    if (Number.isNaN(time)) return 'timeless';
    const local = time + offset(time);
    const day = Math.floor(local / DAY_MS);
    if (!days[weekdayOf(day)]!) return 'weekday';
    if (free(day)) return 'holiday';
    const minute = Math.floor((local - day * DAY_MS) / MINUTE_MS);
    for (const [from, to] of hours) if (minute >= from && minute < to) return 'working';
    return 'hour';
  };
}

/** Whether a state is one in which `vigie.off_hours` lets an event match. */
export function isOff(state: WorkState): boolean {
  return state !== 'working' && state !== 'timeless';
}

function remembered(of: (day: number) => boolean): (day: number) => boolean {
  let last = NaN;
  let answer = false;
  return (day) => {
    if (day !== last) {
      last = day;
      answer = of(day);
    }
    return answer;
  };
}
