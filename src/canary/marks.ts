/**
 * Marks: the accounts, organisations and addresses of canaries. With the key, one can tell that an alert concerns
 * nothing but marks; without it nobody can make a mark, so no thief can hide behind one.
 *
 * A mark holds the minute of its making and is valid only for thresholds crossed around that time, so a mark copied
 * from a log is soon worthless. Forging one takes on average 2⁶³ attempts for a text and 2³⁹ for an address, each an
 * event in the portal's log.
 */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** A mark is valid from this long before its making until this long after. */
const GOOD_BEFORE_MS = 10 * 60_000;
const GOOD_AFTER_MS = 2 * 60 * 60_000;
const MINUTE_MS = 60_000;

/** Hex digits: minutes until the year 2480; then random digits and the code. An address has 24 behind its prefix. */
const MINUTE_DIGITS = 7;
const TEXT = { chance: 12, code: 16 } as const;
const ADDRESS = { chance: 7, code: 10 } as const;
/** Beginning of every text mark, recognisable without the key. */
export const MARK_PREFIX = 'vigie-canary-';
const TEXT_FORM = new RegExp(`^${MARK_PREFIX}([0-9a-f]{7})-([0-9a-f]{12})-([0-9a-f]{16})$`);
const ADDRESS_FORM = /^2001:db8((?::[0-9a-f]{4}){6})$/;

export class CanaryMarks {
  readonly #key: Uint8Array;

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /**
   * A new mark in place of `value`: an address for an address (2001:db8::/32, reserved for documentation), otherwise a
   * text.
   */
  inPlaceOf(value: string, nowMs: number): string {
    const isAddress = isIP(value) !== 0;
    const form = isAddress ? ADDRESS : TEXT;
    const minute = Math.floor(nowMs / MINUTE_MS)
      .toString(16)
      .padStart(MINUTE_DIGITS, '0');
    const chance = randomBytes(6).toString('hex').slice(0, form.chance);
    const code = this.#code(minute, chance, form.code);
    if (!isAddress) return `${MARK_PREFIX}${minute}-${chance}-${code}`;
    return `2001:db8:${`${minute}${chance}${code}`.match(/.{4}/g)!.join(':')}`;
  }

  /** True if an alert concerns canaries only: the group has values, and all of them are marks valid at `crossedAt`. */
  areAll(group: Readonly<Record<string, string | null>>, crossedAt: number): boolean {
    const values = Object.values(group).filter((value) => value !== null);
    return values.length > 0 && values.every((value) => this.#isMark(value, crossedAt));
  }

  #isMark(value: string, atMs: number): boolean {
    const parts = partsOf(value);
    if (parts === undefined) return false;
    const [minute, chance, code] = parts;
    const madeAt = Number.parseInt(minute, 16) * MINUTE_MS;
    return (
      atMs >= madeAt - GOOD_BEFORE_MS &&
      atMs <= madeAt + GOOD_AFTER_MS &&
      timingSafeEqual(Buffer.from(code), Buffer.from(this.#code(minute, chance, code.length)))
    );
  }

  #code(minute: string, chance: string, digits: number): string {
    return createHmac('sha256', this.#key).update(`${minute}-${chance}`).digest('hex').slice(0, digits);
  }
}

function partsOf(value: string): readonly [minute: string, chance: string, code: string] | undefined {
  const text = TEXT_FORM.exec(value);
  if (text !== null) return [text[1]!, text[2]!, text[3]!];
  const digits = ADDRESS_FORM.exec(value)?.[1]!.replaceAll(':', '');
  if (digits === undefined) return undefined;
  const codeAt = MINUTE_DIGITS + ADDRESS.chance;
  return [digits.slice(0, MINUTE_DIGITS), digits.slice(MINUTE_DIGITS, codeAt), digits.slice(codeAt)];
}
