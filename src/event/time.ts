/**
 * Event time: text, bytes or number → milliseconds since the epoch (UTC), or NaN if it is no time.
 *
 * Accepted: ISO 8601 date-times `YYYY-MM-DD`, `T`, `t` or a space, `hh:mm` with optional `:ss` and 1 to 9 fraction
 * digits after a point or a comma (cut to milliseconds), then `Z`, `z`, `±hh:mm`, `±hhmm`, `±hh` or nothing, which
 * means UTC; and epoch milliseconds of 12 to 14 digits, as a number or as text. Seconds (10 digits) and
 * microseconds (16) are refused: a wrong unit must not become a wrong date. Strict where `Date.parse` is not:
 * month lengths, leap years, hour 0-23, second 0-59.
 *
 * Guarantee: the byte form and the text form give the same answer for the same characters.
 */

const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?$/;
const EPOCH_MS = /^\d{12,14}$/;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const MIN_EPOCH_MS = 1e11;
const MAX_EPOCH_MS = 1e14;

/** Time of a decoded value of any type. */
export function parseTime(value: unknown): number {
  if (typeof value === 'string') return parseTimeText(value);
  if (typeof value === 'number') return epochMs(value);
  return NaN;
}

export function parseTimeText(text: string): number {
  const time = parseUtcText(text);
  return Number.isNaN(time) ? parseAnyText(text) : time;
}

/** Parses what a person types: a time as in events, or a day, which means its beginning in UTC. */
export function parseTimeOrDay(text: string): number {
  return parseTimeText(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00Z` : text);
}

const usual = new Uint8Array(30);

/** Parses the usual form, without matching an expression; NaN if it is anything else. */
function parseUtcText(text: string): number {
  const last = text.length - 1;
  if (last < 19 || last > 29 || text.charCodeAt(last) !== 0x5a) return NaN;
  // A code unit that does not fit a byte becomes 0, which is no part of a time.
  for (let i = 0; i < last; i += 1) {
    const code = text.charCodeAt(i);
    usual[i] = code > 0xff ? 0 : code;
  }
  return parseUtc(usual, 0, last);
}

function parseAnyText(text: string): number {
  const m = DATE_TIME.exec(text);
  if (m === null) return EPOCH_MS.test(text) ? epochMs(Number(text)) : NaN;
  const day = dayMs(Number(m[1]), Number(m[2]), Number(m[3]));
  const hour = Number(m[4]);
  const minute = Number(m[5]);
  const second = Number(m[6] ?? 0);
  const offsetHour = Number(m[9] ?? 0);
  const offsetMinute = Number(m[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return NaN;
  const ms = Number((m[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const offset = (offsetHour * HOUR_MS + offsetMinute * MINUTE_MS) * (m[8] === '-' ? -1 : 1);
  return day + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + ms - offset;
}

/** Time of the characters in `data[start, end)`, without making a string of the usual form. */
export function parseTimeBytes(data: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= 20 && length <= 30 && data[end - 1] === 0x5a) {
    const time = parseUtc(data, start, end - 1);
    if (!Number.isNaN(time)) return time;
  }
  if (length > 40) return NaN;
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(data[i]!);
  return parseAnyText(text);
}

// Memo of the last date: logs stay on one day for a long time. Only checked digits reach the key.
let lastDate = -1;
let lastDateMs = NaN;

/** Parses `YYYY-MM-DDTHH:MM:SS` and up to 9 fraction digits in `data[start, end)`; NaN if it is anything else. */
function parseUtc(data: Uint8Array, start: number, end: number): number {
  if (data[start + 4] !== 0x2d || data[start + 7] !== 0x2d || data[start + 10] !== 0x54) return NaN;
  if (data[start + 13] !== 0x3a || data[start + 16] !== 0x3a) return NaN;
  const century = twoDigits(data, start);
  const year = twoDigits(data, start + 2);
  const month = twoDigits(data, start + 5);
  const day = twoDigits(data, start + 8);
  const hour = twoDigits(data, start + 11);
  const minute = twoDigits(data, start + 14);
  const second = twoDigits(data, start + 17);
  // A non-digit gives a negative number, which the sign bit of the union shows.
  if ((century | year | month | day | hour | minute | second) < 0) return NaN;
  if (hour > 23 || minute > 59 || second > 59) return NaN;
  let ms = 0;
  if (end > start + 19) {
    if (data[start + 19] !== 0x2e || end === start + 20) return NaN;
    let scale = 100;
    for (let i = start + 20; i < end; i++) {
      const digit = data[i]! - 0x30;
      if (digit >>> 0 > 9) return NaN;
      if (i < start + 23) ms += digit * scale;
      scale /= 10;
    }
  }
  const date = ((century * 100 + year) * 100 + month) * 100 + day;
  if (date !== lastDate) {
    lastDateMs = dayMs(century * 100 + year, month, day);
    lastDate = date;
  }
  return lastDateMs + (hour * 3600 + minute * 60 + second) * SECOND_MS + ms;
}

/** Two digits as a number, or -1. */
function twoDigits(data: Uint8Array, at: number): number {
  const tens = data[at]! - 0x30;
  const ones = data[at + 1]! - 0x30;
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? -1 : tens * 10 + ones;
}

/** Start of a day in the proleptic Gregorian calendar, ms since the epoch, or NaN if there is no such day. */
function dayMs(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return NaN;
  // Days since 0000-03-01: with March first the leap day is a year's last (H. Hinnant, days_from_civil).
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const days = y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear;
  return (days - 719_468) * DAY_MS;
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function epochMs(value: number): number {
  return value >= MIN_EPOCH_MS && value < MAX_EPOCH_MS ? Math.floor(value) : NaN;
}
