/** `vigie hunt`: whom a rule would have caught in the archived events. */

import { type Command, Option } from 'commander';
import { canaryMarks } from '../config/canary-key.ts';
import type { Config } from '../config/settings.ts';
import { loadConfig } from '../config/load-config.ts';
import { VigieError } from '../errors.ts';
import { listsFolder } from '../files/list-files.ts';
import { compileHunt, type CompiledHunt, HUNT_SETTINGS, type HuntOptions } from '../hunt/compile-hunt.ts';
import { type HuntLine, huntLine } from '../hunt/hunt-lines.ts';
import { LISTED } from '../sink/alert-questions.ts';
import type { FieldKept } from '../sink/archive-hunt.ts';
import type { ArchiveSpan } from '../sink/archive-reads.ts';
import { READS_TIMEOUT_MS } from '../sink/control-client.ts';
import { columnOf } from '../sink/event-row.ts';
import { groupText } from './alerts.ts';
import { requireRules, ruleCalled } from './inputs.ts';
import { withAlertStore } from './operator.ts';
import { instantMs, placeholdersOption, settingText, wholeNumber } from './options.ts';
import { write } from './output.ts';
import { count, instant, jsonLine, plain } from './terminal.ts';

interface Options {
  rule: string;
  rules?: string[];
  lists?: string;
  placeholders?: string;
  dataDir?: string;
  since?: number;
  until?: number;
  limit: number;
  sql?: true;
  json?: true;
}

const SHOWN = 1000;

export function huntCommand(program: Command): void {
  program
    .command('hunt')
    .summary('say whom a rule would have caught in the archive')
    .description(
      'Compiles a rule to ClickHouse SQL and asks the archive (VIGIE_ARCHIVE) for its firings, one per line: those that the engine gives on the same events. Works beside a running vigie run. Refuses what SQL cannot express exactly.',
    )
    .requiredOption('--rule <name>', 'the rule: its id, name or title')
    .option('-r, --rules <path...>', 'files or folders of rules (default: VIGIE_RULES)')
    .option('--lists <folder>', 'folder of lookup lists (default: VIGIE_LISTS)')
    .addOption(placeholdersOption())
    .option('-d, --data-dir <folder>', 'data folder (default: VIGIE_DATA_DIR)', settingText('data_dir'))
    .option('--since <time>', 'firings at this time or later, ISO 8601', instantMs)
    .option('--until <time>', 'firings before this time, ISO 8601', instantMs)
    .option('--limit <count>', 'at most this many firings', wholeNumber(1, LISTED.most), SHOWN)
    .addOption(new Option('--sql', 'print the SQL instead, for any ClickHouse client').conflicts('json'))
    .option('--json', 'one JSON object per firing, as vigie eval prints it')
    .addHelpText(
      'after',
      `
A rule on single events gives its matches. Standard error says which period the archive covers.

Examples:
  vigie hunt --rule mass_extraction_account_high --rules rules --since 2025-07-01
  vigie hunt --rule my_rule --rules my-rule.yml rules --json | jq -r '.group["user.id"]'
  vigie hunt --rule mass_extraction_account_high --sql | clickhouse-client`,
    )
    .action(async ({ dataDir, sql, json, limit, ...options }: Options) => {
      refuseEmptyTime(options);
      const config = loadConfig(process.env, { data_dir: dataDir });
      // One more than is shown, to know whether there are more.
      const hunt = compiled(options, config, sql ? undefined : limit + 1);
      if (sql) {
        await write(`${hunt.sql}\n${HUNT_SETTINGS}\n`);
        return;
      }
      const marks = canaryMarks(config);
      await withAlertStore(
        dataDir,
        async (store) => {
          const archive = await store.archive();
          if (archive === null) throw archiveEmpty();
          const { rows, fields } = await store.hunt({ sql: hunt.sql, fields: [...hunt.unsure] });
          requireKept(hunt, fields);
          let canaries = 0;
          for (const row of rows.slice(0, limit)) {
            const line = huntLine(hunt, row);
            if (line.type === 'firing' && marks?.areAll(line.group, Date.parse(line.time))) {
              canaries += 1;
              continue;
            }
            await write(json ? jsonLine(line) : `${lineText(line)}\n`);
          }
          if (rows.length === 0) process.stderr.write('nothing is found\n');
          if (rows.length > limit)
            process.stderr.write(`${count(limit - canaries)} listed; more with --limit\n`);
          if (canaries > 0)
            process.stderr.write(
              `${count(canaries)} ${canaries === 1 ? 'is' : 'are'} about canaries alone, and left out\n`,
            );
          for (const remark of remarks(hunt, archive, fields, options)) process.stderr.write(`${remark}\n`);
        },
        READS_TIMEOUT_MS,
      );
    });
}

function refuseEmptyTime({ since = -Infinity, until = Infinity }: Pick<Options, 'since' | 'until'>): void {
  if (since < until) return;
  const [from, to] = [since, until].map((ms) => new Date(ms).toISOString());
  throw new VigieError('ARGUMENT_INVALID', `--until ${to} is not after --since ${from}`, {
    remedy: 'Give a time that ends after it begins.',
  });
}

function compiled(
  {
    rule,
    rules,
    lists,
    placeholders,
    since,
    until,
  }: Pick<Options, 'rule' | 'rules' | 'lists' | 'placeholders' | 'since' | 'until'>,
  config: Config,
  limit?: number,
): CompiledHunt {
  const ruleSet = requireRules(
    rules ?? config.rules,
    listsFolder(lists ?? config.lists),
    placeholders ?? config.placeholders,
  );
  const options: HuntOptions = {
    table: { name: `${config.clickhouse_database}.access_events`, columnOf },
    personFields: config.person_fields,
    since,
    until,
    limit,
  };
  return compileHunt(ruleCalled(rule, ruleSet), ruleSet, options);
}

function lineText(line: HuntLine): string {
  const when = instant(Date.parse(line.time));
  if (line.type === 'match') return `${when}  ${plain(line.event.id)}`;
  return `${when}  ${groupText(line)}  ${count(line.value)}`;
}

function requireKept({ rule }: CompiledHunt, fields: readonly FieldKept[]): void {
  const missing = fields.filter(({ since }) => since === null).map(({ path }) => path);
  if (missing.length === 0) return;
  throw new VigieError(
    'HUNT_FIELD_NOT_ARCHIVED',
    `the rule "${rule.title}" (${rule.key}, ${rule.file}:${rule.line}) asks for ${missing.join(', ')}, which no archived event has`,
    {
      remedy:
        'Such a field is archived only while a rule that asks for it is in force (docs/storage.md): let vigie run load the rule, or run it over the log itself with vigie eval.',
    },
  );
}

function remarks(
  { rule, historyMs }: CompiledHunt,
  archive: ArchiveSpan,
  fields: readonly FieldKept[],
  { since = -Infinity, until = Infinity }: Pick<Options, 'since' | 'until'>,
): string[] {
  /** Beginning of the first window asked for. Without --since, what the archive holds is all there is to ask for. */
  const from = (since === -Infinity ? until : since) - (rule.kind === 'correlation' ? rule.timespanMs : 0);
  const all = [`the archive holds events from ${instant(archive.oldest)} to ${instant(archive.newest)}`];
  if (from < archive.oldest)
    all.push(
      'INCOMPLETE: earlier events were not archived (VIGIE_ARCHIVE) or are deleted (VIGIE_ARCHIVE_DAYS)',
    );
  for (const { path, since: first, before } of fields) {
    if (before > 0)
      all.push(
        `INCOMPLETE: ${plain(path)} is archived since ${instant(first!)}: of ${count(before)} events that were archived before, nobody knows whether they had it`,
      );
  }
  const known = archive.oldest + historyMs;
  if (historyMs > 0 && since < known)
    all.push(
      `INCOMPLETE: up to ${instant(known)} the archive holds less than the history that vigie.baseline compares with`,
    );
  if (rule.kind === 'correlation' && !rule.alertsAlone)
    all.push('only other rules count these firings: they raise no alert of their own');
  return all;
}

function archiveEmpty(): VigieError {
  return new VigieError('ARCHIVE_EMPTY', 'nothing is archived, so there is nothing to hunt in', {
    remedy: 'Events are kept with VIGIE_ARCHIVE=true, for VIGIE_ARCHIVE_DAYS (docs/storage.md).',
  });
}
