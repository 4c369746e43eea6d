/**
 * Compiles a pattern to a function on text. The usual shapes (equal, starts, ends, contains) become the engine's
 * own string searches; the rest use the greedy glob algorithm, which never backtracks beyond one `*` and so costs
 * at most pattern × text.
 */

import { ANY_DASH, ANY_ONE, ANY_RUN } from './ast.ts';
import type { Pattern, Token } from './ast.ts';
import { DASHES } from './pattern.ts';

export type TextPredicate = (text: string) => boolean;

/** Compiles a pattern to a predicate on whole texts. Fold pattern and text first to ignore letter case. */
export function compilePattern(pattern: Pattern): TextPredicate {
  const [first, second, third] = pattern;
  if (pattern.length === 0) return (text) => text.length === 0;
  if (pattern.length === 1) {
    if (first === ANY_RUN) return () => true;
    if (typeof first === 'string') return (text) => text === first;
  }
  if (pattern.length === 2) {
    if (typeof first === 'string' && second === ANY_RUN) return (text) => text.startsWith(first);
    if (first === ANY_RUN && typeof second === 'string') return (text) => text.endsWith(second);
  }
  if (pattern.length === 3 && first === ANY_RUN && typeof second === 'string' && third === ANY_RUN) {
    return (text) => text.includes(second);
  }
  return compileGlob(pattern);
}

/** What stands between two `*`: literals, single characters, dashes. */
type Segment = readonly Token[];

function compileGlob(pattern: Pattern): TextPredicate {
  const segments: Token[][] = [[]];
  for (const token of pattern) {
    if (token === ANY_RUN) segments.push([]);
    else segments.at(-1)!.push(token);
  }
  const head = segments[0]!;
  if (segments.length === 1) return (text) => matchAt(head, text, 0) === text.length;
  const tail = segments.at(-1)!;
  const middle = segments.slice(1, -1);
  return (text) => {
    let at = matchAt(head, text, 0);
    if (at < 0) return false;
    for (const segment of middle) {
      at = find(segment, text, at);
      if (at < 0) return false;
    }
    return endsWith(tail, text, at);
  };
}

/** End of the segment's match at `from`, or -1. */
function matchAt(segment: Segment, text: string, from: number): number {
  let at = from;
  for (const token of segment) {
    if (typeof token === 'string') {
      if (!text.startsWith(token, at)) return -1;
      at += token.length;
    } else if (at >= text.length) {
      return -1;
    } else if (token === ANY_DASH) {
      if (!(DASHES as readonly string[]).includes(text[at]!)) return -1;
      at++;
    } else if (token === ANY_ONE) {
      // A whole character, not half a surrogate pair.
      at += text.codePointAt(at)! > 0xffff ? 2 : 1;
    }
  }
  return at;
}

/** End of the first match of the segment at or after `from`, or -1. */
function find(segment: Segment, text: string, from: number): number {
  const first = segment[0];
  if (typeof first !== 'string') {
    for (let at = from; at <= text.length; at++) {
      const end = matchAt(segment, text, at);
      if (end >= 0) return end;
    }
    return -1;
  }
  for (let at = text.indexOf(first, from); at >= 0; at = text.indexOf(first, at + 1)) {
    const end = matchAt(segment, text, at);
    if (end >= 0) return end;
  }
  return -1;
}

function endsWith(segment: Segment, text: string, from: number): boolean {
  if (segment.length === 0) return true;
  if (segment.length === 1 && typeof segment[0] === 'string') {
    return text.length - segment[0].length >= from && text.endsWith(segment[0]);
  }
  for (let at = from; at <= text.length; at++) {
    if (matchAt(segment, text, at) === text.length) return true;
  }
  return false;
}
