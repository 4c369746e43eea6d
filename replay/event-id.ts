/**
 * ULIDs and timestamps, written as bytes: both occur once per event, so neither makes a string.
 */

import type { Random } from './random.ts';

const CROCKFORD = Uint8Array.from(Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ'));
export const ULID_LENGTH = 26;
export const ISO_TIME_LENGTH = 24;

/** Writes a ULID at `at`: 48 bits of time (ms since the epoch), 80 bits from the stream; 26 characters. */
export function writeUlid(bytes: Uint8Array, at: number, timeMs: number, random: Random): void {
  const high = Math.floor(timeMs / 1073741824);
  const low = timeMs - high * 1073741824;
  writeBase32(bytes, at, high, 4);
  writeBase32(bytes, at + 4, low, 6);
  writeBase32(bytes, at + 10, random.u32(), 6);
  writeBase32(bytes, at + 16, random.u32(), 6);
  writeBase32(bytes, at + 22, random.u32(), 4);
}

function writeBase32(bytes: Uint8Array, at: number, value: number, digits: number): void {
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    bytes[i] = CROCKFORD[rest & 31]!;
    rest >>>= 5;
  }
}

const DAY_MS = 86_400_000;
let cachedDay = NaN;
let cachedDate = new Uint8Array(11);

/** Writes `YYYY-MM-DDTHH:MM:SS.mmmZ` at `at`; whole ms since the epoch, years 0 to 9999. */
export function writeIsoTime(bytes: Uint8Array, at: number, timeMs: number): void {
  const day = Math.floor(timeMs / DAY_MS);
  if (day !== cachedDay) {
    cachedDay = day;
    cachedDate = Uint8Array.from(Buffer.from(new Date(day * DAY_MS).toISOString().slice(0, 11)));
  }
  for (let i = 0; i < 11; i++) bytes[at + i] = cachedDate[i]!;
  const inDay = timeMs - day * DAY_MS;
  const seconds = Math.floor(inDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  writeDecimal(bytes, at + 11, hours, 2);
  bytes[at + 13] = 0x3a;
  writeDecimal(bytes, at + 14, minutes - hours * 60, 2);
  bytes[at + 16] = 0x3a;
  writeDecimal(bytes, at + 17, seconds - minutes * 60, 2);
  bytes[at + 19] = 0x2e;
  writeDecimal(bytes, at + 20, inDay - seconds * 1000, 3);
  bytes[at + 23] = 0x5a;
}

/** Writes a non-negative integer with exactly `digits` digits, zeros first. */
export function writeDecimal(bytes: Uint8Array, at: number, value: number, digits: number): void {
  let rest = value | 0;
  for (let i = at + digits - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    bytes[i] = 0x30 + rest - next * 10;
    rest = next;
  }
}

/** The four digits of 0 … 9999, one after the other. */
const FOUR_DIGITS = new Uint8Array(40_000);
for (let n = 0; n < 10_000; n++) writeDecimal(FOUR_DIGITS, 4 * n, n, 4);

/** Writes 0 ≤ value < 10^8 with eight digits: half the cost of `writeDecimal`. */
export function writeEightDigits(bytes: Uint8Array, at: number, value: number): void {
  const high = (value / 10_000) | 0;
  const h = 4 * high;
  const l = 4 * (value - 10_000 * high);
  bytes[at] = FOUR_DIGITS[h]!;
  bytes[at + 1] = FOUR_DIGITS[h + 1]!;
  bytes[at + 2] = FOUR_DIGITS[h + 2]!;
  bytes[at + 3] = FOUR_DIGITS[h + 3]!;
  bytes[at + 4] = FOUR_DIGITS[l]!;
  bytes[at + 5] = FOUR_DIGITS[l + 1]!;
  bytes[at + 6] = FOUR_DIGITS[l + 2]!;
  bytes[at + 7] = FOUR_DIGITS[l + 3]!;
}

/** The time as text, for what is rendered rarely. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
