/** Sigma's string values: wildcards, escapes, placeholders and the dashes of `windash`. */

import { ANY_DASH, ANY_ONE, ANY_RUN } from './ast.ts';
import type { Pattern, Token } from './ast.ts';

/** The five characters that may start a command-line option: - / – — ― */
export const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015'] as const;

/** The pattern with neighbouring literals joined, empty ones removed and repeated `*` reduced to one. */
export function normalise(tokens: Iterable<Token>): Pattern {
  const pattern: Token[] = [];
  for (const token of tokens) {
    const last = pattern.length - 1;
    if (token === '') continue;
    if (typeof token === 'string' && typeof pattern[last] === 'string') pattern[last] += token;
    else if (token === ANY_RUN && pattern[last] === ANY_RUN) continue;
    else pattern.push(token);
  }
  return pattern;
}

/**
 * Parses a value: `*` and `?` are wildcards, a backslash before `*`, `?` or a backslash makes that
 * character literal, and any other backslash is literal itself.
 */
export function parsePattern(text: string): Pattern {
  const tokens: Token[] = [];
  let literal = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    const next = text[i + 1];
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next;
      i++;
    } else if (char === '*' || char === '?') {
      tokens.push(literal, char === '*' ? ANY_RUN : ANY_ONE);
      literal = '';
    } else {
      literal += char;
    }
  }
  tokens.push(literal);
  return normalise(tokens);
}

/** The text of a pattern that is empty or a single literal, else undefined. */
export function literalOf(pattern: Pattern): string | undefined {
  if (pattern.length === 0) return '';
  const only = pattern.length === 1 ? pattern[0] : undefined;
  return typeof only === 'string' ? only : undefined;
}

const WORD_DASH = /(?<![\p{L}\p{N}_])[-/\u2013\u2014\u2015](?=[\p{L}\p{N}_])/u;

/** Replaces every dash that starts a word by "any of the five dashes". */
export function withAnyDash(pattern: Pattern): Pattern {
  const tokens: Token[] = [];
  for (const token of pattern) {
    if (typeof token !== 'string') {
      tokens.push(token);
      continue;
    }
    for (const [i, piece] of token.split(new RegExp(WORD_DASH, 'gu')).entries()) {
      if (i > 0) tokens.push(ANY_DASH);
      tokens.push(piece);
    }
  }
  return normalise(tokens);
}

/** The same pattern without "any dash": one pattern per choice of dashes. */
export function spelledDashes(pattern: Pattern): readonly Pattern[] {
  let choices: Token[][] = [[]];
  for (const token of pattern) {
    choices =
      token === ANY_DASH
        ? choices.flatMap((tokens) => DASHES.map((dash) => [...tokens, dash]))
        : choices.map((tokens) => [...tokens, token]);
  }
  return choices.map(normalise);
}

/** A value cut at its placeholders: text as written, or a placeholder's name. */
export type TemplatePart = { readonly text: string } | { readonly placeholder: string };

/** Cuts a value at `%name%`; `\%` is a literal percent sign, and so is a lone one. */
export function parseTemplate(value: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let text = '';
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!;
    const next = value[i + 1];
    if (char === '\\' && next === '%') {
      text += '%';
      i++;
    } else if (char === '\\' && next === '\\') {
      text += '\\\\';
      i++;
    } else if (char === '%') {
      const name = /^%([\w.-]+)%/.exec(value.slice(i, i + 200))?.[1];
      if (name === undefined) {
        text += char;
      } else {
        parts.push({ text }, { placeholder: name });
        text = '';
        i += name.length + 1;
      }
    } else {
      text += char;
    }
  }
  parts.push({ text });
  return parts;
}
