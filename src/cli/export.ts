/** `vigie alerts export`: the persons whose data an alert's reads showed, for those who have to inform them. */

import type { Command } from 'commander';
import { affectedPersons, type AffectedPersons } from '../affected/affected-persons.ts';
import { allReads, type Belonging, readsOfRule } from '../affected/belonging.ts';
import { accountsText, isIncomplete, nothingToList, remarks, summaryOf } from '../affected/completeness.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import { listsFolder } from '../files/list-files.ts';
import type { AlertDetail, AlertStore } from '../sink/alert-store.ts';
import { READS_TIMEOUT_MS } from '../sink/control-client.ts';
import { EXIT } from './errors.ts';
import { requireRules } from './inputs.ts';
import { NewFile } from './new-file.ts';
import { actorOf, withAlertStore } from './operator.ts';
import { placeholdersOption } from './options.ts';
import { write } from './output.ts';
import { forEachPersonId, KEY_OF_SETTINGS, personHash } from './person-ids.ts';
import { csvLines, jsonLines, type PersonLines } from './person-lines.ts';
import { stopSignal } from './signals.ts';
import { count, plain } from './terminal.ts';

interface ExportOptions {
  to?: string;
  force?: true;
  json?: true;
  resolve?: string;
  rules?: string[];
  lists?: string;
  placeholders?: string;
  allReads?: true;
  by?: string;
  reason?: string;
}

/** Lines per write. */
const LINES = 1000;

/** `exit` receives the exit code if the list is incomplete. */
export function exportCommand(alerts: Command, exit: (code: number) => void): void {
  alerts
    .command('export')
    .argument('<id>', 'alert id, or its beginning')
    .summary('list the persons whose data the alert’s reads showed')
    .description(
      'Lists the persons whose data the reads of an alert showed, from the archive (VIGIE_ARCHIVE): pseudonym, how many reads, the first and the last, applications, organisations and categories of data. Records the export before it prints a line.',
    )
    .option('--to <file>', 'file to write, for its owner alone (default: -, standard output)')
    .option('--force', 'replace that file if it is there')
    .option('--json', 'one JSON object per person instead of CSV')
    .option(
      '--resolve <file>',
      'the portal’s own list of its persons’ ids, one per line: adds the id of each',
    )
    .option('-r, --rules <path...>', 'rules as they were when the alert was found (default: VIGIE_RULES)')
    .option('--lists <folder>', 'folder of lookup lists (default: VIGIE_LISTS)')
    .addOption(placeholdersOption())
    .option('--all-reads', 'every archived read of the alert’s group in its time, whatever its rule')
    .option('--by <name>', 'who acts (default: the user of this session)')
    .option('--reason <text>', 'why')
    .addHelpText(
      'after',
      `
${KEY_OF_SETTINGS}
The exit code is 1 when the list is known to be incomplete; standard error says what is missing.

Examples:
  vigie alerts export 3f9a --reason "notification of 14 July" --to persons.csv
  vigie alerts export 3f9a --resolve jobseekers.txt --to persons.csv
  vigie alerts export 3f9a --json | jq -r .pseudonym
  vigie alerts export 3f9a --all-reads --to persons.csv`,
    )
    .action(async (id: string, options: ExportOptions, self: Command) => {
      if (options.to === '-') delete options.to;
      if (options.force && options.to === undefined) self.error('error: --force is for a file: give --to');
      if (options.allReads && options.rules !== undefined)
        self.error('error: --all-reads takes no rule: give one of --all-reads and --rules');
      if (options.resolve === '-') self.error('error: --resolve reads a file, not standard input');
      const actor = actorOf(options.by, self);
      const { dataDir } = alerts.opts<{ dataDir?: string }>();
      await withAlertStore(
        dataDir,
        async (store, config) => {
          const isWhole = await exportPersons(store, config, id, actor, options);
          if (!isWhole) exit(EXIT.failed);
        },
        READS_TIMEOUT_MS,
      );
    });
}

/** Returns false if the list is known to be incomplete. */
async function exportPersons(
  store: AlertStore,
  config: Config,
  id: string,
  actor: string,
  options: ExportOptions,
): Promise<boolean> {
  const hash = options.resolve === undefined ? undefined : personHash(config);
  const alert = await store.show(id);
  const belonging = belongingOf(alert, config, options);
  const file = options.to === undefined ? undefined : await NewFile.open(options.to, options.force === true);
  const isByRule = options.allReads !== true;
  const { signal, dispose } = stopSignal();
  try {
    const archive = await store.archive();
    const affected = await affectedPersons(store, belonging, signal);
    goOn(signal);
    if (affected.count === 0) throw nothingToList({ alert, archive, affected, isByRule });
    if (options.resolve !== undefined) {
      await forEachPersonId(
        options.resolve,
        'resolve',
        hash!,
        (portalId, hi, lo) => affected.identify(hi, lo, portalId),
        async () => goOn(signal),
      );
      if (affected.identified === 0) throw nobodyResolved(options.resolve, affected);
    }
    await store.act({
      alertId: alert.alertId,
      action: 'export',
      actor,
      reason: options.reason,
      persons: affected.count,
      identified: affected.identified,
    });
    const lines = (options.json ? jsonLines : csvLines)(options.resolve !== undefined);
    await writeLines(affected, lines, signal, file === undefined ? write : (text) => file.write(text));
    await file?.complete();
    const facts = { alert, archive, affected, isByRule };
    process.stderr.write(`${summaryOf(facts)}\n`);
    const accounts = accountsText(alert, affected);
    if (accounts !== undefined) process.stderr.write(`${plain(accounts)}\n`);
    if (options.resolve !== undefined && affected.identified < affected.count) {
      process.stderr.write(
        `${count(affected.count - affected.identified)} of them are not in ${plain(options.resolve)}, under the key of the settings\n`,
      );
    }
    for (const remark of remarks(facts)) process.stderr.write(`${remark}\n`);
    return !isIncomplete(facts);
  } finally {
    dispose();
    await file?.discard();
  }
}

function belongingOf(alert: AlertDetail, config: Config, options: ExportOptions): Belonging {
  const settings = { personFields: config.person_fields, timestampField: config.timestamp_field };
  if (options.allReads) return allReads(alert, settings);
  const ruleSet = requireRules(
    options.rules ?? config.rules,
    listsFolder(options.lists ?? config.lists),
    options.placeholders ?? config.placeholders,
  );
  return readsOfRule(alert, ruleSet, settings);
}

async function writeLines(
  affected: AffectedPersons,
  { head, line }: PersonLines,
  signal: AbortSignal,
  out: (text: string) => Promise<void>,
): Promise<void> {
  let text = head;
  let waiting = 0;
  for (const person of affected.persons()) {
    text += line(person);
    waiting += 1;
    if (waiting < LINES) continue;
    await out(text);
    goOn(signal);
    [text, waiting] = ['', 0];
  }
  await out(text);
}

function nobodyResolved(path: string, { count: persons }: AffectedPersons): VigieError {
  return new VigieError(
    'NOBODY_RESOLVED',
    `none of the ${count(persons)} persons is found in ${path}: it lists others, or they were hashed under another key`,
    {
      remedy:
        'Give the key that was in use at the time of the reads (VIGIE_PSEUDONYM_KEY_FILE; docs/operations.md, Rotating the pseudonym key), and ids written as the log has them.',
    },
  );
}

function goOn(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new VigieError('STOPPED', 'stopped before the list was whole', { remedy: 'Run it again.' });
}
