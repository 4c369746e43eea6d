/** `vigie alerts`: what operators do with alerts. */

import { type Command, Option } from 'commander';
import type { Config } from '../config/settings.ts';
import { listsFolder } from '../files/list-files.ts';
import { messageOf } from '../errors.ts';
import { loadRules } from '../files/rule-files.ts';
import { LEVELS } from '../sigma/rule.ts';
import { LISTED } from '../sink/alert-questions.ts';
import type { ActionName, AlertFilter } from '../sink/alert-questions.ts';
import type { AlertDetail, AlertStore, AlertView } from '../sink/alert-store.ts';
import { exportCommand } from './export.ts';
import { actorOf, withAlertStore } from './operator.ts';
import { ruleCalled } from './inputs.ts';
import { instantMs, settingText, wholeNumber } from './options.ts';
import { write } from './output.ts';
import {
  bytes,
  count,
  instant,
  jsonLine,
  plain,
  plainLines,
  shellWord,
  span,
  styled,
  styledLevel,
  table,
} from './terminal.ts';

interface ListOptions extends AlertFilter {
  json?: true;
}

interface ActOptions {
  by?: string;
  reason?: string;
  to?: string;
  json?: true;
}

/** `exit` receives the exit code of a command that got as far as its work. */
export function alertsCommand(program: Command, exit: (code: number) => void): void {
  const alerts = program
    .command('alerts')
    .summary('list, show, acknowledge, assign, comment, close and export alerts')
    .description(
      'Works on the server of CLICKHOUSE_URL, or on the data folder, also while `vigie run` holds it.',
    )
    .option('-d, --data-dir <folder>', 'data folder (default: VIGIE_DATA_DIR)', settingText('data_dir'))
    .addHelpText(
      'after',
      '\nExamples:\n  vigie alerts list --status firing\n  vigie alerts show 3f9a\n  vigie alerts ack 3f9a --reason "calling the training organisation"',
    );
  const withStore = (use: (store: AlertStore) => Promise<void>): Promise<void> =>
    withAlertStore(alerts.opts<{ dataDir?: string }>().dataDir, (store) => use(store));

  alerts
    .command('list')
    .description('Lists alerts, newest last event first, then highest level first.')
    .addOption(
      new Option('--status <status>', 'default: firing and resolved').choices([
        'firing',
        'resolved',
        'merged',
      ]),
    )
    .addOption(new Option('--state <state>').choices(['new', 'acknowledged', 'closed']))
    .addOption(new Option('--level <level>').choices(LEVELS))
    .option('--rule <rule>', 'id, name or title of the rule; names are those of VIGIE_RULES')
    .option(
      '--who <value>',
      'account, organisation or address that the alert is about, or account that took part',
    )
    .option(
      '--top',
      'leave out alerts that another inhibits (with --status firing: only while the first inhibitor is firing, too)',
    )
    .option('--canary', 'alerts about canaries (vigie canary), which are left out otherwise')
    .option('--since <time>', 'only alerts still going on at this time, ISO 8601', instantMs)
    .option('--limit <number>', 'at most this many', wholeNumber(1, LISTED.most), LISTED.byDefault)
    .option('--json', 'one JSON object per alert')
    .addHelpText(
      'after',
      '\nExamples:\n  vigie alerts list --status firing --top\n  vigie alerts --data-dir .vigie/demo list\n  vigie alerts list --json | jq .group',
    )
    .action(async ({ json, ...filter }: ListOptions) => {
      await withAlertStore(alerts.opts<{ dataDir?: string }>().dataDir, async (store, config) => {
        // One more than is shown, to know whether there are more.
        const limit = filter.limit ?? LISTED.byDefault;
        const list = (rule: string | undefined): Promise<readonly AlertView[]> =>
          store.list({ ...filter, rule, limit: limit + 1 });
        let answer = await list(filter.rule);
        if (answer.length === 0 && filter.rule !== undefined) {
          const { key, remark } = ruleNamed(filter.rule, config);
          if (key !== undefined) answer = await list(key);
          if (remark !== undefined) process.stderr.write(`${plain(remark)}\n`);
        }
        const found = answer.slice(0, limit);
        if (answer.length > limit) process.stderr.write(`${count(limit)} listed; more with --limit\n`);
        if (json) {
          for (const alert of found) await write(jsonLine(alert));
          return;
        }
        if (found.length === 0) {
          await write('no alerts\n');
          return;
        }
        await write(`${table(COLUMNS, found.map(row))}\n`);
      });
    });

  alerts
    .command('show')
    .argument('<id>', 'alert id, or its beginning')
    .description('Shows everything about one alert, with its runbook and what people did.')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  vigie alerts show 3f9a')
    .action(async (id: string, options: { json?: true }) => {
      await withStore(async (store) => show(await store.show(id), options.json));
    });

  const action = (
    name: string,
    does: ActionName,
    what: string,
    needs: 'reason' | 'to' | 'nothing',
    example: string,
  ): void => {
    const command = alerts.command(name).argument('<id>', 'alert id, or its beginning').description(what);
    if (needs === 'to') command.requiredOption('--to <name>', 'who is to look into it');
    if (needs === 'reason') command.requiredOption('--reason <text>', 'why');
    else command.option('--reason <text>', 'why');
    command
      .option('--by <name>', 'who acts (default: the user of this session)')
      .option('--json', 'print the alert afterwards as one JSON object')
      .addHelpText('after', `\nExample:\n  vigie alerts ${name} 3f9a${example}`)
      .action(async (id: string, options: ActOptions, self: Command) => {
        const actor = actorOf(options.by, self);
        await withStore(async (store) => {
          const detail = await store.act({
            alertId: id,
            action: does,
            actor,
            reason: options.reason,
            assignee: options.to,
          });
          if (options.json) await write(jsonLine(detail));
          else
            await write(
              `${detail.alertId}: ${detail.state}${detail.assignee === '' ? '' : `, assigned to ${plain(detail.assignee)}`}\n`,
            );
        });
      });
  };
  action(
    'ack',
    'acknowledge',
    'Acknowledges the alert: somebody is looking into it, and from now on the persons in charge are aware.',
    'nothing',
    '',
  );
  action('assign', 'assign', 'Assigns the alert to somebody.', 'to', ' --to m.durand');
  action('comment', 'comment', 'Adds a comment.', 'reason', ' --reason "the account is closed since 21:40"');
  action(
    'close',
    'close',
    'Closes the alert, with the reason.',
    'reason',
    ' --reason "an export agreed with the agency"',
  );
  exportCommand(alerts, exit);
}

/**
 * Alerts hold the id and title of their rule. Returns the key of the rule named, or why it is unknown, which a bare `no
 * alerts` would hide.
 */
function ruleNamed(name: string, config: Config): { readonly key?: string; readonly remark?: string } {
  try {
    const rules = loadRules(config.rules, { listsFolder: listsFolder(config.lists) });
    return { key: ruleCalled(name, rules).key };
  } catch (error) {
    // An operator's machine need not have the rules, and the rule may have been removed.
    return { remark: messageOf(error) };
  }
}

export function groupText({ group }: Pick<AlertView, 'group'>): string {
  const entries = Object.entries(group);
  if (entries.length === 1) return plain(entries[0]![1] ?? '(none)');
  return entries.map(([field, value]) => `${plain(field)}=${plain(value ?? '(none)')}`).join(' ');
}

function listText(values: readonly string[]): string {
  return values.map(plain).join(', ');
}

const COLUMNS = [
  'id',
  'level',
  'status',
  'state',
  'who',
  'application',
  'persons',
  'records',
  'crossed at',
  'rule',
];

/** A row of the list of alerts. */
export function row(alert: AlertView): string[] {
  return [
    alert.alertId.slice(0, 8),
    styledLevel(alert.level),
    alert.inhibitedBy === '' ? statusText(alert) : `${statusText(alert)}, inhibited`,
    alert.state,
    groupText(alert),
    listText(alert.applications),
    ...(holdsRecords(alert) ? [count(alert.persons), count(alert.records)] : ['–', '–']),
    instant(alert.crossedAt),
    plain(alert.title),
  ];
}

function about(estimated: boolean): string {
  return estimated ? 'about ' : '';
}

/** With the reason if the alert was resolved for another reason than its timeout. */
function statusText({ status, resolution }: Pick<AlertDetail, 'status' | 'resolution'>): string {
  return resolution === '' ? status : `${status} (${resolution})`;
}

/** The alerts that this one is inhibited by, or was merged with. */
export function relations({
  inhibitedBy,
  mergedInto,
  mergedFrom,
}: Pick<AlertDetail, 'inhibitedBy' | 'mergedInto' | 'mergedFrom'>): [string, string][] {
  const all: [string, string][] = [
    ['inhibited by', inhibitedBy],
    ['merged into', mergedInto],
    ['merged from', mergedFrom.join(', ')],
  ];
  return all.filter(([, ids]) => ids !== '');
}

function samples({ sampleEventIds }: AlertDetail): string {
  return sampleEventIds.length === 0 ? '' : `, e.g. ${listText(sampleEventIds.slice(0, 3))}`;
}

/** Most accounts in one line. */
const MOST_ACCOUNTS = 10;

/** The accounts that took part; '' if the only one is the account that the alert is about. */
function accountsText({ accounts, group }: Pick<AlertDetail, 'accounts' | 'group'>): string {
  const [only, ...others] = accounts;
  if (others.length === 0 && Object.values(group).some((value) => value === only)) return '';
  const more = accounts.length - MOST_ACCOUNTS;
  const rest = more > 0 ? `, and ${count(more)} more (--json lists them)` : '';
  return `${listText(accounts.slice(0, MOST_ACCOUNTS))}${rest}`;
}

function habitText({ usualUpTo }: Pick<AlertDetail, 'usualUpTo'>): string {
  return usualUpTo === null ? '' : `; usual here: up to ${count(Math.floor(usualUpTo))}`;
}

/** Deadline for notifying a breach, and what it is counted from. */
function deadlineText({ notifyBy, acknowledgedBy, acknowledgedAt, state }: AlertDetail): string {
  if (state === 'closed') return '';
  const from =
    acknowledgedAt === null
      ? 'its detection, as nobody acknowledged it'
      : `the acknowledgement by ${plain(acknowledgedBy)}`;
  return `${instant(notifyBy)} if it is a breach of personal data: 72 hours from ${from}`;
}

type Totals = Pick<
  AlertDetail,
  | 'persons'
  | 'personsEstimated'
  | 'records'
  | 'recordsBeforeAlert'
  | 'totalsEstimated'
  | 'bytes'
  | 'categories'
  | 'group'
>;

/** False for rules that count logins, say, or firings of other rules: there, 0 persons would say that none was read. */
function holdsRecords({
  persons,
  records,
  bytes: size,
}: Pick<Totals, 'persons' | 'records' | 'bytes'>): boolean {
  return persons > 0 || records > 0 || size > 0;
}

/** What was taken, or where to look for it. */
export function taken(alert: Totals): [string, string][] {
  if (!holdsRecords(alert)) {
    const [who] = Object.values(alert.group);
    const others = typeof who === 'string' ? ` (vigie alerts list --who ${shellWord(who) ?? 'VALUE'})` : '';
    return [['records', `none in these events; other alerts may hold some${others}`]];
  }
  return [
    ['persons', `${about(alert.personsEstimated)}${count(alert.persons)}`],
    [
      'records',
      `${about(alert.totalsEstimated)}${count(alert.records)}, ${count(alert.recordsBeforeAlert)} of them before the alert`,
    ],
    ['data', listText([bytes(alert.bytes), ...alert.categories])],
  ];
}

async function show(alert: AlertDetail, json: true | undefined): Promise<void> {
  await write(json ? jsonLine(alert) : detailText(alert));
}

export function detailText(alert: AlertDetail): string {
  const bounds = alert.threshold.map(({ op, value }) => `${op} ${count(value)}`).join(' and ');
  const threshold = bounds === '' ? 'condition over rule names' : `threshold ${bounds}`;
  const lines: [string, string][] = [
    ['alert', alert.alertId],
    ['rule', `${plain(alert.title)} (${plain(alert.rule)})`],
    ['level', styledLevel(alert.level)],
    ['status', `${statusText(alert)}, ${alert.state}${alert.canary ? ', about a canary' : ''}`],
    ...relations(alert),
    ['who', groupText(alert)],
    ['accounts', accountsText(alert)],
    ['from', listText(alert.sourceNetworks)],
    ['organisation', listText(alert.organisations)],
    ['application', listText(alert.applications)],
    ['since', instant(alert.firstEventAt)],
    ['crossed', `${instant(alert.crossedAt)}, ${span(alert.timeToDetectMs)} after the first event`],
    ['last', instant(alert.lastEventAt)],
    ['value', `${about(alert.valueEstimated)}${count(alert.value)} (${threshold}${habitText(alert)})`],
    ...taken(alert),
    ['events', `${count(alert.events)}${samples(alert)}`],
    ['tags', listText(alert.tags)],
    ['notify by', deadlineText(alert)],
  ];
  const told = lines
    .filter(([, text]) => text !== '')
    .map(([name, value]) => `${styled('bold', name.padEnd(13))}${value}`);
  const done = alert.actions.map(({ at, actor, action, assignee, reason, persons, identified = 0 }) => {
    const to = assignee === '' ? '' : ` to ${plain(assignee)}`;
    const whom =
      persons === undefined
        ? ''
        : ` of ${count(persons)} persons, ${identified === 0 ? 'without their ids' : `${count(identified)} with their ids`}`;
    // A reason may span several lines.
    const why = reason === '' ? '' : `: ${plainLines(reason)}`;
    return `${instant(at)}  ${plain(actor)}: ${action}${to}${whom}${why}`;
  });
  return [told.join('\n'), plainLines(alert.runbook.trim()), done.join('\n')]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n');
}
