/** `vigie run`: the service. */

import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { PERSONS_FIELD } from '../alert/episode.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import { topicsOf } from '../config/topics.ts';
import { VigieError } from '../errors.ts';
import type { Mapping } from '../event/mapping/mapping.ts';
import { listsFolder } from '../files/list-files.ts';
import { canaryMarks } from '../config/canary-key.ts';
import { pseudonymKey } from '../config/pseudonym-key.ts';
import { longestReachOf } from '../pipeline/restore-plan.ts';
import { RuleFilesWatch } from '../files/rule-files-watch.ts';
import { signalRetentionMs } from '../scale-out/open-scale-out.ts';
import { shardsSavedIn } from '../scale-out/scale-out.ts';
import { runService } from '../service/service.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { DeadLetterTopic } from '../sink/dead-letter-topic.ts';
import { SignalTopic } from '../sink/signal-topic.ts';
import { FileSource, lookAtInput } from '../source/file-source.ts';
import { warnOfShortInput } from '../source/input-retention.ts';
import type { KafkaConnection, Log } from '../source/kafka-client.ts';
import { KafkaSource } from '../source/kafka-source.ts';
import { EXIT } from './errors.ts';
import { requireMapping, requireRules } from './inputs.ts';
import { kafkaConnection } from './kafka-settings.ts';
import { createLogger, type Logger } from './logger.ts';
import { settingText } from './options.ts';
import { onHangUp, stopSignal } from './signals.ts';
import { count, fileProgress, lateText, plain, replacedText } from './terminal.ts';

/** Grace period before the stopped process exits; with nothing left to do it ends by itself long before. */
const LINGER_MS = 500;

/**
 * The heap may grow by half between two major collections: V8 would let it double and more, a hundred megabytes of
 * garbage beside windows of the same size. Memory outside the heap (Kafka messages, state being saved) does not count
 * as growth, or V8 would collect every second at 20,000 events a second.
 */
export const HEAP_FLAGS = [
  '--heap-growing-percent=50',
  '--external-memory-accounted-in-global-limit',
] as const;

interface Options {
  input?: string;
  rules?: string[];
  lists?: string;
  mapping?: string;
  dataDir?: string;
  spool?: string;
  spoolMax?: string;
  httpPort?: string;
}

export function runCommand(program: Command, exit: (code: number) => void, version: string): void {
  program
    .command('run')
    .summary('the service: Kafka or a file → alerts in ClickHouse, metrics, health')
    .description(
      'Reads access events from Kafka (KAFKA_BROKERS), or from a file or standard input, and keeps living alerts in ClickHouse (CLICKHOUSE_URL, else the embedded engine on the data folder).',
    )
    .option('-i, --input <file>', 'NDJSON events instead of Kafka, - for standard input')
    .option('-r, --rules <path...>', 'files or folders of rules (default: VIGIE_RULES)')
    .option('--lists <folder>', 'folder of lookup lists (default: VIGIE_LISTS)', settingText('lists'))
    .option(
      '-m, --mapping <mapping>',
      'mapping file or name, when the lines are those of another log (default: VIGIE_MAPPING)',
      settingText('mapping'),
    )
    .option('-d, --data-dir <folder>', 'data folder (default: VIGIE_DATA_DIR)', settingText('data_dir'))
    .option(
      '--spool <folder>',
      'folder where rows wait while ClickHouse is away (default: VIGIE_SPOOL)',
      settingText('spool'),
    )
    .option(
      '--spool-max <size>',
      'most that the spool may take, such as 2GiB (default: VIGIE_SPOOL_MAX)',
      settingText('spool_max'),
    )
    .option(
      '--http-port <port>',
      'port of /metrics, /healthz and /readyz (default: VIGIE_HTTP_PORT)',
      settingText('http_port'),
    )
    .addHelpText(
      'after',
      `
SIGTERM and SIGINT stop it cleanly: it stores and commits what it has read first. SIGHUP reloads the
rules, as does a change of their files (VIGIE_RULES_INTERVAL); if one is faulty, the previous rules
stay in force. So closing a terminal does not stop it.

Examples:
  vigie run --input events.ndjson
  zcat access-*.ndjson.gz | vigie run --input -
  tail -F /var/log/nginx/access.log | vigie run --mapping portal.yml --input -
  KAFKA_BROKERS=127.0.0.1:9092 VIGIE_PSEUDONYM_KEY=$(openssl rand -hex 16) vigie run`,
    )
    .action(async (options: Options, command: Command) => {
      const given = loadConfig(process.env, {
        rules: options.rules,
        lists: options.lists,
        mapping: options.mapping,
        data_dir: options.dataDir,
        spool: options.spool,
        spool_max: options.spoolMax,
        http_port: options.httpPort,
      });
      const config = { ...given, lists: listsFolder(given.lists) };
      const { input } = options;
      if (input === undefined && config.kafka_brokers === undefined) {
        command.error('error: nothing to read: give --input FILE, or set KAFKA_BROKERS');
      }
      const topics = topicsOf(config);
      const logger = await createLogger(config.log_level);
      warnOfUnusedServer(config, logger);
      warnOfRawIds(config, logger);
      const ruleFiles = new RuleFilesWatch({
        paths: config.rules,
        listsFolder: config.lists,
        placeholders: config.placeholders,
      });
      const since = systemClock.elapsed();
      const ruleSet = requireRules(config.rules, config.lists, config.placeholders);
      const ruleLoadMs = systemClock.elapsed() - since;
      const mapping = requireMapping(config.mapping);
      const log: Log = (level, message, fields) => logger[level](fields, message);
      // One connection for all clients: its warnings are logged once, and tokens are shared.
      const kafka = input === undefined ? kafkaConnection(config, log) : undefined;
      if (input === undefined) refuseFileMapping(mapping, config.mapping);
      else await lookAtInput(input);
      // A file is read by one process, which needs no shared key.
      const { key, madeAt } = pseudonymKey(
        input === undefined ? config : { ...config, kafka_brokers: undefined },
      );
      if (madeAt !== undefined)
        logger.info({ path: madeAt }, 'made a pseudonym key, readable by its owner only');

      const marks = canaryMarks(config);
      for (const flag of HEAP_FLAGS) setFlagsFromString(flag);
      const { signal, dispose } = stopSignal();
      const file = input === undefined ? undefined : new FileSource(input);
      const progress = file === undefined ? undefined : fileProgress('run', file);
      const summary = await runService(
        {
          config,
          ruleSet,
          ruleLoadMs,
          reload: { files: ruleFiles, onRequest: onHangUp },
          pseudonymKey: key,
          canaryMarks: marks,
          mapping,
          version,
          command: 'vigie run',
          logger,
          clock: systemClock,
          openSource: (onProblem) => file ?? kafkaSource(config, kafka!, config.topic, onProblem),
          openSignals:
            kafka !== undefined && config.signals_topic !== undefined
              ? (onProblem) => openSignals(config, ruleSet, kafka, onProblem)
              : undefined,
          certificateEndsMs: kafka?.certificateEndsMs,
          openDeadLetters: kafka && (() => new DeadLetterTopic({ ...kafka, topic: topics.deadLetters })),
          observer: { batch: () => progress?.update() },
          onReady: ({ metricsPort, database }) => {
            const metrics = `http://${config.http_host}:${metricsPort}/metrics`;
            const { length } = ruleSet.correlations;
            logger.info(
              { source: input ?? config.topic, database, metrics, correlations: length },
              'running',
            );
            // When scaled out, windows are re-read from the signals, whose retention is checked along with their topic.
            if (kafka === undefined) return;
            const reachMs =
              config.signals_topic === undefined ? longestReachOf(ruleSet) + config.lateness : undefined;
            void warnOfShortInput({ ...kafka, log: () => undefined }, config.topic, reachMs, log);
          },
        },
        signal,
      ).finally(() => {
        progress?.stop();
        dispose();
        // Everything is closed: a client that still waits for something (an unresponsive group) must not keep the
        // process.
        setTimeout(() => process.exit(), LINGER_MS).unref();
      });
      const { events, accepted, duplicates, deadLetters, skipped, replaced, late } = summary;
      logger.info({ events, accepted, duplicates, deadLetters, skipped, replaced, late }, 'stopped');
      if (file?.unfinished === true) {
        logger.warn(
          { code: 'INPUT_UNFINISHED', source: input },
          'stopped before the end of the file: what was left was not read or not judged, and the next run reads it from its beginning',
        );
      }
      process.stderr.write(
        `${count(events)} events: ${count(accepted)} accepted, ${count(duplicates)} duplicates, ${count(deadLetters)} dead letters${mapping === undefined ? '' : `, ${count(skipped)} skipped`}${late === 0 ? '' : `, ${count(late)} late`}\n`,
      );
      if (deadLetters > 0 && input !== undefined) {
        process.stderr.write(
          `Why they are no events: vigie deadletters --data-dir ${plain(config.data_dir)} list. A log in another form needs --mapping (docs/mappings.md).\n`,
        );
      }
      if (replaced > 0) process.stderr.write(`${replacedText(replaced)}\n`);
      if (late > 0 && input !== undefined) {
        process.stderr.write(`${lateText(late, config.lateness, 'VIGIE_LATENESS')}\n`);
      }
      exit(EXIT.done);
    });
}

/**
 * Warns of credentials without a server: operators would look for alerts there, while they are stored in a folder here.
 */
function warnOfUnusedServer(config: Config, logger: Logger): void {
  const { clickhouse_url: url, clickhouse_user: user, clickhouse_password: password } = config;
  if (url !== undefined || (user === undefined && password === undefined)) return;
  logger.warn(
    {
      code: 'CLICKHOUSE_URL_MISSING',
      remedy: 'Set CLICKHOUSE_URL to store on a server, or remove its user and password.',
    },
    `CLICKHOUSE_${user === undefined ? 'PASSWORD' : 'USER'} is set without CLICKHOUSE_URL: alerts are stored in the data folder`,
  );
}

/** A person field set by the user replaces the default one, which alerts and the archive take persons from. */
function warnOfRawIds({ person_fields: fields }: Config, logger: Logger): void {
  if (fields.includes(PERSONS_FIELD)) return;
  logger.warn(
    {
      code: 'PERSON_IDS_STORED',
      remedy: `Set VIGIE_PERSON_FIELDS=${[...fields, PERSONS_FIELD].join(',')}, unless no event has this field.`,
    },
    `${PERSONS_FIELD} is none of the person fields: ids in it are stored as they come`,
  );
}

/**
 * Scaled-out processes use other consumer groups than a process that holds all groups. So each kind reads the input
 * from its beginning, and neither continues from offsets for which only the other has state.
 */
function kafkaSource(
  config: Config,
  kafka: KafkaConnection,
  topic: string,
  onProblem: (problem: VigieError | undefined) => void,
): KafkaSource {
  const { group, data_dir: dataDir, state_dir: stateDir = dataDir, signals_topic: signals } = config;
  const half = signals === undefined ? undefined : topic === signals ? 'correlate' : 'match';
  const suffix = half === undefined ? '' : `-${half}`;
  return new KafkaSource({
    ...kafka,
    topic,
    groupId: `${group}${suffix}`,
    memberFile: join(dataDir, `member${suffix}`),
    sticky: half === 'correlate' ? shardsSavedIn(stateDir) : undefined,
    quietMs: half && QUIET_MS,
    stampMarginMs: half && config.max_future,
    onProblem,
    clock: systemClock,
  });
}

/** For scaled-out processes, where an alert passes through two of them. */
const QUIET_MS = 100;

function openSignals(
  config: Config,
  ruleSet: RuleSet,
  kafka: KafkaConnection,
  onProblem: (problem: VigieError | undefined) => void,
): { topic: SignalTopic; source: KafkaSource } {
  const topic = config.signals_topic!;
  return {
    topic: new SignalTopic({
      ...kafka,
      topic,
      partitions: config.signals_partitions,
      retentionMs: signalRetentionMs(ruleSet, config.lateness),
    }),
    source: kafkaSource(config, kafka, topic, onProblem),
  };
}

/** A W3C log names its columns in its head, which messages of a topic lack. Throws MAPPING_NEEDS_FIELDS. */
function refuseFileMapping(mapping: Mapping | undefined, name: string | undefined): void {
  if (mapping?.input !== 'w3c' || mapping.fields !== undefined) return;
  throw new VigieError(
    'MAPPING_NEEDS_FIELDS',
    `the mapping ${name} takes the columns from #Fields lines, which a topic does not keep in place`,
    { remedy: 'Name the columns in the mapping, fields: [date, time, c-ip, …], as the log has them.' },
  );
}
