/**
 * Finds strings by their bytes: most values of a log occurred a moment ago, and the caller keeps a string for each
 * cell. Bounded: a new string replaces another. Equality is checked on all bytes.
 *
 * A cell used by this event is not replaced during it, so a tag stays valid until the caller reads it. Fields whose
 * values hardly ever recur (event ids) are left out for a while and then tried again, so that they do not push out the
 * others.
 */

import { hash16, hash32, hashOf, isZero, mask, sameBytes } from './bytes';
import {
  DATA,
  EMPTY,
  FIRST_LONG,
  FIRST_SHORT,
  FIRST_TINY,
  LONG_CELL,
  LONG_CELLS,
  LONG_SETS_LOG2,
  LONG_WAYS,
  MAX_NEW,
  MAX_SLOTS,
  NEW,
  NEW_COUNT,
  SHORT_CELL,
  SHORT_CELLS,
  SHORT_SETS_LOG2,
  SHORT_WAYS,
  TAGS,
  TINY_CELL,
  TINY_CELLS,
  TINY_SETS_LOG2,
  TINY_WAYS,
  TRIALS,
} from './layout';

/** Misses after which a field is judged: it is left out if hardly more events than this went by meanwhile. */
const TRIAL: u32 = 512;
const WORTHWHILE_EVENTS: u32 = TRIAL + TRIAL / 2;
/** Number of strings that are then left out; doubled each time up to the longest. */
const SHORTEST_PAUSE: u32 = 8 * TRIAL;
const LONGEST_PAUSE: u32 = 256 * TRIAL;

// A trial, 16 bytes: strings still to be left out, the length of the next pause, misses, the event it began in.
const LEFT_OUT: usize = 0;
const PAUSE: usize = 4;
const MISSES: usize = 8;
const SINCE: usize = 12;

/** A cell holds the text and, in its last byte, the length. */
const TINY_TEXT: u32 = TINY_CELL - 1;
const SHORT_TEXT: u32 = SHORT_CELL - 1;
/** In long cells, the last 16 bytes hold the length. */
const LONG_TEXT: u32 = LONG_CELL - 16;

/**
 * With more values in an event than this, besides the slots, no cell is replaced any more: searching for its uses
 * would take long, and senders choose how many there are.
 */
const MAX_LOOKED_AT: u32 = 256;

let mostLookedAt: u32 = MAX_LOOKED_AT;
let victim: u32 = 0;

export function startCells(slots: u32): void {
  mostLookedAt = slots + MAX_LOOKED_AT;
  memory.fill(TRIALS, 0, 16 * MAX_SLOTS);
  for (let i: u32 = 0; i < MAX_SLOTS; i++) store<u32>(TRIALS + 16 * i, SHORTEST_PAUSE, PAUSE);
}

@inline
export function put(value: u32, tag: i32): void {
  store<i32>(TAGS + 4 * value, tag);
}

@inline
export function putRange(value: u32, tag: i32, from: u32, to: u32): void {
  store<i32>(TAGS + 4 * value, tag);
  store<u32>(DATA + 8 * value, from);
  store<u32>(DATA + 8 * value, to, 4);
}

/**
 * Makes the string `[from, to)` between its quotes a value of `field`; `tag` is the kind of text. `values`: number of
 * values of this event so far.
 */
export function putString(value: u32, field: u32, from: u32, to: u32, tag: i32, values: u32, event: u32): void {
  const length = to - from;
  const trial = TRIALS + 16 * field;
  if (length - 1 >= LONG_TEXT || load<u32>(trial, LEFT_OUT) != 0) {
    putUnknown(value, trial, from, to, tag);
    return;
  }
  let cell: i32;
  if (length <= TINY_TEXT) {
    const text = i8x16.replace_lane(v128.and(v128.load(from), mask(length)), 15, i8(length));
    const at = TINY_CELLS + TINY_WAYS * TINY_CELL * u32(hash16(text) >>> (64 - TINY_SETS_LOG2));
    const second = isTiny(at + TINY_CELL, text);
    const third = isTiny(at + 2 * TINY_CELL, text);
    const fourth = isTiny(at + 3 * TINY_CELL, text);
    cell = FIRST_TINY + i32((at - TINY_CELLS) / TINY_CELL) + i32(second) + 2 * i32(third) + 3 * i32(fourth);
    if (!(i32(isTiny(at, text)) | i32(second) | i32(third) | i32(fourth))) {
      cell = taken(cell, TINY_WAYS, trial, from, to, tag, values, event);
      if (cell != 0) v128.store(TINY_CELLS + TINY_CELL * u32(cell - FIRST_TINY), text);
    }
  } else if (length <= SHORT_TEXT) cell = shortCell(trial, from, to, tag, values, event);
  else cell = longCell(trial, from, to, tag, values, event);
  if (cell != 0) put(value, cell);
  else putRange(value, tag, from, to);
}

@inline
function isTiny(at: u32, text: v128): bool {
  return isZero(v128.xor(v128.load(at), text));
}

/** An empty string, one too long for a cell, or one of a field that is left out. */
function putUnknown(value: u32, trial: u32, from: u32, to: u32, tag: i32): void {
  if (from == to) {
    put(value, EMPTY);
    return;
  }
  putRange(value, tag, from, to);
  const left = load<u32>(trial, LEFT_OUT);
  if (left != 0) store<u32>(trial, left - 1, LEFT_OUT);
}

/** Returns 0 if there is no cell for it. */
function shortCell(trial: u32, from: u32, to: u32, tag: i32, values: u32, event: u32): i32 {
  const length = to - from;
  const low = v128.load(from);
  const high = i8x16.replace_lane(v128.and(v128.load(from, 16), mask(length - 16)), 15, i8(length));
  const at = SHORT_CELLS + SHORT_WAYS * SHORT_CELL * u32(hash32(low, high, 0) >>> (64 - SHORT_SETS_LOG2));
  const isSecond = isShort(at + SHORT_CELL, low, high);
  let cell = FIRST_SHORT + i32((at - SHORT_CELLS) / SHORT_CELL) + i32(isSecond);
  if (isSecond || isShort(at, low, high)) return cell;
  cell = taken(cell, SHORT_WAYS, trial, from, to, tag, values, event);
  if (cell == 0) return 0;
  const place = SHORT_CELLS + SHORT_CELL * u32(cell - FIRST_SHORT);
  v128.store(place, low);
  v128.store(place, high, 16);
  return cell;
}

@inline
function isShort(at: u32, low: v128, high: v128): bool {
  return isZero(v128.or(v128.xor(v128.load(at), low), v128.xor(v128.load(at, 16), high)));
}

function longCell(trial: u32, from: u32, to: u32, tag: i32, values: u32, event: u32): i32 {
  const length = to - from;
  const at = LONG_CELLS + LONG_WAYS * LONG_CELL * u32(hashOf(from, length) >>> (64 - LONG_SETS_LOG2));
  let cell = FIRST_LONG + i32((at - LONG_CELLS) / LONG_CELL);
  if (isLong(at, from, length)) return cell;
  if (isLong(at + LONG_CELL, from, length)) return cell + 1;
  cell = taken(cell, LONG_WAYS, trial, from, to, tag, values, event);
  if (cell == 0) return 0;
  const place = LONG_CELLS + LONG_CELL * u32(cell - FIRST_LONG);
  memory.copy(place, from, length);
  store<u32>(place, length, LONG_TEXT);
  return cell;
}

function isLong(at: u32, from: u32, length: u32): bool {
  return load<u32>(at, LONG_TEXT) == length && sameBytes(at, from, length);
}

/** Takes a cell of a set for this text, and reports it to the caller. Returns 0 if none may be taken. */
function taken(first: i32, ways: u32, trial: u32, from: u32, to: u32, tag: i32, values: u32, event: u32): i32 {
  const misses = load<u32>(trial, MISSES) + 1;
  store<u32>(trial, misses, MISSES);
  if (misses == 1) store<u32>(trial, event, SINCE);
  else if (misses == TRIAL) judge(trial, event);
  victim++;
  let cell = first + i32(victim & (ways - 1));
  if (isUsed(cell, values)) {
    cell = first + i32((victim + 1) & (ways - 1));
    if (isUsed(cell, values)) return 0;
  }
  const count = load<u32>(NEW_COUNT);
  if (count == MAX_NEW) return 0;
  const at = NEW + 16 * count;
  store<i32>(at, cell);
  store<u32>(at, from, 4);
  store<u32>(at, to, 8);
  store<i32>(at, tag, 12);
  store<u32>(NEW_COUNT, count + 1);
  return cell;
}

/** True if one of this event's values is in the cell, or if there are too many to search. */
function isUsed(cell: i32, values: u32): bool {
  if (values > mostLookedAt) return true;
  const wanted = i32x4.splat(cell);
  for (let i: u32 = 0; i < values; i += 4) {
    if (v128.any_true(i32x4.eq(v128.load(TAGS + 4 * i), wanted))) return true;
  }
  return false;
}

function judge(trial: u32, event: u32): void {
  store<u32>(trial, 0, MISSES);
  if (event - load<u32>(trial, SINCE) >= WORTHWHILE_EVENTS) {
    store<u32>(trial, SHORTEST_PAUSE, PAUSE);
    return;
  }
  const pause = load<u32>(trial, PAUSE);
  store<u32>(trial, pause, LEFT_OUT);
  store<u32>(trial, min<u32>(2 * pause, LONGEST_PAUSE), PAUSE);
}
