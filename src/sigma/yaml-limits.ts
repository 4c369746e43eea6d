/**
 * Finds what exceeds the limits in a YAML text, from the text itself and in linear time: the parser would need
 * seconds and all memory to say the same.
 *
 * Guarantee: nothing that the documented limits allow is refused here; brackets in texts and comments do not
 * count.
 */

import { CST, Lexer } from 'yaml';

/** Characters of one document; the largest public rules have a few tens of thousands. */
const MAX_DOCUMENT_LENGTH = 1024 * 1024;
/** Documents of one file, counted by their markers. */
const MAX_DOCUMENTS = 20_000;
/** Levels of nesting in one document, aliases resolved. */
export const MAX_DEPTH = 64;
/**
 * Lists and maps in brackets in one file: this many, or one per 16 characters if that is more. Thousands of
 * selections are not written shorter than `s1000: {f: 1000}`, and the parser needs seconds for a megabyte of
 * brackets alone.
 */
const MAX_BRACKETED = 5_000;
const LEAST_CHARACTERS_BRACKETED = 16;
/** Brackets that close nothing: the parser reports an error for each. */
const MAX_STRAY = 1_000;
/** Marker lexemes of the YAML library, which stand for no text; a scalar's text follows its marker. */
const { DOCUMENT, FLOW_END: FLOW_ERROR_END, SCALAR } = CST;
export const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep; flatten the document`;

interface Excess {
  readonly offset: number;
  readonly code: string;
  readonly message: string;
}

/** The first thing in a file that exceeds a limit, or undefined. */
export function excessOf(text: string): Excess | undefined {
  return largeDocument(text) ?? bracketTooMany(text);
}

/**
 * The first document that is too long, or the first one too many, found before parsing. A marker at the start of a
 * line ends a document wherever it stands, even in a block of text or in quotes.
 */
function largeDocument(text: string): Excess | undefined {
  let start = 0;
  let documents = 0;
  for (const { index } of text.matchAll(/(?<=^|\n)(?:---|\.\.\.)(?=\s|$)|$/g)) {
    if (index - start > MAX_DOCUMENT_LENGTH) {
      const message = `the document has ${index - start} characters; at most ${MAX_DOCUMENT_LENGTH} are read; split it`;
      return { offset: start, code: 'DOCUMENT_TOO_LARGE', message };
    }
    if (++documents > MAX_DOCUMENTS + 1) {
      const message = `the file has more than ${MAX_DOCUMENTS} documents; split it`;
      return { offset: start, code: 'FILE_TOO_LARGE', message };
    }
    start = index;
  }
  return undefined;
}

/** The bracket that nests too deep or is one too many, found before the parser makes a node of each. */
export function bracketTooMany(text: string): Excess | undefined {
  const maxBracketed = Math.max(MAX_BRACKETED, Math.floor(text.length / LEAST_CHARACTERS_BRACKETED));
  let bracketed = 0;
  let open = 0;
  let most = 0;
  let stray = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    if (bracket === '[' || bracket === '{') {
      open++;
      bracketed++;
    } else if (open > 0) open--;
    else stray++;
    most = Math.max(most, open);
  }
  const suspect = most > MAX_DEPTH || bracketed > maxBracketed || stray > MAX_STRAY;
  return suspect ? collectionTooMany(text, maxBracketed) : undefined;
}

/** The same for the brackets outside texts and comments. */
function collectionTooMany(text: string, maxBracketed: number): Excess | undefined {
  let bracketed = 0;
  let open = 0;
  let stray = 0;
  let offset = 0;
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === DOCUMENT || lexeme === FLOW_ERROR_END || lexeme === SCALAR) {
      isScalar = lexeme === SCALAR;
      if (!isScalar) open = 0;
      continue;
    }
    if (!isScalar && (lexeme === '[' || lexeme === '{')) {
      open++;
      bracketed++;
    } else if (!isScalar && (lexeme === ']' || lexeme === '}')) {
      if (open > 0) open--;
      else stray++;
    }
    if (open > MAX_DEPTH) return { offset, code: 'YAML_LIMIT', message: TOO_DEEP };
    if (bracketed > maxBracketed) {
      const message = `more than ${maxBracketed} lists and maps in brackets; write fewer`;
      return { offset, code: 'YAML_LIMIT', message };
    }
    if (stray > MAX_STRAY) {
      const message = `more than ${MAX_STRAY} brackets close what is not open; remove them`;
      return { offset, code: 'YAML_LIMIT', message };
    }
    isScalar = false;
    offset += lexeme.length;
  }
  return undefined;
}
