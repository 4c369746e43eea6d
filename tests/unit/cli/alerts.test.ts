import { expect, test } from 'vitest';
import { relations } from '../../../src/cli/alerts.ts';

test('an alert is shown with those that it stands below or was merged with, and else without', () => {
  expect(relations({ inhibitedBy: '', mergedInto: '', mergedFrom: [] })).toEqual([]);
  expect(relations({ inhibitedBy: 'aa', mergedInto: 'bb', mergedFrom: ['cc', 'dd'] })).toEqual([
    ['inhibited by', 'aa'],
    ['merged into', 'bb'],
    ['merged from', 'cc, dd'],
  ]);
});
