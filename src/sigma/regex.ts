/**
 * Regular expressions that cannot hang the stream.
 *
 * RE2 (linear time) runs nearly all of them; an expression that begins with look-aheads is split into several for
 * RE2. Other look-around, and the few notations that RE2 lacks, run on a machine of our own, also in linear time,
 * on texts in which RE2 finds the expression without its look-around. Only back-references go to the JavaScript
 * engine, under two guards: no repeated group may itself match in several ways (the shapes that backtrack
 * exponentially), and only so much of a value is searched, at most 8,192 UTF-16 units, that the ways to divide it
 * among the repeats stay few enough to try on every event.
 */

import { RE2JS } from 're2js';
import { messageOf, withoutStackTraces } from '../errors.ts';
import { buildMachine, ProgramTooLarge } from './regex-machine.ts';
import { estimatedSize } from './regex-size.ts';
import { parseRegex, RegexSyntaxError } from './regex-syntax.ts';
import type { ParsedRegex } from './regex-syntax.ts';

/** Longest text, in UTF-16 units, that the backtracking engine searches. */
const BACKTRACKING_LIMIT = 8_192;

/** Steps that one search may take at worst: a fraction of a second. */
const MAX_STEPS = 3e7;

/** An expression that could not search even this much of a value is refused: it would miss nearly everything. */
const LEAST_SEARCHED = 64;

/** Longest expression in UTF-16 units; the longest in public rules have about a thousand. */
const MAX_SOURCE = 4_096;

/** Largest RE2 program: matching costs up to program × text, and counted repeats multiply, `(a{99}){99}`. */
const MAX_PROGRAM = 10_000;

/** Largest program of our own machine, which is slower: even this one can search 8,192 characters in `MAX_STEPS`. */
const MAX_MACHINE = 3_600;

const TOO_LARGE = 'its repeats spell out to a program too large to run on every event; use smaller counts';

export type CompiledRegex = (
  | {
      readonly engine: 're2' | 'machine' | 'javascript';
      readonly test: (text: string) => boolean;
      /** How much of a value is searched, in UTF-16 units; Infinity for all of it. */
      readonly searched: number;
    }
  | { readonly engine: 'none'; readonly code: 'BAD_REGEX' | 'UNSAFE_REGEX'; readonly reason: string }
) & {
  /** Cost of compiling it, in instructions of the program or characters of the source. */
  readonly size: number;
};

/** Compiles an expression that is searched anywhere in a text. `flags` is a subset of `ims`. */
export function compileRegex(source: string, flags: string): CompiledRegex {
  if (source.length > MAX_SOURCE) {
    const reason = `it has ${source.length} characters, more than ${MAX_SOURCE}; split it into several values`;
    return { engine: 'none', code: 'UNSAFE_REGEX', reason, size: 0 };
  }
  if (estimatedSize(source) > 2 * MAX_PROGRAM) {
    return { engine: 'none', code: 'UNSAFE_REGEX', reason: TOO_LARGE, size: source.length };
  }
  return withoutStackTraces(() => compileSmall(source, flags));
}

function compileSmall(source: string, flags: string): CompiledRegex {
  try {
    const compiled = compileRe2(source, flags);
    const size = compiled.programSize();
    if (size > MAX_PROGRAM) {
      return { engine: 'none', code: 'UNSAFE_REGEX', reason: TOO_LARGE, size };
    }
    return { engine: 're2', test: (text) => compiled.test(text), searched: Infinity, size };
  } catch {
    // The code below finds out what RE2 does not accept.
  }
  try {
    const parsed = parseRegex(source, flags);
    const { test, size } = buildMachine(parsed.root, MAX_MACHINE);
    const split = splitAtStart(source, flags, parsed);
    if (split !== undefined) return { engine: 're2', test: split, searched: Infinity, size };
    const searched = Math.floor(MAX_STEPS / size);
    const mayMatch = prefilter(parsed.wider, flags);
    return {
      engine: 'machine',
      test: (text) => mayMatch(text) && test(text.slice(0, searched)),
      searched,
      size,
    };
  } catch (thrown) {
    if (thrown instanceof ProgramTooLarge)
      return { engine: 'none', code: 'UNSAFE_REGEX', reason: TOO_LARGE, size: MAX_MACHINE };
    if (!(thrown instanceof RegexSyntaxError)) throw thrown;
    if (!thrown.backReference)
      return { engine: 'none', code: 'BAD_REGEX', reason: thrown.message, size: source.length };
  }
  return compileBacktracking(source, flags);
}

function compileRe2(source: string, flags: string): RE2JS {
  let bits = 0;
  if (flags.includes('i')) bits |= RE2JS.CASE_INSENSITIVE;
  if (flags.includes('m')) bits |= RE2JS.MULTILINE;
  if (flags.includes('s')) bits |= RE2JS.DOTALL;
  return RE2JS.compile(source, bits);
}

/** `^(?!X)(?=Y)Z` matches where `^Z` and `^Y` do and `^X` does not; RE2 accepts each. Undefined for any other shape. */
function splitAtStart(
  source: string,
  flags: string,
  { root, looks, wider }: ParsedRegex,
): ((text: string) => boolean) | undefined {
  const head = /^(\(\?[is]+\))?\^/.exec(source);
  if (head === null || flags.includes('m') || looks.length === 0 || root.kind === 'choice') return undefined;
  let end = head[0].length;
  for (const look of looks) {
    if (!look.ahead || look.start !== end) return undefined;
    end = look.end;
  }
  if (/^(?:[*+?]|\{\d)/.test(source.slice(end))) return undefined;
  try {
    const rest = compileRe2(wider, flags);
    const parts = looks.map(({ body, negated }) => ({
      expression: compileRe2(`${head[0]}(?:${body})`, flags),
      negated,
    }));
    if ([rest, ...parts.map(({ expression }) => expression)].some((each) => each.programSize() > MAX_PROGRAM))
      return undefined;
    return (text) =>
      rest.test(text) && parts.every(({ expression, negated }) => expression.test(text) !== negated);
  } catch {
    return undefined;
  }
}

/** For a text that cannot match, RE2 says so much faster than the machine. */
function prefilter(wider: string, flags: string): (text: string) => boolean {
  try {
    const compiled = compileRe2(wider, flags);
    if (compiled.programSize() <= MAX_PROGRAM) return (text) => compiled.test(text);
  } catch {
    // RE2 does not accept it even without its look-around.
  }
  return () => true;
}

function compileBacktracking(source: string, flags: string): CompiledRegex {
  const size = source.length;
  const inline = /^\(\?([ims]+)\)/.exec(source);
  const body = inline === null ? source : source.slice(inline[0].length);
  const allFlags = [...new Set(flags + (inline?.[1] ?? ''))].join('');
  const expression = compileJavaScript(body, allFlags);
  if (typeof expression === 'string') return { engine: 'none', code: 'BAD_REGEX', reason: expression, size };
  const hazard = backtrackingHazard(body);
  if (hazard !== undefined) return { engine: 'none', code: 'UNSAFE_REGEX', reason: hazard, size };
  const searched = searchedLength(body, allFlags);
  if (searched < LEAST_SEARCHED) {
    const reason =
      'with a back-reference and so many repeats and choices it may take minutes on one value; ' +
      'use fewer, bound them, or start with ^';
    return { engine: 'none', code: 'UNSAFE_REGEX', reason, size };
  }
  return {
    engine: 'javascript',
    test: (text) => expression.test(text.slice(0, searched)),
    searched,
    size,
  };
}

/** Returns the reason if JavaScript does not accept it. */
function compileJavaScript(source: string, flags: string): RegExp | string {
  const translated = inJavaScript(source);
  if (translated === undefined) return 'beside a back-reference it has an escape that is not known there';
  let reason = '';
  // A lone brace or a repeated look-ahead is an error under the u flag and harmless without it; \p is an escape
  // only with it.
  for (const mode of /\\[pP]|\\u\{/.test(translated) ? ['u'] : ['u', '']) {
    try {
      return new RegExp(translated, flags + mode);
    } catch (thrown) {
      reason = messageOf(thrown);
    }
  }
  return reason;
}

/** Letter escapes that mean the same in both notations. */
const SHARED_ESCAPES = /[dDwWsSbBnrtfvcxukpP\d]/;

/** What may follow a backslash under the u flag; every other character needs no escape. */
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/;

/**
 * The same expression in JavaScript's notation, or undefined if it has an escape that JavaScript would take for a
 * plain letter: an expression that quietly means something else is worse than one that is refused.
 */
function inJavaScript(source: string): string | undefined {
  let result = '';
  for (let i = 0, inClass = -1; i < source.length; i++) {
    const char = source[i]!;
    if (inClass < 0 && char === '[') inClass = classEnd(source, i);
    else if (i === inClass) inClass = -1;
    if (inClass < 0 && source.startsWith('(?P<', i)) {
      result += '(?<';
      i += 3;
      continue;
    }
    if (char !== '\\' || i + 1 === source.length) {
      result += char;
      continue;
    }
    const next = source[++i]!;
    if (inClass < 0 && next === 'A') result += '(?<![^])';
    else if (inClass < 0 && next === 'z') result += '(?![^])';
    else if (/[a-zA-Z\d]/.test(next) && !SHARED_ESCAPES.test(next)) return undefined;
    else if (/[a-zA-Z\d]/.test(next) || SYNTAX.test(next) || (next === '-' && inClass >= 0))
      result += `\\${next}`;
    else result += next;
  }
  return result.replace(/\(\?P=(\w+)\)/g, '\\k<$1>');
}

/**
 * How much of a value a backtracking search may cover, in UTF-16 units. Each unbounded repeat, and the start of
 * the match, can be anywhere in it; bounded repeats and choices multiply the ways.
 */
function searchedLength(source: string, flags: string): number {
  const plain = source.replace(/\\./gs, 'x').replace(/\[\^?\]?[^\]]*\]/g, 'x');
  const choices: number[] = [1];
  let free = plain.startsWith('^') && !flags.includes('m') ? 0 : 1;
  let ways = 1;
  const tokens = /\(\??|\)|\||[*+]\??|\{(\d+)(,?)(\d*)\}\??|\?/g;
  for (const { 0: token, 1: low, 2: comma, 3: high } of plain.matchAll(tokens)) {
    if (token.startsWith('(')) choices.push(1);
    else if (token === ')') ways *= choices.pop() ?? 1;
    else if (token === '|') choices[choices.length - 1]!++;
    else if (token === '?') ways *= 2;
    else if (low === undefined || (comma === ',' && high === '')) free++;
    else if (comma === ',') ways *= Number(high) - Number(low) + 1;
  }
  // A choice at the top may hold an alternative that is not anchored.
  if (choices[0]! > 1 && plain.startsWith('^')) free++;
  for (const count of choices) ways *= count;
  // Picking `free` places in order out of n has about n^free / free! ways.
  let factorial = 1;
  for (let i = 2; i <= free; i++) factorial *= i;
  if (free === 0) return ways <= MAX_STEPS ? BACKTRACKING_LIMIT : 0;
  return Math.min(BACKTRACKING_LIMIT, Math.floor(((MAX_STEPS * factorial) / ways) ** (1 / free)));
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
