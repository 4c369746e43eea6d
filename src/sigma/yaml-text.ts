/**
 * YAML text → the parser's documents, read as leniently as Sigma's own tools read it, which use PyYAML: the
 * lines of a quoted text or of a list in brackets may be indented less than YAML 1.2 asks for, a comment may
 * follow a value without a space, and lines may end in a lone carriage return.
 *
 * Guarantee: a text that can be read as it stands is read so; a text that cannot be read either way is reported
 * as it stands. Lines are never added, so that places stay true.
 */

import { LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';
import type { Place } from './faults.ts';

/** Lines that are indented on the parser's behalf, and characters that it may read again for that. */
const MAX_INDENTED = 64;
const MAX_READ_AGAIN = 1_000_000;

export interface YamlDocuments {
  readonly documents: readonly Document.Parsed[];
  /** Place of an offset that a document names. */
  placeAt(offset: number): Place;
}

/** Throws when the parser does, which only happens when it runs out of memory or stack. */
export function parseDocuments(given: string): YamlDocuments {
  const text = given.replace(/\r\n?/g, '\n');
  const asItStands = parse(text, new Map());
  const added = new Map<number, number>();
  let lines: string[] | undefined;
  let last = asItStands;
  let read = text.length;
  for (let line = looseLine(last); line !== undefined; line = looseLine(last)) {
    lines ??= text.split('\n');
    read += text.length;
    if (line > lines.length || added.has(line) || added.size >= MAX_INDENTED || read > MAX_READ_AGAIN) {
      return asItStands;
    }
    const more = lines[line - 2]!.length + 1;
    added.set(line, more);
    lines[line - 1] = ' '.repeat(more) + lines[line - 1]!;
    last = parse(lines.join('\n'), added);
  }
  return hasErrors(last) ? asItStands : last;
}

/** `added`: spaces in front of a line, by its number from 1, that are not in the file. */
function parse(text: string, added: ReadonlyMap<number, number>): YamlDocuments {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter,
    prettyErrors: false,
    logLevel: 'error',
    strict: false,
    // Checked later: the parser compares each key with all before it.
    uniqueKeys: false,
  });
  return {
    documents: 'empty' in parsed ? [] : parsed,
    placeAt: (offset) => {
      const { line, col } = lineCounter.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col - (added.get(line) ?? 0)) };
    },
  };
}

function hasErrors({ documents }: YamlDocuments): boolean {
  return documents.some(({ errors }) => errors.length > 0);
}

/**
 * The line, from 1, that continues a quoted text or a list in brackets with too little indentation, so that the
 * parser believes them to end before it, if that is the first error. Never the first line.
 */
function looseLine({ documents, placeAt }: YamlDocuments): number | undefined {
  const error = documents.find(({ errors }) => errors.length > 0)?.errors[0];
  if (error === undefined) return undefined;
  const { message, pos } = error;
  const { line } = placeAt(pos[0]);
  if (/^Missing closing .quote/.test(message)) return line + 1;
  return /^Flow (?:map|sequence) in block collection/.test(message) && line > 1 ? line : undefined;
}
