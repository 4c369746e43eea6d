/**
 * The unusual below a wanted key: values that are left to the caller as they are, and repeated keys, of which the last
 * counts.
 *
 * Invariant: a field that holds something is met by exactly that key, among those sharing its mark, under which it was
 * found. All keys below a part are met, too, but only claimed: it is unknown whether the part contains them.
 */

import { put } from './cells';
import {
  INNER,
  KEY_BELOW,
  KEY_KIND,
  KEY_MARK,
  KEY_NEXT,
  KEY_SLOT,
  OBJECT_FIRST,
  TIME_KEY,
} from './keys';
import { MAX_PARTS, MET, PARTS, PART_COUNT, TIME_FORM, TIME_NONE, UNDEFINED } from './layout';
import { CLAIMED, isMet, unmeet } from './met';

/** Number of keys that may still be examined for this event, so that many short objects cannot slow it down. */
let budget: u32 = 0;

@inline
export function startParts(length: u32): void {
  store<u32>(PART_COUNT, 0);
  budget = length;
}

/** Leaves the value `[from, to)` of a key to the caller. Returns false if there is no room. */
export function leave(key: u32, from: u32, to: u32): bool {
  const count = load<u32>(PART_COUNT);
  if (count == MAX_PARTS) return false;
  const part = PARTS + 16 * count;
  store<u32>(part, key);
  store<u32>(part, from, 4);
  store<u32>(part, to, 8);
  store<u32>(part, load<u32>(key, KEY_MARK), 12);
  store<u32>(PART_COUNT, count + 1);
  return true;
}

/** The caller is no longer to take what was left to it for a key. */
export function dropPart(key: u32): void {
  const last = PARTS + 16 * load<u32>(PART_COUNT);
  for (let part = PARTS; part < last; part += 16) if (load<u32>(part) == key) store<u32>(part, 0);
}

@inline
function firstBelow(key: u32): u32 {
  const object = load<u32>(key, KEY_BELOW);
  return object == 0 ? 0 : load<u32>(object, OBJECT_FIRST);
}

/** Forgets what this event held below a key. Returns false if that would take long, or would not be enough. */
export function forgetBelow(key: u32, event: u32): bool {
  let child = firstBelow(key);
  while (child != 0) {
    if (budget == 0) return false;
    budget--;
    const met = metOf(child);
    if (isMet(child, met, event)) {
      if (!unmeet(child, met) || !forgetBelow(child, event)) return false;
      if (load<u32>(PART_COUNT) != 0) dropPart(child);
      const kind = load<u32>(child, KEY_KIND);
      const slot = load<i32>(child, KEY_SLOT);
      if (kind != INNER && slot >= 0) put(slot, UNDEFINED);
      if (kind == TIME_KEY) store<u32>(TIME_FORM, TIME_NONE);
    }
    child = load<u32>(child, KEY_NEXT);
  }
  return true;
}

/**
 * Notes all keys below a key as met in this event. Returns false if one of their fields was found elsewhere, or if that
 * would take long.
 */
export function claimBelow(key: u32, event: u32): bool {
  return isFreeBelow(key, event) && meetBelow(key, event);
}

function isFreeBelow(key: u32, event: u32): bool {
  let child = firstBelow(key);
  while (child != 0) {
    if (budget == 0 || load<u32>(metOf(child)) == event) return false;
    budget--;
    if (!isFreeBelow(child, event)) return false;
    child = load<u32>(child, KEY_NEXT);
  }
  return true;
}

function meetBelow(key: u32, event: u32): bool {
  let child = firstBelow(key);
  while (child != 0) {
    const met = metOf(child);
    store<u32>(met, event);
    store<u32>(met, child | CLAIMED, 4);
    meetBelow(child, event);
    child = load<u32>(child, KEY_NEXT);
  }
  return true;
}

@inline
function metOf(key: u32): u32 {
  return MET + 8 * load<u32>(key, KEY_MARK);
}
