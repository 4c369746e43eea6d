/** The sweep: what other thresholds would have cost and caught, all scaled together and rule by rule. */

import * as Plot from '@observablehq/plot';
import { count } from '../../figures.ts';
import type { BacktestReport } from '../report.ts';
import { html, type Html } from './html.ts';
import { logAxis, shortCount, svg, within } from './plot.ts';
import { levelTag, thefts } from './words.ts';

interface Point {
  readonly factor: number;
  readonly falseAlertsPerDay: number;
  readonly caught: number;
  readonly gone: number;
  readonly threshold?: number;
}

export function sweep(report: BacktestReport): Html {
  const { sweep: swept } = report;
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
      <div class="wide">
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
                <td class="n">${factor === 1 ? html`<strong>× 1, as it is</strong>` : `× ${factor}`}</td>
                <td class="n">${count(falseAlertsPerDay)}</td>
                <td class="n">${caught} of ${all.length}</td>
                <td class="n">${count(gone)}</td>
              </tr>`,
          )}
        </table>
      </div>
    </div>
    <h3>Rule by rule</h3>
    <p>
      Per rule, with the others as they are: false alerts a day (line) and thefts that this rule catches
      (number above each setting). The upright line is the value as it is. A rule that others rest on is swept
      with them.
    </p>
    <div class="thirds">
      ${swept.rules.map(({ title, level, points }) => {
        const shown = points.map((point) => ({ ...pointOf(point), threshold: point.bounds[0]!.value }));
        return html`<figure>
          <figcaption>${levelTag(level)} ${title}</figcaption>
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
          ${swept.rules.flatMap(({ title, points }) =>
            points.map(
              (point) =>
                html`<tr>
                  <td>${title}</td>
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
  const shown = points.map((point) => ({ ...point, gone: Math.max(1, point.gone) }));
  const least = Math.min(...shown.map(({ gone }) => gone)) / 2;
  const most = Math.max(10, ...shown.map(({ gone }) => gone)) * 2;
  // Settings with equal results share a point and a label. Labels go above and below in turn, so that neighbours do not
  // overlap.
  const places = [
    ...Map.groupBy(shown, ({ falseAlertsPerDay, gone }) => `${falseAlertsPerDay} ${gone}`).values(),
  ];
  const labels = places.map((place, i) => ({
    ...place[0]!,
    text: place.map(({ factor }) => (factor === 1 ? 'as it is' : `× ${factor}`)).join(', '),
    shipped: place.some(({ factor }) => factor === 1),
    dy: i % 2 === 0 ? -14 : 16,
  }));
  const powers = Array.from({ length: 9 }, (_, i) => 10 ** i);
  const rate = alertAxis(points);
  return svg('False alerts a day against records gone, per factor', {
    width: 560,
    height: 330,
    marginLeft: 56,
    marginRight: 44,
    marginTop: 30,
    marginBottom: 46,
    x: { ...rate, label: 'false alerts a day and 10,000 accounts →', labelAnchor: 'right', labelOffset: 42 },
    y: { type: 'log', domain: [least, most], label: null },
    marks: [
      logAxis('y', within(powers, least, most), shortCount),
      Plot.gridY({ ticks: within(powers, least, most), strokeOpacity: 0.12 }),
      Plot.line(shown, { x: 'falseAlertsPerDay', y: 'gone', strokeOpacity: 0.5 }),
      Plot.dot(shown, {
        x: 'falseAlertsPerDay',
        y: 'gone',
        r: ({ factor }: Point) => (factor === 1 ? 6 : 4),
        fill: ({ factor }: Point) => (factor === 1 ? 'var(--accent)' : 'var(--soft)'),
      }),
      ...labels.map((label) =>
        Plot.text([label], {
          x: 'falseAlertsPerDay',
          y: 'gone',
          text: 'text',
          dy: label.dy,
          fontWeight: 600,
          fill: label.shipped ? 'var(--accent)' : 'var(--soft)',
          stroke: 'var(--paper)',
          strokeWidth: 4,
        }),
      ),
    ],
  });
}

/** An axis for alerts a day, from none to many, with a tick per power of ten. */
function alertAxis(points: readonly Point[]): Plot.ScaleOptions {
  const most = Math.max(1, ...points.map(({ falseAlertsPerDay }) => falseAlertsPerDay));
  const ticks = [0, 1, 10, 100, 1000, 10_000, 100_000].filter((tick) => tick <= most);
  return { type: 'symlog', constant: 0.5, domain: [0, most], ticks, tickFormat: shortCount, label: null };
}

function ofRule(points: readonly (Point & { readonly threshold: number })[]): Html {
  const shipped = points.filter(({ factor }) => factor === 1);
  return svg('False alerts a day and thefts caught, per threshold', {
    width: 360,
    height: 190,
    marginTop: 34,
    marginLeft: 44,
    marginRight: 14,
    x: {
      type: 'log',
      label: 'threshold →',
    },
    y: { ...alertAxis(points), grid: true },
    marks: [
      logAxis(
        'x',
        points.map(({ threshold }) => threshold).filter((_, i) => i % 2 === 0),
        shortCount,
      ),
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
