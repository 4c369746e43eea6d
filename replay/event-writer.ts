/**
 * Turns what happened into bytes: events as NDJSON lines, gathered into chunks.
 *
 * A line consists of a head that differs per event (time, id, action), the fragment of the session, encoded once when
 * the session opens, and a detail (records, response size). All are written straight into the chunk: no string is built
 * per event, which lets one core write several hundred thousand a second.
 * Guarantee: every line is one JSON object in UTF-8, terminated by one line feed. Its key (`user.id`) and time are
 * available without parsing it.
 */

import {
  ISO_TIME_LENGTH,
  isoTime,
  ULID_LENGTH,
  writeDecimal,
  writeEightDigits,
  writeIsoTime,
  writeUlid,
} from './event-id.ts';
import type { Random } from './random.ts';

/** Text encoded once, to be copied often. */
export function encoded(text: string): Uint8Array {
  return Buffer.from(text);
}

/** What an action adds to `event`; ECS categories only where they are informative. */
function action(name: string, rest: string): Uint8Array {
  return encoded(`","action":"${name}",${rest},`);
}
const OK = '"outcome":"success"}';
const AUTHENTICATION = '"category":["authentication"],"type":["start"],';
const IAM = '"category":["iam"],"type":["user","change"],';

export const ACTIONS = {
  login: action('login', AUTHENTICATION + OK),
  loginFailure: action('login', `${AUTHENTICATION}"outcome":"failure","reason":"bad_password"}`),
  logout: action('logout', `"category":["authentication"],"type":["end"],${OK}`),
  passwordReset: action('password-reset', IAM + OK),
  mfaEnroll: action('mfa-enroll', IAM + OK),
  accountCreate: action('account-create', `"category":["iam"],"type":["user","creation"],${OK}`),
  habilitationGrant: action('habilitation-grant', IAM + OK),
  recordSearch: action('record-search', OK),
  recordView: action('record-view', OK),
  /** Any page without a login; below it, a record's page. */
  pageRefused: encoded('","category":["web"],"type":["access"],"outcome":"failure","reason":"overload"},'),
  recordViewRefused: action('record-view', '"outcome":"failure","reason":"not_authenticated"}'),
  recordList: action('record-list', OK),
  recordExport: action('record-export', OK),
  documentDownload: action('document-download', OK),
  sessionRevoke: action('session-revoke', `"category":["session"],"type":["end"],${OK}`),
} as const;

/** Consecutive events as bytes. `keys`, `times` and `ends` have one entry per event. */
export interface EventChunk {
  /** NDJSON, one line feed after each event. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Offset in `bytes` after each event's line feed. */
  readonly ends: Uint32Array;
  /** `user.id` of each event; empty if nobody is logged in. */
  readonly keys: readonly string[];
  /** Event time of each event, ms since the epoch. */
  readonly times: Float64Array;
}

/** An event taken out of the writing order, to be written later. */
export interface HeldEvent {
  readonly bytes: Uint8Array;
  readonly key: string;
  readonly time: number;
}

const HEAD = encoded('{"@timestamp":"');
const ID = encoded('","event":{"id":"');
const INGESTED = encoded('","ingested":"');
/** Offset of `event.id` within a line. */
const ID_START = HEAD.length + ISO_TIME_LENGTH + ID.length;
const CHUNK_BYTES = 1 << 20;
const CHUNK_EVENTS = 4096;
/** Room beyond a full chunk, so that a usual event never grows the buffer. */
const SLACK_BYTES = 1 << 16;

export class EventWriter {
  readonly #showIngested: boolean;
  #bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES + SLACK_BYTES);
  /** View of `#bytes`. */
  #view = viewOf(this.#bytes);
  #length = 0;
  #ends = new Uint32Array(CHUNK_EVENTS);
  #times = new Float64Array(CHUNK_EVENTS);
  #keys: string[] = [];
  #lastStart = 0;
  /** How much later than its event time the next event reaches the log, ms; `event.ingested` shows it. */
  delayMs = 0;

  constructor(options: { readonly showIngested: boolean }) {
    this.#showIngested = options.showIngested;
  }

  /** Starts an event, to be followed by the session's part, a detail and `end`. `time`: ms since the epoch, whole. */
  begin(time: number, ids: Random, actionBytes: Uint8Array, userId: string): void {
    this.#lastStart = this.#length;
    this.#times[this.#keys.length] = time;
    this.#keys.push(userId);
    this.fragment(HEAD);
    this.#reserve(ISO_TIME_LENGTH);
    writeIsoTime(this.#bytes, this.#length, time);
    this.#length += ISO_TIME_LENGTH;
    this.fragment(ID);
    this.#reserve(ULID_LENGTH);
    writeUlid(this.#bytes, this.#length, time, ids);
    this.#length += ULID_LENGTH;
    if (this.#showIngested) {
      this.fragment(INGESTED);
      this.#reserve(ISO_TIME_LENGTH);
      writeIsoTime(this.#bytes, this.#length, time + this.delayMs);
      this.#length += ISO_TIME_LENGTH;
    }
    this.fragment(actionBytes);
  }

  fragment(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Any text. */
  text(text: string): void {
    this.#reserve(3 * text.length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** 0 ≤ value < 2^31. */
  integer(value: number): void {
    let digits = 1;
    for (let limit = 10; value >= limit && digits < 10; limit *= 10) digits++;
    this.decimal(value, digits);
  }

  /** A non-negative integer below 2^31 with exactly this many digits. */
  decimal(value: number, digits: number): void {
    this.#reserve(digits);
    writeDecimal(this.#bytes, this.#length, value, digits);
    this.#length += digits;
  }

  /** A number of eight digits, 0 ≤ value < 10^8. */
  eightDigits(value: number): void {
    this.#reserve(8);
    writeEightDigits(this.#view, this.#length, value);
    this.#length += 8;
  }

  /**
   * Writes `count` items of one form, each with an eight-digit number: the text is copied whole and the digits filled
   * in, because pages hold a hundred items. `items`: at least `count` items, separated by `separatorBytes`, with
   * `itemBytes` from one to the next; each item ends with the digits.
   */
  listed(
    items: Uint8Array,
    itemBytes: number,
    separatorBytes: number,
    values: ArrayLike<number>,
    count: number,
  ): void {
    const start = this.#length;
    this.fragment(items.subarray(0, count * itemBytes - separatorBytes));
    const view = this.#view;
    let at = start + itemBytes - separatorBytes - 8;
    for (let i = 0; i < count; i++, at += itemBytes) writeEightDigits(view, at, values[i]!);
  }

  /** Ends the event's line. */
  end(): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = 0x0a;
    this.#ends[this.#keys.length - 1] = this.#length;
  }

  /** `event.id` of the event written last. */
  lastId(): string {
    const start = this.#lastStart + ID_START;
    return this.#bytes.toString('latin1', start, start + ULID_LENGTH);
  }

  /** Copies the same into 26 bytes. */
  copyLastId(into: Uint8Array): void {
    const start = this.#lastStart + ID_START;
    for (let i = 0; i < ULID_LENGTH; i++) into[i] = this.#bytes[start + i]!;
  }

  /** A copy of the event written last. */
  copyLast(): HeldEvent {
    const i = this.#keys.length - 1;
    return {
      bytes: Uint8Array.prototype.slice.call(this.#bytes, this.#lastStart, this.#length),
      key: this.#keys[i]!,
      time: this.#times[i]!,
    };
  }

  /** Removes the event written last. Only valid right after its `end`. */
  dropLast(): void {
    this.#length = this.#lastStart;
    this.#keys.pop();
  }

  append(event: HeldEvent): void {
    this.#lastStart = this.#length;
    this.#times[this.#keys.length] = event.time;
    this.#keys.push(event.key);
    this.fragment(event.bytes);
    this.#ends[this.#keys.length - 1] = this.#length;
  }

  get count(): number {
    return this.#keys.length;
  }

  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES || this.#keys.length === CHUNK_EVENTS;
  }

  /** The events written so far as a separate chunk. The writer starts afresh and never touches the chunk again. */
  take(): EventChunk {
    const count = this.#keys.length;
    const chunk: EventChunk = {
      bytes: this.#bytes.subarray(0, this.#length),
      count,
      ends: this.#ends.subarray(0, count),
      keys: this.#keys,
      times: this.#times.subarray(0, count),
    };
    this.#bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES + SLACK_BYTES);
    this.#view = viewOf(this.#bytes);
    this.#ends = new Uint32Array(CHUNK_EVENTS);
    this.#times = new Float64Array(CHUNK_EVENTS);
    this.#keys = [];
    this.#length = 0;
    return chunk;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const PLAIN = encoded('},"http":{"response":{"body":{"bytes":');
const CLOSE = encoded('}}}}');

/**
 * Detail of an event without records. `bytes`: size of the response body; `portal`: further fields of the `portal`
 * object, each preceded by a comma.
 */
export function writePlainDetail(out: EventWriter, bytes: number, portal = ''): void {
  if (portal !== '') out.text(portal);
  out.fragment(PLAIN);
  out.integer(bytes);
  out.fragment(CLOSE);
}

/**
 * What an account's creation shows about the new account, for `writePlainDetail`. `organisationId`: the new account's.
 */
export function createdDetail(timeMs: number, creatorId: string, organisationId: string): string {
  return `,"account":{"created_at":"${isoTime(timeMs)}","created_by":"${creatorId}","organization_id":"${organisationId}"}`;
}

/** What a grant shows about the right, for `writePlainDetail`. `organisationId`: that of the account receiving it. */
export function grantedDetail(scope: string, organisationId: string): string {
  return `,"habilitation":{"scope":"${scope}"},"account":{"organization_id":"${organisationId}"}`;
}

/** How a password was reset, for `writePlainDetail`: by an operator of the helpdesk, or by e-mail. */
export function resetDetail(operatorId?: string): string {
  return operatorId === undefined
    ? ',"reset":{"channel":"email"}'
    : `,"reset":{"channel":"helpdesk","operator":"${operatorId}"}`;
}

const COUNT = encoded(',"records":{"count":');
const IDS = encoded(',"ids":["');
const NEXT_ID = '","';
const OUT_OF_SCOPE = encoded('"],"out_of_scope_count":');

/** Most persons that one event shows. */
export const MAX_PAGE = 1000;

/** A register of persons: their ids begin with its letter, `p-00340127`. */
export type Register = 'p' | 'j';
const ID_BYTES = 10;
const ID_TEXT: Readonly<Record<Register, string>> = { p: 'p-', j: 'j-' };
const ID_PREFIX: Readonly<Record<Register, Uint8Array>> = {
  p: encoded(`,"ids":["${ID_TEXT.p}`),
  j: encoded(`,"ids":["${ID_TEXT.j}`),
};
/** Ids of a full page, with digits to be filled in. */
const ID_PAGES: Readonly<Record<Register, Uint8Array>> = { p: idPage('p'), j: idPage('j') };

function idPage(register: Register): Uint8Array {
  const ids = Array.from({ length: MAX_PAGE }, () => `${ID_TEXT[register]}00000000`);
  return encoded(ids.join(NEXT_ID));
}

/** Begins the detail of an event that shows records; the persons and `writeScope` follow. */
export function writeRecordCount(out: EventWriter, count: number): void {
  out.fragment(COUNT);
  out.integer(count);
}

/** The only person shown. 0 ≤ person < 10^8. */
export function writePerson(out: EventWriter, register: Register, person: number): void {
  out.fragment(ID_PREFIX[register]);
  out.eightDigits(person);
}

/** The first 1 ≤ count ≤ MAX_PAGE of `persons`, 0 ≤ person < 10^8. */
export function writePersons(
  out: EventWriter,
  register: Register,
  persons: ArrayLike<number>,
  count = persons.length,
): void {
  if (count > MAX_PAGE) throw new RangeError(`a page of ${count} persons; at most ${MAX_PAGE} fit`);
  out.fragment(IDS);
  out.listed(ID_PAGES[register], ID_BYTES + NEXT_ID.length, NEXT_ID.length, persons, count);
}

/**
 * Ends the detail: number of persons outside the account's caseload, their structures and sensitivity, size of the
 * response.
 */
export function writeScope(out: EventWriter, outOfScope: number, scope: Uint8Array, bytes: number): void {
  out.fragment(OUT_OF_SCOPE);
  out.integer(outOfScope);
  out.fragment(scope);
  out.integer(bytes);
  out.fragment(CLOSE);
}

/** The part between the out-of-scope count and the size, encoded once per (structures, sensitivity). */
export function scopeFragment(structures: readonly string[], sensitivity: readonly string[]): Uint8Array {
  return encoded(
    `,"structures":${JSON.stringify(structures)},"sensitivity":${JSON.stringify(sensitivity)}}},` +
      `"http":{"response":{"body":{"bytes":`,
  );
}
