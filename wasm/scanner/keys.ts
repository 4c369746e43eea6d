/**
 * The keys of interest as a tree of objects, and what was learned about the order in which they come.
 *
 * An *object* is a place in the event where keys are looked at: the root, what leads to wanted fields, and, as
 * long as there is room, objects that nothing is wanted of. A *key* knows its object; so whoever stands after
 * its value knows all brackets that are open. From there an *edge* leads to the next value: bytes that were
 * once found valid (`"},"user":{"id":`), the key whose value follows them, and the marks of the keys they hold.
 * One comparison of up to 128 bytes thus replaces closing, opening and searching. A place remembers several
 * edges, the more frequent ones in front, so another order of keys costs a few comparisons more.
 *
 * Keys come from outside: how many are learned is bounded. When too many had no room, the caller begins again.
 */

import { hashOf, isZero, mask, sameBytes } from './bytes';
import { HEAP, HEAP_END, KEYS, KEYS_LOG2, MAX_MARKS, MAX_SLOTS, MET, STEP_MARKS } from './layout';

// Kinds of keys: nothing is wanted of it; it leads to something wanted; a value; the event time; persons.
export const UNWANTED: u32 = 0;
export const INNER: u32 = 1;
export const VALUE: u32 = 2;
export const TIME_KEY: u32 = 3;
export const PERSONS_KEY: u32 = 4;

// A place, 64 bytes: number of edges, misses, object, whether it is the start of the object, edges.
export const PLACE_OBJECT: usize = 8;
export const PLACE_IS_START: usize = 12;
const PLACE_EDGES: usize = 16;
const PLACE: u32 = 64;
const MAX_EDGES: u32 = 12;
/** Misses at a full place until its last edge is replaced. */
const MISSES_TO_REPLACE: u32 = 16;

// A key, 64 bytes, followed by the place after its value.
const KEY_FROM: usize = 0;
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
const KEY: u32 = 64;

// An object: depth (brackets open within), the key whose value it is, the key that stands for all without room;
// then the place at its start.
export const OBJECT_DEPTH: usize = 0;
export const OBJECT_ABOVE: usize = 4;
const OBJECT_OTHER: usize = 8;
const OBJECT: u32 = 16;
/** Objects of which nothing is wanted are followed down to this depth, deeper ones are skipped. */
const MAX_LEARNED_DEPTH: u32 = 16;

// An edge: length, key (0: the end of the event), number of marks, hits; marks, 16 bits each; the mask of the
// first 16 bytes; the bytes.
const EDGE_LENGTH: usize = 0;
export const EDGE_KEY: usize = 4;
const EDGE_MARKS: usize = 8;
const EDGE_HITS: usize = 12;
const EDGE_MARK: usize = 16;
const EDGE_MASK: usize = 32;
const EDGE_BYTES: usize = 48;
const MAX_EDGE_MARKS: u32 = 8;
const MAX_EDGE_BYTES: u32 = 128;
const EDGE: u32 = 48 + MAX_EDGE_BYTES;

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
export function want(object: u32, from: u32, length: u32, kind: u32, mark: u32, slot: i32): u32 {
  if (mark >= MAX_MARKS || slot >= i32(MAX_SLOTS) || keys >= MAX_KEYS / 2) return 0;
  const key = newKey(object, from, length);
  if (key == 0) return 0;
  store<u32>(key, kind, KEY_KIND);
  store<u32>(key, mark, KEY_MARK);
  store<i32>(key, slot, KEY_SLOT);
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

/** The key `[from, to)` of an object; `otherOf` it when there is no room to learn it. */
export function find(object: u32, from: u32, length: u32): u32 {
  const place = placeOf(object, from, length);
  let key = load<u32>(place);
  if (key != 0) return key;
  key = length > MAX_LEARNED_KEY || keys == MAX_KEYS ? 0 : newKey(object, from, length);
  if (key == 0) {
    withoutRoom++;
    return load<u32>(object, OBJECT_OTHER);
  }
  keep(key, place);
  return key;
}

/** The object that the value of a key is, for which nothing may be wanted; 0 when it is to be skipped. */
export function below(key: u32): u32 {
  const known = load<u32>(key, KEY_BELOW);
  if (known != 0 || load<u32>(key, KEY_KIND) != UNWANTED || load<u32>(key, KEY_FROM) == 0) return known;
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
  if (load<u32>(before, EDGE_HITS) >= hits) return;
  store<u32>(i - 4, edge, PLACE_EDGES);
  store<u32>(i, before, PLACE_EDGES);
}

/** Notes the marks of an edge as met in this event; false when one was met before. */
@inline
export function markAll(edge: u32, event: u32): bool {
  const count = load<u32>(edge, EDGE_MARKS);
  for (let i: u32 = 0; i < count; i++) {
    const met = MET + 4 * u32(load<u16>(edge + 2 * i, EDGE_MARK));
    if (load<u32>(met) == event) return false;
    store<u32>(met, event);
  }
  return true;
}

/** Marks of the step that is being taken, to be learned. */
let marks: u32 = 0;

@inline
export function startMarks(): void {
  marks = 0;
}

/** Notes a key as met in this event; false when it was met before. */
export function mark(key: u32, event: u32): bool {
  const mark = load<i32>(key, KEY_MARK);
  if (mark < 0) return true;
  const met = MET + 4 * u32(mark);
  if (load<u32>(met) == event) return false;
  store<u32>(met, event);
  if (marks < MAX_EDGE_MARKS) store<u16>(STEP_MARKS + 2 * marks, u16(mark));
  marks++;
  return true;
}

/** Learns that `[from, to)` leads from `place` to the value of `key`, or to the end. */
export function learn(place: u32, from: u32, to: u32, key: u32): void {
  if (to - from > MAX_EDGE_BYTES || marks > MAX_EDGE_MARKS) return;
  let edges = load<u32>(place);
  let edge: u32;
  if (edges < MAX_EDGES) {
    edge = allocate(EDGE);
    if (edge == 0) {
      withoutRoom++;
      return;
    }
    store<u32>(place + 4 * edges, edge, PLACE_EDGES);
    store<u32>(place, ++edges);
  } else {
    const misses = load<u32>(place, 4) + 1;
    store<u32>(place, misses % MISSES_TO_REPLACE, 4);
    if (misses < MISSES_TO_REPLACE) return;
    // The others grow older, so that a newcomer can get past them.
    for (let i: u32 = 0; i < edges; i++) {
      const other = load<u32>(place + 4 * i, PLACE_EDGES);
      store<u32>(other, load<u32>(other, EDGE_HITS) >>> 1, EDGE_HITS);
    }
    edge = load<u32>(place + 4 * (edges - 1), PLACE_EDGES);
    memory.fill(edge, 0, EDGE);
  }
  const length = to - from;
  store<u32>(edge, length, EDGE_LENGTH);
  store<u32>(edge, key, EDGE_KEY);
  store<u32>(edge, marks, EDGE_MARKS);
  memory.copy(edge + u32(EDGE_MARK), STEP_MARKS, 2 * marks);
  v128.store(edge, mask(length < 16 ? length : 16), EDGE_MASK);
  memory.copy(edge + u32(EDGE_BYTES), from, length);
}
