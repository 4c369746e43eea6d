/** What the rules cost on benign traffic: by level, by cause, by rule. */

import * as Plot from '@observablehq/plot';
import { count, plural, span } from '../../figures.ts';
import type { BacktestReport, FalseAlertReport } from '../report.ts';
import { LEVELS } from '../rates.ts';
import { html, type Html } from './html.ts';
import { LEVEL_COLOURS, svg } from './plot.ts';
import { levelTag, perAccounts } from './words.ts';

export function falseAlerts({ falseAlerts: report, rules }: BacktestReport): Html {
  if (report === null) return html``;
  const { days, accounts, events, all, rows } = report;
  const titles = new Map(rules.map(({ rule, title }) => [rule, title]));
  return html` <h2>False alerts</h2>
    <p>
      ${count(events)} events ${accounts === 0 ? 'that name no account' : `of ${count(accounts)} accounts`},
      of which ${count(days)} days were judged. Per day${perAccounts(report)}:
      <strong>${count(all.topPerDay)}</strong> at the top, ${count(all.perDay)} with those that stand under an
      alert above them on the same group.
    </p>
    ${
      rows.length > 0 &&
      html` <div class="pair">
          <figure>
            <figcaption>By level: solid at the top, pale under another alert</figcaption>
            ${byLevel(report)}
          </figure>
          <figure>
            <figcaption>By what caused them</figcaption>
            ${byCause(report)}
          </figure>
        </div>
        <div class="wide">
          <table>
            <tr>
              <th>level</th>
              <th>rule</th>
              <th>cause</th>
              <th class="n">a day, at the top</th>
              <th class="n">a day, all</th>
              <th class="n">alerts</th>
              <th>for example</th>
            </tr>
            ${rows.map(
              (row) =>
                html`<tr>
                  <td>${levelTag(row.level)}</td>
                  <td>${titles.get(row.rule) ?? row.rule}</td>
                  <td>${row.cause}</td>
                  <td class="n">${count(row.topPerDay)}</td>
                  <td class="n">${count(row.perDay)}</td>
                  <td class="n">${count(row.alerts)}</td>
                  <td class="soft">${example(row.examples[0])}</td>
                </tr>`,
            )}
          </table>
        </div>`
    }`;
}

function example(found: FalseAlertReport['rows'][number]['examples'][number] | undefined): Html {
  if (found === undefined) return html``;
  const group = Object.values(found.group).map((value) => value ?? '–');
  const at = new Date(found.crossedAt).toISOString().slice(0, 16).replace('T', ' ');
  // Isolates the name, so that its direction of writing affects nothing else.
  return html`<bdi>${group.join(', ')}</bdi> on ${at} with ${count(found.value)}`;
}

function byLevel(report: FalseAlertReport): Html {
  const { byLevel: rates } = report;
  const shown = LEVELS.filter((level) => rates[level].alerts > 0).reverse();
  const bars = shown.map((level) => ({ level, ...rates[level] }));
  return svg(`False alerts per day${perAccounts(report)} by level`, {
    width: 520,
    height: 50 + 34 * shown.length,
    marginLeft: 100,
    marginRight: 70,
    color: LEVEL_COLOURS,
    x: { label: null, grid: true, ticks: 5 },
    y: { domain: shown, label: null, tickSize: 0 },
    marks: [
      Plot.barX(bars, {
        x: 'perDay',
        y: 'level',
        fill: 'level',
        fillOpacity: 0.35,
        insetTop: 3,
        insetBottom: 3,
      }),
      Plot.barX(bars, { x: 'topPerDay', y: 'level', fill: 'level', insetTop: 3, insetBottom: 3 }),
      Plot.text(bars, {
        x: 'perDay',
        y: 'level',
        text: ({ topPerDay, perDay }: (typeof bars)[number]) =>
          topPerDay === perDay ? count(perDay) : `${count(topPerDay)} / ${count(perDay)}`,
        textAnchor: 'start',
        dx: 6,
      }),
      Plot.ruleX([0], { strokeOpacity: 0.4 }),
    ],
  });
}

function byCause(report: FalseAlertReport): Html {
  const { byCause: rates, rows } = report;
  const causes = Object.entries(rates)
    .sort(([, a], [, b]) => b.topPerDay - a.topPerDay)
    .map(([cause]) => cause);
  const bars = rows.map(({ cause, level, topPerDay }) => ({ cause, level, topPerDay }));
  return svg(`False alerts per day${perAccounts(report)} by cause`, {
    width: 560,
    height: 50 + 30 * causes.length,
    marginLeft: 190,
    marginRight: 50,
    color: LEVEL_COLOURS,
    x: { label: null, grid: true, ticks: 5 },
    y: { domain: causes, label: null, tickSize: 0 },
    marks: [
      Plot.barX(
        bars,
        Plot.groupY(
          { x: 'sum' },
          {
            x: 'topPerDay',
            y: 'cause',
            fill: 'level',
            order: [...LEVELS].reverse(),
            insetTop: 3,
            insetBottom: 3,
          },
        ),
      ),
      Plot.text(causes, {
        x: (cause: string) => rates[cause]!.topPerDay,
        y: (cause: string) => cause,
        text: (cause: string) => count(rates[cause]!.topPerDay),
        textAnchor: 'start',
        dx: 6,
      }),
      Plot.ruleX([0], { strokeOpacity: 0.4 }),
    ],
  });
}

export function howMeasured({ settings, jobs }: BacktestReport): Html {
  const busyMs = jobs.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  return html` <h2>How it was measured</h2>
    <p>
      ${
        settings['input'] === undefined
          ? html`Generated traffic went through the decoder and the engine of <code>vigie run</code>, in
              deterministic event time. The same rules, seed and options give the same figures.`
          : html`The log went through the decoder and the engine of <code>vigie run</code>, in deterministic
              event time. What is no malicious event in its labels counts as ordinary work.`
      }
      Definitions: docs/backtest.md.
    </p>
    <div class="wide">
      <table>
        <tr>
          <th>setting</th>
          <th>value</th>
        </tr>
        ${Object.entries(settings).map(
          ([name, value]) =>
            html`<tr>
              <td>${name}</td>
              <td>${settingText(name, value)}</td>
            </tr>`,
        )}
      </table>
    </div>
    <details>
      <summary>${plural(jobs.length, 'job')}, ${span(busyMs)} of CPU time</summary>
      <div class="wide">
        <table>
          <tr>
            <th>job</th>
            <th class="n">events</th>
            <th class="n">took</th>
            <th class="n">CPU time</th>
            <th class="n">of it generating</th>
            <th class="n">groups held at the end</th>
          </tr>
          ${jobs.map(
            ({ scenario, events, elapsedMs, cpuMs, generatingMs, groups }) =>
              html`<tr>
                <td>${scenario}</td>
                <td class="n">${count(events)}</td>
                <td class="n">${span(elapsedMs)}</td>
                <td class="n">${span(cpuMs)}</td>
                <td class="n">${span(generatingMs)}</td>
                <td class="n">${count(groups)}</td>
              </tr>`,
          )}
        </table>
      </div>
    </details>`;
}

function settingText(name: string, value: unknown): string {
  if (typeof value === 'number') return name.endsWith('Ms') ? span(value) : count(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
