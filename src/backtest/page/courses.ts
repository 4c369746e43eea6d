/** Per theft: records taken over time, and the moment of each rule's first alert. */

import * as Plot from '@observablehq/plot';
import { count, plural } from '../../figures.ts';
import type { BacktestReport, IncidentVerdict } from '../report.ts';
import { html, type Html } from './html.ts';
import { colourOf, logAxis, shortCount, shortSpan, SPAN_TICKS, svg, within } from './plot.ts';
import { levelTag, percent, thefts, when } from './words.ts';

export function courses(report: BacktestReport): Html {
  const all = thefts(report).filter(({ course }) => course.length > 1);
  if (all.length === 0) return html``;
  return html` <h2>What was taken when</h2>
    <p>
      Each curve is one theft: records read since the first one, both axes logarithmic. Each numbered line is
      the first alert of one rule; the table beside it gives the figures.
    </p>
    ${all.map(
      (incident) =>
        html`<h3>${incident.name}</h3>
          <p class="soft">${incident.title}</p>
          <div class="pair">
            <figure class="wide">${plot(incident)}</figure>
            <div class="wide">${legend(incident)}</div>
          </div>`,
    )}`;
}

const WIDTH = 560;
const LEFT = 52;
const RIGHT = 16;
const FIRST_MS = 1000;
/** Width of a number, px. */
const NUMBER_PX = 17;

function plot({ name, course, records, rules }: IncidentVerdict): Html {
  const lastMs = Math.max(10_000, course.at(-1)!.sinceFirstReadMs);
  const domain: [number, number] = [FIRST_MS, lastMs];
  const pixel = (ms: number): number =>
    LEFT + ((WIDTH - LEFT - RIGHT) * Math.log(ms / domain[0])) / Math.log(domain[1] / domain[0]);
  // Numbers that would overlap go to another row.
  const rowEnds: number[] = [];
  const marks = rules.map((rule, i) => {
    const x = Math.min(lastMs, Math.max(FIRST_MS, rule.timeToDetectMs ?? 0));
    let row = rowEnds.findIndex((end) => pixel(x) - end >= NUMBER_PX);
    if (row < 0) row = rowEnds.length;
    rowEnds[row] = pixel(x);
    return {
      number: `${i + 1}`,
      x,
      row,
      y: Math.max(1, rule.records),
      colour: colourOf(rule.level),
      title: rule.title,
    };
  });
  const marginTop = 16 + 15 * rowEnds.length;
  const powers = Array.from({ length: 9 }, (_, i) => 10 ** i);
  return svg(`Records taken over time in ${name}, and when each rule spoke`, {
    width: WIDTH,
    height: 220 + marginTop,
    marginTop,
    marginLeft: LEFT,
    marginRight: RIGHT,
    x: { type: 'log', domain, label: null },
    y: {
      type: 'log',
      domain: [1, Math.max(10, records)],
      label: null,
    },
    marks: [
      logAxis('x', within(SPAN_TICKS, ...domain), shortSpan),
      logAxis('y', within(powers, 1, records), shortCount),
      Plot.gridY({ ticks: within(powers, 1, records), strokeOpacity: 0.12 }),
      Plot.areaY(course, {
        x: ({ sinceFirstReadMs }: { sinceFirstReadMs: number }) => Math.max(FIRST_MS, sinceFirstReadMs),
        y1: 1,
        y2: 'records',
        fill: 'currentColor',
        fillOpacity: 0.07,
      }),
      Plot.lineY(course, {
        x: ({ sinceFirstReadMs }: { sinceFirstReadMs: number }) => Math.max(FIRST_MS, sinceFirstReadMs),
        y: 'records',
        strokeWidth: 1.8,
      }),
      Plot.ruleX(marks, {
        x: 'x',
        stroke: (mark: { colour: string }) => mark.colour,
        strokeWidth: 1.4,
        strokeOpacity: 0.75,
        y1: 1,
        y2: Math.max(10, records),
      }),
      Plot.dot(marks, {
        x: 'x',
        y: 'y',
        fill: (mark: { colour: string }) => mark.colour,
        r: 3.5,
        title: 'title',
      }),
      ...marks.map((mark) =>
        Plot.text([mark], {
          x: 'x',
          text: 'number',
          frameAnchor: 'top',
          dy: -12 - 15 * mark.row,
          fill: mark.colour,
          fontWeight: 600,
        }),
      ),
    ],
  });
}

function legend({ rules, records }: IncidentVerdict): Html {
  if (rules.length === 0)
    return html`<p class="bad">No rule spoke; all ${count(records)} records were taken unseen.</p>`;
  return html`<div class="wide">
    <table class="small">
      <tr>
        <th class="n">№</th>
        <th>level</th>
        <th class="title">rule</th>
        <th class="n">after</th>
        <th class="n">gone</th>
        <th class="n">share</th>
      </tr>
      ${rules.map(
        (rule, i) =>
          html`<tr title="${plural(rule.alerts, 'alert')}">
            <td class="n">${i + 1}</td>
            <td>${levelTag(rule.level)}</td>
            <td>${rule.title}</td>
            <td class="n">${when(rule)}</td>
            <td class="n">${count(rule.records)}</td>
            <td class="n">${percent(rule.shareOfRecords)}</td>
          </tr>`,
      )}
    </table>
  </div>`;
}
