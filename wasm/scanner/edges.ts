/**
 * What was learned about the order of keys.
 *
 * An *edge* leads from a place to another value: bytes that were once found valid (`"},"user":{"id":`), the key whose
 * value follows them, and the wanted keys they contain. One comparison of up to 192 bytes thus replaces closing,
 * opening and searching. A *long* edge also passes values that nobody wants and that seem to stay the same
 * (`,"type":["access"],"action":`): bytes equal to valid bytes are valid. A place remembers several edges, the more
 * frequent ones first, so another order of keys costs only a few more comparisons.
 */

import { isZero, mask, sameBytes } from './bytes';
import { allocate, KEY_MARK, missRoom, PLACE_EDGES, PLACE_MISSES } from './keys';
import { STEP_MARKS } from './layout';
import { meet } from './met';

const MAX_EDGES: u32 = 16;
const MAX_LONG_EDGES: u32 = 8;
/** Number of new ways at a full place before one of its edges is replaced. */
const MISSES_TO_REPLACE: u32 = 16;

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

/** The edge that continues from `place` at `at`, or 0. */
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

/** Swaps the edge at `i` of a place with the one before if it is more frequent. */
function promote(i: u32, edge: u32, hits: u32): void {
  const before = load<u32>(i - 4, PLACE_EDGES);
  if (load<u32>(before, EDGE_HITS) >= hits || beginsWith(before, edge)) return;
  store<u32>(i - 4, edge, PLACE_EDGES);
  store<u32>(i, before, PLACE_EDGES);
}

/** True if `edge` begins like `other` and is at least as long. Such an edge has to stand before the other. */
function beginsWith(edge: u32, other: u32): bool {
  const length = load<u32>(other, EDGE_LENGTH);
  return load<u32>(edge, EDGE_LENGTH) >= length && sameBytes(edge + u32(EDGE_BYTES), other + u32(EDGE_BYTES), length);
}

/** Notes the keys of an edge as met in this event. Returns false if one of them must not be met now. */
@inline
export function markAll(edge: u32, event: u32): bool {
  const count = load<u32>(edge, EDGE_MARKS);
  for (let i: u32 = 0; i < count; i++) if (!meet(load<u32>(edge + 4 * i, EDGE_MARK), event)) return false;
  return true;
}

/** Number of marks of the current step, to be learned. */
let marks: u32 = 0;

@inline
export function startMarks(): void {
  marks = 0;
}

/** Notes a key as met in this event. Returns false if it must not be met now. */
export function mark(key: u32, event: u32): bool {
  if (load<i32>(key, KEY_MARK) < 0) return true;
  if (!meet(key, event)) return false;
  if (marks < MAX_EDGE_MARKS) store<u32>(STEP_MARKS + 4 * marks, key);
  marks++;
  return true;
}

/** Number of marks of the current step so far. */
export function markCount(): u32 {
  return marks;
}

/** Learns that `[from, to)`, with `count` marks, leads from `place` to the value of `key`, or to the end. */
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
  // Inserted before the edges that it begins like.
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

/** Room for an edge, possibly that of another one; 0 if for now all are worth more. */
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
    if (edge == 0) missRoom();
    return edge;
  }
  const misses = load<u32>(place, PLACE_MISSES) + 1;
  store<u32>(place, misses % MISSES_TO_REPLACE, PLACE_MISSES);
  if (misses < MISSES_TO_REPLACE) return 0;
  // The others age, so that a newcomer can overtake them.
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
