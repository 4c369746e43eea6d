/**
 * The keys of interest as a tree of objects, and what was learned about the order in which they come.
 *
 * An *object* is a place in the event where keys are looked at: the root, what leads to wanted fields, and, as
 * long as there is room, objects that nothing is wanted of. A *key* knows its object; so whoever stands after
 * its value knows all brackets that are open. From there an *edge* leads on to another value: bytes that were
 * once found valid (`"},"user":{"id":`), the key whose value follows them, and the wanted keys they hold.
 * One comparison of up to 192 bytes thus replaces closing, opening and searching. A *long* edge passes over
 * values that nobody wants and that seem to stay the same (`,"type":["access"],"action":`): bytes that are equal
 * to valid ones are valid. A place remembers several edges, the more frequent ones in front, so another order of
 * keys costs a few comparisons more.
 *
 * Keys come from outside: how many are learned is bounded. When too many had no room, the caller begins again.
 */

import { hashOf, isZero, mask, sameBytes } from './bytes';
import { HEAP, HEAP_END, KEYS, KEYS_LOG2, MAX_MARKS, MAX_SLOTS, MET, PART_COUNT, STEP_MARKS } from './layout';
import { dropPart, forgetBelow } from './parts';

// Kinds of keys: nothing is wanted of it; it leads to something wanted; a value; the event time;
// persons; a value below which something else is wanted.
export const UNWANTED: u32 = 0;
export const INNER: u32 = 1;
export const VALUE: u32 = 2;
export const TIME_KEY: u32 = 3;
export const PERSONS_KEY: u32 = 4;
export const VALUE_ABOVE: u32 = 5;

// A place, 80 bytes: number of edges, misses, object, whether it is the start of the object, edges.
const PLACE_MISSES: usize = 4;
export const PLACE_OBJECT: usize = 8;
export const PLACE_IS_START: usize = 12;
const PLACE_EDGES: usize = 16;
const PLACE: u32 = 80;
const MAX_EDGES: u32 = 16;
const MAX_LONG_EDGES: u32 = 8;
/** New ways at a full place until one of its edges is replaced. */
const MISSES_TO_REPLACE: u32 = 16;

// A key, 64 bytes, followed by the place after its value.
export const KEY_FROM: usize = 0;
const KEY_LENGTH: usize = 4;
export const KEY_OBJECT: usize = 8;
export const KEY_KIND: usize = 12;
export const KEY_MARK: usize = 16;
export const KEY_SLOT: usize = 20;
/** The object that its value may be, or 0. */
export const KEY_BELOW: usize = 24;
/** Of persons: where hashes go and how many at most, where links go and how far they reach. */
export const KEY_HASHES: usize = 28;
export const KEY_ROOM: usize = 32;
export const KEY_LINKS: usize = 36;
export const KEY_STEPS: usize = 40;
/** Of unwanted keys: a hash of the value when it was last learned. */
export const KEY_LAST: usize = 44;
/** Of wanted keys: the next one of the same object. */
export const KEY_NEXT: usize = 48;
/** Of the keys that share a mark, the one of lowest rank counts. */
const KEY_RANK: usize = 52;
/** Of wanted keys: which one of its object it is, and whether it has a dot. */
export const KEY_INDEX: usize = 56;
export const KEY_IS_DOTTED: usize = 60;
const KEY: u32 = 64;

// An object: depth (brackets open within), the key whose value it is, the key that stands for all without room, the
// first wanted key; then the place at its start.
export const OBJECT_DEPTH: usize = 0;
export const OBJECT_ABOVE: usize = 4;
const OBJECT_OTHER: usize = 8;
export const OBJECT_FIRST: usize = 12;
const OBJECT: u32 = 16;
/** Objects of which nothing is wanted are followed down to this depth, deeper ones are skipped. */
const MAX_LEARNED_DEPTH: u32 = 16;

// An edge: length, key (0: the end of the event), number of marked keys, hits; the mask of the first 16 bytes;
// marked keys; the bytes; whether it is long.
const EDGE_LENGTH: usize = 0;
export const EDGE_KEY: usize = 4;
const EDGE_MARKS: usize = 8;
const EDGE_HITS: usize = 12;
const EDGE_MASK: usize = 16;
const EDGE_MARK: usize = 32;
const EDGE_BYTES: usize = 64;
const MAX_EDGE_MARKS: u32 = 8;
export const MAX_EDGE_BYTES: u32 = 192;
const EDGE_IS_LONG: usize = 64 + 192;
const EDGE: u32 = 64 + MAX_EDGE_BYTES + 16;

const MAX_LEARNED_KEY: u32 = 64;
const MAX_KEYS: u32 = 1 << (KEYS_LOG2 - 1);
/** Keys without room after which everything learned is forgotten. */
const PATIENCE: u32 = 1 << 16;

let heap: u32 = HEAP;
let keys: u32 = 0;
let withoutRoom: u32 = 0;

function allocate(bytes: u32): u32 {
  const at = heap;
  const next = (at + bytes + 15) & ~15;
  if (next > HEAP_END) return 0;
  heap = next;
  memory.fill(at, 0, next - at);
  return at;
}

/** A new object below a key, or the root below none; 0 when there is no room. */
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

/** Adds a wanted key; 0 when there is no room. */
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

/** Where in KEYS the key stands, or would stand. */
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

/** The key `[from, to)` of an object; `otherOf` when there is no room to learn it. */
export function find(object: u32, from: u32, length: u32): u32 {
  const place = placeOf(object, from, length);
  let key = load<u32>(place);
  if (key != 0) return key;
  key = length > MAX_LEARNED_KEY || keys == MAX_KEYS ? 0 : newKey(object, from, length);
  if (key == 0) {
    withoutRoom++;
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

/** Whether a key begins with another one and a dot. */
export function isPrefix(other: u32, key: u32): bool {
  const length = load<u32>(other, KEY_LENGTH);
  const from = load<u32>(key, KEY_FROM);
  if (load<u32>(key, KEY_LENGTH) <= length || load<u8>(from + length) != 0x2e) return false;
  return sameBytes(load<u32>(other, KEY_FROM), from, length);
}

/** The key that stands for all of an object that nobody wants and that are not learned. */
export function otherOf(object: u32): u32 {
  return load<u32>(object, OBJECT_OTHER);
}

/** The object that the value of a key is, of which nothing may be wanted; 0 when it is not to be walked over. */
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

/** True when so much had no room that it is worth while to begin again. */
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

// ---------------------------------------------------------------- edges

/** The edge that leads on from `place` at `at`, or 0. */
@inline
export function follow(place: u32, at: u32): u32 {
  const last = place + 4 * load<u32>(place);
  const here = v128.load(at);
  for (let i = place; i < last; i += 4) {
    const edge = load<u32>(i, PLACE_EDGES);
    if (isZero(v128.and(v128.xor(here, v128.load(edge, EDGE_BYTES)), v128.load(edge, EDGE_MASK)))) {
      const length = load<u32>(edge, EDGE_LENGTH);
      if (length <= 16 || restIsAt(edge, at, length)) {
        const hits = load<u32>(edge, EDGE_HITS) + 1;
        store<u32>(edge, hits, EDGE_HITS);
        if (i != place) promote(i, edge, hits);
        return edge;
      }
    }
  }
  return 0;
}

@inline
export function edgeEnd(edge: u32, at: u32): u32 {
  return at + load<u32>(edge, EDGE_LENGTH);
}

@inline
function restIsAt(edge: u32, at: u32, length: u32): bool {
  let i: u32 = 16;
  while (i + 16 < length) {
    if (!isZero(v128.xor(v128.load(at + i), v128.load(edge + i, EDGE_BYTES)))) return false;
    i += 16;
  }
  return isZero(v128.and(v128.xor(v128.load(at + i), v128.load(edge + i, EDGE_BYTES)), mask(length - i)));
}

/** The edge at `i` of a place changes places with the one before, if it is the more frequent one. */
function promote(i: u32, edge: u32, hits: u32): void {
  const before = load<u32>(i - 4, PLACE_EDGES);
  if (load<u32>(before, EDGE_HITS) >= hits || beginsWith(before, edge)) return;
  store<u32>(i - 4, edge, PLACE_EDGES);
  store<u32>(i, before, PLACE_EDGES);
}

/** An edge stands behind those that begin like it and lead further. */
function beginsWith(edge: u32, other: u32): bool {
  const length = load<u32>(other, EDGE_LENGTH);
  return load<u32>(edge, EDGE_LENGTH) >= length && sameBytes(edge + u32(EDGE_BYTES), other + u32(EDGE_BYTES), length);
}

/** Notes the keys of an edge as met in this event; false when one of them must not be met now. */
@inline
export function markAll(edge: u32, event: u32): bool {
  const count = load<u32>(edge, EDGE_MARKS);
  for (let i: u32 = 0; i < count; i++) if (!meet(load<u32>(edge + 4 * i, EDGE_MARK), event)) return false;
  return true;
}

// Flags of keys met: whether its field is only claimed (see parts.ts); whether it was found under others, too.
export const CLAIMED: u32 = 1;
const CONTESTED: u32 = 2;
const FLAGS: u32 = 15;

/** Whether the field of the key that was met last is already there, under one that counts more. */
export let isShadowed: bool = false;
export function startKeys(): void {
  isShadowed = false;
}

@inline
function meet(key: u32, event: u32): bool {
  const met = MET + 8 * load<u32>(key, KEY_MARK);
  if (load<u32>(met) == event) return meetAgain(key, met, event);
  store<u32>(met, event);
  store<u32>(met, key, 4);
  return true;
}

/**
 * Of two equal keys the last counts, which is what overwriting does once nothing is left of what the first held. Of
 * two for the same field, nested and dotted, it is the one of lower rank; the other is not kept.
 */
function meetAgain(key: u32, met: u32, event: u32): bool {
  const word = load<u32>(met, 4);
  const before = word & ~FLAGS;
  if (before != key && ((word & CLAIMED) != 0 || load<u32>(key, KEY_KIND) == VALUE_ABOVE)) return false;
  if (before != key && load<u32>(before, KEY_RANK) < load<u32>(key, KEY_RANK)) {
    store<u32>(met, before | CONTESTED, 4);
    isShadowed = true;
    return true;
  }
  store<u32>(met, before == key ? key | (word & CONTESTED) : key | CONTESTED, 4);
  if (load<u32>(PART_COUNT) != 0) dropPart(before);
  return load<u32>(before, KEY_BELOW) == 0 || forgetBelow(before, event);
}

/** Notes that nothing is found of a key any more; false when its field was there under another, too. */
export function unmeet(key: u32, met: u32): bool {
  store<u32>(met, 0);
  return (load<u32>(met, 4) & CONTESTED) == 0;
}

/** Whether a key is what its field was found under in this event. */
@inline
export function isMet(key: u32, met: u32, event: u32): bool {
  return load<u32>(met) == event && (load<u32>(met, 4) & ~FLAGS) == key;
}

/** Marks of the step that is being taken, to be learned. */
let marks: u32 = 0;

@inline
export function startMarks(): void {
  marks = 0;
}

/** Notes a key as met in this event; false when it must not be met now. */
export function mark(key: u32, event: u32): bool {
  if (load<i32>(key, KEY_MARK) < 0) return true;
  if (!meet(key, event)) return false;
  if (marks < MAX_EDGE_MARKS) store<u32>(STEP_MARKS + 4 * marks, key);
  marks++;
  return true;
}

/** Number of marks of the step so far. */
export function markCount(): u32 {
  return marks;
}

/** Learns that `[from, to)`, which holds so many marks, leads from `place` to the value of `key`, or to the end. */
export function learn(place: u32, from: u32, to: u32, key: u32, count: u32, isLong: bool): void {
  const length = to - from;
  if (length > MAX_EDGE_BYTES || count > MAX_EDGE_MARKS || isKnown(place, from, length)) return;
  const edge = newEdge(place, isLong);
  if (edge == 0) return;
  store<u32>(edge, length, EDGE_LENGTH);
  store<u32>(edge, key, EDGE_KEY);
  store<u32>(edge, count, EDGE_MARKS);
  store<u32>(edge, u32(isLong), EDGE_IS_LONG);
  memory.copy(edge + u32(EDGE_MARK), STEP_MARKS, 4 * count);
  v128.store(edge, mask(length < 16 ? length : 16), EDGE_MASK);
  memory.copy(edge + u32(EDGE_BYTES), from, length);
  // Into its place: before those that it begins like.
  const edges = load<u32>(place);
  let i: u32 = 0;
  while (i < edges && !beginsWith(edge, load<u32>(place + 4 * i, PLACE_EDGES))) i++;
  for (let j = edges; j > i; j--) {
    store<u32>(place + 4 * j, load<u32>(place + 4 * (j - 1), PLACE_EDGES), PLACE_EDGES);
  }
  store<u32>(place + 4 * i, edge, PLACE_EDGES);
  store<u32>(place, edges + 1);
}

function isKnown(place: u32, from: u32, length: u32): bool {
  const edges = load<u32>(place);
  for (let i: u32 = 0; i < edges; i++) {
    const edge = load<u32>(place + 4 * i, PLACE_EDGES);
    if (load<u32>(edge, EDGE_LENGTH) == length && sameBytes(edge + u32(EDGE_BYTES), from, length)) return true;
  }
  return false;
}

/** Room for an edge, which may be that of another one; 0 for now when all are worth more. */
function newEdge(place: u32, isLong: bool): u32 {
  const edges = load<u32>(place);
  let longs: u32 = 0;
  let lastLong: u32 = 0;
  for (let i: u32 = 0; i < edges; i++) {
    if (load<u32>(load<u32>(place + 4 * i, PLACE_EDGES), EDGE_IS_LONG) == 0) continue;
    longs++;
    lastLong = i;
  }
  const isFull = isLong ? longs == MAX_LONG_EDGES : edges - longs == MAX_EDGES - MAX_LONG_EDGES;
  if (!isFull) {
    const edge = allocate(EDGE);
    if (edge == 0) withoutRoom++;
    return edge;
  }
  const misses = load<u32>(place, PLACE_MISSES) + 1;
  store<u32>(place, misses % MISSES_TO_REPLACE, PLACE_MISSES);
  if (misses < MISSES_TO_REPLACE) return 0;
  // The others grow older, so that a newcomer can get past them.
  let victim: u32 = lastLong;
  for (let i: u32 = 0; i < edges; i++) {
    const other = load<u32>(place + 4 * i, PLACE_EDGES);
    store<u32>(other, load<u32>(other, EDGE_HITS) >>> 1, EDGE_HITS);
    if (!isLong && load<u32>(other, EDGE_IS_LONG) == 0) victim = i;
  }
  const edge = load<u32>(place + 4 * victim, PLACE_EDGES);
  for (let i = victim; i < edges - 1; i++) {
    store<u32>(place + 4 * i, load<u32>(place + 4 * (i + 1), PLACE_EDGES), PLACE_EDGES);
  }
  store<u32>(place, edges - 1);
  memory.fill(edge, 0, EDGE);
  return edge;
}
