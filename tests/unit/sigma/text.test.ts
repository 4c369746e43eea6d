import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../../src/sigma/duration.ts';
import { fold } from '../../../src/sigma/fold.ts';
import { contains, parseAddress, parseNetwork } from '../../../src/sigma/ip.ts';
import { nearest } from '../../../src/sigma/nearest.ts';
import { parsePattern } from '../../../src/sigma/pattern.ts';
import { compilePattern } from '../../../src/sigma/wildcard.ts';
import { compileTimePart } from '../../../src/sigma/time-part.ts';
import { BlockList, isIP } from 'node:net';

describe('case folding', () => {
  test('agrees with case-insensitive regular expressions on every letter, and keeps the length', () => {
    const classes = new Map<string, string>();
    for (let code = 0; code <= 0x1ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const letter = String.fromCodePoint(code);
      const folded = fold(letter);
      if (folded.length !== letter.length) throw new Error(`length of U+${code.toString(16)}`);
      if (fold(folded) !== folded) throw new Error(`not idempotent: U+${code.toString(16)}`);
      if (folded === letter) continue;
      classes.set(letter, folded);
      if (!new RegExp(`^${letter}$`, 'iu').test(folded))
        throw new Error(`U+${code.toString(16)} folds too far`);
    }
    for (const variants of ['Σσς', 'KkK', 'ÅåÅ', 'ſsS', 'µμΜ', 'ßẞ', 'θϑϴΘ', 'ЖЖж', 'Ææ', '𐐀𐐨']) {
      expect(new Set(Array.from(variants, fold)).size, variants).toBe(1);
    }
    for (const different of ['ßs', 'İi', 'ıi', 'éèe'])
      expect(new Set(Array.from(different, fold)).size, different).toBe(different.length);
    expect(classes.size).toBeGreaterThan(1_300);
  });

  test('returns text that is folded already as it is', () => {
    const text = 'plain ascii 123';
    expect(fold(text)).toBe(text);
    expect(fold('ÀB\ud800')).toBe('àb\ud800');
  });
});

describe('patterns', () => {
  test('agree with a regular expression on random texts', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '*', '?', '\\*', '\\?', '\\\\', '\\');
    const text = fc
      .array(fc.constantFrom('a', 'b', '*', '?', '\\'), { maxLength: 10 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 7 }),
        fc.array(text, { minLength: 5, maxLength: 5 }),
        (pieces, texts) => {
          const pattern = parsePattern(pieces.join(''));
          const source = pattern
            .map((token) =>
              typeof token === 'string' ? token.replace(/[\\*?]/g, '\\$&') : token === 0 ? '.*' : '.',
            )
            .join('');
          const expected = new RegExp(`^${source}$`, 's');
          const matches = compilePattern(pattern);
          for (const each of texts) expect(matches(each), `${source} on ${each}`).toBe(expected.test(each));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('with many stars take time in proportion to the text', () => {
    const matches = compilePattern(parsePattern(`${'*a'.repeat(30)}b`));
    expect(matches('a'.repeat(20_000))).toBe(false);
  });
});

describe('networks', () => {
  test('agree with the runtime on random addresses', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(address, address, fc.nat({ max: 128 }), (base, text, bits) => {
        const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
        const length = family === 'ipv4' ? bits % 33 : bits;
        const given = parseNetwork(`${base}/${length}`);
        const fixed = typeof given === 'string' ? /write (\S+)$/.exec(given)![1]! : `${base}/${length}`;
        const network = parseNetwork(fixed);
        if (typeof network === 'string') throw new Error(network);
        expect(contains(network, base)).toBe(true);
        const list = new BlockList();
        list.addSubnet(fixed.split('/')[0]!, length, family);
        // A mapped IPv4 address belongs to both families here: left to the table of cases.
        if (isIP(text) !== isIP(base) || /^(?:0*:){2,}(?:0*:)*ffff:/i.test(text)) return;
        expect(contains(network, text)).toBe(list.check(text, family));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1:2',
    ':::',
    '1::2::3',
    '12345::',
    '::1.2.3',
    'g::',
    '1:2:3:4:5:6:7:8:9',
    ':1',
    '1:',
  ])('%s is no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

test.each([
  ['90s', 90_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['2w', 1_209_600_000],
  ['1M', 2_592_000_000],
  ['1y', 31_536_000_000],
  ['0s', 0],
  ['', undefined],
  ['1', undefined],
  ['1.5h', undefined],
  ['-1h', undefined],
  ['1 h', undefined],
  ['1H', undefined],
  ['99999999999999999999y', undefined],
])('the duration %s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test('the nearest name is a typo away, or there is none', () => {
  expect(nearest('conatins', ['contains', 'cased'])).toBe('contains');
  expect(nearest('get', ['gt', 'gte'])).toBe('gte');
  expect(nearest('zzz', ['contains', 'cased'])).toBeUndefined();
});

test('local time agrees with the calendar across summer-time changes', () => {
  const hour = compileTimePart('hour', 'Europe/Paris');
  expect(hour(Date.UTC(2025, 2, 30, 0, 59))).toBe(1);
  expect(hour(Date.UTC(2025, 2, 30, 1, 0))).toBe(3);
  expect(hour(Date.UTC(2025, 9, 26, 0, 59))).toBe(2);
  expect(hour(Date.UTC(2025, 9, 26, 1, 0))).toBe(2);
  expect(compileTimePart('day', 'Pacific/Auckland')(Date.UTC(2025, 0, 1, 11))).toBe(2);
  expect(compileTimePart('year', 'America/Cayenne')(Date.UTC(2025, 0, 1, 2))).toBe(2024);
});
