import { expect, test } from 'vitest';
import { nearest } from '../../../src/sigma/nearest.ts';

test('of names of one letter that share nothing, none is suggested for another', () => {
  expect([nearest('x', ['a', 'b']), nearest('X', ['x']), nearest('i', ['id'])]).toEqual([
    undefined,
    'x',
    'id',
  ]);
});
