/**
 * Civil time where the portal's users work: days of Europe/Paris, French public holidays, and the fixed
 * offsets of the overseas departments. Computed from the rules themselves (EU summer time, Gregorian
 * Easter), so a replay does not depend on the machine's time zone data.
 *
 * A day is a number: days since 1970-01-01 in the local calendar.
 */

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

/** The Paris day that holds an instant. */
export function parisDayOf(timeMs: number): number {
  return Math.floor((timeMs + parisOffsetMs(timeMs)) / DAY_MS);
}

/** The instant at which a Paris clock shows `clockMs` after midnight of a day (the later one when it shows it twice). */
export function parisTime(day: number, clockMs = 0): number {
  const local = day * DAY_MS + clockMs;
  return local - parisOffsetMs(local - HOUR_MS);
}

/** 0 = Monday … 6 = Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/** Number of the week, Monday to Sunday. */
export function weekOf(day: number): number {
  return Math.floor((day + 3) / 7);
}

/** Easter Sunday as a day (the anonymous Gregorian algorithm, Nature 1876). */
function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const h = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return Date.UTC(year, Math.floor(n / 31) - 1, (n % 31) + 1) / DAY_MS;
}

const holidays = new Map<number, ReadonlySet<number>>();

/** The eleven legal holidays of metropolitan France. */
function holidaysOf(year: number): ReadonlySet<number> {
  let days = holidays.get(year);
  if (days === undefined) {
    const fixed = [
      [0, 1],
      [4, 1],
      [4, 8],
      [6, 14],
      [7, 15],
      [10, 1],
      [10, 11],
      [11, 25],
    ] as const;
    const sunday = easter(year);
    days = new Set([
      ...fixed.map(([month, date]) => Date.UTC(year, month, date) / DAY_MS),
      sunday + 1,
      sunday + 39,
      sunday + 50,
    ]);
    holidays.set(year, days);
  }
  return days;
}

/** Monday to Friday and no public holiday. */
export function isWorkingDay(day: number): boolean {
  return weekdayOf(day) < 5 && !holidaysOf(new Date(day * DAY_MS).getUTCFullYear()).has(day);
}
