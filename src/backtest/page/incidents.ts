/** Per incident: when the first alerts came, and what was gone by then, as a table and as two plots. */

import * as Plot from '@observablehq/plot';
import { count, plural } from '../../figures.ts';
import {
  type BacktestReport,
  type Detection,
  type IncidentVerdict,
  UNMATCHED_REMEDY,
  unmatchedText,
} from '../report.ts';
import { html, type Html } from './html.ts';
import { logAxis, shortCount, shortSpan, SPAN_TICKS, svg, within } from './plot.ts';
import { levelTag, percent, thefts, when } from './words.ts';

export function incidents(report: BacktestReport): Html {
  if (report.incidents.length === 0) return html``;
  return html` <h2>Incidents</h2>
    <p>
      An alert belongs to an incident when at least one malicious event stands behind its crossing. Times run
      from the first stolen record; “gone” is what had been read by then.
    </p>
    <div class="wide">
      <table>
        <tr>
          <th>incident</th>
          <th class="title">first alert at medium or above</th>
          <th class="n">after</th>
          <th class="n">records gone</th>
          <th class="n">share</th>
          <th class="n">first critical</th>
          <th class="n">without signal A</th>
        </tr>
        ${report.incidents.map(row)}
      </table>
    </div>
    ${report.unmatchedLabels.map((each) => html`<p class="bad">${unmatchedText(each)}</p>`)}
    ${report.unmatchedLabels.length > 0 && html`<p>${UNMATCHED_REMEDY}</p>`} ${overview(thefts(report))}`;
}

function row(incident: IncidentVerdict): Html {
  const { name, title, negativeControl, detected, records, inDepth, rules, events } = incident;
  if (events === 0) {
    return html`<tr>
      <td class="nowrap" title="${title}">${name}</td>
      <td colspan="6"><span class="bad">not in the log</span>: no event of the log has its labels</td>
    </tr>`;
  }
  if (negativeControl) {
    return html`<tr>
      <td class="nowrap" title="${title}">${name}</td>
      <td colspan="6">
        ${
          rules.length === 0
            ? html`<span class="good">silent</span>: nothing was read, and no rule spoke`
            : html`<span class="bad">${plural(rules.length, 'rule')} spoke</span> although nothing was read:
                ${rules.map((rule) => rule.title).join('; ')}`
        }
      </td>
    </tr>`;
  }
  const { medium, critical } = detected;
  return html`<tr>
    <td class="nowrap" title="${title}">${name}</td>
    ${
      medium === null
        ? html`<td class="bad">not caught</td>
            <td></td>
            <td class="n">all ${count(records)}</td>
            <td class="n">100 %</td>`
        : html`<td>${levelTag(medium.level)} ${medium.title}</td>
            <td class="n">${when(medium)}</td>
            <td class="n">${count(medium.records)} of ${count(records)}</td>
            <td class="n">${percent(medium.shareOfRecords)}</td>`
    }
    ${both(critical, html`–`)}${both(inDepth, html`<span class="bad">blind</span>`)}
  </tr>`;
}

function both(detection: Detection | null, none: Html): Html {
  if (detection === null) return html`<td class="n">${none}</td>`;
  return html`<td class="n">${when(detection)}<small>${count(detection.records)} gone</small></td>`;
}

const KINDS = ['first alert', 'first critical', 'first without signal A'] as const;
const SYMBOLS = { domain: [...KINDS], range: ['circle', 'diamond', 'cross'] as Plot.SymbolType[] };
const COLOURS = { domain: [...KINDS], range: ['var(--accent)', 'var(--critical)', 'var(--good)'] };

interface Dot {
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  readonly detection: Detection;
}

function overview(all: readonly IncidentVerdict[]): Html {
  const dots = all.flatMap(({ name, detected, inDepth }): Dot[] =>
    (
      [
        [KINDS[0], detected.medium],
        [KINDS[1], detected.critical],
        [KINDS[2], inDepth],
      ] as const
    ).flatMap(([kind, detection]) => (detection === null ? [] : [{ name, kind, detection }])),
  );
  if (dots.length === 0) return html``;
  const frame = {
    width: 580,
    height: 70 + 38 * all.length,
    marginTop: 28,
    marginBottom: 36,
    symbol: SYMBOLS,
    color: COLOURS,
    y: { domain: all.map(({ name }) => name), label: null, tickSize: 0 },
  };
  // Each kind on its own line, as dots often coincide.
  const eachKind = (x: (dot: Dot) => number): Plot.Markish[] =>
    KINDS.map((kind, i) =>
      Plot.dot(
        dots.filter((dot) => dot.kind === kind),
        { ...style, x, dy: 8 * (i - 1) },
      ),
    );
  const style = {
    y: 'name',
    stroke: 'kind',
    symbol: 'kind',
    r: 4.5,
    strokeWidth: 2.2,
    fill: 'var(--paper)',
    title: (dot: Dot) =>
      `${dot.kind}: ${dot.detection.title} (${when(dot.detection)}, ${count(dot.detection.records)} records gone)`,
  };
  const latest = Math.max(10_000, ...dots.map(({ detection }) => detection.timeToDetectMs ?? 0));
  const afterOf = ({ detection }: Dot): number => Math.max(FIRST_MS, detection.timeToDetectMs ?? 0);
  const early = dots.some(({ detection }) => detection.beforeFirstRead);
  const time = svg('Time from the first stolen record to the first alerts, per incident', {
    ...frame,
    marginLeft: 180,
    x: {
      type: 'log',
      domain: [BEFORE_MS, latest * 1.5],
      label: null,
    },
    marks: [
      ...(early
        ? [
            Plot.rectX([0], { x1: BEFORE_MS, x2: FIRST_MS * 0.8, fill: 'currentColor', fillOpacity: 0.06 }),
            Plot.text(['before'], { x: BEFORE_MS * 1.9, frameAnchor: 'top', dy: -14, fill: 'var(--soft)' }),
          ]
        : []),
      logAxis('x', within(SPAN_TICKS, FIRST_MS, latest * 1.5), shortSpan),
      Plot.gridX({ ticks: within(SPAN_TICKS, FIRST_MS, latest * 1.5), strokeOpacity: 0.12 }),
      Plot.ruleY(all, { y: 'name', strokeOpacity: 0.15 }),
      ...eachKind((dot) => (dot.detection.beforeFirstRead ? BEFORE_MS * 1.9 : afterOf(dot))),
    ],
  });
  const most = Math.max(10, ...all.map(({ records }) => records));
  const powers = Array.from({ length: 9 }, (_, i) => 10 ** i);
  const records = svg('Records gone at the first alerts, per incident', {
    ...frame,
    marginLeft: 24,
    width: 460,
    y: { ...frame.y, axis: null },
    x: {
      type: 'log',
      domain: [0.5, most * 1.3],
      label: null,
    },
    marks: [
      logAxis('x', within(powers, 1, most), shortCount),
      Plot.gridX({ ticks: within(powers, 1, most), strokeOpacity: 0.12 }),
      Plot.ruleY(all, { y: 'name', x1: 0.5, x2: 'records', strokeWidth: 7, strokeOpacity: 0.13 }),
      ...eachKind(({ detection }) => Math.max(0.5, detection.records)),
    ],
  });
  return html` <div class="key">
      <span style="color:var(--accent)">○ first alert at medium or above</span>
      <span style="color:var(--critical)">◇ first critical alert</span>
      <span style="color:var(--good)">✚ first alert without signal A (persons per account and hour)</span>
    </div>
    <div class="wide" style="display:flex;gap:1rem;flex-wrap:wrap">
      <figure>
        <figcaption>Time from the first stolen record to the alert</figcaption>
        ${time}
      </figure>
      <figure>
        <figcaption>Records gone by then; the bar is the whole theft. Left edge: none</figcaption>
        ${records}
      </figure>
    </div>`;
}

/** Start of the time axis, and where on it alerts before the first read appear. */
const FIRST_MS = 1000;
const BEFORE_MS = 150;
