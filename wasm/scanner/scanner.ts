/**
 * The walk over one event's bytes, in AssemblyScript: what `src/event/wasm-walk.ts` calls for every event.
 *
 * The event lies at INPUT. `scan` checks all of it as JSON, as `JSON.parse` after a fatal UTF-8 check would, and
 * says in TAGS and DATA what each wanted field holds. Values of an unusual type are
 * left to the caller as parts of JSON. It accepts only what it fully understands; everything else (what is no JSON,
 * and what would take long) is the caller's.
 *
 * Invariants: zeros follow the event, and no string, number or edge holds one but the edge to the end, so nothing
 * reads on into older bytes. Positions are addresses; 0 means "not understood". Memory never grows.
 */

import { hashOf } from './bytes';
import { put, putRange, putString, startCells } from './cells';
import { heldLoneSurrogate, unescape } from './escapes';
import { isBroken as isBrokenText, isDigit, plainEnd, skipLiteral, skipNumber, skipSpace, skipString, skipValue } from './json';
import {
  after,
  below,
  edgeEnd,
  EDGE_KEY,
  find,
  follow,
  forget,
  INNER,
  isShadowed,
  KEY_BELOW,
  KEY_FROM,
  KEY_HASHES,
  KEY_KIND,
  KEY_LAST,
  KEY_LINKS,
  KEY_OBJECT,
  KEY_ROOM,
  KEY_SLOT,
  KEY_STEPS,
  learn,
  mark,
  markAll,
  markCount,
  MAX_EDGE_BYTES,
  newObject,
  OBJECT_ABOVE,
  OBJECT_DEPTH,
  otherOf,
  PERSONS_KEY,
  PLACE_IS_START,
  PLACE_OBJECT,
  startKeys,
  startMarks,
  startOf,
  TIME_KEY,
  UNWANTED,
  VALUE,
  VALUE_ABOVE,
  want,
} from './keys';
import * as layout from './layout';
import { SCRATCH } from './layout';
import { claimBelow, forgetBelow, leave, startParts } from './parts';
import { gather } from './gather';
import { putLinks, sipHash } from './persons';
import { readTime } from './time';

export { isExhausted } from './keys';
export { seed } from './bytes';
export { setKey } from './persons';

export function inputAt(): u32 {
  return layout.INPUT;
}
export function maxEventBytes(): u32 {
  return layout.MAX_EVENT;
}
export function headerAt(): u32 {
  return layout.TIME;
}
export function tagsAt(): u32 {
  return layout.TAGS;
}
export function dataAt(): u32 {
  return layout.DATA;
}
export function newAt(): u32 {
  return layout.NEW;
}
export function partsAt(): u32 {
  return layout.PARTS;
}
export function tableSize(): i32 {
  return layout.TABLE_SIZE;
}
/** Memory behind this address is the caller's. */
export function endAt(): u32 {
  return layout.HEAP_END;
}

let root: u32 = 0;
let slots: u32 = 0;
let event: u32 = 0;
/** Events that are walked over without edges, so that long ones can be found: the first, and some of the others. */
const LEARNING_EVENTS: u32 = 256;
const LEARNING_EVERY: u32 = 64;
let isLearning: bool = false;
/** The next free place for an element of a list. */
let nextValue: u32 = 0;

/** Begins a new tree of keys for records of so many slots. Returns its root, to which keys are to be added. */
export function begin(slotCount: u32): u32 {
  forget();
  startCells();
  memory.fill(layout.MET, 0, 8 * layout.MAX_MARKS);
  event = 0;
  slots = slotCount;
  root = newObject(0);
  return root;
}

/** Adds the key of `length` bytes at INPUT to an object; 0 when there is no room. */
export function wantKey(object: u32, length: u32, kind: u32, mark: u32, rank: u32, slot: i32): u32 {
  return want(object, layout.INPUT, length, kind, mark, rank, slot);
}

/** The object below a wanted key, made when missing; 0 when there is no room. */
export function wantBelow(key: u32): u32 {
  const known = load<u32>(key, KEY_BELOW);
  if (known != 0) return known;
  const object = newObject(key);
  store<u32>(key, object, KEY_BELOW);
  return object;
}

/** Where the hashes of a person key go, and their links if it has any. */
export function setRooms(key: u32, hashes: u32, room: u32, links: u32, steps: u32): void {
  store<u32>(key, hashes, KEY_HASHES);
  store<u32>(key, room, KEY_ROOM);
  store<u32>(key, links, KEY_LINKS);
  store<u32>(key, steps, KEY_STEPS);
}

/** Whether the event that `scan` did not understand is no JSON, or not in UTF-8. */
export function isBroken(length: u32): u32 {
  return u32(isBrokenText(textAt(), layout.INPUT + length));
}

/** Behind a byte-order mark. */
@inline
function textAt(): u32 {
  return layout.INPUT + 3 * u32((load<u32>(layout.INPUT) & 0xffffff) == 0xbfbbef);
}

/** Reads the event of `length` bytes at INPUT; 1 when it was understood. New strings are to be taken either way. */
export function scan(length: u32): u32 {
  const end = layout.INPUT + length;
  const zero = i8x16.splat(0);
  for (let i: u32 = 0; i < 16; i += 16) v128.store(end + i, zero);
  for (let i: u32 = 0; i < slots; i += 4) v128.store(layout.TAGS + 4 * i, zero);
  store<u32>(layout.TIME_FORM, layout.TIME_NONE);
  store<u32>(layout.NEW_COUNT, 0);
  startParts(length);
  startKeys();
  nextValue = slots;
  if (++event == 0) {
    // Numbers begin again, so none of them must be left from before.
    memory.fill(layout.MET, 0, 8 * layout.MAX_MARKS);
    event = 1;
  }
  isLearning = event <= LEARNING_EVENTS || event % LEARNING_EVERY == 0;
  let at = skipSpace(textAt());
  if (load<u8>(at) != 0x7b) return 0;
  at++;
  let place = startOf(root);
  while (true) {
    const edge = isLearning ? 0 : follow(place, at);
    let key: u32;
    if (edge != 0) {
      at = edgeEnd(edge, at);
      key = load<u32>(edge, EDGE_KEY);
      if (!markAll(edge, event)) return 0;
      // The last byte of an edge to the end is the zero behind the event.
      if (key == 0) return u32(at - 1 == end);
    } else {
      at = step(place, at);
      if (at == 0) return 0;
      key = stepKey;
      if (key == 0) return u32(skipSpace(at) == end);
    }
    let first = load<u8>(at);
    if (first <= 0x20) {
      at = skipSpace(at);
      first = load<u8>(at);
    }
    const kind = load<u32>(key, KEY_KIND);
    if (isShadowed) {
      startKeys();
      at = skipValue(at, depthAt(key));
    } else if (kind == UNWANTED) {
      if (first == 0x22) {
        at = plainEnd(at + 1);
        at = load<u8>(at) == 0x22 ? at + 1 : skipString(at);
      } else if (first == 0x7b && load<u32>(key, KEY_BELOW) != 0) {
        place = startOf(load<u32>(key, KEY_BELOW));
        at++;
        continue;
      } else at = skipValue(at, depthAt(key));
    } else if (kind == INNER) {
      if (first == 0x7b) {
        place = startOf(load<u32>(key, KEY_BELOW));
        at++;
        continue;
      }
      at = first == 0x5b ? crossed(at, key) : skipValue(at, depthAt(key));
    } else if (kind == VALUE || kind == VALUE_ABOVE) {
      const slot = load<u32>(key, KEY_SLOT);
      at = first == 0x5b ? list(at, key, slot) : first == 0x7b ? jsonValue(at, key, slot) : scalar(at, first, slot, slot);
    } else {
      const end = kind == PERSONS_KEY ? persons(at, first, key, 0, 0) : time(at, first, load<i32>(key, KEY_SLOT));
      at = end != 0 ? end : part(at, key);
    }
    if (at == 0) return 0;
    place = after(key);
  }
}

@inline
function depthAt(key: u32): u32 {
  return load<u32>(load<u32>(key, KEY_OBJECT), OBJECT_DEPTH);
}

let stepKey: u32 = 0;
/** The last value that this step passed, where it stands, and the marks up to there. */
let passedKey: u32 = 0;
let passedAt: u32 = 0;
let passedMarks: u32 = 0;

/**
 * From `place` at `from` on to another value, which is that of `stepKey`; 0 there means the end of the event. Learns
 * the way. When learning, goes past values that nobody wants and that were the same the last time.
 */
function step(place: u32, from: u32): u32 {
  let object = load<u32>(place, PLACE_OBJECT);
  let isStart = load<u32>(place, PLACE_IS_START) != 0;
  let at = from;
  passedKey = 0;
  startMarks();
  while (true) {
    at = skipSpace(at);
    let byte = load<u8>(at);
    if (byte == 0x7d) {
      at++;
      const above = load<u32>(object, OBJECT_ABOVE);
      if (above == 0) {
        stepKey = 0;
        if (load<u8>(at) == 0) learnStep(place, from, at + 1, 0);
        return at;
      }
      object = load<u32>(above, KEY_OBJECT);
      isStart = false;
      continue;
    }
    if (!isStart) {
      if (byte != 0x2c) return 0;
      at = skipSpace(at + 1);
      byte = load<u8>(at);
    }
    if (byte != 0x22) return 0;
    const start = at + 1;
    let close = plainEnd(start);
    if (load<u8>(close) != 0x22) {
      const afterKey = skipString(close);
      if (afterKey == 0) return 0;
      close = afterKey - 1;
    }
    const key = keyAt(object, start, close);
    if (key == 0) return 0;
    at = skipSpace(close + 1);
    if (load<u8>(at) != 0x3a) return 0;
    at = skipSpace(at + 1);
    if (!mark(key, event)) return 0;
    if (load<u8>(at) == 0x7b) {
      const next = below(key);
      if (next != 0) {
        object = next;
        isStart = true;
        at++;
        continue;
      }
    }
    stepKey = key;
    if (load<u32>(key, KEY_FROM) == 0) return at;
    if (isLearning && at - from <= MAX_EDGE_BYTES && load<u32>(key, KEY_KIND) == UNWANTED) {
      const end = skipValue(at, depthAt(key));
      if (end == 0) return 0;
      const hash = u32(hashOf(at, end - at) >>> 32);
      const isSame = load<u32>(key, KEY_LAST) == hash;
      store<u32>(key, hash, KEY_LAST);
      if (isSame) {
        passedKey = key;
        passedAt = at;
        passedMarks = markCount();
        at = end;
        isStart = false;
        continue;
      }
    }
    learnStep(place, from, at, key);
    return at;
  }
}

/** All of the way if it is short enough for an edge, or else up to the last value that was passed. */
function learnStep(place: u32, from: u32, to: u32, key: u32): void {
  if (to - from <= MAX_EDGE_BYTES || passedKey == 0) learn(place, from, to, key, markCount(), passedKey != 0);
  else learn(place, from, passedAt, passedKey, passedMarks, true);
}

/** The key whose valid text is `[from, to)`; 0 when that is too long. */
function keyAt(object: u32, from: u32, to: u32): u32 {
  if (!holdsBackslash(from, to)) return find(object, from, to - from);
  const length = unescape(from, to);
  if (length < 0) return 0;
  // Wanted keys are well-formed text.
  return heldLoneSurrogate ? otherOf(object) : find(object, SCRATCH, length);
}

export function holdsBackslash(from: u32, to: u32): bool {
  for (let i = from; i < to; i++) if (load<u8>(i) == 0x5c) return true;
  return false;
}

// ---------------------------------------------------------------- values

/** Integers of up to this many digits are exact as doubles and are their own shortest text. */
const EXACT_DIGITS: u32 = 15;

/** A string, number or literal at `at`, whose first byte is `first`, becomes a value. */
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
function list(from: u32, key: u32, slot: u32): u32 {
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

/** An object, or a list with others in it: rare enough for the caller to parse it. */
function jsonValue(at: u32, key: u32, slot: u32): u32 {
  if (load<u32>(key, KEY_KIND) == VALUE_ABOVE) return part(at, key);
  const end = skipValue(at, depthAt(key));
  if (end != 0) putRange(slot, layout.JSON_VALUE, at, end);
  return end;
}

/** A list where a path goes on. */
function crossed(at: u32, key: u32): u32 {
  if (!claimBelow(key, event)) return 0;
  const end = gather(at, key, depthAt(key), layout.GATHER_FRAMES);
  if (end != 0) return end;
  return forgetBelow(key, event) ? part(at, key) : 0;
}

/** The first of so many free places for values, or 0. */
export function takeValues(count: u32): u32 {
  if (nextValue + count > layout.MAX_VALUES) return 0;
  nextValue += count;
  return nextValue - count;
}

/** The value of a key, for the caller to parse. */
function part(at: u32, key: u32): u32 {
  const end = skipValue(at, depthAt(key));
  return end != 0 && claimBelow(key, event) && leave(key, at, end) ? end : 0;
}

/** 0 for what is no time as it stands; it may be none at all. */
function time(at: u32, first: u8, slot: i32): u32 {
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

/** One id or a list of ids, hashed, behind `count` ids of which `linked` have links. */
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

/** True and false, lists, and numbers that may not be their own text, are left to the caller. */
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
