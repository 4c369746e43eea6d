/**
 * The keys of interest as a tree of objects.
 *
 * An *object* is a place in the event where keys are examined: the root, what leads to wanted fields, and, as long as
 * there is room, objects that contain nothing wanted. A *key* knows its object, so after its value all open brackets
 * are known. What leads on from there: edges.ts.
 *
 * Keys come from outside, so the number learned is bounded. When too many found no room, the caller starts again.
 */

import { hashOf, sameBytes } from './bytes';
import { HEAP, HEAP_END, KEYS, KEYS_LOG2, MAX_MARKS, MAX_SLOTS } from './layout';

// Kinds of keys: nothing wanted; leads to something wanted; a value; the event time; persons; a value below which
// something else is wanted.
export const UNWANTED: u32 = 0;
export const INNER: u32 = 1;
export const VALUE: u32 = 2;
export const TIME_KEY: u32 = 3;
export const PERSONS_KEY: u32 = 4;
export const VALUE_ABOVE: u32 = 5;

// A place, 80 bytes: number of edges, misses, object, whether it is the start of the object, edges.
export const PLACE_MISSES: usize = 4;
export const PLACE_OBJECT: usize = 8;
export const PLACE_IS_START: usize = 12;
export const PLACE_EDGES: usize = 16;
const PLACE: u32 = 80;

// A key, 64 bytes, followed by the place after its value.
export const KEY_FROM: usize = 0;
const KEY_LENGTH: usize = 4;
export const KEY_OBJECT: usize = 8;
export const KEY_KIND: usize = 12;
export const KEY_MARK: usize = 16;
export const KEY_SLOT: usize = 20;
/** The object that its value may be, or 0. */
export const KEY_BELOW: usize = 24;
/** For persons: where hashes go and how many at most, where links go and how far they reach. */
export const KEY_HASHES: usize = 28;
export const KEY_ROOM: usize = 32;
export const KEY_LINKS: usize = 36;
export const KEY_STEPS: usize = 40;
/** For unwanted keys: a hash of the value when it was last learned. */
export const KEY_LAST: usize = 44;
/** For wanted keys: the next one in the same object. */
export const KEY_NEXT: usize = 48;
/** Of the keys that share a mark, the one with the lowest rank counts. */
export const KEY_RANK: usize = 52;
/** For wanted keys: the index within its object, and whether it contains a dot. */
export const KEY_INDEX: usize = 56;
export const KEY_IS_DOTTED: usize = 60;
const KEY: u32 = 64;

// An object: depth (brackets open inside), the key whose value it is, the key that stands for all keys without room,
// the first wanted key; then the place at its start.
export const OBJECT_DEPTH: usize = 0;
export const OBJECT_ABOVE: usize = 4;
const OBJECT_OTHER: usize = 8;
export const OBJECT_FIRST: usize = 12;
const OBJECT: u32 = 16;
/** Objects with nothing wanted are followed down to this depth; deeper ones are skipped. */
const MAX_LEARNED_DEPTH: u32 = 16;

const MAX_LEARNED_KEY: u32 = 64;
const MAX_KEYS: u32 = 1 << (KEYS_LOG2 - 1);
/** Number of keys without room after which everything learned is forgotten. */
const PATIENCE: u32 = 1 << 16;

let heap: u32 = HEAP;
let keys: u32 = 0;
let withoutRoom: u32 = 0;

/** Zeroed memory; 0 if there is no room. */
export function allocate(bytes: u32): u32 {
  const at = heap;
  const next = (at + bytes + 15) & ~15;
  if (next > HEAP_END) return 0;
  heap = next;
  memory.fill(at, 0, next - at);
  return at;
}

/** A new object below a key, or the root if `above` is 0; 0 if there is no room. */
export function newObject(above: u32): u32 {
  const object = allocate(OBJECT + PLACE);
  const other = object == 0 ? 0 : newKey(object, 0, 0);
  if (other == 0) return 0;
  store<u32>(object, above == 0 ? 1 : load<u32>(load<u32>(above, KEY_OBJECT), OBJECT_DEPTH) + 1, OBJECT_DEPTH);
  store<u32>(object, above, OBJECT_ABOVE);
  store<u32>(object, other, OBJECT_OTHER);
  const start = object + OBJECT;
  store<u32>(start, object, PLACE_OBJECT);
  store<u32>(start, 1, PLACE_IS_START);
  return object;
}

/** Number of brackets open at a key. */
@inline
export function depthAt(key: u32): u32 {
  return load<u32>(load<u32>(key, KEY_OBJECT), OBJECT_DEPTH);
}

@inline
export function startOf(object: u32): u32 {
  return object + OBJECT;
}

@inline
export function after(key: u32): u32 {
  return key + KEY;
}

function newKey(object: u32, from: u32, length: u32): u32 {
  const key = allocate(KEY + PLACE + length + 16);
  if (key == 0) return 0;
  memory.copy(key + KEY + PLACE, from, length);
  store<u32>(key, from == 0 ? 0 : key + KEY + PLACE, KEY_FROM);
  store<u32>(key, length, KEY_LENGTH);
  store<u32>(key, object, KEY_OBJECT);
  store<i32>(key, -1, KEY_MARK);
  store<u32>(after(key), object, PLACE_OBJECT);
  return key;
}

/** Adds a wanted key; 0 if there is no room. */
export function want(object: u32, from: u32, length: u32, kind: u32, mark: u32, rank: u32, slot: i32): u32 {
  if (mark >= MAX_MARKS || slot >= i32(MAX_SLOTS) || keys >= MAX_KEYS / 2) return 0;
  const key = newKey(object, from, length);
  if (key == 0) return 0;
  store<u32>(key, kind, KEY_KIND);
  store<u32>(key, mark, KEY_MARK);
  store<u32>(key, rank, KEY_RANK);
  store<i32>(key, slot, KEY_SLOT);
  const next = load<u32>(object, OBJECT_FIRST);
  store<u32>(key, next, KEY_NEXT);
  store<u32>(key, next == 0 ? 0 : load<u32>(next, KEY_INDEX) + 1, KEY_INDEX);
  for (let i = from; i < from + length; i++) if (load<u8>(i) == 0x2e) store<u32>(key, 1, KEY_IS_DOTTED);
  store<u32>(object, key, OBJECT_FIRST);
  keep(key, placeOf(object, from, length));
  return key;
}

function keep(key: u32, place: u32): void {
  store<u32>(place, key);
  keys++;
}

/** Position of the key in KEYS, or where it would go. */
function placeOf(object: u32, from: u32, length: u32): u32 {
  const hash = (hashOf(from, length) ^ object) * 0x9e3779b97f4a7c15;
  let i = u32(hash >>> (64 - KEYS_LOG2));
  while (true) {
    const key = load<u32>(KEYS + 4 * i);
    if (key == 0) return KEYS + 4 * i;
    if (
      load<u32>(key, KEY_OBJECT) == object &&
      load<u32>(key, KEY_LENGTH) == length &&
      sameBytes(load<u32>(key, KEY_FROM), from, length)
    ) return KEYS + 4 * i;
    i = (i + 1) & ((1 << KEYS_LOG2) - 1);
  }
}

/** The key `[from, to)` of an object; `otherOf` if there is no room to learn it. */
export function find(object: u32, from: u32, length: u32): u32 {
  const place = placeOf(object, from, length);
  let key = load<u32>(place);
  if (key != 0) return key;
  key = length > MAX_LEARNED_KEY || keys == MAX_KEYS ? 0 : newKey(object, from, length);
  if (key == 0) {
    missRoom();
    return otherOf(object);
  }
  keep(key, place);
  return key;
}

/** The wanted key `[from, to)` of an object, or 0. */
export function wanted(object: u32, from: u32, length: u32): u32 {
  const key = load<u32>(placeOf(object, from, length));
  return key != 0 && load<i32>(key, KEY_MARK) >= 0 ? key : 0;
}

/** True if a key begins with another one and a dot. */
export function isPrefix(other: u32, key: u32): bool {
  const length = load<u32>(other, KEY_LENGTH);
  const from = load<u32>(key, KEY_FROM);
  if (load<u32>(key, KEY_LENGTH) <= length || load<u8>(from + length) != 0x2e) return false;
  return sameBytes(load<u32>(other, KEY_FROM), from, length);
}

/** The key that stands for all unwanted keys of an object that are not learned. */
export function otherOf(object: u32): u32 {
  return load<u32>(object, OBJECT_OTHER);
}

/** The object that a key's value is, possibly with nothing wanted in it; 0 if it is not to be walked. */
export function below(key: u32): u32 {
  const known = load<u32>(key, KEY_BELOW);
  const kind = load<u32>(key, KEY_KIND);
  if (kind == VALUE_ABOVE) return 0;
  if (known != 0 || kind != UNWANTED || load<u32>(key, KEY_FROM) == 0) return known;
  if (load<u32>(load<u32>(key, KEY_OBJECT), OBJECT_DEPTH) >= MAX_LEARNED_DEPTH) return 0;
  const object = newObject(key);
  store<u32>(key, object, KEY_BELOW);
  return object;
}

/** Notes that there was no room to learn something. */
export function missRoom(): void {
  withoutRoom++;
}

/** True if so much found no room that starting again is worthwhile. */
export function isExhausted(): bool {
  return withoutRoom > PATIENCE;
}

/** Forgets everything. */
export function forget(): void {
  heap = HEAP;
  keys = 0;
  withoutRoom = 0;
  memory.fill(KEYS, 0, 4 << KEYS_LOG2);
}
