import { expect, test } from 'vitest';
import { span } from '../../src/figures.ts';

test.each([
  [0, '0 s'],
  [10_479, '10.5 s'],
  [59_949, '59.9 s'],
  [59_960, '1 min'],
  [119_499, '1 min 59 s'],
  [119_700, '2 min'],
  [3_599_600, '1 h'],
  [7_200_000, '2 h'],
  [273_600_000, '3 d 4 h'],
])('%d ms are read as %s', (ms, text) => {
  expect(span(ms)).toBe(text);
});
