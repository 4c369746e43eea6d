/** `vigie replay`: generated or recorded events to a file, standard output or Kafka. */

import { existsSync, statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { estimate, generate, listsOf, SCENARIOS } from '../../replay/index.ts';
import { writeLists } from '../../replay/lists.ts';
import { flagOf } from '../../replay/options.ts';
import { recorded } from '../../replay/recorded.ts';
import type { Output, WriteResult } from '../../replay/outputs.ts';
import { writeTo } from '../../replay/outputs.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { type Compression, COMPRESSIONS } from '../source/codecs/register.ts';
import { EXIT } from './errors.ts';
import { kafkaConnection } from './kafka-settings.ts';
import { speedFactor, wholeNumber } from './options.ts';
import { write } from './output.ts';
import { stopSignal } from './signals.ts';
import { bytes, count, jsonLine, plural, progressBar } from './terminal.ts';

interface Options {
  to: string;
  topic?: string;
  partitions: number;
  compression: Compression;
  speed: 'max' | number;
  json?: true;
  list?: true;
  writeLists?: string;
}

const FOR_KAFKA = ['topic', 'partitions', 'compression'];

/** `exit` receives the exit code of a command that got as far as its work. */
export function replayCommand(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('replay')
    .argument(
      '[scenario|file]',
      `one of ${Object.keys(SCENARIOS).join(', ')}, or an NDJSON file to send again`,
    )
    .summary(
      'generate an incident or benign traffic, or send a file again: to a file, standard output or Kafka',
    )
    .description(
      'Writes the events of a scenario, the same bytes for the same seed and options. Writes labels beside a file: which events belong to the incident, persons and records taken. Sends a file again as it is, keyed by account and at the chosen speed.',
    )
    .option('-t, --to <output>', 'a file, - for standard output, or kafka', '-')
    .option('--topic <name>', 'topic to write to (default: VIGIE_TOPIC)')
    .option('--partitions <number>', 'partitions of a topic that it creates', wholeNumber(1, 10_000), 6)
    .addOption(
      new Option('--compression <codec>', 'of messages to Kafka')
        .choices(Object.keys(COMPRESSIONS))
        .default('none'),
    )
    .option('--speed <factor>', 'max, or a multiple of real time such as 1 or 60', speedFactor, 'max')
    .option(
      '--write-lists <folder>',
      'also write the portal’s lookup lists (NAME.csv) for the generated accounts to a folder',
    )
    .option(
      '--json',
      'print the labels as JSON on standard output (not with --to -); with --list, one object per scenario',
    )
    .option('--list', 'list the scenarios and their options');
  const optionNames = new Set<string>();
  for (const scenario of Object.values(SCENARIOS)) {
    for (const option of scenario.options) {
      if (optionNames.has(option.name)) continue;
      optionNames.add(option.name);
      command.addOption(
        new Option(`${flagOf(option.name)} <value>`, option.description).helpGroup('Options of scenarios:'),
      );
    }
  }
  command
    .addHelpText(
      'after',
      `
Ctrl-C stops it: the labels then describe what was written, and the exit code is 1.

Examples:
  vigie replay kairos-2025 --to events.ndjson
  vigie replay kairos-2025 --accounts 0 | vigie eval --rules rules --only firing
  vigie replay benign --duration 28d --to month.ndjson --write-lists lists
  KAFKA_BROKERS=127.0.0.1:9092 vigie replay kairos-2025 --to kafka --speed 60
  KAFKA_BROKERS=127.0.0.1:9092 vigie replay events.ndjson --to kafka`,
    )
    .action(async (name: string | undefined, options: Options & Record<string, unknown>, self: Command) => {
      if (options.list) return options.json ? listJson() : list();
      const names = Object.keys(SCENARIOS).join(', ');
      if (name === undefined) self.error(`error: name a scenario (${names}) or a file`);
      if (options.json && options.to === '-') {
        self.error('error: --json and --to - both want standard output; give --to FILE or --to kafka');
      }
      const forKafka = FOR_KAFKA.find((option) => self.getOptionValueSource(option) === 'cli');
      if (forKafka !== undefined && options.to !== 'kafka') {
        self.error(`error: --${forKafka} is for --to kafka, and --to is ${options.to}`);
      }
      const scenarioOptions = Object.fromEntries(
        [...optionNames].flatMap((option) =>
          options[option] === undefined ? [] : [[option, options[option]]],
        ),
      );
      const isScenario = Object.hasOwn(SCENARIOS, name);
      if (!isScenario && !existsSync(name)) {
        self.error(`error: there is no scenario and no file ${JSON.stringify(name)}; scenarios are ${names}`);
      }
      if (!isScenario && Object.keys(scenarioOptions).length > 0) {
        self.error(
          `error: ${flagOf(Object.keys(scenarioOptions)[0]!)} is an option of scenarios; a file is sent as it is`,
        );
      }
      if (!isScenario && options.writeLists !== undefined) {
        self.error('error: --write-lists needs a scenario; of a recorded file the accounts are not known');
      }
      if (!isScenario && isSameFile(name, options.to)) {
        self.error(`error: --to ${options.to} is the file that is read, and writing would empty it first`);
      }
      const file = isScenario ? undefined : recorded(name, loadConfig(process.env).timestamp_field);
      const generated = file ?? generate(name, scenarioOptions);
      if (options.writeLists !== undefined) {
        const paths = await writeLists(options.writeLists, listsOf(name, scenarioOptions));
        process.stderr.write(`lists: ${paths.join(', ')}\n`);
      }
      const { signal, dispose } = stopSignal();
      const bar = progressBar(`replay ${name}`, file?.bytes ?? estimate(name, scenarioOptions).events);
      const since = systemClock.elapsed();
      let result: WriteResult;
      try {
        result = await writeTo(outputOf(options), generated, {
          clock: systemClock,
          speed: options.speed,
          signal,
          progress: (progress) =>
            bar.update(
              file === undefined ? progress.events : progress.bytes,
              `${count(progress.events)} events`,
            ),
        });
      } finally {
        bar.stop();
        dispose();
      }
      const seconds = (systemClock.elapsed() - since) / 1000;
      const events = plural(result.events, 'event');
      process.stderr.write(
        `${result.ended === 'complete' ? 'wrote' : 'stopped after'} ${events}, ${bytes(result.bytes)}, in ${count(Math.round(seconds * 10) / 10)} s (${count(Math.round(result.events / Math.max(seconds, 0.001)))} a second)\n`,
      );
      if (result.labelsPath !== undefined) process.stderr.write(`labels: ${result.labelsPath}\n`);
      if (options.json && options.to !== '-') await write(jsonLine(result.labels));
      if (result.ended === 'aborted') exit(EXIT.failed);
    });
}

/** Also under different paths. Devices and pipes are exempt: they may be read and written at once. */
function isSameFile(one: string, other: string): boolean {
  const a = statSync(one, { throwIfNoEntry: false });
  const b = statSync(other, { throwIfNoEntry: false });
  return a?.isFile() === true && b?.isFile() === true && a.dev === b.dev && a.ino === b.ino;
}

async function list(): Promise<void> {
  for (const scenario of Object.values(SCENARIOS)) {
    await write(`${scenario.name}: ${scenario.title}\n  ${scenario.summary}\n`);
    for (const option of scenario.options) {
      await write(
        `    ${flagOf(option.name)}  ${option.description}${option.defaultText === undefined ? '' : ` (default ${option.defaultText})`}\n`,
      );
    }
  }
}

async function listJson(): Promise<void> {
  for (const { name, title, summary, options } of Object.values(SCENARIOS)) {
    const described = options.map((option) => ({
      option: flagOf(option.name),
      description: option.description,
      default: option.defaultText ?? null,
    }));
    await write(jsonLine({ scenario: name, title, summary, options: described }));
  }
}

function outputOf({ to, topic, partitions, compression }: Options): Output {
  if (to === '-') return { kind: 'stream', stream: process.stdout };
  if (to !== 'kafka') return { kind: 'file', path: to };
  const config = loadConfig(process.env);
  return {
    kind: 'kafka',
    ...kafkaConnection(config, () => undefined),
    clientId: 'vigie-replay',
    topic: topic ?? config.topic,
    partitions,
    compression,
  };
}
