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

/** How often a text is read, and how many characters in all, before it is reported as it stands. */
const MAX_READS = 4;
const MAX_READ = 400_000;

/** One loose text or list makes a few errors; a text with more of them is wrong in another way. */
const MAX_ERRORS = 30;

export interface YamlDocuments {
  readonly documents: readonly Document.Parsed[];
  /** Place of an offset that a document names. */
  readonly placeAt: (offset: number) => Place;
}

/** Throws when the parser does, which only happens when it runs out of memory or stack. */
export function parseDocuments(given: string): YamlDocuments {
  const text = given.replace(/\r\n?/g, '\n');
  const asItStands = parse(text, new Map());
  const added = new Map<number, number>();
  const lines = text.split('\n');
  let last = asItStands;
  let read = 2 * text.length;
  for (let reads = 2; ; reads++, read += text.length) {
    const loose = looseLines(last, lines);
    if (loose === undefined) break;
    // Further to the right than anything that the text or list may belong to.
    const more = lines[loose.from - 2]!.length + 1;
    read += more * (loose.to - loose.from + 1);
    if (reads > MAX_READS || read > MAX_READ) return asItStands;
    for (let line = loose.from; line <= loose.to; line++) {
      added.set(line, (added.get(line) ?? 0) + more);
      lines[line - 1] = ' '.repeat(more) + lines[line - 1]!;
    }
    last = parse(lines.join('\n'), added);
  }
  return hasErrors(last) ? asItStands : last;
}

/** `added`: spaces in front of a line, by its number from 1, that are not in the file. */
function parse(text: string, added: ReadonlyMap<number, number>): YamlDocuments {
  const lineCounter = new LineCounter();
  const documents = readAll(text, lineCounter);
  return {
    documents,
    placeAt: (offset) => {
      const { line, col } = lineCounter.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col - (added.get(line) ?? 0)) };
    },
  };
}

function readAll(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  // Text that is no YAML makes an error every few characters; recording where each was made takes most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter,
      prettyErrors: false,
      logLevel: 'error',
      strict: false,
      // Checked later: the parser compares each key with all before it.
      uniqueKeys: false,
    });
    return 'empty' in parsed ? [] : parsed;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function hasErrors({ documents }: YamlDocuments): boolean {
  return documents.some(({ errors }) => errors.length > 0);
}

/**
 * The lines, from 1, that continue a quoted text or a list in brackets with too little indentation, so that the
 * parser believes these to end before them, if that is the first error. Never the first line.
 */
function looseLines(
  { documents, placeAt }: YamlDocuments,
  lines: readonly string[],
): { readonly from: number; readonly to: number } | undefined {
  const errors = documents.flatMap((document) => document.errors);
  const error = errors[0];
  if (error === undefined || errors.length > MAX_ERRORS) return undefined;
  const { line } = placeAt(error.pos[0]);
  const quote = /^Missing closing (.)quote/.exec(error.message)?.[1];
  const bracketed = /^Flow (?:map|sequence) in block collection/.test(error.message);
  const from = quote === undefined ? line : line + 1;
  if ((quote === undefined && !bracketed) || from < 2 || from > lines.length) return undefined;
  const isLast = quote === undefined ? (text: string) => /[\]}]/.test(text) : closes(quote);
  let to = from;
  while (to < lines.length && !isLast(lines[to - 1]!)) to++;
  return { from, to };
}

/** Whether a line inside a quoted text ends it: not with `''` or `\"`. */
function closes(quote: string): (line: string) => boolean {
  const escaped = quote === "'" ? /''/g : /\\./g;
  return (line) => line.replace(escaped, '').includes(quote);
}
