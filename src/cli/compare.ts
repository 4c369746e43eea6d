/** `vigie demo --compare`: the theft of July 2025 under Vigie and under a misconfigured detector. */

import { estimate, generate } from '../../replay/index.ts';
import { parisDayOf, parisOffsetMs } from '../../replay/calendar.ts';
import { type Comparison, compare, type Moment } from '../compare/comparison.ts';
import { loadRulesFor } from '../backtest/scenario-lists.ts';
import { readDetector } from '../compare/detector-file.ts';
import type { DetectorSetup } from '../compare/tumbling-detector.ts';
import type { Config } from '../config/settings.ts';
import { readPlaceholders } from '../files/placeholders.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import { requireRules } from './inputs.ts';
import { write } from './output.ts';
import { count, plain, progressBar, span, styled, styledLevel, table } from './terminal.ts';

const BAR = 20;

/** Returns whether Vigie detected the theft. `folder`: the detector to compare with. */
export async function compareDetectors(
  scenario: string,
  options: Readonly<Record<string, unknown>>,
  { rules, lists, placeholders }: Pick<Config, 'rules' | 'lists' | 'placeholders'>,
  folder: string,
): Promise<boolean> {
  const detector = readDetector(folder);
  const paths = [...rules, `${folder}/rule.yml`];
  const choice = { paths, listsFolder: lists, placeholders: readPlaceholders(placeholders) };
  const ruleSet = loadRulesFor(scenario, options, choice, requireRules);
  const total = estimate(scenario, options).events;
  const bar = progressBar('compare', total);
  let comparison: Comparison | undefined;
  try {
    comparison = compare(generate(scenario, options), ruleSet, detector, (events) =>
      bar.update(events, `${count(events)} events`),
    );
  } finally {
    bar.stop();
  }
  if (comparison === undefined) return false;
  const same = detector.ruleSet.correlations[0]!;
  const titles = new Map(ruleSet.correlations.map((rule) => [rule.key, rule]));
  await write(
    `${styled('bold', 'One theft, one rule, two detectors')}\n${plain(same.title)}\n\n${sideBySide(comparison, same, detector.setup)}\n\n${timeline(comparison, titles, same)}\n\n${ASSUMED}\n`,
  );
  return comparison.alerts.length > 0;
}

const ASSUMED = `${styled('bold', 'What is known, what is assumed')}
  Known: a detector of mass extraction existed in July 2025, was misconfigured, and its alert came three days later.
  Assumed: everything else about it. docs/examples/misconfigured-2025 says which choices were made here, and why.`;

function sideBySide(
  { firstRead, alerts, mail, theft, otherMails }: Comparison,
  same: CorrelationRule,
  { windowMs, batchMs, mailReadAtMs }: DetectorSetup,
): string {
  const own = alerts.find(({ rule }) => rule === same.key);
  const after = (moment: Moment | undefined): string =>
    moment === undefined ? 'never' : span(moment.at - firstRead.at);
  const gone = (moment: Moment | undefined): string => {
    const records = moment?.taken.records ?? theft.records;
    return `${count(records)} of ${count(theft.records)} (${count(Number(((100 * records) / theft.records).toPrecision(3)))} %)`;
  };
  const clock = `${two(Math.floor(mailReadAtMs / 3_600_000))}:${two(Math.floor(mailReadAtMs / 60_000) % 60)}`;
  return table(
    ['', 'Vigie', 'misconfigured'],
    [
      [
        'window',
        `${roundSpan(same.timespanMs)}, sliding: one ends at every event`,
        `${roundSpan(windowMs)}, standing: from one full one to the next`,
      ],
      ['judged', 'at every event', `by a job every ${roundSpan(batchMs)}, when the window is over`],
      ['told', 'at once', `by e-mail, read at ${clock} on working days`],
      [
        'speaks',
        own === undefined ? 'never' : paris(own.at),
        mail === undefined ? 'never' : paris(mail.sent.at),
      ],
      [
        'is heard',
        own === undefined ? 'never' : paris(own.at),
        mail === undefined ? 'never' : paris(mail.read.at),
      ],
      ['after the first read', styled('green', after(own)), styled('red', after(mail?.read))],
      ['records gone', styled('green', gone(own)), styled('red', gone(mail?.read))],
      ['alerts on others', '', count(otherMails)],
    ].filter(([name]) => name !== 'alerts on others' || otherMails > 0),
  );
}

function timeline(
  { firstRead, lastRead, alerts, mail, theft }: Comparison,
  rules: ReadonlyMap<string, CorrelationRule>,
  same: CorrelationRule,
): string {
  const rows: (Moment & { who: string; what: string })[] = [
    { ...firstRead, who: '', what: 'the first record is read' },
    { ...lastRead, who: '', what: 'the last record is read' },
    ...alerts.map((alert) => {
      const { title, level, key } = rules.get(alert.rule)!;
      const what = `${styledLevel(level)}: ${plain(title)}`;
      return { ...alert, who: 'Vigie', what: key === same.key ? styled('bold', what) : what };
    }),
    ...(mail === undefined
      ? []
      : [
          {
            ...mail.sent,
            who: 'misconfigured',
            what: `its job finds ${count(mail.mail.persons)} persons in one window and sends an e-mail`,
          },
          { ...mail.read, who: 'misconfigured', what: 'somebody reads the e-mail' },
        ]),
  ];
  return table(
    ['Paris time', 'gone', '', 'detector', 'what happens'],
    rows
      .sort((a, b) => a.at - b.at)
      .map(({ at, taken: { records }, who, what }) => {
        const full = Math.round((BAR * records) / theft.records);
        return [paris(at), '█'.repeat(full) + '░'.repeat(BAR - full), count(records), who, what];
      }),
  );
}

const WEEKDAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];

/** `Sat 12 Jul 23:00:10`, Paris time. */
function paris(timeMs: number): string {
  const local = new Date(timeMs + parisOffsetMs(timeMs));
  const month = local.toLocaleString('en-GB', { month: 'short', timeZone: 'UTC' });
  const weekday = WEEKDAYS[((parisDayOf(timeMs) % 7) + 7) % 7]!;
  return `${weekday} ${local.getUTCDate()} ${month} ${local.toISOString().slice(11, 19)}`;
}

/** `1 h`, `15 min`: for durations that somebody configured. */
function roundSpan(ms: number): string {
  return span(ms).replace(/ 0 \w+$/, '');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
