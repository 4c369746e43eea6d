/** Which events show something new, and what is kept to know it. */

import { expect, test } from 'vitest';
import { Terms } from '../../../src/window/terms.ts';

test('holds no term much longer than the history', () => {
  const terms = new Terms(1_000, 10_000);
  for (let t = 0; t < 50_000; t += 1) terms.judge(t, [[`t${t}`]]);
  expect(terms.size).toBeLessThanOrEqual(2 * 1_000);
  expect(terms.takeCoalesced()).toBe(0);
});

test('holds at most so many terms, of which those leave first that were not seen for the longest', () => {
  const terms = new Terms(1_000_000, 80);
  for (let t = 0; t < 81; t += 1) terms.judge(t, [[`t${t}`], ['always']]);
  expect(terms.size).toBeLessThanOrEqual(80);
  const gone = terms.takeCoalesced();
  expect(gone).toBeGreaterThan(0);
  expect(terms.takeCoalesced()).toBe(0);
  const at = 1_000_500;
  terms.judge(900_000, [['always']]);
  expect(terms.judge(at, [['t0'], ['t80'], ['always']])).toEqual(['new', 'new', 'known']);
});

test('holds at most so many terms, too, when they come late', () => {
  const terms = new Terms(1_000_000, 80);
  terms.judge(10_000, [['now']]);
  terms.judge(500_000, [['now']]);
  for (let t = 0; t < 1_000; t += 1) terms.late(400_000 + t, [`t${t}`]);
  expect(terms.size).toBeLessThanOrEqual(80);
  expect(terms.takeCoalesced()).toBeGreaterThanOrEqual(1_001 - 80);
  expect(terms.judge(1_010_000, [['t999'], ['now'], ['t0']])).toEqual(['known', 'known', 'new']);
});

test('a term that left early is new again while others are still known', () => {
  const terms = new Terms(1_000, 80);
  terms.judge(0, [['first']]);
  terms.judge(900, [['first']]);
  for (let t = 901; t < 990; t += 1) terms.judge(t, [[`t${t}`]]);
  expect(terms.judge(1_100, [['first'], ['t989']])).toEqual(['new', 'known']);
});

test('a late event makes its term seen, and neither its group known nor an older sighting the newest', () => {
  const terms = new Terms(100, 80);
  terms.judge(1_000, [['a']]);
  terms.judge(1_090, [['a']]);
  terms.late(1_045, ['a']);
  terms.late(1_050, ['b']);
  terms.late(20, ['c']);
  expect(terms.judge(1_149, [['a'], ['b'], ['c'], [], ['b', 'd']])).toEqual([
    'known',
    'known',
    'new',
    'without-term',
    'new',
  ]);
  expect(terms.judge(1_260, [['z']])).toEqual(['learning']);
});
