/** `vigie demo`: the theft of July 2025 inside a week of ordinary work, through the same service as `run`. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { estimate, generate, listsOf, type IncidentLabels } from '../../replay/index.ts';
import { writeLists } from '../../replay/lists.ts';
import type { Alert } from '../alert/alert.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import { pseudonymKey } from '../config/pseudonym-key.ts';
import { runService } from '../service/service.ts';
import type { AlertView } from '../sink/alert-store.ts';
import { MemorySource } from '../source/memory-source.ts';
import { groupText } from './alerts.ts';
import { compareDetectors } from './compare.ts';
import { EXIT } from './errors.ts';
import { requireRules } from './inputs.ts';
import { createLogger } from './logger.ts';
import { placeholdersOption, settingText } from './options.ts';
import { write } from './output.ts';
import { shipped } from './shipped.ts';
import { stopSignal } from './signals.ts';
import { bytes, count, instant, plain, progressBar, span, styled, styledLevel } from './terminal.ts';

const SCENARIO = 'kairos-2025';

/** What public sources say about July 2025. */
const JULY_2025 = { recordsTaken: 340_000, hours: 2, alertAfter: 'three days' };

interface Options {
  seed?: string;
  accounts?: string;
  lists?: string;
  placeholders?: string;
  dataDir: string;
  compare?: true;
  detector?: string;
}

/** A detector as it may have been configured in July 2025. */
const MISCONFIGURED = 'docs/examples/misconfigured-2025';

export function demoCommand(program: Command, exit: (code: number) => void, version: string): void {
  program
    .command('demo')
    .summary('watch the theft of July 2025 being caught')
    .description(
      'Generates a week of ordinary portal traffic with the Kairos theft of Saturday 12 July 2025 inside, sends it through the live pipeline into the embedded ClickHouse, and says who took what and when it was noticed.',
    )
    .option('--seed <text>', 'seed of the generated traffic')
    .option('--accounts <number>', 'accounts of the ordinary traffic')
    .option(
      '--lists <folder>',
      'folder of lookup lists (default: those of the generated country)',
      settingText('lists'),
    )
    .addOption(placeholdersOption())
    .option(
      '-d, --data-dir <folder>',
      'folder of the embedded database',
      settingText('data_dir'),
      '.vigie/demo',
    )
    .option('--compare', 'show the same theft under a misconfigured detector too, without a database')
    .option('--detector <folder>', `with --compare: the detector to use instead of ${MISCONFIGURED}`)
    .addHelpText(
      'after',
      '\nExamples:\n  vigie demo\n  vigie demo --seed another --accounts 2000\n  vigie demo --compare',
    )
    .action(async (options: Options, self: Command) => {
      if (options.detector !== undefined && options.compare !== true) {
        self.error('error: --detector is what --compare compares with; give --compare too');
      }
      // The demo is self-contained: from the environment it takes only other rules to watch, and their placeholders.
      const rules = process.env['VIGIE_RULES'] ?? [shipped('rules')];
      // Default lists: what the portal's directory would hold for the generated country.
      const lists = options.lists ?? (await writeCountryLists(options));
      const placeholders = options.placeholders ?? process.env['VIGIE_PLACEHOLDERS'];
      const config = loadConfig(
        {},
        { rules, lists, placeholders, data_dir: options.dataDir, http_port: 0, log_level: 'error' },
      );
      if (options.compare) {
        const folder = options.detector ?? shipped(MISCONFIGURED);
        await compareDetectors(SCENARIO, scenarioOptionsOf(options), config, folder);
        exit(EXIT.done);
        return;
      }
      const caught = await demo(config, options, version);
      exit(caught ? EXIT.done : EXIT.failed);
    });
}

function scenarioOptionsOf({ seed, accounts }: Options): Readonly<Record<string, unknown>> {
  return {
    ...(seed === undefined ? {} : { seed }),
    ...(accounts === undefined ? {} : { accounts }),
  };
}

/** Writes them to the data folder, where they can be inspected. Returns their folder. */
async function writeCountryLists(options: Options): Promise<string> {
  const folder = join(options.dataDir, 'lists');
  // A data folder that this creates is readable by its owner only.
  await writeLists(folder, listsOf(SCENARIO, scenarioOptionsOf(options)), 0o700);
  return folder;
}

/**
 * A folder written under a key from the environment cannot be used, as the demo ignores that key; the remedy is another
 * folder.
 */
function keyOf(config: Config): { readonly key: Uint8Array } {
  try {
    return pseudonymKey(config);
  } catch (error) {
    if (!(error instanceof VigieError) || error.code !== 'PSEUDONYM_KEY_MISSING') throw error;
    const remedy = 'Give the demo a folder of its own: --data-dir demo.';
    throw new VigieError(error.code, error.message, { remedy, cause: error });
  }
}

async function demo(config: Config, options: Options, version: string): Promise<boolean> {
  const scenarioOptions = scenarioOptionsOf(options);
  const generated = generate(SCENARIO, scenarioOptions);
  const { events: total } = estimate(SCENARIO, scenarioOptions);
  const since = systemClock.elapsed();
  const ruleSet = requireRules(config.rules, config.lists, config.placeholders);
  const ruleLoadMs = systemClock.elapsed() - since;
  const { key } = keyOf(config);
  await write(
    `A week of portal traffic (about ${count(total)} events), with the theft of Saturday 12 July 2025 inside,\nthrough ${ruleSet.correlations.length} rules into ClickHouse:\n\n`,
  );

  const bar = progressBar('demo', total);
  const { signal, dispose } = stopSignal();
  const opened = new Map<string, Alert>();
  let done = 0;
  let metricsPort = 0;
  let database = '';
  let stored: readonly AlertView[] = [];
  const started = systemClock.elapsed();
  const summary = await runService(
    {
      config,
      ruleSet,
      ruleLoadMs,
      pseudonymKey: key,
      version,
      command: 'vigie demo',
      logger: await createLogger(config.log_level),
      clock: systemClock,
      openSource: () => new MemorySource(bytesOf(generated.batches()), SCENARIO),
      observer: {
        batch: ({ events }) => {
          done += events;
          bar.update(done, `${count(done)} events`);
        },
        alerts: (written) => {
          for (const { alert } of written) opened.set(alert.alertId, alert);
        },
      },
      onReady: (place) => ({ metricsPort, database } = place),
      onEnd: async (store) => {
        stored = (await store.list({ limit: 1000 })).filter(({ alertId }) => opened.has(alertId));
        const response = await fetch(`http://${config.http_host}:${metricsPort}/metrics`);
        await writeFile(join(config.data_dir, 'metrics.prom'), await response.text());
      },
    },
    signal,
  ).finally(() => {
    bar.stop();
    dispose();
  });
  const seconds = (systemClock.elapsed() - started) / 1000;
  if (signal.aborted) {
    throw new VigieError('STOPPED', `stopped after ${count(summary.events)} events`, {
      remedy: 'Run it again; it ends by itself.',
    });
  }
  const [theft] = generated.labels().incidents;
  const caught = await tell(stored, theft!);
  await write(
    `\n${count(summary.events)} events, ${bytes(summary.bytes)}, generated and judged in ${count(Math.round(seconds * 10) / 10)} s ` +
      `(${count(Math.round(summary.events / seconds))} a second): ${count(summary.accepted)} accepted, ${count(summary.deadLetters)} dead letters.\n` +
      `${styled('bold', 'Where it is')}\n` +
      `  tables    ${database} (vigie.alerts, vigie.alerts_current, vigie.alert_actions)\n` +
      `  metrics   ${join(config.data_dir, 'metrics.prom')}; a running service shows them on http://127.0.0.1:9464/metrics\n` +
      `${styled('bold', 'Try next')}\n` +
      `  npm run -s vigie -- alerts --data-dir ${config.data_dir} list\n` +
      `  npm run -s vigie -- alerts --data-dir ${config.data_dir} show ${mainAlert(stored, theft!)?.alertId.slice(0, 8) ?? 'ID'}\n` +
      `  npm run -s vigie -- rules list\n` +
      `  npm run -s vigie -- replay missions-locales-2025 --to events.ndjson && npm run -s vigie -- run --input events.ndjson\n`,
  );
  return caught;
}

/** The earliest critical alert on the thief, or any other alert on the thief. */
function mainAlert(alerts: readonly AlertView[], theft: IncidentLabels): AlertView | undefined {
  const onThief = alerts.filter(({ group }) => theft.accounts.includes(group['user.id'] ?? ''));
  return onThief.find(({ level }) => level === 'critical') ?? onThief[0];
}

async function tell(alerts: readonly AlertView[], theft: IncidentLabels): Promise<boolean> {
  const inOrder = [...alerts].sort((a, b) => a.crossedAt - b.crossedAt);
  for (const alert of inOrder) {
    await write(
      `  ${instant(alert.crossedAt)}  ${styledLevel(alert.level)}  ${plain(alert.title)}: ${groupText(alert)}\n`,
    );
  }
  const main = mainAlert(alerts, theft);
  if (main === undefined || theft.firstRead === undefined) {
    await write(`\n${styled('red', 'The theft was not caught.')}\n`);
    return false;
  }
  const firstRead = Date.parse(theft.firstRead.time);
  const others = alerts.filter(
    ({ group, level }) => level === 'critical' && !theft.accounts.includes(group['user.id'] ?? ''),
  );
  const rows: [string, string][] = [
    ['who', groupText(main)],
    ['from', `${main.sourceNetworks.join(', ')} (${main.organisations.join(', ')})`],
    ['application', main.applications.join(', ')],
    ['since', instant(main.firstEventAt)],
    [
      'took',
      `${main.personsEstimated ? 'about ' : ''}${count(main.persons)} persons, ${count(main.records)} records, ${bytes(main.bytes)} (${main.categories.join(', ')}), until ${instant(main.lastEventAt)}`,
    ],
    [
      'caught',
      styled(
        'bold',
        `${span(main.crossedAt - firstRead)} after the first stolen record, with ${count(main.recordsBeforeAlert)} records taken`,
      ),
    ],
    [
      'others',
      others.length === 0
        ? 'no critical alert on anybody else'
        : `${others.length} critical alerts on other accounts`,
    ],
  ];
  await write(`\n${styled('bold', plain(main.title))}\n`);
  for (const [name, value] of rows) await write(`  ${name.padEnd(12)}${value}\n`);
  await write(
    `\nIn July 2025 the alert came ${JULY_2025.alertAfter} later, with all ${count(JULY_2025.recordsTaken)} records taken in ${JULY_2025.hours} hours.\n` +
      `Here ${count(Math.max(0, theft.records - main.recordsBeforeAlert))} of ${count(theft.records)} were still in place when the alert opened.\n`,
  );
  return true;
}

function* bytesOf(chunks: Iterable<{ readonly bytes: Uint8Array }>): Generator<Uint8Array> {
  for (const { bytes: chunk } of chunks) yield chunk;
}
