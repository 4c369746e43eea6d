/**
 * Case folding for comparisons: Unicode *simple* folding (one code point to one code point), so that É equals é,
 * Σ, σ and ς are one letter and K equals the Kelvin sign, while ß stays different from ss.
 *
 * Invariants: folding is idempotent and keeps a text's length in UTF-16 units. ASCII text without capitals is
 * returned as it is, without a copy; other short texts are cached.
 */

const CACHE_ENTRIES = 8_192;
const CACHED_LENGTH = 256;

const foldedTexts = new Map<string, string>();
const foldedLetters = new Map<number, string>();

/** The folded text. */
export function fold(text: string): string {
  let ascii = true;
  let i = 0;
  for (; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) {
      ascii = false;
      break;
    }
    if (unit >= 0x41 && unit <= 0x5a) break;
  }
  if (i === text.length) return text;
  if (text.length > CACHED_LENGTH) return foldFrom(text, ascii);
  const cached = foldedTexts.get(text);
  if (cached !== undefined) return cached;
  const folded = foldFrom(text, ascii);
  if (foldedTexts.size >= CACHE_ENTRIES) foldedTexts.clear();
  foldedTexts.set(text, folded);
  return folded;
}

function foldFrom(text: string, asciiSoFar: boolean): string {
  // Folding pure ASCII means lower case, which the engine does without a loop of ours.
  // oxlint-disable-next-line no-control-regex
  if (asciiSoFar && /^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  let folded = '';
  for (const letter of text) folded += foldLetter(letter);
  return folded;
}

function foldLetter(letter: string): string {
  const code = letter.codePointAt(0)!;
  if (code < 0x80) return letter.toLowerCase();
  let folded = foldedLetters.get(code);
  if (folded === undefined) {
    folded = computeFold(letter);
    foldedLetters.set(code, folded);
  }
  return folded;
}

/** Pairs that fold together although neither is the other's upper or lower case. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  '\u1fd3': '\u0390',
  '\u1fe3': '\u03b0',
  '\ufb05': '\ufb06',
};

/**
 * Case mappings do more than simple folding (ß ↔ SS, İ → i with a dot), so a mapping counts only if a
 * case-insensitive regular expression, which is defined by simple folding, takes both for the same letter.
 */
function computeFold(letter: string): string {
  const exception = EXCEPTIONS[letter];
  if (exception !== undefined) return exception;
  if (/^[\ud800-\udfff]$/.test(letter)) return letter;
  for (const candidate of [letter.toUpperCase().toLowerCase(), letter.toLowerCase()]) {
    if (candidate === letter || candidate.length !== letter.length) continue;
    if (new RegExp(`^${letter}$`, 'iu').test(candidate)) return candidate;
  }
  return letter;
}
