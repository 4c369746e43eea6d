/** What a field's value is as text, as a number, as a network; and combinations of several fields. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { networkOf } from '../../../src/detect/evidence.ts';
import { mayBeShortened, shortText } from '../../../src/detect/short-text.ts';
import { combinations, keyOf, numberOf, textOf, textsOf, valuesOf } from '../../../src/detect/values.ts';
import { Pseudonyms } from '../../../src/event/pseudonyms.ts';
import type { FieldValue } from '../../../src/event/record.ts';

describe('the text of a value', () => {
  test.each<[FieldValue | undefined, string | undefined]>([
    ['a', 'a'],
    ['', ''],
    [5, '5'],
    [false, 'false'],
    [null, undefined],
    [undefined, undefined],
    [['a'], undefined],
    [{ a: 1 }, undefined],
  ])('of %j is %j', (value, text) => {
    expect(textOf(value)).toBe(text);
  });

  test('of a list is one text per element, nested lists flattened, nulls and objects left out', () => {
    expect(textsOf(['a', null, 7, ['b', [true]], { c: 'd' }])).toEqual(['a', '7', 'b', 'true']);
    expect(textsOf([null])).toEqual([]);
    expect(textsOf([])).toEqual([]);
    expect(textsOf(undefined)).toEqual([]);
  });

  test('of persons is one pseudonym each', () => {
    expect(textsOf(new Pseudonyms(Uint32Array.of(1, 2, 0xffff_ffff, 0), 2))).toEqual([
      '0000000100000002',
      'ffffffff00000000',
    ]);
  });
});

describe('the number of a value', () => {
  test.each<[FieldValue | undefined, number | undefined]>([
    [5, 5],
    ['5', 5],
    [' 1.5e3 ', 1500],
    ['.5', 0.5],
    ['-3', -3],
    ['', undefined],
    [' ', undefined],
    ['0x10', undefined],
    ['Infinity', undefined],
    ['1e999', undefined],
    [Infinity, undefined],
    ['5 apples', undefined],
    [true, undefined],
    [null, undefined],
    [[5], undefined],
  ])('of %j is %j', (value, number) => {
    expect(numberOf(value)).toBe(number);
  });
});

test('combinations take one element of each list, and there are none where a list is empty', () => {
  expect(
    combinations([
      ['a', 'b'],
      ['x', 'y'],
    ]),
  ).toEqual([
    ['a', 'x'],
    ['a', 'y'],
    ['b', 'x'],
    ['b', 'y'],
  ]);
  expect(combinations([['a'], []])).toEqual([]);
  expect(combinations([])).toEqual([[]]);
});

test('a key says which values it was made of, whatever they hold', () => {
  const value = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '-', '1:a', '2:--')));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      expect(valuesOf(keyOf(values), values.length)).toEqual(values);
    }),
  );
});

test('two long lists make no combinations rather than millions', () => {
  const long = Array.from({ length: 5000 }, (_, i) => String(i));
  expect(combinations([long, ['one']])).toHaveLength(5000);
  expect(combinations([long, long])).toEqual([]);
});

describe('the network of an address', () => {
  test.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['::FFFF:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:0DB8:0001::6', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8::/48'],
    ['::1', '::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
  ])('%s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test.each(['', 'localhost', '300.1.2.3', '192.0.2', '192.0.2.77:443', 'a:b', '1:2:3', 'unknown::host'])(
    '%j, which is no address, stays as it is',
    (text) => {
      expect(networkOf(text)).toBe(text);
    },
  );
});

describe('a text that is kept for long', () => {
  const long = 'x'.repeat(100_000);

  test('is itself up to 256 characters, and beyond that its beginning with what tells it from others', () => {
    expect(shortText('x'.repeat(256))).toBe('x'.repeat(256));
    const [a, b] = [shortText(`${long}a`), shortText(`${long}b`)];
    expect(a.length).toBeLessThanOrEqual(256);
    expect(a.startsWith('x'.repeat(200))).toBe(true);
    expect(a).not.toBe(b);
    expect(mayBeShortened(a)).toBe(true);
  });

  test('is made short once: what became of it stays', () => {
    expect(shortText(shortText(long))).toBe(shortText(long));
  });

  test('is cut between two characters', () => {
    expect(shortText(`x${'😀'.repeat(1000)}`).isWellFormed()).toBe(true);
  });
});
