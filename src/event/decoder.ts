/**
 * The decoding contract: bytes of one event → record of slots, or a coded reason why not.
 *
 * Two implementations run the same test suite: the plain one over `JSON.parse` is the reference, the
 * projecting scanner is the fast one.
 */

import type { EventRecord } from './record.ts';

/** Why an input is not an event. Codes are stable: they name dead letters and a metric's label. */
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

/** A fault of one event: the code, and a sentence that names the place and the (shortened) value. */
export interface DecodeFault {
  readonly code: DeadLetterCode;
  readonly message: string;
}

/** A line that a mapping leaves out on purpose: no event, and no fault. To be counted by its reason. */
export interface Skipped {
  readonly code: 'SKIPPED';
  /** Name of the case that says so, `no case` when none holds, `directive` for a line about the log itself. */
  readonly reason: string;
  readonly message: string;
}

/** What an input is that is no event. */
export type Undecoded = DecodeFault | Skipped;

export interface Decoder {
  /** Lines so far that were read with U+FFFD for bytes that are no UTF-8; undefined where such are refused. */
  readonly replaced?: number;
  /**
   * Decodes `data[start, end)` (one JSON object, or one line as a mapping describes it; no line break around
   * it) into `record`, which is overwritten whole. Returns undefined when it is an event, else why
   * not; the record is then undefined.
   */
  decode(data: Uint8Array, start: number, end: number, record: EventRecord): Undecoded | undefined;
}
