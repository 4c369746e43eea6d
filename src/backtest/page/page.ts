/**
 * A backtest's report as one HTML page: no scripts, nothing loaded from elsewhere, light or dark as the reader prefers.
 * Every plot has its numbers beside it.
 */

import { plural } from '../../figures.ts';
import { plainLines } from '../../plain.ts';
import type { BacktestReport } from '../report.ts';
import { courses } from './courses.ts';
import { falseAlerts, howMeasured } from './false-alerts.ts';
import { html } from './html.ts';
import { incidents } from './incidents.ts';
import { matrix } from './matrix.ts';
import { STYLE } from './style.ts';
import { summary } from './summary.ts';
import { sweep } from './sweep.ts';

/**
 * Direction-of-writing characters are escaped, so the names of accounts, which also appear in plots, cannot reorder the
 * page.
 */
export function renderPage(report: BacktestReport): string {
  const page = html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Vigie backtest</title>
      <style>
        ${STYLE}
      </style>
      <h1>Vigie backtest</h1>
      <p class="soft">${plural(report.rules.length, 'rule')} against ${traffic(report)}</p>
      ${summary(report)} ${incidents(report)} ${courses(report)} ${matrix(report)} ${falseAlerts(report)}
      ${sweep(report)} ${howMeasured(report)}
    </html> `;
  return plainLines(page.text);
}

function traffic({ settings, incidents, falseAlerts }: BacktestReport): string {
  const { input } = settings;
  const thefts = incidents.length === 0 ? [] : [plural(incidents.length, 'incident')];
  if (typeof input === 'string') return [...thefts, `the log ${input}`].join(' in ');
  return [...thefts, ...(falseAlerts === null ? [] : ['benign traffic'])].join(' and ');
}
