/** The usual form of event times: `YYYY-MM-DDTHH:MM:SS`, up to 9 digits of fraction, `Z`. */

import { isDigit } from './json';
import { isZero } from './bytes';
import { MINUTE } from './layout';

/** Start of the last minute seen, whose text is at MINUTE. Logs stay within one minute for a while. */
let minuteMs: f64 = NaN;

/** Two digits as a number; negative if they are not digits. */
@inline
function twoDigits(at: u32): i32 {
  const tens = u32(load<u8>(at)) - 0x30;
  const ones = u32(load<u8>(at, 1)) - 0x30;
  return tens > 9 || ones > 9 ? -1 : i32(tens * 10 + ones);
}

/** Milliseconds since the epoch of the text `[from, to)`, or NaN for any other form. */
export function readTime(from: u32, to: u32): f64 {
  const length = to - from;
  if (length < 20 || length > 30 || load<u8>(to - 1) != 0x5a || load<u8>(from, 16) != 0x3a) return NaN;
  const text = v128.load(from);
  if (!isZero(v128.xor(text, v128.load(MINUTE)))) {
    const start = readMinute(from);
    if (isNaN(start)) return NaN;
    v128.store(MINUTE, text);
    minuteMs = start;
  }
  const second = twoDigits(from + 17);
  if (second < 0 || second > 59) return NaN;
  let ms: i32 = 0;
  if (length > 20) {
    if (load<u8>(from, 19) != 0x2e || length == 21) return NaN;
    let scale: i32 = 100;
    for (let i = from + 20; i < to - 1; i++) {
      const digit = load<u8>(i);
      if (!isDigit(digit)) return NaN;
      ms += i32(digit - 0x30) * scale;
      scale /= 10;
    }
  }
  return minuteMs + f64(second * 1000 + ms);
}

function readMinute(from: u32): f64 {
  if (load<u8>(from, 4) != 0x2d || load<u8>(from, 7) != 0x2d) return NaN;
  if (load<u8>(from, 10) != 0x54 || load<u8>(from, 13) != 0x3a) return NaN;
  const century = twoDigits(from);
  const year = twoDigits(from + 2);
  const month = twoDigits(from + 5);
  const day = twoDigits(from + 8);
  const hour = twoDigits(from + 11);
  const minute = twoDigits(from + 14);
  if ((century | year | month | day | hour | minute) < 0 || hour > 23 || minute > 59) return NaN;
  return dayMs(century * 100 + year, month, day) + f64(hour * 60 + minute) * 60000;
}

/** Start of a day in the proleptic Gregorian calendar (H. Hinnant, days_from_civil), or NaN. */
function dayMs(year: i32, month: i32, day: i32): f64 {
  if (month < 1 || month > 12 || day < 1) return NaN;
  const leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const days = month == 2 ? (leap ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
  if (day > days) return NaN;
  // Shifted by 400 years, so that January of the year 0 divides like any other month.
  const y = (month <= 2 ? year - 1 : year) + 400;
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const count = y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - 146097;
  return f64(count - 719468) * 86400000;
}
