/** Low-cardinality strings as numbers, with a bound on how many are told apart. */

import { expect, test } from 'vitest';
import { Dictionary } from '../../../src/alert/dictionary.ts';
import { StateWriter } from '../../../src/state/state-writer.ts';

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

test('a full dictionary gives numbers that nobody holds to other texts, and the held ones stay', () => {
  const dictionary = new Dictionary(4);
  const [a, b, c] = ['a', 'b', 'c'].map((text) => dictionary.number(text)) as [number, number, number];
  const others = dictionary.number('d');
  expect([dictionary.isFull, dictionary.text(others)]).toEqual([true, '(others)']);
  const isHeld = new Uint8Array(4);
  isHeld[b] = 1;
  dictionary.forget(isHeld);
  expect(dictionary.isFull).toBe(false);
  const given = ['d', 'e', 'b', 'a'].map((text) => dictionary.number(text));
  expect(new Set(given.slice(0, 2))).toEqual(new Set([a, c]));
  expect(given.map((number) => dictionary.text(number))).toEqual(['d', 'e', 'b', '(others)']);
  expect(given[2]).toBe(b);
});

test('while it is being saved, no number of a dictionary is given to another text, nor after a saving that was broken off', () => {
  const dictionary = new Dictionary(2);
  dictionary.number('a');
  dictionary.number('b');
  const saving = dictionary.saving(new StateWriter().section('texts'));
  saving.next();
  expect(dictionary.isFull).toBe(false);
  saving.return(undefined);
  expect(dictionary.isFull).toBe(true);
});
