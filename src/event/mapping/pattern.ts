/**
 * Patterns of mapping files: RE2, so that no line of a log can hang the stream. A mapping runs patterns on
 * every line, so the largest programs are refused.
 */

import { RE2JS } from 're2js';
import { messageOf } from '../../errors.ts';

const MAX_SOURCE = 4_096;
/** Instructions: matching costs up to program × text. */
const MAX_PROGRAM = 10_000;

type Compiled =
  | { readonly pattern: RE2JS; readonly fault?: undefined }
  | { readonly pattern?: undefined; readonly fault: string };

/** The pattern, or why there is none and what to do. */
export function compilePattern(source: string): Compiled {
  if (source.length > MAX_SOURCE) return { fault: `it has more than ${MAX_SOURCE} characters; shorten it` };
  try {
    const pattern = RE2JS.compile(source);
    if (pattern.programSize() > MAX_PROGRAM) {
      return { fault: 'its repeats spell out to too large a program; use smaller counts' };
    }
    return { pattern };
  } catch (thrown) {
    return { fault: `no RE2 pattern (look-around and back-references are none): ${messageOf(thrown)}` };
  }
}

/** Compiles a source that the schema has checked; throws for any other. */
export function checkedPattern(source: string): RE2JS {
  const { pattern, fault } = compilePattern(source);
  if (pattern === undefined) throw new Error(`the pattern ${source} was not checked: ${fault}`);
  return pattern;
}
