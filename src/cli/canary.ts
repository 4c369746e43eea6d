/** `vigie canary`: proves that each rule still detects in the running service. */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { type CanarySettings, canaryOf, rulesToProve } from '../canary/canary.ts';
import { CanaryMarks } from '../canary/marks.ts';
import { type CanaryOutput, toFile, toTopic } from '../canary/outputs.ts';
import { type Outcome, prove, proveAll, type ProverOptions } from '../canary/prover.ts';
import { watch } from '../canary/watch.ts';
import { systemClock } from '../clock.ts';
import { canaryMarks } from '../config/canary-key.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import { listsFolder } from '../files/list-files.ts';
import { ruleTests } from '../files/rule-test-files.ts';
import { createCanaryMetrics } from '../metrics/registry.ts';
import { startMetricsServer } from '../metrics/server.ts';
import type { CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { EXIT } from './errors.ts';
import { requireRules, ruleCalled } from './inputs.ts';
import { kafkaConnection } from './kafka-settings.ts';
import { createLogger, type Logger } from './logger.ts';
import { connectLive } from './operator.ts';
import { durationMs, pauseMs, placeholdersOption, settingText } from './options.ts';
import { write } from './output.ts';
import { stopSignal } from './signals.ts';
import { count, jsonLine, plain, progressBar, span, styled, styledLevel, table } from './terminal.ts';

interface Options {
  every?: number;
  behind: number;
  timeout: number;
  to: string;
  rule?: string[];
  rules?: string[];
  lists?: string;
  placeholders?: string;
  dataDir?: string;
  httpPort: string;
  list?: true;
  json?: true;
}

/** `exit` receives the exit code if a canary was not seen. */
export function canaryCommand(program: Command, exit: (code: number) => void): void {
  program
    .command('canary')
    .summary('send a synthetic incident per rule through the running service and check that it is detected')
    .description(
      'For each rule that raises alerts, sends the events of its own firing test, moved to now, compressed into seconds, under marked accounts and addresses. Then waits until the alert can be read in the database. Operators do not see these alerts (vigie alerts list --canary does). Exit code 1 when one was not seen, operators do see one, or none could be sent.',
    )
    .option(
      '--every <duration>',
      'run until stopped: a canary of each rule that often, with metrics',
      pauseMs,
    )
    .addOption(
      new Option(
        '--behind <duration>',
        'how late the log arrives; canaries are sent as late, or they would make its events late',
      )
        .argParser(durationMs)
        .default(0, '0s'),
    )
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for an alert')
        .argParser(durationMs)
        .default(120_000, '2m'),
    )
    .option('-t, --to <output>', 'kafka (VIGIE_TOPIC), or the log file that "vigie run" reads', 'kafka')
    .option('--rule <rule...>', 'only these, by id, name or title')
    .option(
      '-r, --rules <path...>',
      'the rules that should be in force, with their tests (default: VIGIE_RULES)',
    )
    .option('--lists <folder>', 'folder of lookup lists (default: VIGIE_LISTS)')
    .addOption(placeholdersOption())
    .option('-d, --data-dir <folder>', 'data folder (default: VIGIE_DATA_DIR)', settingText('data_dir'))
    .addOption(
      new Option('--http-port <port>', 'port of /metrics with --every')
        .argParser(settingText('http_port'))
        .default('9465'),
    )
    .addOption(new Option('--list', 'only list which rules have canaries; send nothing').conflicts('every'))
    .addOption(new Option('--json', 'one JSON object per rule').conflicts('every'))
    .addHelpText(
      'after',
      `
"vigie run" needs the same VIGIE_CANARY_KEY (32 hex digits), or it takes canaries for
incidents.

Examples:
  vigie canary --list
  KAFKA_BROKERS=127.0.0.1:9092 vigie canary
  KAFKA_BROKERS=127.0.0.1:9092 vigie canary --every 1h
  vigie canary --to access.ndjson --rule mass_extraction_account_critical`,
    )
    .action(async (options: Options) => {
      const given = loadConfig(process.env, {
        rules: options.rules,
        lists: options.lists,
        placeholders: options.placeholders,
        data_dir: options.dataDir,
      });
      const config = { ...given, lists: listsFolder(given.lists) };
      refuseMapping(config);
      const ruleSet = requireRules(config.rules, config.lists, config.placeholders);
      const settings: CanarySettings = {
        ruleSet,
        // Listed canaries are not sent, so any key will do.
        marks: options.list ? new CanaryMarks(randomBytes(16)) : requireMarks(config),
        timestampField: config.timestamp_field,
        personFields: config.person_fields,
        latenessMs: config.lateness,
      };
      const tests = ruleTests(config.rules, ruleSet);
      const rules = chosen(options.rule, ruleSet);
      if (options.list) return list(rules, tests, settings, options.json);
      const output = await outputOf(options.to, config);
      const { signal, dispose } = stopSignal();
      const prover: ProverOptions = {
        settings,
        tests,
        send: (events) => output.send(events),
        connect: () => connectLive(config),
        behindMs: options.behind,
        timeoutMs: options.timeout,
        clock: systemClock,
        sleep: (ms, stop) => delay(ms, undefined, { signal: stop }),
      };
      try {
        if (options.every === undefined) {
          if (!(await once(rules, prover, signal, options.json))) exit(EXIT.failed);
        } else {
          await forEver(rules, prover, signal, options.every, config, options.httpPort);
        }
      } finally {
        dispose();
        await output.close();
      }
    });
}

/** A mapping turns a log into events, not events into a log. */
function refuseMapping({ mapping }: Config): void {
  if (mapping === undefined) return;
  throw new VigieError('CANARY_NEEDS_EVENTS', `the log is mapped by ${mapping}, and canaries are events`, {
    remedy: 'Send canaries to a topic of events; a log of another form cannot be written (docs/canary.md).',
  });
}

function requireMarks(config: Config): CanaryMarks {
  const marks = canaryMarks(config);
  if (marks !== undefined) return marks;
  throw new VigieError(
    'CANARY_KEY_MISSING',
    'no canary key is set: operators would take canaries for incidents',
    {
      remedy:
        'Set VIGIE_CANARY_KEY (32 hex digits, e.g. from `openssl rand -hex 16`) or VIGIE_CANARY_KEY_FILE, the same for "vigie run".',
    },
  );
}

function chosen(names: readonly string[] | undefined, ruleSet: RuleSet): readonly CorrelationRule[] {
  const rules = rulesToProve(ruleSet);
  return (
    names?.map((name) => {
      const { key } = ruleCalled(name, ruleSet);
      const rule = rules.find((each) => each.key === key);
      if (rule !== undefined) return rule;
      throw new VigieError('RULE_UNKNOWN', `the rule ${JSON.stringify(name)} raises no alerts`, {
        remedy: '"vigie rules list" shows those that do.',
      });
    }) ?? rules
  );
}

function outputOf(to: string, config: Config): Promise<CanaryOutput> {
  if (to !== 'kafka') return toFile(to);
  return toTopic({ ...kafkaConnection(config, () => undefined), topic: config.topic });
}

async function list(
  rules: readonly CorrelationRule[],
  tests: ProverOptions['tests'],
  settings: CanarySettings,
  json: true | undefined,
): Promise<void> {
  const found = rules.map((rule) => [rule, canaryOf(rule, tests, settings, systemClock.now())] as const);
  if (json) {
    for (const [{ key: rule, title }, canary] of found) {
      const said =
        typeof canary === 'string'
          ? { events: null, reason: canary }
          : { events: canary.events.length, reason: null };
      await write(jsonLine({ rule, title, ...said }));
    }
    return;
  }
  const rows = found.map(([rule, canary]) => [
    styledLevel(rule.level),
    plain(rule.name ?? rule.key),
    typeof canary === 'string' ? '–' : count(canary.events.length),
    typeof canary === 'string'
      ? plain(`none: ${canary}`)
      : canary.laterMs === undefined
        ? ''
        : 'waits for event time',
  ]);
  await write(`${table(['level', 'rule', 'events', ''], rows)}\n`);
}

/** Returns false if a canary was missed, none was seen, or operators see one. */
async function once(
  rules: readonly CorrelationRule[],
  prover: ProverOptions,
  stop: AbortSignal,
  json: true | undefined,
): Promise<boolean> {
  const bar = progressBar('canary', rules.length);
  let done = 0;
  const outcomes = await proveAll(rules, async (rule) => {
    const outcome = await prove(rule, prover, stop);
    done += 1;
    bar.update(done, `${done} of ${rules.length}`);
    return outcome;
  })
    .catch((error: unknown) => {
      if (!stop.aborted) throw error;
      throw new VigieError('STOPPED', 'stopped before all canaries were seen', { remedy: 'Run it again.' });
    })
    .finally(() => bar.stop());
  if (json) {
    for (const [rule, outcome] of outcomes) await write(jsonLine(outcomeJson(rule, outcome)));
  } else {
    const rows = outcomes.map(([rule, outcome]) => [
      styledLevel(rule.level),
      plain(rule.name ?? rule.key),
      ...outcomeRow(outcome),
    ]);
    await write(`${table(['level', 'rule', 'canary', 'after', ''], rows)}\n`);
  }
  const number = (result: Outcome['result']): number =>
    outcomes.filter(([, outcome]) => outcome.result === result).length;
  const shown = outcomes.some(([, outcome]) => outcome.result === 'seen' && outcome.shownToOperators);
  if (shown) process.stderr.write(`${SHOWN}\n`);
  process.stderr.write(
    `${count(number('seen'))} seen, ${count(number('missed'))} missed, ${count(number('unproved'))} without a canary${number('seen') + number('missed') === 0 ? ': nothing is proved' : ''}\n`,
  );
  return number('missed') === 0 && number('seen') > 0 && !shown;
}

const SHOWN =
  'operators see this canary, and no other is sent: "vigie run" has another VIGIE_CANARY_KEY, or none; give both the same';

function outcomeJson({ key: rule, title }: CorrelationRule, outcome: Outcome): Record<string, unknown> {
  const { result } = outcome;
  return {
    rule,
    title,
    result,
    events: result === 'unproved' ? null : outcome.events,
    ms: result === 'seen' ? Math.round(outcome.ms) : null,
    shownToOperators: result === 'seen' ? outcome.shownToOperators : null,
    reason: result === 'seen' ? null : outcome.reason,
  };
}

function outcomeRow(outcome: Outcome): [string, string, string] {
  switch (outcome.result) {
    case 'seen':
      return [
        styled('green', 'seen'),
        span(Math.round(outcome.ms)),
        outcome.waited ? 'waited for event time' : '',
      ];
    case 'missed':
      return [styled('red', 'MISSED'), '', plain(outcome.reason)];
    case 'unproved':
      return ['none', '', plain(outcome.reason)];
  }
}

async function forEver(
  rules: readonly CorrelationRule[],
  prover: ProverOptions,
  stop: AbortSignal,
  everyMs: number,
  config: Config,
  port: string,
): Promise<void> {
  const logger = await createLogger(config.log_level);
  const metrics = createCanaryMetrics();
  const server = await startMetricsServer({
    registry: metrics.registry,
    host: config.http_host,
    port: Number(port),
  });
  try {
    const unproved = new Set<string>();
    // Operators see a canary, so no other is sent.
    let isShown = false;
    for (const rule of rules) {
      const canary = canaryOf(rule, prover.tests, prover.settings, systemClock.now() - prover.behindMs);
      if (typeof canary === 'string') tellUnproved(rule, canary, unproved, logger);
    }
    const showRules = (): void => {
      metrics.canaryRules.set({ proved: 'yes' }, isShown ? 0 : rules.length - unproved.size);
      metrics.canaryRules.set({ proved: 'no' }, unproved.size);
    };
    showRules();
    if (unproved.size === rules.length) {
      const remedy = 'Give the rules with their tests; "vigie canary --list" says what is wrong with them.';
      logger.error({ code: 'NOTHING_PROVED', remedy }, 'there is no canary of any rule');
    }
    const url = `http://${config.http_host}:${server.port}/metrics`;
    logger.info({ rules: rules.length, metrics: url }, 'running');
    await watch(
      {
        rules,
        everyMs,
        prove: (rule) => prove(rule, prover, stop),
        told: (rule, outcome) => {
          if (outcome.result === 'unproved') tellUnproved(rule, outcome.reason, unproved, logger);
          else {
            unproved.delete(rule.key);
            isShown = outcome.result === 'seen' ? outcome.shownToOperators : isShown;
            told(rule, outcome, metrics, logger);
          }
          showRules();
        },
        clock: systemClock,
        sleep: prover.sleep,
      },
      stop,
    );
    logger.info('stopped');
  } finally {
    await server.close();
  }
}

/** Logs once per rule, as the reason is the same every hour. A rule about the night has canaries again at night. */
function tellUnproved(
  { key: rule, title }: CorrelationRule,
  reason: string,
  unproved: Set<string>,
  logger: Logger,
): void {
  if (!unproved.has(rule)) logger.warn({ code: 'RULE_UNPROVED', rule, reason }, `no canary now: ${title}`);
  unproved.add(rule);
}

function told(
  { key: rule, title }: CorrelationRule,
  outcome: Exclude<Outcome, { result: 'unproved' }>,
  metrics: ReturnType<typeof createCanaryMetrics>,
  logger: Logger,
): void {
  if (outcome.result === 'missed') {
    metrics.canarySuccess.set({ rule, title }, 0);
    logger.error({ code: 'CANARY_MISSED', rule, reason: outcome.reason }, `canary not seen: ${title}`);
    return;
  }
  metrics.canarySuccess.set({ rule, title }, 1);
  metrics.canarySuccessTime.set({ rule, title }, systemClock.now() / 1000);
  if (!outcome.waited) metrics.canaryDetection.observe(outcome.ms / 1000);
  const fields = { rule, ms: Math.round(outcome.ms) };
  if (outcome.shownToOperators) logger.warn({ code: 'CANARY_SHOWN', ...fields }, SHOWN);
  else logger.info(fields, `canary seen: ${title}`);
}
