/**
 * Civil time where the portal's users work: days of Europe/Paris and working days. Computed from the rules themselves
 * (EU summer time, Gregorian Easter), so a replay does not depend on the machine's time zone data.
 *
 * A day is a number: days since 1970-01-01 in the local calendar.
 */

import { isHoliday, weekdayOf } from '../src/sigma/holidays.ts';

export { weekdayOf } from '../src/sigma/holidays.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** 01:00 UTC on the last Sunday of a 31-day month (0 = January), ms. */
function lastSunday(year: number, month: number): number {
  const last = Date.UTC(year, month, 31, 1);
  return last - new Date(last).getUTCDay() * DAY_MS;
}

const summers = new Map<number, readonly [number, number]>();

/** Offset of Europe/Paris from UTC at an instant, ms: one hour, two in summer time. Valid from 1996. */
export function parisOffsetMs(timeMs: number): number {
  const year = new Date(timeMs).getUTCFullYear();
  let summer = summers.get(year);
  if (summer === undefined) {
    summer = [lastSunday(year, 2), lastSunday(year, 9)];
    summers.set(year, summer);
  }
  return timeMs >= summer[0] && timeMs < summer[1] ? 2 * HOUR_MS : HOUR_MS;
}

/** The Paris day that contains an instant. */
export function parisDayOf(timeMs: number): number {
  return Math.floor((timeMs + parisOffsetMs(timeMs)) / DAY_MS);
}

/** The instant at which a Paris clock shows `clockMs` after midnight of a day (the later one if it shows it twice). */
export function parisTime(day: number, clockMs = 0): number {
  const local = day * DAY_MS + clockMs;
  return local - parisOffsetMs(local - HOUR_MS);
}

/** Number of the week, Monday to Sunday. */
export function weekOf(day: number): number {
  return Math.floor((day + 3) / 7);
}

/** The Monday of a week. */
export function mondayOf(week: number): number {
  return 7 * week - 3;
}

/** Monday to Friday, except public holidays of metropolitan France. */
export function isWorkingDay(day: number): boolean {
  return weekdayOf(day) < 5 && !isHoliday(day, 'FR');
}
