/** `vigie topics`: the topics that Vigie writes to, with the settings it needs. */

import type { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { topicsOf } from '../config/topics.ts';
import { signalRetentionMs } from '../scale-out/open-scale-out.ts';
import { deadLetterTopic } from '../sink/dead-letter-topic.ts';
import { signalTopic } from '../sink/signal-topic.ts';
import { withAdmin } from '../source/kafka-admin.ts';
import { connectKafka } from '../source/kafka-client.ts';
import { kafkaError } from '../source/kafka-errors.ts';
import { createTopic, type NewTopic, partitionsOf, retentionOf } from '../source/kafka-topics.ts';
import { requireRules } from './inputs.ts';
import { kafkaConnection } from './kafka-settings.ts';
import { wholeNumber } from './options.ts';
import { write } from './output.ts';
import { jsonLine, table } from './terminal.ts';

interface Options {
  input?: true;
  partitions: number;
  replicationFactor?: number;
  dryRun?: true;
  json?: true;
}

interface Made {
  readonly partitions: number;
  /** Undefined if it is the broker's default, unlimited, or may not be queried. */
  readonly retentionDays: number | undefined;
}

interface Created extends Made {
  readonly topic: string;
  readonly is: string;
  readonly created: boolean;
}

const DAY_MS = 86_400_000;

export function topicsCommand(program: Command): void {
  const topics = program
    .command('topics')
    .summary('create the topics that Vigie writes to')
    .description('Creates the topics of dead letters and of signals, with the settings that they need.')
    .addHelpText('after', '\nExample:\n  vigie topics create --dry-run');
  topics
    .command('create')
    .description(
      'Creates the missing topics: dead letters (VIGIE_DEAD_LETTER_TOPIC), and signals when VIGIE_SIGNALS_TOPIC is set, kept as long as the rules look back. Does not change existing topics, but shows their settings. `vigie run` does the same if its user may create topics.',
    )
    .option('--input', 'also the topic of access events (VIGIE_TOPIC)')
    .option(
      '--partitions <number>',
      'with --input: partitions of the topic of access events',
      wholeNumber(1, 10_000),
      12,
    )
    .option('--replication-factor <number>', 'default: the broker’s', wholeNumber(1, 32))
    .option('--dry-run', 'only say what it would create')
    .option('--json', 'one JSON object per topic')
    .addHelpText(
      'after',
      '\nExamples:\n  vigie topics create --dry-run\n  VIGIE_SIGNALS_TOPIC=portal-signals vigie topics create --replication-factor 3\n  vigie topics create --input --partitions 24 --json | jq -r .topic',
    )
    .action(create);
}

async function create(options: Options, command: Command): Promise<void> {
  if (!options.input && command.getOptionValueSource('partitions') === 'cli') {
    command.error('error: --partitions is for the topic of access events: add --input');
  }
  const config = loadConfig(process.env);
  const { deadLetters } = topicsOf(config);
  const connection = kafkaConnection(config, () => undefined, systemClock);
  const wanted: { is: string; topic: NewTopic }[] = [];
  if (options.input) {
    wanted.push({
      is: 'access events',
      topic: { topic: config.topic, partitions: options.partitions, config: {} },
    });
  }
  wanted.push({ is: 'dead letters', topic: deadLetterTopic(deadLetters) });
  if (config.signals_topic !== undefined) {
    const ruleSet = requireRules(config.rules, config.lists, config.placeholders);
    const topic = signalTopic({
      topic: config.signals_topic,
      partitions: config.signals_partitions,
      retentionMs: signalRetentionMs(ruleSet, config.lateness),
    });
    wanted.push({ is: 'signals', topic });
  }
  const made: Created[] = [];
  let place = wanted.map(({ topic }) => topic.topic).join(', ');
  await withAdmin(connectKafka(connection), async (admin) => {
    const known = await admin.listTopics();
    for (const { is, topic } of wanted) {
      place = topic.topic;
      const { replicationFactor, dryRun = false } = options;
      // Another process may create it at the same time.
      const created =
        !known.includes(topic.topic) &&
        (dryRun || (await createTopic(admin, { ...topic, replicationFactor })));
      const properties = created ? asCreated(topic) : await asItIs(topic.topic, admin);
      made.push({ topic: topic.topic, is, ...properties, created });
    }
  }).catch((error: unknown) => {
    throw kafkaError(error, connection, place);
  });
  if (options.json) {
    await write(made.map(jsonLine).join(''));
    return;
  }
  const doing = options.dryRun ? 'would be created' : 'created';
  await write(
    `${table(
      ['topic', 'holds', 'partitions', 'days kept', ''],
      made.map(({ topic, is, partitions, retentionDays, created }) => [
        topic,
        is,
        String(partitions),
        String(retentionDays ?? ''),
        created ? doing : 'exists',
      ]),
    )}\n`,
  );
}

function asCreated({ partitions, config }: NewTopic): Made {
  return { partitions, retentionDays: days(config['retention.ms']) };
}

async function asItIs(topic: string, admin: Admin): Promise<Made> {
  return {
    partitions: await partitionsOf(topic, admin),
    retentionDays: days(await retentionOf(topic, admin)),
  };
}

function days(ms: string | number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(Number(ms) / DAY_MS);
}
