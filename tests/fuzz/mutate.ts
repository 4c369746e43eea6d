/** Ways to damage text and values that parsers and matchers have stumbled over somewhere. */

import type { Random } from './random.ts';

/** Pieces of YAML, Sigma and JSON, and values at the edges of their types. */
const TOKENS = [
  '- ¦: ¦? ¦# ¦| ¦>-\n¦[¦]¦{¦}¦,¦"¦\'¦\\¦\n¦\r\n¦\t¦---\n¦...\n¦&a ¦*a¦<<: ¦!!str ¦!x ¦%YAML 1.1\n',
  '~¦null¦true¦¦ ¦  ¦not ¦ and ¦ or ¦(¦)¦1 of ¦all of ¦them¦*¦?¦_¦|¦| count() by a > 1¦|contains',
  '|all¦|re¦|i¦|cidr¦|base64offset¦|wide¦|utf16¦|windash¦|expand¦|exists¦|gte¦|hour¦|fieldref¦|neq',
  '|cased¦|startswith¦|endswith¦|nosuch¦%a%¦\\%¦%¦title: ¦detection:¦condition: ¦correlation:',
  'filter:¦rules: any¦action: global¦action: repeat¦group-by: [a]¦timespan: ',
  'type: value_percentile¦vigie.timezone: ¦vigie.max_groups: ¦generate: true¦1e999¦-1e999',
  '0x7fffffffffffffff¦9007199254740993¦-0¦.nan¦0o17¦99999999999M¦1e3¦00¦+1¦__proto__¦constructor',
  'toString¦hasOwnProperty¦length¦\u0000¦\ufeff¦\u2028¦\ud800¦😀¦ß¦İ¦10.0.0.0/8¦::/0',
  '::ffff:1.2.3.4/96¦256.1.1.1/33¦2025-02-30T25:61:61Z¦1970-01-01¦0000-01-01T00:00:00Z¦(a+)+$',
  '(?=a)a*a*b¦(?i)x¦[¦a{1,999}¦\\pL¦(?<n>a)\\k<n>¦^¦$¦.*',
].flatMap((row) => row.split('¦'));

/** A damaged copy: one to a few changes by bytes, tokens, lines and structure. */
export function mutated(text: string, others: readonly string[], random: Random): string {
  let result = text;
  for (let left = 1 + random.below(4); left > 0; left--) {
    result = random.pick(MUTATIONS)(result, random, others);
    // Repeats of repeats; what is large by itself is tested elsewhere.
    if (result.length > 100_000) result = result.slice(0, 100_000);
  }
  return result;
}

type Mutation = (text: string, random: Random, others: readonly string[]) => string;

const MUTATIONS: readonly Mutation[] = [
  // Characters: replaced, removed, flipped.
  (text, random) =>
    splice(
      text,
      random.below(text.length + 1),
      1,
      String.fromCharCode(random.below(random.pick([128, 0x3000, 0x10000]))),
    ),
  (text, random) =>
    splice(text, random.below(text.length + 1), 1 + random.below(random.pick([2, 20, 400])), ''),
  (text, random) => {
    const at = random.below(text.length);
    return text === ''
      ? text
      : splice(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8))));
  },
  (text, random) => splice(text, random.below(text.length + 1), 0, random.pick(TOKENS)),
  (text, random) =>
    splice(
      text,
      random.below(text.length + 1),
      0,
      random.pick(TOKENS).repeat(random.pick([2, 2, 10, 10, 300])),
    ),
  // Words: replaced by a token or another word, repeated.
  (text, random) => onPiece(text, /[\w.|-]+/g, random, () => random.pick(TOKENS)),
  (text, random, others) =>
    onPiece(text, /[\w.|-]+/g, random, () => piece(random.pick(others), /[\w.|-]+/g, random)),
  (text, random) =>
    onPiece(text, /[\w.|-]+/g, random, (word) => word.repeat(random.pick([2, 2, 50, 50, 1_000]))),
  (text, random) => onPiece(text, /[\w.-]+/g, random, (word) => `${word}${random.pick(TOKENS)}`),
  (text, random) =>
    onPiece(text, /\d+/g, random, () =>
      random.pick(['0', '-1', '1e308', '4294967296', '9'.repeat(400), '0.1', '1e-400']),
    ),
  // Lines: removed, repeated, moved, indented, taken from another document.
  (text, random) => onLines(text, random, (lines, at) => lines.splice(at, 1 + random.below(3))),
  (text, random) =>
    onLines(text, random, (lines, at) =>
      lines.splice(at, 0, ...Array<string>(random.pick([1, 2, 200])).fill(lines[at] ?? '')),
    ),
  (text, random) =>
    onLines(text, random, (lines, at) => lines.splice(random.below(lines.length), 0, ...lines.splice(at, 1))),
  (text, random) =>
    onLines(
      text,
      random,
      (lines, at) => (lines[at] = ' '.repeat(random.below(8)) + (lines[at] ?? '').trimStart()),
    ),
  (text, random, others) =>
    onLines(text, random, (lines, at) => lines.splice(at, 0, piece(random.pick(others), /.+/g, random))),
  // Structure: a value in lists or maps, an anchor used many times, another document behind or merged in.
  (text, random) => onPiece(text, /(?<=: ).+/g, random, (value) => nested(value, random)),
  (text, random) =>
    onPiece(text, /(?<=: )[^&*\n]+/g, random, (value) => `&a ${value}`).replaceAll(
      /(?<=\w: )\w+$/gm,
      (value) => (random.chance(0.3) ? '*a' : value),
    ),
  (text, random, others) =>
    `${text}${random.pick(['---\n', '\n---\n', '...\n---\n', ''])}${random.pick(others)}`,
  (text, random) => `action: ${random.pick(['global', 'repeat', 'reset'])}\n${text}`,
  (text, random) => `${text}\n---\n`.repeat(random.pick([2, 2, 2, 2, 30])),
];

function nested(value: string, random: Random): string {
  const depth = random.pick([1, 2, 30, 70, 1_100]);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{a: ', '}'],
    ['[[], ', ']'],
  ]);
  return open.repeat(depth) + value + close.repeat(depth);
}

function splice(text: string, at: number, length: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + length);
}

function piece(text: string, pattern: RegExp, random: Random): string {
  const found = [...text.matchAll(pattern)];
  return found.length === 0 ? '' : random.pick(found)[0];
}

function onPiece(text: string, pattern: RegExp, random: Random, change: (found: string) => string): string {
  const all = [...text.matchAll(pattern)];
  if (all.length === 0) return text;
  const { 0: found, index } = random.pick(all);
  return splice(text, index, found.length, change(found));
}

function onLines(text: string, random: Random, change: (lines: string[], at: number) => unknown): string {
  const lines = text.split('\n');
  change(lines, random.below(lines.length));
  return lines.join('\n');
}

/** A value that fields stumble over: odd types, numbers, texts, and now and then a `known` text. */
export function oddValue(random: Random, known: readonly string[], depth = 0): unknown {
  const kind = random.below(depth > 3 ? 8 : 11);
  if (kind < 3) return known.length === 0 ? '' : random.pick(known);
  if (kind === 3) return random.pick(TOKENS).repeat(random.pick([1, 1, 1, 1, 1, 1, 40, 40, 3_000]));
  if (kind === 4)
    return random.pick([
      0,
      -0,
      1,
      -1,
      0.1,
      1e21,
      1e-7,
      2 ** 53,
      5e-324,
      1.7976931348623157e308,
      4625,
      1_752_300_000_000,
    ]);
  if (kind === 5) return random.pick([true, false, null]);
  if (kind === 6)
    return known.length === 0
      ? ''
      : random
          .pick(known)
          .toUpperCase()
          .repeat(random.pick([1, 1, 2, 2, 500]));
  if (kind === 7)
    return random.pick(['2025-01-01T00:00:00Z', '2025-13-01', 1_735_689_600, '10.1.2.3', '::1', '٣']);
  const size = random.pick([0, 1, 1, 2, 2, 3, 60]);
  const inner = Array.from({ length: depth > 1 ? Math.min(size, 3) : size }, () =>
    oddValue(random, known, depth + 1),
  );
  if (kind < 10) return inner;
  return Object.fromEntries(
    inner.map((value, i) => [random.chance(0.2) ? random.pick(TOKENS) : `k${i}`, value]),
  );
}

/** A copy of a JSON value with some of its parts, however deep, exchanged for odd values. */
export function exchanged(value: unknown, random: Random, known: readonly string[]): unknown {
  if (random.chance(0.2)) return oddValue(random, known);
  if (Array.isArray(value)) return value.map((each) => exchanged(each, random, known));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, exchanged(each, random, known)]),
  );
}
