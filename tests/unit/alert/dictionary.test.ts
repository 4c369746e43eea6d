/** Low-cardinality strings as numbers, with a bound on how many are told apart. */

import { expect, test } from 'vitest';
import { Dictionary } from '../../../src/alert/dictionary.ts';

test('a dictionary gives each text one number and gives the text back', () => {
  const dictionary = new Dictionary(100);
  const numbers = ['portal', 'back office', 'portal'].map((text) => dictionary.number(text));
  expect(numbers[0]).toBe(numbers[2]);
  expect(numbers.map((number) => dictionary.text(number))).toEqual(['portal', 'back office', 'portal']);
});

test('nothing is number 0', () => {
  expect(new Dictionary(10).number('')).toBe(0);
});

test('beyond its bound a dictionary calls new texts others and still knows the old ones', () => {
  const dictionary = new Dictionary(3);
  const known = [dictionary.number('a'), dictionary.number('b')];
  const beyond = Array.from({ length: 1000 }, (_, i) => dictionary.number(`text ${i}`));
  expect(new Set(beyond).size).toBe(1);
  expect(dictionary.text(beyond[0]!)).toBe('(others)');
  expect([dictionary.number('a'), dictionary.number('b')]).toEqual(known);
});
