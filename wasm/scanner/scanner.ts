/**
 * The walk over one event's bytes, in AssemblyScript: what `src/event/wasm-walk.ts` calls for every event.
 *
 * The event lies at INPUT. `scan` validates all of it as JSON, like `JSON.parse` after a fatal UTF-8 check, and writes
 * to TAGS and DATA what each wanted field holds. Values of an unusual type are left to the caller as parts of JSON. It
 * accepts only what it fully understands; everything else (invalid JSON, and what would take long) is left to the
 * caller.
 *
 * Invariants: zeros follow the event, and no string, number or edge contains a zero except the edge to the end, so
 * nothing reads on into older bytes. Positions are addresses; 0 means "not understood". Memory never grows.
 */

import { hashOf } from './bytes';
import { startCells } from './cells';
import {
  EDGE_KEY,
  edgeEnd,
  follow,
  learn,
  mark,
  markAll,
  markCount,
  MAX_EDGE_BYTES,
  startMarks,
} from './edges';
import { heldLoneSurrogate, holdsBackslash, unescape } from './escapes';
import { gather } from './gather';
import { isBroken as isBrokenText, plainEnd, skipSpace, skipString, skipValue } from './json';
import {
  after,
  below,
  depthAt,
  find,
  forget,
  INNER,
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
  newObject,
  OBJECT_ABOVE,
  otherOf,
  PERSONS_KEY,
  PLACE_IS_START,
  PLACE_OBJECT,
  startOf,
  UNWANTED,
  VALUE,
  VALUE_ABOVE,
  want,
} from './keys';
import * as layout from './layout';
import { SCRATCH } from './layout';
import { isShadowed, startKeys } from './met';
import { claimBelow, forgetBelow, startParts } from './parts';
import { jsonValue, list, part, persons, scalar, startValues, time } from './values';

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
/** Memory from this address on belongs to the caller. */
export function endAt(): u32 {
  return layout.HEAP_END;
}

let root: u32 = 0;
let slots: u32 = 0;
let event: u32 = 0;
/**
 * Events walked without edges, so that long edges can be found: the first ones, and then one in every LEARNING_EVERY.
 */
const LEARNING_EVENTS: u32 = 256;
const LEARNING_EVERY: u32 = 64;
let isLearning: bool = false;

/** Starts a new tree of keys for records with this many slots. Returns its root, which keys are to be added to. */
export function begin(slotCount: u32): u32 {
  forget();
  startCells(slotCount);
  memory.fill(layout.MET, 0, 8 * layout.MAX_MARKS);
  event = 0;
  slots = slotCount;
  root = newObject(0);
  return root;
}

/** Adds the key of `length` bytes at INPUT to an object. Returns 0 if there is no room. */
export function wantKey(object: u32, length: u32, kind: u32, mark: u32, rank: u32, slot: i32): u32 {
  return want(object, layout.INPUT, length, kind, mark, rank, slot);
}

/** The object below a wanted key, created if missing; 0 if there is no room. */
export function wantBelow(key: u32): u32 {
  const known = load<u32>(key, KEY_BELOW);
  if (known != 0) return known;
  const object = newObject(key);
  store<u32>(key, object, KEY_BELOW);
  return object;
}

/** Sets where the hashes of a person key go, and its links if it has any. */
export function setRooms(key: u32, hashes: u32, room: u32, links: u32, steps: u32): void {
  store<u32>(key, hashes, KEY_HASHES);
  store<u32>(key, room, KEY_ROOM);
  store<u32>(key, links, KEY_LINKS);
  store<u32>(key, steps, KEY_STEPS);
}

/** True if the event that `scan` did not understand is not JSON, or not UTF-8. */
export function isBroken(length: u32): u32 {
  return u32(isBrokenText(textAt(), layout.INPUT + length));
}

/** Start of the text, after a byte-order mark. */
@inline
function textAt(): u32 {
  return layout.INPUT + 3 * u32((load<u32>(layout.INPUT) & 0xffffff) == 0xbfbbef);
}

/**
 * Reads the event of `length` bytes at INPUT. Returns 1 if it was understood. New strings are to be taken in either
 * case.
 */
export function scan(length: u32): u32 {
  const end = layout.INPUT + length;
  const zero = i8x16.splat(0);
  for (let i: u32 = 0; i < 16; i += 16) v128.store(end + i, zero);
  for (let i: u32 = 0; i < slots; i += 4) v128.store(layout.TAGS + 4 * i, zero);
  store<u32>(layout.TIME_FORM, layout.TIME_NONE);
  store<u32>(layout.NEW_COUNT, 0);
  startParts(length);
  startKeys();
  if (++event == 0) {
    // Event numbers start again, so none may be left over from before.
    memory.fill(layout.MET, 0, 8 * layout.MAX_MARKS);
    event = 1;
  }
  startValues(slots, event);
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
      // The last byte of an edge to the end is the zero after the event.
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

let stepKey: u32 = 0;
/** The last value that this step passed, its position, and the marks up to there. */
let passedKey: u32 = 0;
let passedAt: u32 = 0;
let passedMarks: u32 = 0;

/**
 * Goes from `place` at `from` to the next value, that of `stepKey` (0: the end of the event), and learns the way. While
 * learning, it passes values that nobody wants and that were the same last time.
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

/** Learns the whole way if it is short enough for an edge, otherwise the way up to the last value passed. */
function learnStep(place: u32, from: u32, to: u32, key: u32): void {
  if (to - from <= MAX_EDGE_BYTES || passedKey == 0) learn(place, from, to, key, markCount(), passedKey != 0);
  else learn(place, from, passedAt, passedKey, passedMarks, true);
}

/** The key whose valid text is `[from, to)`; 0 if the text is too long. */
function keyAt(object: u32, from: u32, to: u32): u32 {
  if (!holdsBackslash(from, to)) return find(object, from, to - from);
  const length = unescape(from, to);
  if (length < 0) return 0;
  // Wanted keys are well-formed text.
  return heldLoneSurrogate ? otherOf(object) : find(object, SCRATCH, length);
}

/** A list through which a path continues. */
function crossed(at: u32, key: u32): u32 {
  if (!claimBelow(key, event)) return 0;
  const end = gather(at, key, depthAt(key), layout.GATHER_FRAMES);
  if (end != 0) return end;
  return forgetBelow(key, event) ? part(at, key) : 0;
}
