/** What a state of an alert becomes after one that is stored, of a process that may have read in another order. */

import { expect, test } from 'vitest';
import type { Alert } from '../../../src/alert/alert.ts';
import { following } from '../../../src/alert/episode.ts';

const state = (status: Alert['status'], version: number, detectedAt = 100): Alert =>
  ({ status, version, detectedAt }) as Alert;

/** Of seven events, under another alert. */
const STORED = { detectedAt: 50, version: 7 * 8 + 4 };

test('the last state of an alert has a higher version than the stored one, however far that had grown', () => {
  const resolved = following(state('resolved', 5 * 8 + 1), STORED);
  expect(resolved.version).toBeGreaterThan(STORED.version);
  expect(following(state('merged', 5 * 8 + 2), resolved).version).toBeGreaterThan(resolved.version);
  expect(following(state('resolved', 9 * 8 + 1), STORED).version).toBe(9 * 8 + 1);
});

test('a firing state does not supersede a stored one that had grown further', () => {
  expect(following(state('firing', 5 * 8), STORED).version).toBe(5 * 8);
});

test('the first detection stays', () => {
  expect(following(state('firing', 8, 100), STORED).detectedAt).toBe(50);
  expect(following(state('firing', 8, 20), STORED).detectedAt).toBe(20);
  expect(following(state('firing', 8, 20), undefined).detectedAt).toBe(20);
});
