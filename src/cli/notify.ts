/** `vigie notify`: sends alerts to a webhook. */

import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { backoffMs } from '../backoff.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import { createNotifyMetrics } from '../metrics/registry.ts';
import { startMetricsServer } from '../metrics/server.ts';
import { type Level, LEVELS } from '../sigma/rule.ts';
import { TOLD } from '../notify/notification.ts';
import { Notifier, type NotifierOptions } from '../notify/notifier.ts';
import { type Deliver, webhook } from '../notify/webhook.ts';
import { EXIT } from './errors.ts';
import { createLogger, type Logger } from './logger.ts';
import { connectLive } from './operator.ts';
import { durationMs, pauseMs, settingText } from './options.ts';
import { stopSignal } from './signals.ts';
import { plural } from './terminal.ts';

interface Options {
  level: Level;
  every: number;
  maxAge: number;
  remind: number | 'never';
  once?: true;
  test?: true;
  dataDir?: string;
  httpPort: string;
}

const DAY_MS = 86_400_000;
const REMIND_MS = 30 * 60_000;

/** `exit` receives the exit code if something could not be delivered. */
export function notifyCommand(program: Command, exit: (code: number) => void): void {
  program
    .command('notify')
    .summary('send alerts to a webhook: when they open, stay unacknowledged, and are resolved')
    .description(
      'Reads new alerts from the database that "vigie run" writes, sends each to VIGIE_WEBHOOK_URL, signed (Standard Webhooks), and records that it was sent. At least once, whatever fails meanwhile.',
    )
    .addOption(new Option('--level <level>', 'least level').choices(LEVELS).default('high'))
    .addOption(
      new Option('--every <duration>', 'time between two queries of the database')
        .argParser(pauseMs)
        .default(5000, '5s'),
    )
    .addOption(
      new Option('--max-age <duration>', 'alerts that were detected longer ago are left out')
        .argParser(durationMs)
        .default(DAY_MS, '1d'),
    )
    .addOption(
      new Option('--remind <duration>', 'when to send an unacknowledged alert once more, or never')
        .argParser((value) => (value === 'never' ? value : durationMs(value)))
        .default(REMIND_MS, '30m'),
    )
    .option('--once', 'send what waits and exit; exit code 1 if something could not be sent')
    .addOption(
      new Option(
        '--test',
        'send one notification without an alert (vigie.test), to try the receiver',
      ).conflicts('once'),
    )
    .option('-d, --data-dir <folder>', 'data folder (default: VIGIE_DATA_DIR)', settingText('data_dir'))
    .addOption(
      new Option('--http-port <port>', 'port of /metrics')
        .argParser(settingText('http_port'))
        .default('9466'),
    )
    .addHelpText(
      'after',
      `
Alerts about canaries, and alerts that others inhibit, are left out.

Examples:
  VIGIE_WEBHOOK_URL=https://soc.example/hooks/vigie vigie notify --test
  VIGIE_WEBHOOK_URL=https://soc.example/hooks/vigie vigie notify --level medium`,
    )
    .action(async (options: Options) => {
      const config = loadConfig(process.env, { data_dir: options.dataDir });
      const deliver = requireWebhook(config);
      const { signal, dispose } = stopSignal();
      try {
        if (options.test) return await test(deliver, signal);
        const logger = await createLogger(config.log_level);
        if (options.once) {
          if (!(await once(config, options, deliver, logger, signal))) exit(EXIT.failed);
        } else {
          await forEver(config, options, deliver, logger, signal);
        }
      } finally {
        dispose();
      }
    });
}

function requireWebhook({ webhook_url: url, webhook_secret: secret }: Config): Deliver {
  if (url === undefined) {
    throw new VigieError('WEBHOOK_MISSING', 'nobody is to be told: VIGIE_WEBHOOK_URL is not set', {
      remedy: 'Set it to the https:// address that takes notifications.',
    });
  }
  const key = secret === undefined ? undefined : Buffer.from(secret.slice('whsec_'.length), 'base64');
  return webhook({ url, secret: key, clock: systemClock });
}

async function test(deliver: Deliver, stop: AbortSignal): Promise<void> {
  const now = systemClock.now();
  const timestamp = new Date(now).toISOString();
  const body = { type: 'vigie.test', timestamp, text: 'Vigie can reach you.', data: {} };
  await deliver({ id: `test-${now}`, body: JSON.stringify(body) }, stop);
  process.stderr.write('the receiver took it\n');
}

type Observer = Pick<NotifierOptions, 'told' | 'failed' | 'leftOut'>;

function notifierOf(
  config: Config,
  { level, maxAge, remind }: Options,
  deliver: Deliver,
  observer: Observer,
): Notifier {
  return new Notifier({
    connect: () => connectLive(config),
    deliver,
    actor: 'vigie notify',
    levels: LEVELS.slice(LEVELS.indexOf(level)),
    maxAgeMs: maxAge,
    remindAfterMs: remind === 'never' ? Infinity : remind,
    clock: systemClock,
    random: Math.random,
    ...observer,
  });
}

/** Returns false if something could not be delivered. */
async function once(
  config: Config,
  options: Options,
  deliver: Deliver,
  logger: Logger,
  stop: AbortSignal,
): Promise<boolean> {
  let notifications = 0;
  const notifier = notifierOf(config, options, deliver, {
    told: () => {
      notifications += 1;
    },
    failed: (error, alertId) => logFailure(logger, error, alertId),
    // A single round has no earlier one whose openings could have grown too old.
    leftOut: () => undefined,
  });
  const all = await notifier.round(stop);
  process.stderr.write(`${plural(notifications, 'notification')} sent\n`);
  return all;
}

async function forEver(
  config: Config,
  options: Options,
  deliver: Deliver,
  logger: Logger,
  stop: AbortSignal,
): Promise<void> {
  const metrics = createNotifyMetrics();
  for (const kind of TOLD) metrics.notifications.inc({ kind }, 0);
  metrics.notificationsLeftOut.inc({}, 0);
  /** The failures that held back all of the last round, and of this one. */
  let trouble: string | undefined;
  let found: string | undefined;
  /** Failures logged since everything could last be delivered. */
  const said = new Set<string>();
  const server = await startMetricsServer({
    registry: metrics.registry,
    notReady: () => (trouble === undefined ? [] : [trouble]),
    host: config.http_host,
    port: Number(options.httpPort),
  });
  const notifier = notifierOf(config, options, deliver, {
    told: (kind, alertId) => {
      metrics.notifications.inc({ kind });
      logger.info({ alertId, kind }, 'told');
    },
    failed: (error, alertId) => {
      metrics.notificationFailures.inc({ code: error.code });
      if (alertId !== undefined) return logFailure(logger, error, alertId);
      found = `${error.code}: ${error.message}`;
      // An unreachable receiver is logged once, not in every round.
      if (!said.has(found)) logFailure(logger, error, alertId);
      said.add(found);
    },
    leftOut: (alertId) => {
      metrics.notificationsLeftOut.inc();
      const remedy = 'Look at "vigie alerts list"; --max-age says how old is too old.';
      logger.error({ code: 'NOTIFICATION_LEFT_OUT', alertId, remedy }, 'too old by now: nobody was told');
    },
  });
  try {
    const url = `http://${config.http_host}:${server.port}/metrics`;
    logger.info({ level: options.level, metrics: url }, 'running');
    let failures = 0;
    while (!stop.aborted) {
      found = undefined;
      await notifier.round(stop);
      if (stop.aborted) break;
      if (found !== undefined || !notifier.wasHeldBack) {
        if (trouble !== undefined && found === undefined) {
          logger.info('can notify again');
          said.clear();
        }
        trouble = found;
        failures = trouble === undefined ? 0 : failures + 1;
      }
      const waitMs =
        failures === 0 ? options.every : backoffMs(failures, { random: Math.random, baseMs: options.every });
      await delay(waitMs, undefined, { signal: stop }).catch(() => undefined);
    }
    logger.info('stopped');
  } finally {
    await server.close();
  }
}

function logFailure(
  logger: Logger,
  { code, message, remedy }: VigieError,
  alertId: string | undefined,
): void {
  logger.warn({ code, reason: message, remedy, alertId }, 'cannot notify: trying again');
}
