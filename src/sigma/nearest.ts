/** The valid name somebody probably meant, for fault messages. */

/** Edits (insert, delete, replace, swap of neighbours) between two short names. */
function distance(a: string, b: string): number {
  const width = b.length + 1;
  const cells = new Uint16Array((a.length + 1) * width);
  for (let i = 0; i <= a.length; i++) cells[i * width] = i;
  for (let j = 0; j <= b.length; j++) cells[j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(
        cells[(i - 1) * width + j]! + 1,
        cells[i * width + j - 1]! + 1,
        cells[(i - 1) * width + j - 1]! + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, cells[(i - 2) * width + j - 2]! + 1);
      }
      cells[i * width + j] = best;
    }
  }
  return cells[a.length * width + b.length]!;
}

/** The candidate nearest to `name`, or undefined when none is near enough to be a typo of it. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let found: string | undefined;
  let fewest = limit + 1;
  let offLength = 0;
  if (wanted.length > 100) return undefined;
  for (const candidate of candidates) {
    const off = Math.abs(candidate.length - name.length);
    if (off > fewest) continue;
    const edits = distance(wanted, candidate.toLowerCase());
    // Of two candidates equally near, the one of the same length: swapped letters are the usual typo.
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
