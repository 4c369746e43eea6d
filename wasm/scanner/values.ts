/** From the bytes of a value to the tag and data of its slot. */

import { put, putRange, putString } from './cells';
import { holdsBackslash, unescape } from './escapes';
import { isDigit, plainEnd, skipLiteral, skipNumber, skipSpace, skipString, skipValue } from './json';
import { depthAt, KEY_HASHES, KEY_KIND, KEY_LINKS, KEY_ROOM, KEY_SLOT, KEY_STEPS, VALUE_ABOVE } from './keys';
import * as layout from './layout';
import { SCRATCH } from './layout';
import { claimBelow, leave } from './parts';
import { putLinks, sipHash } from './persons';
import { readTime } from './time';

/** Number of the current event. */
let event: u32 = 0;
/** The next free place for a list element. */
let nextValue: u32 = 0;

/** To be called before the values of an event. `first`: the first place for list elements. */
export function startValues(first: u32, number: u32): void {
  nextValue = first;
  event = number;
}

/** Integers of up to this many digits are exact as doubles, and their own shortest text. */
const EXACT_DIGITS: u32 = 15;

/** Turns the string, number or literal at `at`, whose first byte is `first`, into a value. */
@inline
export function scalar(at: u32, first: u8, value: u32, field: u32): u32 {
  if (first != 0x22) return otherScalar(at, first, value);
  const close = plainEnd(at + 1);
  if (load<u8>(close) == 0x22) {
    putString(value, field, at + 1, close, layout.PLAIN_TEXT, nextValue, event);
    return close + 1;
  }
  const end = skipString(close);
  if (end != 0) putString(value, field, at + 1, end - 1, layout.TEXT, nextValue, event);
  return end;
}

function otherScalar(at: u32, first: u8, value: u32): u32 {
  if (first != 0x2d && !isDigit(first)) {
    put(value, first == 0x6e ? layout.NULL : first == 0x74 ? layout.TRUE : layout.FALSE);
    return skipLiteral(at);
  }
  const end = skipNumber(at);
  if (end == 0) return 0;
  const digits = at + u32(first == 0x2d);
  if (end - digits <= EXACT_DIGITS) {
    let number: u64 = 0;
    let i = digits;
    while (i < end && isDigit(load<u8>(i))) {
      number = number * 10 + (load<u8>(i) - 0x30);
      i++;
    }
    if (i == end) {
      put(value, layout.NUMBER);
      store<f64>(layout.DATA + 8 * value, first == 0x2d ? -f64(number) : f64(number));
      return end;
    }
  }
  putRange(value, layout.NUMBER_TEXT, at, end);
  return end;
}

/** A list at `from`. */
export function list(from: u32, key: u32, slot: u32): u32 {
  const first = nextValue;
  let at = skipSpace(from + 1);
  if (load<u8>(at) == 0x5d) at++;
  else {
    while (true) {
      const byte = load<u8>(at);
      if (byte == 0x7b || byte == 0x5b || nextValue == layout.MAX_VALUES) return jsonValue(from, key, slot);
      at = scalar(at, byte, nextValue, slot);
      if (at == 0) return 0;
      nextValue++;
      at = skipSpace(at);
      const next = load<u8>(at++);
      if (next == 0x5d) break;
      if (next != 0x2c) return 0;
      at = skipSpace(at);
    }
  }
  putRange(slot, layout.LIST, first, nextValue - first);
  return at;
}

/** An object, or a list with nested ones: rare enough for the caller to parse it. */
export function jsonValue(at: u32, key: u32, slot: u32): u32 {
  if (load<u32>(key, KEY_KIND) == VALUE_ABOVE) return part(at, key);
  const end = skipValue(at, depthAt(key));
  if (end != 0) putRange(slot, layout.JSON_VALUE, at, end);
  return end;
}

/** The first of `count` free places for values, or 0. */
export function takeValues(count: u32): u32 {
  if (nextValue + count > layout.MAX_VALUES) return 0;
  nextValue += count;
  return nextValue - count;
}

/** Leaves the value of a key to the caller to parse. */
export function part(at: u32, key: u32): u32 {
  const end = skipValue(at, depthAt(key));
  return end != 0 && claimBelow(key, event) && leave(key, at, end) ? end : 0;
}

/** Returns 0 for a value that is not a time in this form; it may not be a time at all. */
export function time(at: u32, first: u8, slot: i32): u32 {
  store<u32>(layout.TIME_FORM, layout.TIME_NONE);
  if (first == 0x22) {
    const close = plainEnd(at + 1);
    if (load<u8>(close) != 0x22) return 0;
    const ms = readTime(at + 1, close);
    if (isNaN(ms)) {
      store<u32>(layout.TIME_FORM, layout.TIME_TEXT);
      store<u32>(layout.TIME_FROM, at + 1);
      store<u32>(layout.TIME_TO, close);
    } else {
      store<u32>(layout.TIME_FORM, layout.TIME_READ);
      store<f64>(layout.TIME, ms);
    }
    if (slot >= 0) putString(slot, slot, at + 1, close, layout.PLAIN_TEXT, nextValue, event);
    return close + 1;
  }
  if (first == 0x6e) {
    if (slot >= 0) put(slot, layout.NULL);
    return skipLiteral(at);
  }
  if (!isDigit(first)) return 0;
  const value = slot >= 0 ? u32(slot) : layout.MAX_VALUES - 1;
  const end = otherScalar(at, first, value);
  if (end == 0 || load<i32>(layout.TAGS + 4 * value) != layout.NUMBER) {
    if (slot >= 0) put(slot, layout.UNDEFINED);
    return 0;
  }
  store<u32>(layout.TIME_FORM, layout.TIME_NUMBER);
  store<f64>(layout.TIME, load<f64>(layout.DATA + 8 * value));
  return end;
}

// ---------------------------------------------------------------- persons

let hashes: u32 = 0;
let hashesEnd: u32 = 0;
let links: u32 = 0;
let steps: u32 = 0;

/** Hashes one id or a list of ids, after `count` earlier ids of which `linked` have links. */
export function persons(from: u32, first: u8, key: u32, count: u32, linked: u32): u32 {
  const slot = load<u32>(key, KEY_SLOT);
  if (first == 0x6e) {
    put(slot, layout.NULL);
    return skipLiteral(from);
  }
  hashes = load<u32>(key, KEY_HASHES) + 8 * count;
  hashesEnd = load<u32>(key, KEY_HASHES) + 8 * load<u32>(key, KEY_ROOM);
  steps = load<u32>(key, KEY_STEPS);
  links = load<u32>(key, KEY_LINKS) + (8 + 16 * steps) * linked;
  let at = from;
  if (first != 0x5b) at = person(at);
  else {
    at = skipSpace(at + 1);
    if (load<u8>(at) == 0x5d) at++;
    else {
      while (true) {
        at = person(at);
        if (at == 0) return 0;
        at = skipSpace(at);
        const next = load<u8>(at++);
        if (next == 0x5d) break;
        if (next != 0x2c) return 0;
        at = skipSpace(at);
      }
    }
  }
  const allLinked = steps == 0 ? 0 : (links - load<u32>(key, KEY_LINKS)) / (8 + 16 * steps);
  putRange(slot, layout.PERSONS, (hashes - load<u32>(key, KEY_HASHES)) >>> 3, allLinked);
  return at;
}

/** Booleans, lists, and numbers that may differ from their shortest text are left to the caller. */
function person(at: u32): u32 {
  const first = load<u8>(at);
  let from = at;
  let to: u32;
  let end: u32;
  if (first == 0x22) {
    from = at + 1;
    to = plainEnd(from);
    end = to + 1;
    if (load<u8>(to) != 0x22) {
      end = skipString(to);
      if (end == 0) return 0;
      to = end - 1;
      if (holdsBackslash(from, to)) {
        const length = unescape(from, to);
        if (length < 0) return 0;
        from = SCRATCH;
        to = SCRATCH + length;
      }
    }
  } else if (isDigit(first)) {
    to = end = skipNumber(at);
    if (end == 0 || end - at > EXACT_DIGITS) return 0;
    for (let i = at; i < end; i++) if (!isDigit(load<u8>(i))) return 0;
  } else return first == 0x6e ? skipLiteral(at) : 0;
  if (hashes == hashesEnd) return 0;
  store<u64>(hashes, rotl(sipHash(from, to - from), 32));
  hashes += 8;
  if (steps != 0 && putLinks(from, to, steps, links)) links += 8 + 16 * steps;
  return end;
}
