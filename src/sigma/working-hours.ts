/**
 * When people work, as `vigie.off_hours` says, and whether an instant lies within these hours.
 *
 * The local time of an instant costs a look-up of the zone's offset and integer arithmetic; whether a day is a
 * holiday is remembered until the day changes.
 */

import { isHoliday, weekdayOf } from './holidays.ts';
import { zoneOffset } from './time-part.ts';

/** Days and times of day at which people work, and the holidays on which they do not. */
export interface WorkingHours {
  /** By weekday, Monday first. */
  readonly days: readonly boolean[];
  /** Minutes after midnight, `from` inclusive and `to` exclusive; unordered. */
  readonly hours: readonly (readonly [from: number, to: number])[];
  /** A region whose holidays are known, or a list with a column `date`. */
  readonly holidays: { readonly region: string } | { readonly list: string } | undefined;
}

/** Whether an instant is working time and, if not, why; `timeless` if the event has no time. */
export type WorkState = 'working' | 'weekday' | 'holiday' | 'hour' | 'timeless';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Instant (ms since the epoch, NaN for none) → work state. `listed` tells whether the list of holidays has a local
 * day, given as days since 1970-01-01.
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

/** Whether `vigie.off_hours` lets an event match in this state. */
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
