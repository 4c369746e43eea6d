/**
 * Times as logs write them → milliseconds since the epoch, or NaN. The mapping names the unit, which is checked:
 * seconds taken for milliseconds would be a date in 1970 and no alert at all.
 */

import type { FieldValue } from '../record.ts';
import { parseTime, parseTimeText } from '../time.ts';

/**
 * `iso`: ISO 8601 (UTC if it has no offset), or milliseconds as in events. `epoch_*`: since 1970, as a number or
 * as text, fractions allowed. `apache`: `12/Jul/2025:23:04:11 +0200`.
 */
export const TIME_FORMATS = ['iso', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns', 'apache'] as const;
export type TimeFormat = (typeof TIME_FORMATS)[number];

/** Decimal places by which the point moves from a unit to milliseconds. */
const PLACES: Readonly<Record<`epoch_${string}` & TimeFormat, number>> = {
  epoch_s: 3,
  epoch_ms: 0,
  epoch_us: -3,
  epoch_ns: -6,
};
const NUMBER = /^(\d{7,20})(?:\.(\d+))?$/;
const APACHE = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function timeParser(format: TimeFormat): (value: FieldValue) => number {
  if (format === 'iso') return parseTime;
  if (format === 'apache') return (value) => (typeof value === 'string' ? apacheTime(value) : NaN);
  const places = PLACES[format];
  return (value) => {
    const digits = typeof value === 'string' || typeof value === 'number' ? NUMBER.exec(String(value)) : null;
    if (digits === null) return NaN;
    const [, whole = '', fraction = ''] = digits;
    // Computed in digits, because 1752354251.12 × 1000 is not a whole number; fractions of a millisecond are cut.
    const ms = places < 0 ? whole.slice(0, places) : whole + fraction.slice(0, places).padEnd(places, '0');
    // The rule for milliseconds refuses times out of range.
    return parseTime(Number(ms));
  };
}

function apacheTime(text: string): number {
  const m = APACHE.exec(text);
  if (m === null) return NaN;
  const month = MONTHS.indexOf(m[2]!) + 1;
  return parseTimeText(`${m[3]}-${String(month).padStart(2, '0')}-${m[1]}T${m[4]}${m[5]}`);
}
