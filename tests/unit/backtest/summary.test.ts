import { expect, test } from 'vitest';
import { summary } from '../../../src/backtest/page/summary.ts';
import type { BacktestReport } from '../../../src/backtest/report.ts';

const rate = (topPerDay: number): { topPerDay: number; perDay: number } => ({ topPerDay, perDay: topPerDay });

test('one figure says how many false alerts are high or critical, in the sentence, in the tile and of the total', () => {
  const falseAlerts = {
    all: rate(141_500),
    byLevel: { critical: rate(47_960), high: rate(93_530), medium: rate(0) },
    accounts: 20,
  };
  const { text } = summary({ incidents: [], falseAlerts } as unknown as BacktestReport);
  expect(text).toMatch(/141,500 false alerts a day/);
  expect(text).toMatch(/, 141,500 of them high or critical/);
  expect(text).toMatch(/<b>141,500<\/b><span>of them high or critical/);
});
