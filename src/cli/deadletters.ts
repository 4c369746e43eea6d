/** `vigie deadletters`: lists inputs that are not events, and sends them again. */

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { topicsOf } from '../config/topics.ts';
import { DEAD_LETTER_CODES } from '../event/decoder.ts';
import { LettersInFile } from '../sink/letters-in-file.ts';
import { LettersInTopic } from '../sink/letters-in-topic.ts';
import {
  type LetterFilter,
  type LetterStore,
  matches,
  replayLetters,
  type StoredLetter,
} from '../sink/stored-letters.ts';
import { kafkaConnection } from './kafka-settings.ts';
import { instantMs, settingText, wholeNumber } from './options.ts';
import { outputFailed, write, writeOut } from './output.ts';
import { bytes, count, instant, jsonLine, plain, table } from './terminal.ts';

interface PlaceOptions {
  file?: string;
  dataDir?: string;
}

interface FilterOptions extends PlaceOptions {
  code?: string[];
  since?: number;
  until?: number;
  limit: number;
  json?: true;
}

export function deadLettersCommand(program: Command): void {
  const letters = program
    .command('deadletters')
    .summary('list inputs that are not events, and send them again')
    .description(
      'Reads the topic (KAFKA_BROKERS, VIGIE_DEAD_LETTER_TOPIC), or a file: the one of --file or, with --data-dir or without brokers, dead-letters.ndjson in the data folder.',
    )
    .option('-d, --data-dir <folder>', 'data folder (default: VIGIE_DATA_DIR)', settingText('data_dir'))
    .addHelpText(
      'after',
      '\nExamples:\n  vigie deadletters list --code NO_TIME\n  vigie deadletters --data-dir .vigie list\n  vigie deadletters replay --code NO_TIME --dry-run',
    );

  filtered(letters.command('list').description('Reason, place, time and size, oldest first.'))
    .option('--json', 'one JSON object per letter on standard output')
    .option('--raw', 'also the message and the original bytes, which may hold ids of persons; needs --json')
    .addHelpText(
      'after',
      '\nExamples:\n  vigie deadletters list --since 2025-07-12T00:00:00Z --limit 20\n  vigie deadletters list --json | jq -r .code | sort | uniq -c\n  vigie deadletters list --json --raw | jq -r .bytes_base64 | head -1 | base64 -d',
    )
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<FilterOptions & { raw?: true }>();
      if (options.raw && !options.json) self.error('error: --raw needs --json');
      refuseTwoPlaces(options, self);
      await list(openStore(options), options);
    });

  filtered(
    letters
      .command('replay')
      .description(
        'Sends original bytes again: from the topic to the partition that they came from, from a file to another (--to). Sends each letter once, however often you call it.',
      ),
  )
    .option(
      '--to <file>',
      'where to write the lines of a file, - for standard output; they hold ids of persons',
    )
    .option('--dry-run', 'only say how many would be sent')
    .option('--json', 'also the counts, as one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  vigie deadletters replay --code FUTURE_TIME --dry-run\n  vigie deadletters replay --code NO_TIME --since 2025-07-12T00:00:00Z --limit 1000\n  vigie deadletters replay --file .vigie/dead-letters.ndjson --to again.ndjson',
    )
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<FilterOptions & { to?: string; dryRun?: true }>();
      const { to, dryRun = false } = options;
      refuseTwoPlaces(options, self);
      const fromFile = isFile(options);
      if (fromFile && to === undefined && !dryRun) {
        self.error('error: letters of a file need --to FILE, or - for standard output');
      }
      if (!fromFile && to !== undefined) {
        self.error('error: letters of a topic go back to where they came from: --to is for those of a file');
      }
      if (options.json && to === '-') self.error('error: --json and --to - both want standard output');
      const store = openStore(options, async (lines) => {
        if (to === '-') await writeOut(lines);
        else await appendTo(to!, lines);
      });
      const replayed = await replayLetters(store, filterOf(options), options.limit, dryRun).finally(() =>
        store.close(),
      );
      if (options.json) await write(jsonLine({ dry_run: dryRun, ...replayed }));
      const { sent, cut, earlier, left } = replayed;
      process.stderr.write(
        `${dryRun ? 'would send' : 'sent'} ${count(sent)} of ${store.name}; ${count(earlier)} sent before, ${count(cut)} not whole${beyond(left, options.limit)}\n`,
      );
    });
}

/** Throws OUTPUT_FAILED. */
async function appendTo(path: string, lines: Uint8Array): Promise<void> {
  await appendFile(path, lines, { mode: 0o600 }).catch((cause: unknown) => {
    throw outputFailed(path, '--to', cause);
  });
}

function filtered(command: Command): Command {
  return command
    .option('-f, --file <file>', 'a file of dead letters')
    .addOption(new Option('--code <code...>', 'only these reasons').choices([...DEAD_LETTER_CODES]))
    .option('--since <time>', 'written at this time or later, ISO 8601', instantMs)
    .option('--until <time>', 'written before this time, ISO 8601', instantMs)
    .option('--limit <number>', 'at most this many', wholeNumber(1, 10_000_000), 1000);
}

function refuseTwoPlaces({ file, dataDir }: PlaceOptions, self: Command): void {
  if (file === undefined || dataDir === undefined) return;
  self.error('error: --file names the file itself, and --data-dir the folder it is in: give one of them');
}

function isFile({ file, dataDir }: PlaceOptions): boolean {
  return file !== undefined || dataDir !== undefined || loadConfig(process.env).kafka_brokers === undefined;
}

function openStore(
  options: PlaceOptions,
  send: (lines: Buffer) => Promise<void> = () => Promise.resolve(),
): LetterStore {
  const config = loadConfig(process.env);
  if (isFile(options)) {
    const path = options.file ?? join(options.dataDir ?? config.data_dir, 'dead-letters.ndjson');
    return new LettersInFile(path, send, systemClock);
  }
  return new LettersInTopic({
    ...kafkaConnection(config, () => undefined),
    topic: topicsOf(config).deadLetters,
    clock: systemClock,
  });
}

function filterOf({ code = [], since, until }: FilterOptions): LetterFilter {
  return { codes: code, since, until };
}

async function list(store: LetterStore, options: FilterOptions & { raw?: true }): Promise<void> {
  const sent = await store.sent();
  const rows: string[][] = [];
  let found = 0;
  let left = 0;
  await store.letters(async (letter) => {
    if (!matches(filterOf(options), letter)) return;
    if (found >= options.limit) {
      left += 1;
      return;
    }
    found += 1;
    const sentAt = sent.get(letter.key);
    if (options.json) await write(jsonLine(record(letter, sentAt, options.raw === true)));
    else rows.push(row(letter, sentAt));
  });
  if (left > 0) process.stderr.write(`${count(found)} listed${beyond(left, options.limit)}\n`);
  if (options.json) return;
  if (found === 0) await write('no dead letters\n');
  else
    await write(
      `${table(['code', 'source', 'partition', 'offset', 'written at', 'size', 'sent again'], rows)}\n`,
    );
}

function beyond(left: number, limit: number): string {
  return left === 0 ? '' : `; ${count(left)} more beyond --limit ${limit}`;
}

function row(letter: StoredLetter, sentAt: number | undefined): string[] {
  return [
    plain(letter.code),
    plain(letter.source),
    String(letter.partition),
    String(letter.offset),
    instant(letter.atMs),
    `${bytes(letter.cutFrom ?? letter.bytes.length)}${letter.cutFrom === undefined ? '' : ', cut'}`,
    sentAt === undefined ? '' : instant(sentAt),
  ];
}

function record(letter: StoredLetter, sentAt: number | undefined, raw: boolean): object {
  const { code, source, partition, offset, atMs, cutFrom, message } = letter;
  return {
    code,
    source,
    partition,
    offset,
    at: new Date(atMs).toISOString(),
    bytes: cutFrom ?? letter.bytes.length,
    cut_to: cutFrom === undefined ? undefined : letter.bytes.length,
    sent_at: sentAt === undefined ? undefined : new Date(sentAt).toISOString(),
    ...(raw ? { message, bytes_base64: letter.bytes.toString('base64') } : {}),
  };
}
