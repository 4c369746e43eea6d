/**
 * Estimates how large the program of an expression becomes once its counted repeats, as in `(a{99}){99}`, are
 * expanded, without expanding them: compiling four thousand characters of repeats takes RE2 seconds.
 *
 * Guarantee: RE2's program has at least half as many instructions as estimated, for an expression that RE2 accepts
 * and whose alternatives share no long prefixes.
 */

/** An open group and its size so far. */
interface Group {
  /** Instructions of the finished alternatives. */
  done: number;
  /** Instructions of the alternative being read. */
  current: number;
  /** Instructions of its last item, to which a repeat applies. */
  last: number;
}

/** One piece of an expression: an escape, a class, the head of a group, a count, or one character. */
const PIECE =
  /\\(?:[pP]\{[^}]*\}|[\s\S])|\[\^?\]?(?:\\[\s\S]|\[:\w+:\]|[^\]\\])*\]|\(\?[^()]*?[:=!>]|\{(\d+)(,?)(\d*)\}|[\s\S]/g;

export function estimatedSize(source: string): number {
  if (!/\{\d/.test(source)) return source.length;
  const open: Group[] = [{ done: 0, current: 0, last: 0 }];
  for (const { 0: piece, 1: least, 2: comma, 3: most } of source.matchAll(PIECE)) {
    const group = open.at(-1)!;
    if (least !== undefined) {
      const copies = repeated(group.last, Number(least), comma === '' ? least : most!);
      group.current += copies - group.last;
      group.last = copies;
    } else if (piece[0] === '(') {
      open.push({ done: 0, current: 0, last: 0 });
    } else if (piece === ')') {
      if (open.length === 1) continue;
      open.pop();
      const outer = open.at(-1)!;
      outer.last = group.done + group.current;
      outer.current += outer.last;
    } else if (piece === '|') {
      // Alternatives of one character each become one class.
      group.done += group.current === 1 && group.done > 0 ? 0 : group.current;
      group.current = 0;
      group.last = 0;
    } else if (!/^(?:[*+?^$]|\\[bBAz])$/.test(piece)) {
      group.current += 1;
      group.last = 1;
    }
  }
  return open.reduce((sum, { done, current }) => sum + done + current, 0);
}

/** `x{2,4}` is `xx(x(x)?)?`, `x{2,}` is `xx+`. */
function repeated(size: number, least: number, most: string): number {
  if (most === '') return Math.max(1, least) * size;
  return least * size + Math.max(0, Number(most) - least) * (size + 1);
}
