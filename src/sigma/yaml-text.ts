/**
 * YAML text → the parser's documents, read as leniently as by Sigma's own tools, which use PyYAML: the lines of a
 * quoted text or of a list in brackets may be indented less than YAML 1.2 requires, a comment may follow a value
 * without a space, and lines may end in a lone carriage return.
 *
 * Guarantee: a document that can be read as it stands is read so; one that cannot be read either way is reported
 * as it stands. The work is linear in the length of the text, however it is written. Lines are never added, so
 * places stay true.
 */

import { LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';
import { withoutStackTraces } from '../errors.ts';
import type { Place } from './faults.ts';
import { bracketTooMany } from './yaml-limits.ts';

/** Most times one document is read again. */
const MAX_RETRIES = 3;
/** Characters read again, over all documents of a file: this many, or this share of the file if that is more. */
const MAX_READ_AGAIN = 50_000;
const SHARE_READ_AGAIN = 0.5;

/** A text or list with loose lines causes a few errors; more errors than this have another cause. */
const MAX_ERRORS = 30;

export interface YamlDocument {
  readonly document: Document.Parsed;
  /** Place in the file of an offset in the document. */
  readonly placeAt: (offset: number) => Place;
}

export interface YamlText {
  readonly documents: readonly YamlDocument[];
  /** Characters given to the parser, second readings included: the work that the text caused. */
  readonly charactersRead: number;
}

/** Throws when the parser does, which only happens when it runs out of memory or stack. */
export function parseDocuments(given: string): YamlText {
  const text = withoutEmptyDocuments(given.replace(/\r\n?/g, '\n'));
  const asItStands = parse(text, new Map(), 0);
  if (!hasErrors(asItStands)) return { documents: asItStands, charactersRead: text.length };
  const documents: YamlDocument[] = [];
  let left = Math.max(MAX_READ_AGAIN, Math.floor(SHARE_READ_AGAIN * text.length));
  const most = left;
  let linesBefore = 0;
  let next = 0;
  for (const piece of piecesOf(text)) {
    const first = next;
    while (next < asItStands.length && asItStands[next]!.document.range[0] < piece.end) next++;
    const own = asItStands.slice(first, next);
    const lines = piece.text.split('\n');
    if (hasErrors(own)) {
      const loose = parseLoosely(own, lines, linesBefore, left);
      left -= loose.charactersRead;
      documents.push(...(loose.documents ?? own));
    } else {
      documents.push(...own);
    }
    linesBefore += lines.length - 1;
  }
  documents.push(...asItStands.slice(next));
  return { documents, charactersRead: text.length + most - left };
}

/** Lines that hold nothing but markers and comments, from the first marker on. */
const EMPTY_DOCUMENTS = /(?<![^\n])(?:---|\.\.\.)[ \t]*\n(?:(?:---|\.\.\.)?[ \t]*\n|[ \t]*#[^\n]*\n)+/g;

/**
 * Removes the markers between the first and the last of a run with nothing between them, as each would cost as
 * much as a rule. The first ends what stands before, the last decides how what follows is read.
 */
function withoutEmptyDocuments(text: string): string {
  return text.replace(EMPTY_DOCUMENTS, (run) => {
    const last = Math.max(run.lastIndexOf('\n---'), run.lastIndexOf('\n...'));
    if (last < 0) return run;
    return run.slice(0, 3) + run.slice(3, last).replace(/(?<=\n)(?:---|\.\.\.)/g, '') + run.slice(last);
  });
}

/** Splits the text before each marker, which ends a document wherever it stands, even in quotes or brackets. */
function* piecesOf(text: string): Generator<{ readonly text: string; readonly end: number }> {
  let start = 0;
  for (const { index } of text.matchAll(/(?<=\n)(?:---|\.\.\.)(?=\s|$)|$/g)) {
    yield { text: text.slice(start, index), end: index };
    start = index;
  }
}

/**
 * Reads one piece again with its loose lines indented. `asItStands`: the first reading. Returns no documents if
 * this did not help, or would take more than `maxCharacters`.
 */
function parseLoosely(
  asItStands: readonly YamlDocument[],
  lines: string[],
  linesBefore: number,
  maxCharacters: number,
): { readonly documents?: readonly YamlDocument[]; readonly charactersRead: number } {
  const added = new Map<number, number>();
  let last = asItStands;
  let charactersRead = 0;
  for (let retries = 0; retries < MAX_RETRIES; retries++) {
    const loose = looseLines(last, lines, linesBefore);
    if (loose === undefined) break;
    // Further right than anything that the text or list may belong to.
    const more = lines[loose.from - 2]!.length + 1;
    const length = lines.reduce((sum, line) => sum + line.length + 1, more * (loose.to - loose.from + 1));
    if (charactersRead + length > maxCharacters) break;
    charactersRead += length;
    for (let line = loose.from; line <= loose.to; line++) {
      added.set(line, (added.get(line) ?? 0) + more);
      lines[line - 1] = ' '.repeat(more) + lines[line - 1]!;
    }
    const loosened = lines.join('\n');
    // What was a text may be brackets now.
    if (bracketTooMany(loosened) !== undefined) break;
    last = parse(loosened, added, linesBefore);
    if (!hasErrors(last)) return { documents: last, charactersRead };
  }
  return { charactersRead };
}

/** `added`: line number from 1 → spaces put in front of that line, which are not in the file. */
function parse(
  text: string,
  added: ReadonlyMap<number, number>,
  linesBefore: number,
): readonly YamlDocument[] {
  const lineCounter = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line) + linesBefore, column: Math.max(1, col - (added.get(line) ?? 0)) };
  };
  return readAll(text, lineCounter).map((document) => ({ document, placeAt }));
}

function readAll(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  const parsed = withoutStackTraces(() =>
    parseAllDocuments(text, {
      lineCounter,
      prettyErrors: false,
      logLevel: 'error',
      strict: false,
      // Checked later, because the parser compares each key with all before it.
      uniqueKeys: false,
    }),
  );
  return 'empty' in parsed ? [] : parsed;
}

function hasErrors(documents: readonly YamlDocument[]): boolean {
  return documents.some(({ document }) => document.errors.length > 0);
}

/**
 * If the first error is a quoted text or a list in brackets whose next lines are indented too little, so that the
 * parser believes it ended: these lines of the piece, from 1. Never the first line.
 */
function looseLines(
  documents: readonly YamlDocument[],
  lines: readonly string[],
  linesBefore: number,
): { readonly from: number; readonly to: number } | undefined {
  const faulty = documents.find(({ document }) => document.errors.length > 0);
  const error = faulty?.document.errors[0];
  if (faulty === undefined || error === undefined) return undefined;
  if (documents.reduce((sum, { document }) => sum + document.errors.length, 0) > MAX_ERRORS) return undefined;
  const line = faulty.placeAt(error.pos[0]).line - linesBefore;
  const quote = /^Missing closing (.)quote/.exec(error.message)?.[1];
  const bracketed = /^Flow (?:map|sequence) in block collection/.test(error.message);
  const from = quote === undefined ? line : line + 1;
  if ((quote === undefined && !bracketed) || from < 2 || from > lines.length) return undefined;
  const isLast = quote === undefined ? (text: string) => /[\]}]/.test(text) : closes(quote);
  let to = from;
  while (to < lines.length && !isLast(lines[to - 1]!)) to++;
  return { from, to };
}

/** Whether a line inside a quoted text ends it; `''` or `\"` does not. */
function closes(quote: string): (line: string) => boolean {
  const escaped = quote === "'" ? /''/g : /\\./g;
  return (line) => line.replace(escaped, '').includes(quote);
}
