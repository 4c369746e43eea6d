/**
 * Bytes → text or JSON object, with every check that precedes looking at fields. Checks run in this order, and the
 * first to fail names the dead letter: size, UTF-8, JSON syntax, depth, an object at the root. No message quotes
 * the event, whose bytes may hold a person's id.
 */

import { MAX_DEPTH } from './decoder-options.ts';
import type { DeadLetterCode, DecodeFault } from './decoder.ts';
import { isObject, type JsonObject } from './field-path.ts';
import { jsonFaultAt } from './json-skip.ts';
import { withLongIntegersAsText } from './json-text.ts';
import type { FieldValue } from './record.ts';
import { invalidUtf8At, startsWithByteOrderMark } from './utf8.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const anyBytes = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * What to do with bytes that are not UTF-8. In events, which are written as JSON, they show that something else
 * came; but the log of a server holds whatever its clients sent. Replacing them loses no byte below 0x80, so
 * values begin and end where they did.
 */
type OnInvalidUtf8 = 'refuse' | 'replace';

export type Read<T> =
  | {
      readonly value: T;
      /** Whether U+FFFD replaced some bytes. */
      readonly replaced: boolean;
      readonly fault?: undefined;
    }
  | { readonly value?: undefined; readonly fault: DecodeFault };

/** The text of `data[start, end)` without a leading byte-order mark. */
export function readText(
  data: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
  onInvalid: OnInvalidUtf8,
): Read<string> {
  const size = end - start;
  if (size > maxBytes) {
    return { fault: fault('TOO_LARGE', `the event has ${size} bytes, more than ${maxBytes}`) };
  }
  const from = startsWithByteOrderMark(data, start, end) ? start + 3 : start;
  const bytes = data.subarray(from, end);
  try {
    return { value: utf8.decode(bytes), replaced: false };
  } catch {
    if (onInvalid === 'replace') return { value: anyBytes.decode(bytes), replaced: true };
    return { fault: brokenFault(data, start, end) };
  }
}

/** Reads `data[start, end)` as a JSON object. */
export function readObject(
  data: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
  onInvalid: OnInvalidUtf8,
): Read<JsonObject> {
  const text = readText(data, start, end, maxBytes, onInvalid);
  if (text.fault !== undefined) return text;
  let root: FieldValue;
  try {
    root = parseExactly(text.value);
  } catch {
    return { fault: brokenFault(data, start, end) };
  }
  if (depthOf(data, start, end) > MAX_DEPTH) {
    return { fault: fault('TOO_DEEP', `brackets are nested deeper than ${MAX_DEPTH}`) };
  }
  if (!isObject(root)) {
    return { fault: fault('NOT_AN_OBJECT', `the event is ${typeName(root)}, not an object`) };
  }
  return { value: root, replaced: text.replaced };
}

/** Parses JSON text that is itself a value of a log; undefined if it is no JSON, or nested too deep to walk. */
export function readEmbedded(text: string): FieldValue | undefined {
  try {
    const value = parseExactly(text);
    const bytes = new TextEncoder().encode(text);
    return depthOf(bytes, 0, bytes.length) > MAX_DEPTH ? undefined : value;
  } catch {
    return undefined;
  }
}

function parseExactly(text: string): FieldValue {
  const value = JSON.parse(text) as FieldValue;
  const exact = withLongIntegersAsText(text);
  return exact === text ? value : (JSON.parse(exact) as FieldValue);
}

export function fault(code: DeadLetterCode, message: string): DecodeFault {
  return { code, message };
}

/** What kind of JSON a value is, for messages. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** The fault of `data[start, end)`, which is known not to be JSON in UTF-8. */
export function brokenFault(data: Uint8Array, start: number, end: number): DecodeFault {
  const from = startsWithByteOrderMark(data, start, end) ? start + 3 : start;
  const invalid = invalidUtf8At(data, from, end);
  if (invalid >= 0) return fault('NOT_UTF8', `byte ${invalid - start} is not UTF-8`);
  const at = jsonFaultAt(data, from, end);
  return fault(
    'NOT_JSON',
    at >= end ? `the JSON ends early, after ${end - start} bytes` : `byte ${at - start} breaks the JSON`,
  );
}

/** Largest number of brackets open at once in valid JSON. */
function depthOf(data: Uint8Array, start: number, end: number): number {
  if (end - start <= 2 * MAX_DEPTH) return 0; // too short to be too deep
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = start; i < end; i++) {
    const byte = data[i]!;
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}
