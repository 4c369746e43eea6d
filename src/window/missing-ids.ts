/**
 * How far ids are from a run of consecutive ones, judged by their links alone (`event/id-links.ts`), whatever their
 * order in time.
 */

/** Rows by link; one memory shared by all callers. */
let cells = new Int32Array(64);

/**
 * Returns how many other ids must come at least before `wanted` ids form a run in which each lies 1 to `steps` above
 * the one before; 0 if there may be such a run already. `links`: `count` rows of an id's own link and those of id − 1,
 * id + 1, id − 2, id + 2, … up to `steps`. An id may come more than once.
 *
 * A run consists of stretches of known ids with other ids between them. Known ids that follow each other in a run lie
 * in one chain, so k other ids join at most k + 1 chains: the longest are taken.
 */
export function missingIds(links: Float64Array, count: number, steps: number, wanted: number): number {
  const stride = 1 + 2 * steps;
  const mask = tableOf(links, count, stride);
  const lengths = new Uint32Array(wanted + 1);
  for (let row = 0; row < count; row += 1) {
    const at = row * stride;
    if (rowOf(links, stride, mask, links[at]!) !== row) continue;
    if (nextRow(links, at, stride, mask, 1) >= 0) continue;
    let length = 1;
    let next = nextRow(links, at, stride, mask, 2);
    while (next >= 0 && length < wanted) {
      length += 1;
      next = nextRow(links, next * stride, stride, mask, 2);
    }
    if (length === wanted) return 0;
    lengths[length]! += 1;
  }
  let joined = 0;
  let chains = 0;
  for (let length = wanted - 1; length > 0; length -= 1) {
    for (let of = lengths[length]!; of > 0; of -= 1) {
      joined += length;
      if (joined + chains >= wanted) return chains;
      chains += 1;
    }
  }
  return wanted - joined;
}

/** The nearest known neighbour, below (`offset` 1) or above (2); −1 if there is none. */
function nextRow(links: Float64Array, at: number, stride: number, mask: number, offset: 1 | 2): number {
  for (let k = offset; k < stride; k += 2) {
    const row = rowOf(links, stride, mask, links[at + k]!);
    if (row >= 0) return row;
  }
  return -1;
}

/** First row of the id; −1 if there is none. */
function rowOf(links: Float64Array, stride: number, mask: number, link: number): number {
  for (let cell = link & mask; ; cell = (cell + 1) & mask) {
    const row = cells[cell]! - 1;
    if (row < 0 || links[row * stride] === link) return row;
  }
}

/** Enters all rows; returns the table's mask. Links are hashes, so their low bits are as good as any. */
function tableOf(links: Float64Array, count: number, stride: number): number {
  let size = 64;
  while (size < 2 * count) size *= 2;
  if (cells.length < size) cells = new Int32Array(size);
  else cells.fill(0, 0, size);
  const mask = size - 1;
  for (let row = 0; row < count; row += 1) {
    const link = links[row * stride]!;
    let cell = link & mask;
    while (cells[cell]! > 0 && links[(cells[cell]! - 1) * stride] !== link) cell = (cell + 1) & mask;
    if (cells[cell] === 0) cells[cell] = row + 1;
  }
  return mask;
}
