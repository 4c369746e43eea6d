/**
 * Days of the civil calendar: weekdays, and the public holidays of France, computed from the rules that set
 * them (fixed dates and Easter), so that they need no table and no time zone data.
 *
 * A day is a number: days since 1970-01-01 in the local calendar.
 */

const DAY_MS = 86_400_000;

/** 0 = Monday … 6 = Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/** Easter Sunday (the anonymous Gregorian algorithm, Nature 1876). */
function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const h = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return dayOf(year, Math.floor(n / 31), (n % 31) + 1);
}

/** `month` counts from 1. */
function dayOf(year: number, month: number, date: number): number {
  return Date.UTC(year, month - 1, date) / DAY_MS;
}

/** Month and date, or days from Easter Sunday. */
type HolidayRule = readonly [month: number, date: number] | number;

/** The eleven legal holidays of metropolitan France; Whit Monday is among them. */
const METROPOLITAN: readonly HolidayRule[] = [
  [1, 1],
  [5, 1],
  [5, 8],
  [7, 14],
  [8, 15],
  [11, 1],
  [11, 11],
  [12, 25],
  1,
  39,
  50,
];

/** Good Friday and the day after Christmas: local law of Alsace and Moselle. */
const ALSACE_MOSELLE: readonly HolidayRule[] = [...METROPOLITAN, -2, [12, 26]];

/** By ISO 3166-2 code. The overseas departments add the day on which slavery was abolished there. */
const RULES: Readonly<Record<string, readonly HolidayRule[]>> = {
  FR: METROPOLITAN,
  'FR-57': ALSACE_MOSELLE,
  'FR-67': ALSACE_MOSELLE,
  'FR-68': ALSACE_MOSELLE,
  'FR-971': [...METROPOLITAN, [5, 27]],
  'FR-972': [...METROPOLITAN, [5, 22]],
  'FR-973': [...METROPOLITAN, [6, 10]],
  'FR-974': [...METROPOLITAN, [12, 20]],
  'FR-976': [...METROPOLITAN, [4, 27]],
};

/** The regions whose holidays are known. */
export const HOLIDAY_REGIONS: readonly string[] = Object.keys(RULES);

/** Cache: region and year → holidays. */
const computed = new Map<string, ReadonlySet<number>>();

/** Whether a day is a public holiday in a region, one of `HOLIDAY_REGIONS`. Applies today's rules to every year. */
export function isHoliday(day: number, region: string): boolean {
  const year = new Date(day * DAY_MS).getUTCFullYear();
  const key = `${region} ${year}`;
  let days = computed.get(key);
  if (days === undefined) {
    const sunday = easter(year);
    days = new Set(
      RULES[region]!.map((rule) => (typeof rule === 'number' ? sunday + rule : dayOf(year, ...rule))),
    );
    if (computed.size >= CACHED_YEARS) computed.clear();
    computed.set(key, days);
  }
  return days.has(day);
}

const CACHED_YEARS = 1_000;
