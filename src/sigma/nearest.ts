/** Guesses which valid name somebody meant, for fault messages. */

/** Longest name that is compared; longer ones are not typos. */
const MAX_LENGTH = 100;

/** Rows of the table of distances: the row before the previous one, the previous one, the current one. */
const ROWS = [0, 1, 2].map(() => new Uint16Array(MAX_LENGTH + 2)) as [Uint16Array, Uint16Array, Uint16Array];

/**
 * Number of edits (insert, delete, replace, swap of neighbours) between two names of at most MAX_LENGTH, or any
 * number above `limit` if there are more: faults of large files compare thousands of pairs.
 */
function distance(a: string, b: string, limit: number): number {
  let [before, last, row] = ROWS;
  for (let j = 0; j <= b.length; j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    // Further off the diagonal, more edits are needed than allowed.
    const from = Math.max(1, i - limit);
    const to = Math.min(b.length, i + limit);
    row[0] = i;
    if (from > 1) row[from - 1] = limit + 1;
    let fewest = row[from - 1]!;
    for (let j = from; j <= to; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1;
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, before[j - 2]! + 1);
      }
      row[j] = best;
      if (best < fewest) fewest = best;
    }
    if (to < b.length) row[to + 1] = limit + 1;
    if (fewest > limit) return limit + 1;
    [before, last, row] = [last, row, before];
  }
  return last[b.length]!;
}

/** The candidate nearest to `name`, or undefined if none is near enough for `name` to be a typo of it. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let found: string | undefined;
  let fewest = limit + 1;
  let offLength = 0;
  if (wanted.length > MAX_LENGTH) return undefined;
  for (const candidate of candidates) {
    const off = Math.abs(candidate.length - name.length);
    if (off > fewest) continue;
    const lower = candidate.toLowerCase();
    if (lower.length > MAX_LENGTH) continue;
    const edits = distance(wanted, lower, limit);
    // Names of one letter are one edit apart, whatever they are.
    if (edits >= Math.max(wanted.length, lower.length)) continue;
    // Of two equally near candidates, take the one closer in length: swapped letters are the usual typo.
    if (edits < fewest || (found !== undefined && edits === fewest && off < offLength)) {
      fewest = edits;
      offLength = off;
      found = candidate;
    }
  }
  return found;
}

/** `; did you mean "x"?`, or nothing. */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}
