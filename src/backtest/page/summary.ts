/** The top of the page: what someone who reads nothing else should know. */

import { count, plural, span } from '../../figures.ts';
import { rounded } from '../rates.ts';
import type { BacktestReport, Detection } from '../report.ts';
import { html, type Html } from './html.ts';
import { perAccounts, percent, thefts } from './words.ts';

export function summary(report: BacktestReport): Html {
  const all = thefts(report);
  const caught = all.flatMap(({ detected }) => detected.medium ?? []);
  const early = caught.filter(({ beforeFirstRead }) => beforeFirstRead).length;
  const deep = all.filter(({ inDepth }) => inDepth !== null).length;
  const controls = report.incidents.filter(({ negativeControl }) => negativeControl);
  const silent = controls.filter(({ rules }) => rules.length === 0).length;
  const whole = all.reduce((sum, { records }) => sum + records, 0);
  const gone = all.reduce((sum, { detected, records }) => sum + (detected.medium?.records ?? records), 0);
  const { falseAlerts } = report;
  // Rounded like its summands, as it can equal the total, which is rounded too.
  const serious =
    falseAlerts === null
      ? 0
      : rounded(falseAlerts.byLevel.critical.topPerDay + falseAlerts.byLevel.high.topPerDay);
  return html` ${
      all.length > 0 &&
      html`<p class="lead">
        These rules catch
        <strong>${caught.length} of ${plural(all.length, 'theft')}</strong
        >${early > 0 && html`, ${early} of them before the first record is read`}. When the first alert opens,
        <strong>${count(gone)} of ${count(whole)} records</strong> are gone
        (${percent(whole === 0 ? 0 : gone / whole)}). If nobody counted how many persons an account reads in
        an hour, ${deep} would still be caught.
      </p>`
    }
    ${falseAlerts !== null && html`<p class="lead">The price: <strong>${count(falseAlerts.all.topPerDay)} false alerts a day</strong>${perAccounts(falseAlerts)}, ${count(serious)} of them high or critical.</p>`}
    ${controls.length > 0 && html`<p>${silent === controls.length ? html`In the ${controls.length === 1 ? 'attack' : plural(controls.length, 'attack')} that read nothing, no rule spoke, as it should be.` : html`In ${controls.length - silent} of ${plural(controls.length, 'attack')} that read nothing, some rule spoke all the same.`}</p>`}
    <div class="tiles">
      ${
        all.length > 0 &&
        html` ${tile(`${caught.length} of ${all.length}`, 'thefts caught, at medium or above')}
        ${tile(slowest(caught), 'slowest first alert, from the first record read')}
        ${tile(count(gone), 'records gone when the first alerts open, all thefts together')}
        ${tile(`${deep} of ${all.length}`, 'caught without counting persons per account and hour')}`
      }
      ${
        falseAlerts !== null &&
        html` ${tile(count(falseAlerts.all.topPerDay), `false alerts a day${perAccounts(falseAlerts)}, those under another alert left out`)}
        ${tile(count(serious), 'of them high or critical')}`
      }
    </div>`;
}

function slowest(caught: readonly Detection[]): string {
  const times = caught.flatMap(({ timeToDetectMs }) => timeToDetectMs ?? []);
  if (times.length === 0) return '–';
  const most = Math.max(...times);
  return most < 0 ? 'before it' : span(most);
}

function tile(figure: string, what: string): Html {
  return html`<div class="tile"><b>${figure}</b><span>${what}</span></div>`;
}
