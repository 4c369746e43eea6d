/** The sweep: what other thresholds would have cost and caught, all together and rule by rule. */

import * as Plot from '@observablehq/plot';
import { count } from '../../figures.ts';
import type { BacktestReport } from '../report.ts';
import { html, type Html } from './html.ts';
import { shortCount, svg, within } from './plot.ts';
import { levelTag, thefts } from './words.ts';

interface Point {
  readonly factor: number;
  readonly falseAlertsPerDay: number;
  readonly caught: number;
  readonly gone: number;
  readonly threshold?: number;
}

export function sweep(report: BacktestReport): Html {
  const { sweep: swept, rules } = report;
  if (swept === null) return html``;
  const all = thefts(report);
  const pointOf = (outcome: (typeof swept.together)[number]): Point => ({
    factor: outcome.factor,
    falseAlertsPerDay: outcome.falseAlertsPerDay ?? 0,
    caught: all.filter(({ name }) => outcome.recordsLost[name] !== undefined).length,
    gone: all.reduce((sum, { name, records }) => sum + (outcome.recordsLost[name] ?? records), 0),
  });
  const together = swept.together.map(pointOf);
  return html` <h2>Other thresholds</h2>
    <p>
      Every threshold at 0.25 to 4 times its value, judged in the same pass. All false alerts are counted
      here, also those under another alert. First all thresholds together, alerts at medium or above:
    </p>
    <div class="pair">
      <figure>
        <figcaption>False alerts a day against records gone before the first alerts, all thefts</figcaption>
        ${tradeOff(together)}
      </figure>
      <table>
        <tr>
          <th class="n">thresholds</th>
          <th class="n">false alerts a day</th>
          <th class="n">thefts caught</th>
          <th class="n">records gone</th>
        </tr>
        ${together.map(
          ({ factor, falseAlertsPerDay, caught, gone }) =>
            html`<tr>
              <td class="n">${factor === 1 ? html`<strong>× 1, as shipped</strong>` : `× ${factor}`}</td>
              <td class="n">${count(falseAlertsPerDay)}</td>
              <td class="n">${caught} of ${all.length}</td>
              <td class="n">${count(gone)}</td>
            </tr>`,
        )}
      </table>
    </div>
    <h3>Rule by rule</h3>
    <p>
      Per rule, with the others as they are: false alerts a day (line) and thefts that this rule catches
      (number above each setting). The upright line is the value as shipped. A rule that others rest on is
      swept with them.
    </p>
    <div class="thirds">
      ${swept.rules.map(({ rule, points }) => {
        const info = rules.find((candidate) => candidate.rule === rule);
        const shown = points.map((point) => ({ ...pointOf(point), threshold: point.bounds[0]!.value }));
        return html`<figure>
          <figcaption>${info === undefined ? rule : html`${levelTag(info.level)} ${info.title}`}</figcaption>
          ${ofRule(shown)}
        </figure>`;
      })}
    </div>
    <details>
      <summary>The same in numbers</summary>
      <div class="wide">
        <table>
          <tr>
            <th>rule</th>
            <th class="n">threshold</th>
            <th class="n">×</th>
            <th class="n">false alerts a day</th>
            <th>catches: records gone</th>
          </tr>
          ${swept.rules.flatMap(({ rule, points }) =>
            points.map(
              (point) =>
                html`<tr>
                  <td>${rules.find((candidate) => candidate.rule === rule)?.title ?? rule}</td>
                  <td class="n">${count(point.bounds[0]!.value)}</td>
                  <td class="n">${point.factor}</td>
                  <td class="n">${point.falseAlertsPerDay === null ? '' : count(point.falseAlertsPerDay)}</td>
                  <td>
                    ${Object.entries(point.recordsLost)
                      .map(([name, records]) => `${name}: ${count(records)}`)
                      .join(', ')}
                  </td>
                </tr>`,
            ),
          )}
        </table>
      </div>
    </details>`;
}

function tradeOff(points: readonly Point[]): Html {
  const least = Math.max(1, Math.min(...points.map(({ gone }) => gone)) / 2);
  const most = Math.max(10, ...points.map(({ gone }) => gone)) * 2;
  const powers = Array.from({ length: 9 }, (_, i) => 10 ** i);
  const shown = points.map((point) => ({ ...point, gone: Math.max(1, point.gone) }));
  return svg('False alerts a day against records gone, per factor', {
    width: 560,
    height: 320,
    marginLeft: 56,
    marginRight: 30,
    x: {
      type: 'symlog',
      constant: 0.5,
      label: 'false alerts a day and 10,000 accounts →',
      labelAnchor: 'right',
      tickFormat: shortCount,
      ticks: 6,
    },
    y: {
      type: 'log',
      domain: [least, most],
      ticks: within(powers, least, most),
      tickFormat: shortCount,
      label: '↑ records gone',
    },
    marks: [
      Plot.gridY({ ticks: within(powers, least, most), strokeOpacity: 0.12 }),
      Plot.line(shown, { x: 'falseAlertsPerDay', y: 'gone', strokeOpacity: 0.5 }),
      Plot.dot(shown, {
        x: 'falseAlertsPerDay',
        y: 'gone',
        r: ({ factor }: Point) => (factor === 1 ? 6 : 4),
        fill: ({ factor }: Point) => (factor === 1 ? 'var(--accent)' : 'var(--soft)'),
      }),
      Plot.text(shown, {
        x: 'falseAlertsPerDay',
        y: 'gone',
        text: ({ factor }: Point) => (factor === 1 ? 'as shipped' : `× ${factor}`),
        textAnchor: 'start',
        dx: 9,
        dy: -6,
        fontWeight: 600,
        fill: ({ factor }: Point) => (factor === 1 ? 'var(--accent)' : 'var(--soft)'),
      }),
    ],
  });
}

function ofRule(points: readonly (Point & { readonly threshold: number })[]): Html {
  const shipped = points.filter(({ factor }) => factor === 1);
  const most = Math.max(1, ...points.map(({ falseAlertsPerDay }) => falseAlertsPerDay));
  return svg('False alerts a day and thefts caught, per threshold', {
    width: 360,
    height: 190,
    marginTop: 34,
    marginLeft: 44,
    marginRight: 14,
    x: {
      type: 'log',
      label: 'threshold →',
      ticks: points.map(({ threshold }) => threshold).filter((_, i) => i % 2 === 0),
      tickFormat: shortCount,
    },
    y: {
      type: 'symlog',
      constant: 0.5,
      domain: [0, most],
      label: null,
      ticks: 4,
      tickFormat: shortCount,
      grid: true,
    },
    marks: [
      Plot.ruleX(shipped, { x: 'threshold', stroke: 'var(--accent)', strokeWidth: 1.5 }),
      Plot.lineY(points, { x: 'threshold', y: 'falseAlertsPerDay', strokeWidth: 1.6 }),
      Plot.dot(points, { x: 'threshold', y: 'falseAlertsPerDay', r: 3, fill: 'currentColor' }),
      Plot.text(points, {
        x: 'threshold',
        text: 'caught',
        frameAnchor: 'top',
        dy: -14,
        fill: 'var(--good)',
        fontWeight: 600,
      }),
    ],
  });
}
