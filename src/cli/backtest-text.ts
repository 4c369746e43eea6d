/** A backtest's report on a terminal: a verdict per incident, rules × incidents, false alerts, the sweep. */

import type { BacktestReport, Detection, IncidentVerdict } from '../backtest/report.ts';
import type { Level } from '../sigma/rule.ts';
import { count, plain, plural, span, styled, styledLevel, table } from './terminal.ts';

const SHOWN_FALSE_ALERTS = 15;
const LOUDEST_FIRST: readonly Level[] = ['critical', 'high', 'medium', 'low', 'informational'];

export function reportText(report: BacktestReport): string {
  const parts = [verdicts(report), matrix(report), falseAlerts(report), sweep(report), work(report)].filter(
    (part) => part !== '',
  );
  return `${parts.join('\n\n')}\n`;
}

function verdicts({ incidents }: BacktestReport): string {
  if (incidents.length === 0) return '';
  const rows = incidents.map((incident) => {
    const { detected, inDepth, records, negativeControl, events } = incident;
    const name = plain(incident.name);
    const { medium } = detected;
    const verdict = verdictOf(incident);
    if (events === 0) return [name, verdict, '', '', '', '', ''];
    return [
      name,
      verdict,
      negativeControl || medium === null ? '' : when(medium),
      negativeControl
        ? ''
        : medium === null
          ? `all ${count(records)}`
          : `${count(medium.records)} of ${count(records)}`,
      negativeControl || medium === null ? '' : percent(medium.shareOfRecords),
      detected.critical === null ? '–' : `${when(detected.critical)}, ${count(detected.critical.records)}`,
      inDepth === null
        ? negativeControl
          ? ''
          : styled('red', 'blind')
        : `${when(inDepth)}, ${count(inDepth.records)}`,
    ];
  });
  return `${styled('bold', 'Incidents')}: the first alert at medium or above\n${table(
    [
      'incident',
      'verdict',
      'after first read',
      'records gone',
      'share',
      'critical: after, gone',
      'without signal A: after, gone',
    ],
    rows,
  )}`;
}

function verdictOf({ negativeControl, detected, rules, events }: IncidentVerdict): string {
  if (events === 0) return styled('red', 'not in the log: no event has its labels');
  if (negativeControl) {
    return rules.length === 0
      ? styled('green', 'silent, as it should be')
      : styled('yellow', `${plural(rules.length, 'rule')} spoke, nothing was read`);
  }
  const first = detected.medium;
  if (first === null) return styled('red', 'not caught');
  return `${styled('green', 'caught')} ${styledLevel(first.level)}`;
}

function when({ timeToDetectMs, sinceFirstEventMs }: Detection): string {
  if (timeToDetectMs === null) return `${span(sinceFirstEventMs)} after it began`;
  return timeToDetectMs < 0 ? `${span(-timeToDetectMs)} before` : span(timeToDetectMs);
}

function matrix({ incidents, rules }: BacktestReport): string {
  if (incidents.length === 0) return '';
  const rows = rules.map(({ rule, title, level }) => [
    styledLevel(level),
    plain(title),
    ...incidents.map((incident) => {
      const verdict = incident.rules.find((candidate) => candidate.rule === rule);
      return verdict === undefined ? '·' : when(verdict).replace(' after it began', '');
    }),
  ]);
  return `${styled('bold', 'Rules × incidents')}: time from the first read to the rule's first alert\n${table(
    ['level', 'rule', ...incidents.map(({ name }) => plain(name))],
    rows,
  )}`;
}

function falseAlerts({ falseAlerts: report, rules }: BacktestReport): string {
  if (report === null) return '';
  const { days, accounts, all, byLevel, byCause, rows } = report;
  const titles = new Map(rules.map(({ rule, title }) => [rule, title]));
  const [per, of] =
    accounts === 0
      ? ['per day', 'a log that names no account']
      : ['per day and 10,000 accounts', `${count(accounts)} accounts`];
  const head = `${styled('bold', 'False alerts')} ${per}, over ${plural(days, 'day')} of ${of}: ${count(all.perDay)}, of which ${count(all.topPerDay)} stand under no other alert`;
  if (rows.length === 0) return head;
  const levels = LOUDEST_FIRST.filter((level) => byLevel[level].alerts > 0).map((level) => [
    styledLevel(level),
    count(byLevel[level].topPerDay),
    count(byLevel[level].perDay),
  ]);
  const causes = Object.entries(byCause)
    .sort(([, a], [, b]) => b.alerts - a.alerts)
    .map(([cause, rate]) => [plain(cause), count(rate.topPerDay), count(rate.perDay)]);
  const shown = rows.slice(0, SHOWN_FALSE_ALERTS);
  const more = rows.length - shown.length;
  return [
    head,
    table(['level', 'at the top', 'all'], levels),
    '',
    table(['cause', 'at the top', 'all'], causes),
    '',
    table(
      ['level', 'rule', 'cause', 'at the top', 'all', 'alerts'],
      shown.map(({ rule, level, cause, topPerDay, perDay, alerts }) => [
        styledLevel(level),
        plain(titles.get(rule) ?? rule),
        plain(cause),
        count(topPerDay),
        count(perDay),
        count(alerts),
      ]),
    ),
    ...(more > 0 ? [`and ${more} more: --json or --html`] : []),
  ].join('\n');
}

function sweep({ sweep: report, incidents }: BacktestReport): string {
  if (report === null) return '';
  const thefts = incidents.filter(({ reads }) => reads > 0);
  const rows = report.together.map(({ factor, falseAlertsPerDay, recordsLost }) => [
    factor === 1 ? styled('bold', '× 1 (as it is)') : `× ${factor}`,
    falseAlertsPerDay === null ? '' : count(falseAlertsPerDay),
    `${thefts.filter(({ name }) => recordsLost[name] !== undefined).length} of ${thefts.length}`,
    count(thefts.reduce((sum, { name, records }) => sum + (recordsLost[name] ?? records), 0)),
  ]);
  return `${styled('bold', 'All thresholds scaled together')}, alerts at medium or above\n${table(
    ['thresholds', 'false alerts a day', 'incidents caught', 'records gone before the first alert'],
    rows,
  )}\nEach rule on its own: --json or --html`;
}

function work({ jobs }: BacktestReport): string {
  const events = jobs.reduce((sum, job) => sum + job.events, 0);
  const each = jobs.map(
    ({ scenario, elapsedMs, cpuMs }) => `${plain(scenario)} ${span(elapsedMs)} (${span(cpuMs)})`,
  );
  return styled('dim', `${count(events)} events; time (CPU time): ${each.join(', ')}`);
}

function percent(share: number): string {
  if (share === 0) return '0 %';
  return share < 0.0001 ? '< 0.01 %' : `${count(Number((share * 100).toPrecision(2)))} %`;
}
