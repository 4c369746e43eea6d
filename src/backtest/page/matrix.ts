/** Rules × incidents: which rule fired in which incident, when, and what was gone by then. */

import { count, span } from '../../figures.ts';
import type { BacktestReport, RuleVerdict } from '../report.ts';
import { LEVELS } from '../rates.ts';
import { html, type Html } from './html.ts';
import { shortCount } from './plot.ts';
import { levelTag } from './words.ts';

export function matrix({ incidents, rules, falseAlerts }: BacktestReport): Html {
  if (incidents.length === 0) return html``;
  const falsePerDay = new Map<string, number>();
  for (const { rule, perDay } of falseAlerts?.rows ?? []) {
    falsePerDay.set(rule, (falsePerDay.get(rule) ?? 0) + perDay);
  }
  const bySeverity = [...rules].sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  return html` <h2>Rules × incidents</h2>
    <p>
      Time from the first stolen record to the rule’s first alert, and records gone by then. A dot: the rule
      said nothing. “A”: counts one account’s persons in an hour, or rests on a rule that does.
    </p>
    <div class="wide">
      <table class="matrix">
        <tr>
          <th class="title">rule</th>
          <th></th>
          ${incidents.map(({ name }) => html`<th class="name">${name}</th>`)}
          ${falseAlerts !== null && html`<th class="name n">false alerts a day</th>`}
        </tr>
        ${bySeverity.map(
          ({ rule, title, level, signalA }) =>
            html`<tr>
              <th class="rule" scope="row">${levelTag(level)} ${title}</th>
              <td class="rule">${signalA && 'A'}</td>
              ${incidents.map((incident) => {
                const verdict = incident.rules.find((candidate) => candidate.rule === rule);
                if (verdict === undefined) return html`<td class="none">·</td>`;
                return html`<td class="hit c-${level}" title="${plainly(verdict.alerts, verdict.records)}">
                  ${span(Math.abs(verdict.timeToDetectMs ?? verdict.sinceFirstEventMs))}<small
                    >${remark(verdict)}</small
                  >
                </td>`;
              })}
              ${falseAlerts !== null && html`<td class="rule n">${count(Number((falsePerDay.get(rule) ?? 0).toPrecision(3)))}</td>`}
            </tr>`,
        )}
      </table>
    </div>`;
}

function remark({ timeToDetectMs, beforeFirstRead, records }: RuleVerdict): string {
  if (timeToDetectMs === null) return 'after it began';
  return beforeFirstRead ? 'before' : `${shortCount(records)} gone`;
}

function plainly(alerts: number, records: number): string {
  return `${count(alerts)} alerts; ${count(records)} records gone at the first`;
}
