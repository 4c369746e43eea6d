/** What every command promises about being called: help with examples, exit codes, streams. */

import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { instantMs } from '../../../src/cli/options.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { loadRules } from '../../../src/files/rule-files.ts';
import { cleanUp, vigie } from '../../support/cli.ts';

afterAll(cleanUp);

const COMMANDS = [
  'backtest',
  'demo',
  'run',
  'replay',
  'eval',
  'rules',
  'rules check',
  'rules explain',
  'rules test',
  'rules list',
  'mapping',
  'mapping check',
  'mapping list',
  'mapping show',
  'alerts',
  'alerts list',
  'alerts show',
  'alerts ack',
  'alerts assign',
  'alerts comment',
  'alerts close',
  'alerts export',
  'canary',
  'notify',
  'hunt',
  'deadletters',
  'deadletters list',
  'deadletters replay',
  'topics',
  'topics create',
  'pseudonymise',
];

/** What the program writes before it does any work, without a process of its own. */
async function written(
  ...args: readonly string[]
): Promise<{ failed: boolean; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const program = createProgram(() => expect.fail('a command ran'), {
    writeOut: (text) => (stdout += text),
    writeErr: (text) => (stderr += text),
    getOutHelpWidth: () => 100,
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { failed: error.exitCode !== 0, stdout, stderr };
    throw error;
  }
  throw new Error('a command ran');
}

/** Names of the subcommands as a command's own help lists them. */
function listedIn(help: string): string[] {
  const section = /^Commands:\n((?: {2}.*\n)*)/m.exec(help)?.[1] ?? '';
  return [...section.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name!).filter((name) => name !== 'help');
}

describe('help', () => {
  test('covers every command there is', async () => {
    const [all, rules, alerts, mapping, letters, topics] = await Promise.all(
      [[], ['rules'], ['alerts'], ['mapping'], ['deadletters'], ['topics']].map(async (path) =>
        listedIn((await written(...path, '--help')).stdout),
      ),
    );
    const names = [
      ...all!,
      ...rules!.map((name) => `rules ${name}`),
      ...alerts!.map((name) => `alerts ${name}`),
      ...mapping!.map((name) => `mapping ${name}`),
      ...letters!.map((name) => `deadletters ${name}`),
      ...topics!.map((name) => `topics ${name}`),
    ];
    expect(names.toSorted()).toEqual(COMMANDS.toSorted());
  });

  test.each(COMMANDS)('of "%s" gives durations as they are written, not in milliseconds', async (name) => {
    const { stdout } = await written(...name.split(' '), '--help');
    expect(stdout.replaceAll(/\n {4,}/g, ' ').match(/<duration> .*default: \d+\)/g)).toBeNull();
  });

  test.each(COMMANDS)(
    'of "%s" goes to standard output, fits 100 columns and ends with examples',
    async (name) => {
      const { failed, stdout, stderr } = await written(...name.split(' '), '--help');
      expect({ failed, stderr }).toEqual({ failed: false, stderr: '' });
      expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
      const [, examples = ''] = stdout.split(/^Examples?:\n/m);
      expect(examples).toMatch(/^ {2}(?:.*\| |\S+=\S+ )*vigie /m);
      // An example of a command is one of that command.
      expect(examples).toContain(`vigie ${name.split(' ')[0]}`);
    },
  );

  test.each([
    ['eval', '--rules <path...>'],
    ['rules explain', '--event <file>'],
    ['alerts assign', '--to <name>'],
    ['alerts close', '--reason <text>'],
    ['alerts comment', '--reason <text>'],
  ])('of "%s" says that %s is required', async (name, option) => {
    const { stdout } = await written(...name.split(' '), '--help');
    const described = stdout.slice(stdout.indexOf(option)).split(/\n {2}-/)[0]!;
    expect(described).toMatch(/\(required\)$/);
    expect(stdout.match(/\(required\)/g)).toHaveLength(1);
  });

  test.each([
    [['help'], 'vigie [options]'],
    [['help', 'rules'], 'vigie rules [options]'],
    [['help', 'rules', 'check'], 'vigie rules check'],
    [['rules', 'help', 'check'], 'vigie rules check'],
    [['rules', 'help'], 'vigie rules [options]'],
  ])('is there for %j too', async (args, usage) => {
    const { failed, stdout } = await written(...args);
    expect(failed).toBe(false);
    expect(stdout).toContain(`Usage: ${usage}`);
  });

  test('of the program names the commands, the settings and the exit codes', async () => {
    const { stdout } = await written('--help');
    expect(stdout).toMatch(/docs\/configuration\.md/);
    expect(stdout).toMatch(/^Exit codes: 0 done, 1 what was asked for failed, 2 wrong usage\.$/m);
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });
});

test.each([
  ['2025-07-12T20:00:00Z', '2025-07-12T20:00:00Z'],
  ['2025-07-12T22:00:00+02:00', '2025-07-12T20:00:00Z'],
  ['2025-07-12T20:00:00', '2025-07-12T20:00:00Z'],
  ['2025-07-12', '2025-07-12T00:00:00Z'],
])('the time %s is %s, whatever the time zone of the machine', (text, utc) => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Europe/Paris';
  try {
    expect(instantMs(text)).toBe(Date.parse(utc));
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});

test('rules that the help of a command gives as an example load', async () => {
  const examples = (
    await Promise.all(COMMANDS.map(async (name) => (await written(...name.split(' '), '--help')).stdout))
  ).flatMap((help) => help.split(/^Examples?:\n/m)[1]?.match(/\brules\/\S+/g) ?? []);
  for (const path of examples) expect(loadRules([path]).faults, path).toEqual([]);
});

test('an option may be said again with the same value, and one of several values more than once', async () => {
  const { stderr } = await written(
    'alerts',
    'list',
    '--level',
    'high',
    '--level',
    'high',
    '--status',
    'open',
  );
  expect(stderr).toMatch(/Allowed choices are firing, resolved, merged/);
  const rules = await written('eval', '-r', 'rules', '-r', 'more', '--only', 'alarms');
  expect(rules.stderr).toMatch(/Allowed choices are match, firing, alert/);
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await vigie(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test.each<[string, string[], RegExp]>([
  ['an unknown command', ['rum'], /unknown command 'rum'[^]*Did you mean run\?/],
  ['an unknown subcommand', ['rules', 'chek'], /unknown command 'chek'[^]*Did you mean check\?/],
  ['an unknown option', ['--bogus'], /unknown option '--bogus'/],
  [
    "a command's unknown option",
    ['eval', '-r', 'rules', '--inputs', '-'],
    /unknown option '--inputs'[^]*Did you mean --input\?/,
  ],
  ["a subcommand's unknown option", ['rules', 'check', '--jason'], /Did you mean --json\?/],
  ['help on an unknown command', ['help', 'rum'], /^error: unknown command 'rum'\n\(Did you mean run\?\)/],
  ['help on an unknown subcommand', ['rules', 'help', 'chek'], /^error: unknown command 'chek'[^]*check\?/],
  ['help on one by its whole name', ['help', 'rules', 'nosuch'], /^error: unknown command 'nosuch'\n/],
  ['no command', [], /^Usage: vigie/],
  ['no subcommand', ['alerts'], /^Usage: vigie alerts/],
  ['an argument too many', ['run', 'events.ndjson'], /too many arguments for 'run'/],
  ['a missing option', ['eval'], /required option '-r, --rules <path\.\.\.>' not specified/],
  ['a missing argument', ['alerts', 'show'], /missing required argument 'id'/],
  [
    'a second log',
    ['run', '-i', 'monday.ndjson', '--input', 'tuesday.ndjson'],
    /'-i, --input <file>' is given twice, as monday\.ndjson and as tuesday\.ndjson/,
  ],
  [
    'a second level',
    ['alerts', 'list', '--level=critical', '--level', 'high'],
    /'--level <level>' is given twice, as critical and as high/,
  ],
  [
    'a second seed of a scenario',
    ['replay', 'benign', '--seed', 'a', '--seed', 'b'],
    /'--seed <value>' is given twice/,
  ],
  ['nothing to read', ['run'], /nothing to read: give --input FILE, or set KAFKA_BROKERS/],
  [
    'a port that is none',
    ['run', '-i', '-', '--http-port', '65536'],
    /'65536' is invalid\. Expected at most 65535/,
  ],
  ['a folder without a name', ['run', '-i', '-', '--data-dir', ''], /Expected a text that is not empty/],
  [
    'a duration without a unit',
    ['eval', '-r', 'rules', '--lateness', '5'],
    /'5' is invalid\. Expected an integer and one of s, m/,
  ],
  ['no pause between looks', ['notify', '--every', '0s'], /Expected from 1s to 24d/],
  ['a pause longer than a timer can wait', ['notify', '--every', '30d'], /Expected from 1s to 24d/],
  ['no pause between canaries', ['canary', '--every', '0s'], /Expected from 1s to 24d/],
  [
    'another kind of lines',
    ['eval', '-r', 'rules', '--only', 'alarms'],
    /Allowed choices are match, firing, alert/,
  ],
  ['a file to be replaced that is not named', ['alerts', 'export', '3f9a', '--force'], /give --to/],
  [
    'rules where none is asked',
    ['alerts', 'export', '3f9a', '--all-reads', '--rules', 'rules'],
    /give one of --all-reads and --rules/,
  ],
  [
    'a list of persons from standard input',
    ['alerts', 'export', '3f9a', '--resolve', '-'],
    /--resolve reads a file/,
  ],
  ['a limit that is none', ['alerts', 'list', '--limit', '0'], /Expected a whole number from 1 to 100000/],
  [
    'a time that is none',
    ['alerts', 'list', '--since', 'noon'],
    /Expected a time such as 2025-07-12T20:00:00Z/,
  ],
  [
    'a date that is read in two ways',
    ['alerts', 'list', '--since', '12/07/2025'],
    /Expected a time such as 2025-07-12T20:00:00Z/,
  ],
  [
    'a status that is none',
    ['alerts', 'list', '--status', 'open'],
    /Allowed choices are firing, resolved, merged/,
  ],
  ['an assignment to nobody', ['alerts', 'assign', '3f9a'], /required option '--to <name>' not specified/],
  ['bytes on a terminal', ['deadletters', 'list', '--raw'], /--raw needs --json/],
  ['letters of a file to nowhere', ['deadletters', 'replay', '-f', 'x'], /need --to FILE/],
  ['a reason that is none', ['deadletters', 'list', '--code', 'ODD'], /Allowed choices are NOT_JSON/],
  ['an end without a reason', ['alerts', 'close', '3f9a'], /required option '--reason <text>' not specified/],
  [
    'an unknown scenario',
    ['replay', 'kairos'],
    /no file "kairos"[^]*cap-emploi-2024, kairos-2025,[^]*, benign/,
  ],
  ['no scenario', ['replay'], /name a scenario \(cap-emploi-2024, kairos-2025/],
  ['an unknown option of scenarios', ['replay', 'benign', '--acounts', '1'], /Did you mean --accounts\?/],
  ['a speed backwards', ['replay', 'benign', '--speed', '-1'], /Expected max, or a number above 0/],
  ['labels among events', ['replay', 'benign', '--json'], /--json and --to - both want standard output/],
  [
    'a topic for a file',
    ['replay', 'benign', '--to', 'x.ndjson', '--topic', 't'],
    /--topic is for --to kafka, and --to is x\.ndjson/,
  ],
  ['partitions of no topic', ['topics', 'create', '--partitions', '3'], /--partitions .* add --input/],
  ['codecs for a pipe', ['replay', 'benign', '--compression', 'gzip'], /--compression is for --to kafka/],
  [
    'no partition',
    ['replay', 'benign', '--to', 'kafka', '--partitions', '0'],
    /Expected a whole number from 1 to/,
  ],
])(
  '%s is refused with a message on standard error and nothing on standard output',
  async (_, args, message) => {
    const { failed, stdout, stderr } = await written(...args);
    expect(stderr).toMatch(message);
    expect({ failed, stdout }).toEqual({ failed: true, stdout: '' });
  },
);

test.each<[number, string, string[], RegExp]>([
  [2, 'an unknown command', ['rum'], /^error: unknown command 'rum'/],
  [2, 'nothing to read', ['run'], /^error: nothing to read: give --input FILE, or set KAFKA_BROKERS/],
  [
    2,
    'an option of another scenario',
    ['replay', 'benign', '--pace', '1'],
    /^vigie: OPTION_UNKNOWN: benign has no option --pace\n {2}Options: --seed, /,
  ],
  [
    2,
    'a value that a scenario cannot have',
    ['replay', 'benign', '--accounts', 'x'],
    /^vigie: OPTION_INVALID: --accounts of benign: "x" is not a number\n/,
  ],
  [
    2,
    'an option of two words that a scenario cannot have',
    ['replay', 'benign', '--max-delay', 'x'],
    /^vigie: OPTION_INVALID: --max-delay of benign: "x" is not a duration .*\n {2}--max-delay: /,
  ],
  [
    1,
    'an output that cannot be written',
    ['replay', 'benign', '--to', '/dev/null/events.ndjson'],
    /^vigie: OUTPUT_FAILED: cannot write \/dev\/null\/events\.ndjson: ENOTDIR.*\n {2}Check that the folder/,
  ],
  [
    1,
    'a database that is not there',
    ['alerts', 'list', '--data-dir', '/nowhere/at/all'],
    /^vigie: DATA_DIR_MISSING: there is no database in \/nowhere\/at\/all\n {2}Run "vigie run" first/,
  ],
])('the exit code is %i for %s', async (wanted, _, args, message) => {
  const { code, stdout, stderr } = await vigie(args);
  expect(stderr).toMatch(message);
  expect({ code, stdout }).toEqual({ code: wanted, stdout: '' });
});

test.each<[string, string[], Record<string, string>]>([
  ['CLICKHOUSE_UNREACHABLE', ['alerts', 'list'], { CLICKHOUSE_URL: 'http://127.0.0.1:1' }],
  ['KAFKA_UNREACHABLE', ['topics', 'create', '--dry-run'], { KAFKA_BROKERS: '127.0.0.1:1' }],
])('%s of a command that has ended promises no further try', async (failure, args, env) => {
  const { code, stdout, stderr } = await vigie(args, env);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^vigie: ${failure}: `));
  expect(stderr).not.toMatch(/keeps trying|trying again|tried again/);
});
