/**
 * Every incident is a regression test: which rules speak, when, and what is gone by then, and what false alerts
 * some benign weeks cost. Changed figures are either a defect or an improvement to be explained in the commit
 * that runs `npm run backtest:baseline`.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { incidentNames } from '../../src/backtest/jobs.ts';
import { BASELINE, measure } from './measure.ts';

const baseline = JSON.parse(readFileSync(BASELINE, 'utf8')) as { incidents: Record<string, unknown> };

test('the rules catch every incident when, and at the cost, that the baseline says', async () => {
  // What is measured goes through JSON, as the baseline did.
  expect(JSON.parse(JSON.stringify(await measure()))).toEqual(baseline);
}, 600_000);

test('the baseline holds every incident that can be generated', () => {
  expect(Object.keys(baseline.incidents).toSorted()).toEqual([...incidentNames()].toSorted());
});
