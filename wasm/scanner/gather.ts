/**
 * Lists through which a path continues: for each field, what the list's objects hold is gathered in order, and values
 * that are lists themselves are flattened one level. Persons' ids are joined like those of a single list.
 *
 * Not understood, and left to the caller as JSON: fields that one object may have both nested and dotted, and the event
 * time.
 */

import { put, putRange } from './cells';
import { heldLoneSurrogate, holdsBackslash, unescape } from './escapes';
import { MAX_DEPTH, skipSpace, skipString, skipValue } from './json';
import {
  INNER,
  isPrefix,
  KEY_BELOW,
  KEY_INDEX,
  KEY_IS_DOTTED,
  KEY_KIND,
  KEY_NEXT,
  KEY_SLOT,
  OBJECT_FIRST,
  PERSONS_KEY,
  VALUE,
  wanted,
} from './keys';
import {
  DATA,
  GATHERED,
  GATHER_FRAMES_END,
  JSON_VALUE,
  MAX_GATHERED_KEYS,
  PERSONS,
  SCRATCH,
  SCRATCH_SIZE,
  TAGS,
  UNDEFINED,
} from './layout';
import { persons, scalar, takeValues } from './values';

/**
 * The list at `from`, the value of `key` or within it. Returns the address after it, or 0. Frames from `frame` on are
 * free.
 */
export function gather(from: u32, key: u32, depth: u32, frame: u32): u32 {
  if (depth == MAX_DEPTH) return 0;
  let at = skipSpace(from + 1);
  if (load<u8>(at) == 0x5d) return at + 1;
  while (true) {
    at = gatherBelow(at, key, depth + 1, frame);
    if (at == 0) return 0;
    at = skipSpace(at);
    const next = load<u8>(at++);
    if (next == 0x5d) return at;
    if (next != 0x2c) return 0;
    at = skipSpace(at);
  }
}

/** Any value that a path continues below. */
function gatherBelow(at: u32, key: u32, depth: u32, frame: u32): u32 {
  const first = load<u8>(at);
  if (first == 0x5b) return gather(at, key, depth, frame);
  return first == 0x7b ? gatherObject(at, load<u32>(key, KEY_BELOW), depth, frame) : skipValue(at, depth);
}

/** Notes in a frame where the values of wanted keys begin, the last one of each key, and then reads those. */
function gatherObject(from: u32, object: u32, depth: u32, frame: u32): u32 {
  if (depth == MAX_DEPTH || frame == GATHER_FRAMES_END) return 0;
  let at = skipSpace(from + 1);
  if (load<u8>(at) == 0x7d) return at + 1;
  let seen: u64 = 0;
  let isLast = false;
  while (!isLast) {
    if (load<u8>(at) != 0x22) return 0;
    const start = at + 1;
    const behind = skipString(start);
    if (behind == 0 || behind - start > SCRATCH_SIZE) return 0;
    at = skipSpace(behind);
    if (load<u8>(at) != 0x3a) return 0;
    at = skipSpace(at + 1);
    const key = wantedAt(object, start, behind - 1);
    if (key != 0) {
      const index = load<u32>(key, KEY_INDEX);
      if (index >= MAX_GATHERED_KEYS) return 0;
      seen |= u64(1) << index;
      store<u32>(frame + 4 * index, at);
    }
    at = skipValue(at, depth + 1);
    if (at == 0) return 0;
    at = skipSpace(at);
    const next = load<u8>(at++);
    isLast = next == 0x7d;
    if (!isLast && next != 0x2c) return 0;
    at = skipSpace(at);
  }
  return seen == 0 || takeSeen(object, seen, depth + 1, frame) ? at : 0;
}

@inline
function isSeen(key: u32, seen: u64): bool {
  const index = load<u32>(key, KEY_INDEX);
  return index < MAX_GATHERED_KEYS && ((seen >>> index) & 1) != 0;
}

function takeSeen(object: u32, seen: u64, depth: u32, frame: u32): bool {
  let key = load<u32>(object, OBJECT_FIRST);
  while (key != 0) {
    if (isSeen(key, seen)) {
      if (isAmbiguous(key, object, seen)) return false;
      const at = load<u32>(frame + 4 * load<u32>(key, KEY_INDEX));
      const kind = load<u32>(key, KEY_KIND);
      let end: u32 = 0;
      if (kind == INNER) end = gatherBelow(at, key, depth, frame + 4 * MAX_GATHERED_KEYS);
      else if (kind == VALUE) end = gatherValue(at, load<u32>(key, KEY_SLOT), depth);
      else if (kind == PERSONS_KEY) end = gatherPersons(at, key);
      if (end == 0) return false;
    }
    key = load<u32>(key, KEY_NEXT);
  }
  return true;
}

/** True if another key seen may lead to the same field: one is the other plus a dot and more. */
function isAmbiguous(key: u32, object: u32, seen: u64): bool {
  if (load<u32>(key, KEY_IS_DOTTED) == 0) return false;
  let other = load<u32>(object, OBJECT_FIRST);
  while (other != 0) {
    if (isSeen(other, seen) && isPrefix(other, key)) return true;
    other = load<u32>(other, KEY_NEXT);
  }
  return false;
}

/** The wanted key whose valid text is `[from, to)`, or 0. */
function wantedAt(object: u32, from: u32, to: u32): u32 {
  if (!holdsBackslash(from, to)) return wanted(object, from, to - from);
  const length = unescape(from, to);
  return heldLoneSurrogate ? 0 : wanted(object, SCRATCH, length);
}

/** Appends a value, or the elements of a list, to what was gathered for a slot. */
function gatherValue(from: u32, slot: u32, depth: u32): u32 {
  if (load<i32>(TAGS + 4 * slot) != GATHERED) putRange(slot, GATHERED, 0, 0);
  if (load<u8>(from) != 0x5b) return append(from, slot, depth);
  if (depth == MAX_DEPTH) return 0;
  let at = skipSpace(from + 1);
  if (load<u8>(at) == 0x5d) return at + 1;
  while (true) {
    at = append(at, slot, depth + 1);
    if (at == 0) return 0;
    at = skipSpace(at);
    const next = load<u8>(at++);
    if (next == 0x5d) return at;
    if (next != 0x2c) return 0;
    at = skipSpace(at);
  }
}

/** Appends one value. The place after it holds the position of the next value. */
function append(at: u32, slot: u32, depth: u32): u32 {
  const value = takeValues(2);
  if (value == 0) return 0;
  put(value, UNDEFINED);
  putRange(value + 1, UNDEFINED, 0, 0);
  const first = load<u8>(at);
  let end: u32;
  if (first == 0x7b || first == 0x5b) {
    end = skipValue(at, depth);
    putRange(value, JSON_VALUE, at, end);
  } else end = scalar(at, first, value, slot);
  const last = load<u32>(DATA + 8 * slot, 4);
  if (last == 0) store<u32>(DATA + 8 * slot, value);
  else store<u32>(DATA + 8 * (last + 1), value);
  store<u32>(DATA + 8 * slot, value, 4);
  return end;
}

function gatherPersons(at: u32, key: u32): u32 {
  const slot = load<u32>(key, KEY_SLOT);
  if (load<i32>(TAGS + 4 * slot) != PERSONS) putRange(slot, PERSONS, 0, 0);
  if (load<u8>(at) == 0x6e) return skipValue(at, 0);
  return persons(at, load<u8>(at), key, load<u32>(DATA + 8 * slot), load<u32>(DATA + 8 * slot, 4));
}
