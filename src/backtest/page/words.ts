/** Phrases that several parts of the page share. */

import { count, span } from '../../figures.ts';
import type { Level } from '../../sigma/rule.ts';
import type { BacktestReport, Detection, FalseAlertReport, IncidentVerdict } from '../report.ts';
import { html, type Html } from './html.ts';

export function levelTag(level: Level): Html {
  return html`<span class="level ${level}">${level}</span>`;
}

/** When an alert came, relative to the first stolen record. */
export function when({ timeToDetectMs, sinceFirstEventMs }: Detection): string {
  if (timeToDetectMs === null) return `${span(sinceFirstEventMs)} after it began`;
  return timeToDetectMs < 0 ? `${span(-timeToDetectMs)} before` : span(timeToDetectMs);
}

export function percent(share: number): string {
  if (share === 0) return '0 %';
  return share < 0.0001 ? '< 0.01 %' : `${count(Number((share * 100).toPrecision(2)))} %`;
}

/** The unit, besides the day, that false alerts are counted per. */
export function perAccounts({ accounts }: FalseAlertReport): string {
  return accounts === 0 ? '' : ' and 10,000 accounts';
}

export function thefts({ incidents }: BacktestReport): readonly IncidentVerdict[] {
  return incidents.filter(({ reads }) => reads > 0);
}
