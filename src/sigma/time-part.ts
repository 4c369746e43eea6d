/** Minute, hour, day, ISO week, month and year of an instant in a time zone. */

import type { TimePart } from './ast.ts';

const QUARTER_MS = 15 * 60_000;
const DAY_MS = 86_400_000;
const CACHED_QUARTERS = 4_096;

/** Instant (ms since the epoch) → number; `timezone` is an IANA name. */
export function compileTimePart(part: TimePart, timezone: string): (time: number) => number {
  const offset = zoneOffset(timezone);
  const local = new Date(0);
  const read = READERS[part];
  return (time) => {
    local.setTime(time + offset(time));
    return read(local);
  };
}

/** The UTC getters give local time if the date was shifted by the zone's offset. */
const READERS: Readonly<Record<TimePart, (local: Date) => number>> = {
  minute: (local) => local.getUTCMinutes(),
  hour: (local) => local.getUTCHours(),
  day: (local) => local.getUTCDate(),
  week: isoWeek,
  month: (local) => local.getUTCMonth() + 1,
  year: (local) => local.getUTCFullYear(),
};

/** Week 1 is the one with the year's first Thursday; weeks start on Monday (ISO 8601). */
function isoWeek(local: Date): number {
  const weekday = (local.getUTCDay() + 6) % 7;
  const thursday = new Date(local.getTime() + (3 - weekday) * DAY_MS);
  const yearStart = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return 1 + Math.floor((thursday.getTime() - yearStart) / (7 * DAY_MS));
}

/**
 * Instant (ms since the epoch) → offset of local time from UTC, ms. Zones change only at quarters of an hour, so
 * one look-up serves a quarter.
 */
export function zoneOffset(timezone: string): (time: number) => number {
  if (timezone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    era: 'short',
  });
  const cache = new Map<number, number>();
  return (time) => {
    const quarter = Math.floor(time / QUARTER_MS);
    const cached = cache.get(quarter);
    if (cached !== undefined) return cached;
    const start = quarter * QUARTER_MS;
    const fields: Record<string, string> = {};
    for (const { type, value } of format.formatToParts(start)) fields[type] = value;
    const year = fields['era'] === 'BC' ? 1 - Number(fields['year']) : Number(fields['year']);
    const local = new Date(0);
    local.setUTCFullYear(year, Number(fields['month']) - 1, Number(fields['day']));
    local.setUTCHours(Number(fields['hour']), Number(fields['minute']), Number(fields['second']));
    const offset = local.getTime() - start;
    if (cache.size >= CACHED_QUARTERS) cache.clear();
    cache.set(quarter, offset);
    return offset;
  };
}
