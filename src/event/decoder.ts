/**
 * The decoding contract: bytes of one event → record of slots, or a coded reason why not.
 *
 * Two implementations for JSON run the same test suite: the plain one over `JSON.parse` is the reference, the
 * projecting scanner is the fast one.
 */

import type { EventRecord } from './record.ts';

/** Why an input is not an event. Codes are stable: they name dead letters and are values of a metric's label. */
export const DEAD_LETTER_CODES = [
  'NOT_JSON',
  'NOT_AN_OBJECT',
  'NOT_IN_FORMAT',
  'NOT_UTF8',
  'TOO_LARGE',
  'TOO_DEEP',
  'NO_TIME',
  'BAD_TIME',
  'FUTURE_TIME',
  'BAD_FIELD',
] as const;

export type DeadLetterCode = (typeof DEAD_LETTER_CODES)[number];

/** A fault of one event: the code, and a sentence that names the place and, for a bad time, its (shortened) value. */
export interface DecodeFault {
  readonly code: DeadLetterCode;
  readonly message: string;
}

/** A line that a mapping leaves out on purpose: neither an event nor a fault. To be counted by its reason. */
export interface Skipped {
  readonly code: 'SKIPPED';
  /** Name of the case that skips it, `no case` if none holds, `directive` for a line about the log itself. */
  readonly reason: string;
  readonly message: string;
}

/** What becomes of an input that is not an event. */
export type Undecoded = DecodeFault | Skipped;

export interface Decoder {
  /** Number of lines read with U+FFFD in place of invalid UTF-8; undefined if such lines are refused. */
  readonly replaced?: number;
  /**
   * Decodes `data[start, end)` (one JSON object, or one line as a mapping describes it; no line break around it)
   * into `record`, which is overwritten as a whole. Returns undefined if it is an event, else why not; the
   * record's contents are then undefined.
   */
  decode(data: Uint8Array, start: number, end: number, record: EventRecord): Undecoded | undefined;
}
