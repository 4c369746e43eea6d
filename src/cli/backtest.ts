/** `vigie backtest`: rules × labelled traffic → what is caught, when, and at what cost in false alerts. */

import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { DEFAULT_SEED } from '../../replay/index.ts';
import type { LabelledTraffic } from '../backtest/causes.ts';
import { incidentNames, judgeLog, planJobs, threadCpuMs } from '../backtest/jobs.ts';
import type { Judgement } from '../backtest/judge.ts';
import { readLabels } from '../backtest/labels-file.ts';
import { runJobs } from '../backtest/pool.ts';
import { type BacktestReport, reportOf, UNMATCHED_REMEDY, unmatchedText } from '../backtest/report.ts';
import { type RuleChoice, chosenRules } from '../backtest/rule-choice.ts';
import type { Sweep } from '../backtest/sweep.ts';
import { NO_ALERTS_REMEDY, raisesAlerts } from '../sigma/rule.ts';
import { loadRulesFor } from '../backtest/scenario-lists.ts';
import { shortLearningText } from '../backtest/short-learning.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { VigieError } from '../errors.ts';
import { readPlaceholders } from '../files/placeholders.ts';
import { reportText } from './backtest-text.ts';
import { eventSettings, forEachLine, mappingFor, requireMapping, requireRules } from './inputs.ts';
import { durationMs, mappingOption, placeholdersOption, wholeNumber } from './options.ts';
import { outputFailed, write } from './output.ts';
import { shipped } from './shipped.ts';
import { count, jsonLine, lateText, mappedText, plain, progressBar, span } from './terminal.ts';

interface Options {
  rules?: string[];
  lists?: string;
  placeholders?: string;
  incidents?: string[];
  benign: boolean;
  accounts: number;
  background: number;
  learn?: number;
  judge: number;
  seed?: string;
  without: string[];
  sweep?: true;
  jobs: number;
  input?: string;
  labels?: string;
  mapping?: string;
  timestampField?: string;
  json?: true;
  html?: string;
}

const DAY_MS = 86_400_000;

/** Options, by their names in code, that do not apply to the user's own log. */
const FOR_GENERATED = ['incidents', 'benign', 'accounts', 'background', 'judge', 'seed', 'jobs'];

export function backtestCommand(program: Command): void {
  program
    .command('backtest')
    .summary('measure rules against every incident and against benign weeks')
    .description(
      'Regenerates every incident inside ordinary traffic, and benign weeks, runs the production engine over them, and reports per incident which rule fired when, what was gone by then, and how many false alerts the rules cost. With --input, judges your own log instead.',
    )
    .option(
      '-r, --rules <path...>',
      'files or folders of Sigma rules (default: VIGIE_RULES, or those that come with Vigie)',
    )
    .option(
      '--lists <folder>',
      'folder of lookup lists (default: those of the generated country; with --input, VIGIE_LISTS)',
    )
    .addOption(placeholdersOption())
    .option(
      '--incidents <names>',
      `some of ${incidentNames().join(', ')}, separated by commas (default: all)`,
      names,
    )
    .option('--no-benign', 'leave the benign weeks out')
    .addOption(
      new Option('--accounts <number>', 'accounts of the benign weeks')
        .argParser(wholeNumber(1, 1_000_000))
        .default(10_000),
    )
    .addOption(
      new Option('--background <number>', 'accounts around each incident')
        .argParser(wholeNumber(0, 1_000_000))
        .default(300),
    )
    .addOption(
      new Option(
        '--learn <duration>',
        'traffic before anything is judged, for baselines and new terms (default: 28d; 0d with --input)',
      ).argParser(durationMs),
    )
    .addOption(
      new Option('--judge <duration>', 'benign traffic that is judged')
        .argParser(durationMs)
        .default(28 * DAY_MS, '28d'),
    )
    .option('--seed <text>', 'seed of the generated traffic')
    .option('--without <rule...>', 'leave out these rules (ids or names), and the rules that need them', [])
    .option('--sweep', 'also judge every threshold at 0.25 to 4 times its value')
    .option('-i, --input <file>', 'judge this log, NDJSON, - for standard input')
    .option('--labels <file>', 'what in --input is malicious (vigie-labels/1); without labels, nothing')
    .option(
      '--timestamp-field <name>',
      'with --input: field of the event time (default: VIGIE_TIMESTAMP_FIELD)',
    )
    .addOption(
      mappingOption(
        'with --input: mapping file or name, when the lines are those of another log (default: VIGIE_MAPPING)',
      ),
    )
    .addOption(
      new Option('--jobs <number>', 'threads')
        .argParser(wholeNumber(1, 256))
        .default(availableParallelism(), 'one per core'),
    )
    .option('--json', 'print the report as JSON')
    .option('--html <file>', 'also write the report as one page with plots')
    .addHelpText(
      'after',
      `
The exit code is 0 whatever was found. docs/backtest.md says what each figure means.

Examples:
  vigie backtest --html backtest.html
  vigie backtest --rules my-rules --incidents kairos-2025 --no-benign
  vigie backtest --sweep --html sweep.html
  vigie backtest --input access.ndjson --labels access.labels.json --learn 28d
  vigie backtest --input access.log --mapping portal.yml`,
    )
    .action(async (options: Options, self: Command) => {
      if (options.labels !== undefined && options.input === undefined) {
        self.error('error: --labels says what of --input is malicious; give --input too');
      }
      if (options.mapping !== undefined && options.input === undefined) {
        self.error('error: --mapping says how to read --input; give --input too');
      }
      if (options.timestampField !== undefined && options.input === undefined) {
        self.error('error: --timestamp-field says how to read --input; give --input too');
      }
      const unused = FOR_GENERATED.find((name) => self.getOptionValueSource(name) === 'cli');
      if (unused !== undefined && options.input !== undefined) {
        const option = self.options.find((candidate) => candidate.attributeName() === unused);
        self.error(`error: ${option?.long ?? unused} is for generated traffic, and --input is an own log`);
      }
      if (options.judge === 0) {
        self.error('error: --judge 0 judges no benign traffic; --no-benign leaves it out');
      }
      if (options.html !== undefined) await requireWritable(options.html);
      const report =
        options.input === undefined ? await onGenerated(options) : await onOwnLog(options, options.input);
      // Before the page, which may fail for want of disk space.
      await write(options.json ? jsonLine(report) : reportText(report));
      if (options.html !== undefined) {
        // Imported only here, as no other command needs the plotting library.
        const { renderPage } = await import('../backtest/page/page.ts');
        await writePage(options.html, renderPage(report));
        process.stderr.write(`page: ${options.html}\n`);
      }
    });
}

async function onGenerated(options: Options): Promise<BacktestReport> {
  const { incidents, benign, accounts, background, judge: judgeMs, seed, jobs: threads } = options;
  const learnMs = options.learn ?? 28 * DAY_MS;
  const specs = planJobs({ incidents, withoutBenign: !benign, accounts, background, learnMs, judgeMs, seed });
  const choice: RuleChoice = {
    paths: rulePaths(options),
    listsFolder: options.lists,
    placeholders: readPlaceholders(options.placeholders ?? loadConfig(process.env).placeholders),
    without: options.without,
    sweep: options.sweep === true,
  };
  const [first] = specs;
  if (first === undefined) {
    throw new VigieError('NOTHING_TO_RUN', 'there is neither an incident nor benign traffic to run', {
      remedy: 'Name incidents, or leave out --no-benign.',
    });
  }
  // Faults are reported once, before anything runs. Which lists the rules are loaded with does not change their shape.
  const rules = chosenRules(loadRulesFor(first.scenario, first.options, choice, requireRules), choice);
  requireAlerts(rules);
  const tooShort = shortLearningText(rules, learnMs);
  if (tooShort !== undefined) process.stderr.write(`${plain(tooShort)}\n`);
  const bar = progressBar(
    'backtest',
    specs.reduce((sum, { events }) => sum + events, 0),
  );
  try {
    const results = await runJobs(specs, choice, threads, (events, running) =>
      bar.update(events, `${count(events)} events: ${running.join(', ')}`),
    );
    const { without, sweep } = choice;
    return reportOf(rules, results, {
      seed: seed ?? DEFAULT_SEED,
      accounts: benign ? accounts : null,
      background,
      learnMs,
      judgeMs: benign ? judgeMs : null,
      without,
      sweep,
    });
  } finally {
    bar.stop();
  }
}

async function onOwnLog(options: Options, input: string): Promise<BacktestReport> {
  const config = loadConfig(process.env);
  const rules = chosenRules(
    requireRules(
      rulePaths(options),
      options.lists ?? config.lists,
      options.placeholders ?? config.placeholders,
    ),
    {
      without: options.without,
      sweep: options.sweep === true,
    },
  );
  requireAlerts(rules);
  const labels: LabelledTraffic =
    options.labels === undefined ? { incidents: [] } : readLabels(options.labels, readFileSync);
  const learnMs = options.learn ?? 0;
  const mapping = mappingFor(options, config);
  const since = systemClock.elapsed();
  const cpuBefore = threadCpuMs();
  const { judgement, unmatchedLabels } = await judgeLog(
    rules.ruleSet,
    labels,
    {
      learnMs,
      latenessMs: config.lateness,
      timestampField: options.timestampField ?? config.timestamp_field,
      mapping: requireMapping(mapping),
      ...eventSettings(config),
    },
    (visit) => forEachLine(input, 'backtest', visit),
  );
  process.stderr.write(mappedText(judgement));
  const { late } = judgement;
  const tooLate = late === 0 ? undefined : lateText(late, config.lateness, 'VIGIE_LATENESS');
  if (tooLate !== undefined && judgement.judgedMs > 0) process.stderr.write(`${tooLate}\n`);
  if (judgement.deadLetters > 0) {
    const lines =
      judgement.deadLetters === 1
        ? '1 line is no event and was'
        : `${count(judgement.deadLetters)} lines are no events and were`;
    const showing = mapping === undefined ? 'eval' : 'mapping check --sample';
    process.stderr.write(`${lines} left out; \`vigie ${showing}\` shows why\n`);
  }
  for (const each of unmatchedLabels) process.stderr.write(`${plain(unmatchedText(each))}\n`);
  if (unmatchedLabels.length > 0) process.stderr.write(`${UNMATCHED_REMEDY}\n`);
  const scenario = input === '-' ? 'stdin' : input;
  requireJudged(judgement, scenario, learnMs, tooLate);
  const job = {
    scenario,
    benign: true,
    options: {},
    judgement,
    elapsedMs: systemClock.elapsed() - since,
    cpuMs: threadCpuMs() - cpuBefore,
    generatingMs: 0,
  };
  const settings = {
    input: job.scenario,
    labels: options.labels ?? null,
    learnMs,
    without: options.without,
    sweep: options.sweep === true,
  };
  return reportOf(rules, [job], settings, unmatchedLabels);
}

/**
 * Throws NOTHING_JUDGED: with no rule that raises alerts, the report would say that nothing was caught and no false
 * alert raised.
 */
function requireAlerts({ ruleSet }: Sweep): void {
  if (ruleSet.correlations.some(raisesAlerts)) return;
  throw new VigieError('NOTHING_JUDGED', 'no rule raises an alert', {
    remedy: `${NO_ALERTS_REMEDY} See that --without leaves a correlation.`,
  });
}

/** Throws NOTHING_JUDGED: a report on nothing would look like one on rules that stay silent. */
function requireJudged(
  { events, firstAt, lastAt, judgedMs }: Judgement,
  log: string,
  learnMs: number,
  tooLate: string | undefined,
): void {
  if (judgedMs > 0) return;
  if (events === 0) {
    throw new VigieError('NOTHING_JUDGED', `there is no event in ${log}`, {
      remedy: 'Give a log with one event a line, or the --mapping by which its lines become events.',
    });
  }
  const length = lastAt! - firstAt!;
  const known = learnMs > 0 && length > 0;
  throw new VigieError(
    'NOTHING_JUDGED',
    known
      ? `--learn ${span(learnMs)} is as long as the log, which goes over ${span(length)}, or longer`
      : (tooLate ?? `all events of ${log} are of one instant`),
    { remedy: known ? 'Learn for less, or give more of the log.' : 'Give more of the log.' },
  );
}

/** The rules shipped with Vigie, unless the command line or the environment names others. */
function rulePaths({ rules }: Options): readonly string[] {
  if (rules !== undefined) return rules;
  return process.env['VIGIE_RULES'] === undefined ? [shipped('rules')] : loadConfig(process.env).rules;
}

/**
 * Fails before minutes of work if the page cannot be written, and leaves no empty page behind should that work fail.
 */
async function requireWritable(path: string): Promise<void> {
  const isNew = !existsSync(path);
  await writePage(path, '', 'a');
  if (isNew) await rm(path);
}

/** Throws OUTPUT_FAILED. */
async function writePage(path: string, text: string, flag: 'a' | 'w' = 'w'): Promise<void> {
  try {
    await writeFile(path, text, { flag });
  } catch (cause) {
    throw outputFailed(path, '--html', cause);
  }
}

function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
