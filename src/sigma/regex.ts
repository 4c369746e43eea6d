/**
 * Regular expressions that cannot be made to hang the stream.
 *
 * RE2 (linear time) takes nearly all of them. What it cannot take, look-around and back-references, goes to
 * the JavaScript engine under two guards: no repeated group may itself match in several ways (the shapes that
 * backtrack exponentially), and only the first 8 KiB of a value are searched.
 */

import { RE2JS } from 're2js';
import { messageOf } from '../errors.ts';

/** Longest text, in UTF-16 units, that the backtracking engine gets to see. */
const BACKTRACKING_LIMIT = 8_192;

export type CompiledRegex =
  | { readonly engine: 're2' | 'javascript'; readonly test: (text: string) => boolean }
  | { readonly engine: 'none'; readonly code: 'BAD_REGEX' | 'UNSAFE_REGEX'; readonly reason: string };

/** Compiles an expression that is searched anywhere in a text. `flags` is a subset of `ims`. */
export function compileRegex(source: string, flags: string): CompiledRegex {
  let refusal: string;
  try {
    let bits = 0;
    if (flags.includes('i')) bits |= RE2JS.CASE_INSENSITIVE;
    if (flags.includes('m')) bits |= RE2JS.MULTILINE;
    if (flags.includes('s')) bits |= RE2JS.DOTALL;
    const compiled = RE2JS.compile(source, bits);
    return { engine: 're2', test: (text) => compiled.test(text) };
  } catch (thrown) {
    refusal = messageOf(thrown);
  }
  const inline = /^\(\?([ims]+)\)/.exec(source);
  const body = inline === null ? source : source.slice(inline[0].length);
  const allFlags = [...new Set(flags + (inline?.[1] ?? ''))].join('');
  const expression = compileJavaScript(body, allFlags);
  if (expression === undefined) return { engine: 'none', code: 'BAD_REGEX', reason: refusal };
  const hazard = backtrackingHazard(body);
  if (hazard !== undefined) return { engine: 'none', code: 'UNSAFE_REGEX', reason: hazard };
  return { engine: 'javascript', test: (text) => expression.test(text.slice(0, BACKTRACKING_LIMIT)) };
}

function compileJavaScript(source: string, flags: string): RegExp | undefined {
  // Escapes such as \- are errors under the u flag and harmless without.
  for (const mode of ['u', '']) {
    try {
      return new RegExp(source, flags + mode);
    } catch {
      continue;
    }
  }
  return undefined;
}

interface Group {
  readonly start: number;
  /** Can match in several ways: holds a repetition, something optional, or a choice. */
  risky: boolean;
}

/** Why the expression may backtrack exponentially, or undefined. Errs on the safe side. */
export function backtrackingHazard(source: string): string | undefined {
  const open: Group[] = [{ start: 0, risky: false }];
  let closed: Group | undefined;
  let opened = false;
  for (let i = 0; i < source.length; i++) {
    const char = source[i]!;
    const repeat = /^(?:[*+]|\{\d+(?:,\d*)?\})/.exec(source.slice(i, i + 16))?.[0];
    if (repeat !== undefined && closed?.risky === true) {
      const group = source.slice(closed.start, i + repeat.length);
      return `"${group}" repeats a group that can match in several ways, which can backtrack without end`;
    }
    const optional = char === '?' && !opened;
    const exact = repeat !== undefined && /^\{\d+\}$/.test(repeat);
    if ((repeat !== undefined && !exact) || optional || char === '|') open.at(-1)!.risky = true;
    closed = undefined;
    opened = false;
    if (repeat !== undefined) {
      i += repeat.length - 1;
    } else if (char === '\\') {
      i++;
    } else if (char === '[') {
      i = classEnd(source, i);
    } else if (char === '(') {
      open.push({ start: i, risky: false });
      opened = true;
    } else if (char === ')' && open.length > 1) {
      closed = open.pop()!;
      open.at(-1)!.risky ||= closed.risky;
    }
  }
  return undefined;
}

function classEnd(source: string, start: number): number {
  let i = start + 1;
  if (source[i] === '^') i++;
  if (source[i] === ']') i++;
  while (i < source.length && source[i] !== ']') i += source[i] === '\\' ? 2 : 1;
  return i;
}
