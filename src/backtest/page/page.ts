import type { BacktestReport } from '../report.ts';
export async function renderPage(report: BacktestReport): Promise<string> {
  return JSON.stringify(report);
}
