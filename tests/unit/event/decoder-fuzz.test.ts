/**
 * The scanner, from its first event on, against the reference decoder: the same slots, time and fault on every
 * input. And the reference against `JSON.parse` itself: what it refuses and accepts, and the values of plain keys.
 *
 * Events are built from the pieces that paths, keys and JSON stumble over, then damaged byte by byte. More
 * than the default: `FUZZ_CASES=5000000 FUZZ_SEED=7 npx vitest run tests/unit/event/decoder-fuzz.test.ts`.
 */

import { isDeepStrictEqual } from 'node:util';

import { expect, it } from 'vitest';

import { JsonParseDecoder } from '../../../src/event/json-parse-decoder.ts';
import { Pseudonyms } from '../../../src/event/pseudonyms.ts';
import { FieldTable, type EventRecord } from '../../../src/event/record.ts';
import { createDecoder } from '../../../src/event/create-decoder.ts';

const CASES = Number(process.env['FUZZ_CASES'] ?? 200_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_250_712);

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const KEYS = [
  'a',
  'b',
  'c',
  'a.b',
  'b.c',
  'a.b.c',
  '@timestamp',
  'ids',
  'p',
  'p.ids',
  'x',
  '',
  '__proto__',
  'é',
  '\\u0061',
  'a\\/b',
  '\\ud800',
  '\\u0070.ids',
  'a b',
  'abcdefgh',
];
const STRINGS = [
  '',
  'a',
  'success',
  'Isère',
  '😀',
  '\\n',
  '\\u00e9',
  '\\ud83d\\ude00',
  '\\ud800',
  'a\\"b',
  '\\\\',
  '\\/',
  '{[',
  'u-7f3a',
  'x'.repeat(40),
  'y'.repeat(600),
  '12',
  '\u2028',
  '\x7f',
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '12',
  '-7',
  '1.5',
  '1e3',
  '1E-2',
  '0.1e+1',
  '123456789012345',
  '1234567890123456',
  '12345678901234567890',
  '9007199254740993',
  '99999999999999999',
  '1e400',
  '-1e400',
  '5e-324',
  '1752354251120',
];
const TIMES = [
  '"2025-07-12T21:04:11.120Z"',
  '"2025-07-12 21:04+02"',
  '1752354251120',
  '"1752354251120"',
  '"2025-02-30T00:00:00Z"',
  'null',
  '"\\u0032025-07-12T21:04:11Z"',
  '17',
  '[]',
  '"x"',
];
const BYTES = [
  0x00, 0x09, 0x0a, 0x0d, 0x1f, 0x20, 0x22, 0x2c, 0x2d, 0x2e, 0x30, 0x39, 0x3a, 0x5b, 0x5c, 0x5d, 0x61, 0x65,
  0x6e, 0x74, 0x75, 0x7b, 0x7d, 0x7f, 0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff,
];

class Builder {
  readonly random: () => number;
  readonly spaced: boolean;

  constructor(random: () => number) {
    this.random = random;
    this.spaced = random() < 0.1;
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  space(): string {
    return this.spaced ? this.pick(['', ' ', '\t', '\r\n ', '\n']) : '';
  }

  value(depth: number): string {
    const kind = this.random();
    if (depth > 0 && kind < 0.25) return this.object(depth - 1, false);
    if (depth > 0 && kind < 0.4) return this.list(depth - 1);
    if (kind < 0.7) return `"${this.pick(STRINGS)}"`;
    return kind < 0.9 ? this.pick(NUMBERS) : this.pick(['true', 'false', 'null']);
  }

  list(depth: number): string {
    const items = Array.from(
      { length: this.below(4) },
      () => this.space() + this.value(depth) + this.space(),
    );
    return `[${items.length === 0 ? this.space() : items.join()}]`;
  }

  object(depth: number, root: boolean): string {
    const members: string[] = [];
    if (root && this.random() < 0.9)
      members.push(this.member('@timestamp', this.random() < 0.9 ? TIMES[this.below(4)]! : this.pick(TIMES)));
    if (root && this.random() < 0.5)
      members.push(
        this.member(
          this.pick(['p', 'p.ids']),
          this.random() < 0.5 ? this.list(0) : `{"ids":${this.list(0)}}`,
        ),
      );
    for (let n = this.below(5); n > 0; n--) members.push(this.member(this.pick(KEYS), this.value(depth)));
    if (root && this.random() < 0.4)
      for (let n = 1 + this.below(2); n > 0; n--)
        members.push(this.member(this.pick(['a', 'b', 'a.b', 'p']), this.crossed(4)));
    if (this.random() < 0.3) members.reverse();
    if (this.random() < 0.2) this.repeat(members);
    return `{${members.length === 0 ? this.space() : members.join()}}`;
  }

  /** Some members come again, as they are, with another value, as a list of the same, or as nothing. */
  repeat(members: string[]): void {
    for (let n = this.below(4); n > 0 && members.length > 0; n--) {
      const [, key, value] = /"((?:[^"\\]|\\.)*)"[^:]*:(.*)/su.exec(this.pick(members))!;
      const other = this.pick([value!, this.value(2), `[${value}]`, `[${value},${this.value(1)}]`, '{}']);
      members.splice(this.below(members.length + 1), 0, this.member(key!, other));
    }
  }

  /** Objects with the same few keys, nested and dotted, in lists or not: what wanted paths cross. */
  crossed(depth: number): string {
    const kind = this.random();
    if (depth === 0 || kind < 0.15) return this.value(1);
    if (kind < 0.4) return `[${Array.from({ length: this.below(4) }, () => this.crossed(depth - 1)).join()}]`;
    const members = Array.from({ length: this.below(4) }, () =>
      this.member(this.pick(['a', 'b', 'c', 'b.c', 'ids', '@timestamp']), this.crossed(depth - 1)),
    );
    return `{${members.join()}}`;
  }

  member(key: string, value: string): string {
    return `${this.space()}"${key}"${this.space()}:${this.space()}${value}${this.space()}`;
  }

  /** Half of the events stay as they are; the others lose, gain, change or repeat some bytes, or are cut off. */
  damaged(event: Buffer): Buffer {
    let bytes = this.random() < 0.05 ? event.subarray(0, this.below(event.length)) : event;
    for (let n = this.below(2) * (1 + this.below(2)); n > 0 && bytes.length > 0; n--) {
      const at = this.below(bytes.length);
      const to = at + 1 + this.below(4);
      const kind = this.below(6);
      const inserted =
        kind === 0
          ? []
          : kind === 1
            ? [this.below(256)]
            : kind === 2
              ? bytes.subarray(at, to)
              : [this.pick(BYTES)];
      const rest = kind === 2 || kind === 3 ? at : kind === 0 ? to : at + 1;
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(inserted),
        kind === 5 && n === 1 && this.random() < 0.2 ? Buffer.alloc(0) : bytes.subarray(rest),
      ]);
    }
    return bytes;
  }
}

const TABLES: {
  readonly paths: string[];
  readonly timeRequired: boolean;
  readonly whole?: boolean;
  readonly timestampField?: string;
  readonly linked?: number;
}[] = [
  { paths: ['a', 'b', 'c', 'p.ids'], timeRequired: true },
  { paths: ['a.b.c', 'a.b', 'p.ids', 'x'], timeRequired: false },
  { paths: ['a.b', 'b.c', '@timestamp', '__proto__', 'é', ''], timeRequired: true },
  { paths: ['a.__proto__', 'abcdefgh', 'a b', 'p.ids'], timeRequired: false, timestampField: 'a.@timestamp' },
  { paths: [], timeRequired: false },
  { paths: ['p', 'p.ids', 'a.b'], timeRequired: true, whole: true },
  { paths: ['p.ids', 'a'], timeRequired: false, linked: 2 },
];

function plain(value: unknown): unknown {
  if (!(value instanceof Pseudonyms)) return value;
  const { words, length, links } = value;
  const linked = links === undefined ? [] : links.values.subarray(0, links.length * links.stride);
  return ['persons', ...words.subarray(0, 2 * length), ...linked];
}

function outcome(record: EventRecord): unknown[] {
  return [record.time, record.size, record.whole, ...record.slots.map(plain)];
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What is wrong with the reference's answer, judged by `JSON.parse` alone. */
function disagreement(
  event: Uint8Array,
  code: string,
  paths: readonly string[],
  record: EventRecord,
): string | undefined {
  let text: string;
  try {
    text = utf8.decode(event);
  } catch {
    return code === 'accepted' ? 'bytes that are not UTF-8 were accepted' : undefined;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return code === 'NOT_JSON' || code === 'TOO_LARGE'
      ? undefined
      : `JSON.parse refuses it, the decoder says ${code}`;
  }
  if (code === 'NOT_JSON' || code === 'NOT_UTF8') return `JSON.parse accepts it, the decoder says ${code}`;
  if (code !== 'accepted' || /\d{16}/.test(text)) return undefined;
  for (const [slot, path] of paths.entries()) {
    const value = record.slots[slot];
    if (path.includes('.') || path === 'p' || value instanceof Pseudonyms) continue;
    const expected = Object.hasOwn(parsed as object, path)
      ? (parsed as Record<string, unknown>)[path]
      : undefined;
    if (!isDeepStrictEqual(value, expected)) return `${path} is ${JSON.stringify(value)}`;
  }
  return undefined;
}

it(`gives what the reference gives on ${CASES} events`, { timeout: 3_600_000 }, () => {
  const pairs = TABLES.map(({ paths, whole, linked, ...rest }) => {
    const build = () => {
      const fields = new FieldTable();
      for (const path of paths) fields.slot(path);
      if (whole === true) fields.wantWhole();
      if (linked !== undefined) fields.linkedSlot('p.ids', linked);
      const options = {
        fields,
        ...rest,
        maxEventBytes: 1000,
        personFields: ['p.ids'],
        pseudonymKey: new Uint8Array(16),
      };
      return { options, record: fields.newRecord() };
    };
    const reference = build();
    const scanner = build();
    return {
      reference: { ...reference, decoder: new JsonParseDecoder(reference.options) },
      scanner: { decoder: createDecoder(scanner.options, 0), record: scanner.record },
      // They come again and again, as events do, so that the scanner goes the ways that it has learned.
      recent: Array.from({ length: 16 }, (): Buffer => Buffer.from('{}')),
    };
  });
  const codes = new Map<string, number>();
  // Half of the events are refused by exceptions whose stacks nobody reads.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  for (let i = 0; i < CASES; i++) {
    const seed = SEED + i;
    const builder = new Builder(randomFrom(seed));
    const { reference, scanner, recent } = pairs[seed % pairs.length]!;
    const again = i > 1000 && builder.random() < 0.5;
    const event = builder.damaged(again ? builder.pick(recent) : Buffer.from(builder.object(3, true)));
    if (!again) recent[builder.below(16)] = event;
    // What stands around the event must not matter.
    const around = builder.pick(['', '"', '}', '"}', '\n', ' ', '"a":1}', '\\', '5']);
    const data = Buffer.concat([Buffer.from(around), event, Buffer.from(around)]);
    const start = around.length;
    const end = start + event.length;
    const expected = reference.decoder.decode(data, start, end, reference.record);
    let actual: ReturnType<typeof scanner.decoder.decode>;
    try {
      actual = scanner.decoder.decode(data, start, end, scanner.record);
    } catch (error) {
      Error.stackTraceLimit = stackTraceLimit;
      throw new Error(`FUZZ_SEED=${SEED} FUZZ_CASES=${i + 1}: the scanner throws`, { cause: error });
    }
    const code = expected?.code ?? 'accepted';
    codes.set(code, (codes.get(code) ?? 0) + 1);
    const paths = reference.options.fields.paths;
    const fault = disagreement(event, code, paths, reference.record);
    if (fault !== undefined) expect.unreachable(`FUZZ_SEED=${SEED} FUZZ_CASES=${i + 1}: ${fault}`);
    const same =
      expected === undefined && actual === undefined
        ? isDeepStrictEqual(outcome(scanner.record), outcome(reference.record))
        : isDeepStrictEqual(actual, expected);
    if (!same) {
      const context = `FUZZ_SEED=${SEED} FUZZ_CASES=${i + 1}, table ${seed % pairs.length}: ${JSON.stringify(event.toString('latin1'))}`;
      expect({ fault: actual, record: outcome(scanner.record) }, context).toEqual({
        fault: expected,
        record: outcome(reference.record),
      });
      expect.unreachable(context);
    }
  }
  Error.stackTraceLimit = stackTraceLimit;
  // The inputs reach what they are meant to reach.
  for (const code of [
    'accepted',
    'NOT_JSON',
    'NOT_UTF8',
    'TOO_LARGE',
    'NO_TIME',
    'BAD_TIME',
    'BAD_FIELD',
    'NOT_AN_OBJECT',
  ]) {
    if (CASES > 100_000) expect(codes.get(code), code).toBeGreaterThan(0);
  }
});
