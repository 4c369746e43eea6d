/** The command line as a whole: its commands, its help, and its answers to wrong usage. */

import { readFileSync } from 'node:fs';
import { Command, Help, type OutputConfiguration } from 'commander';
import { nearest } from '../sigma/nearest.ts';
import { alertsCommand } from './alerts.ts';
import { backtestCommand } from './backtest.ts';
import { canaryCommand } from './canary.ts';
import { deadLettersCommand } from './deadletters.ts';
import { demoCommand } from './demo.ts';
import { evalCommand } from './eval.ts';
import { huntCommand } from './hunt.ts';
import { mappingCommand } from './mapping.ts';
import { notifyCommand } from './notify.ts';
import { pseudonymiseCommand } from './pseudonymise.ts';
import { replayCommand } from './replay.ts';
import { rulesCommand } from './rules.ts';
import { runCommand } from './run.ts';
import { topicsCommand } from './topics.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Columns; wider lines are hard to read. */
const HELP_WIDTH = 100;

/**
 * `exit` receives the exit code of a command that got as far as its work. Parsing throws CommanderError once help, the
 * version or a complaint has been written: to the standard streams, unless `output` says otherwise.
 */
export function createProgram(exit: (code: number) => void, output: OutputConfiguration = {}): Command {
  const program = new Command('vigie')
    .description('Reads portal access logs and raises an alert while somebody is still copying the database.')
    .version(version)
    .showHelpAfterError('(add --help for usage)')
    .exitOverride()
    .configureOutput({
      getOutHelpWidth: () => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH),
      getErrHelpWidth: () => Math.min(process.stderr.columns ?? HELP_WIDTH, HELP_WIDTH),
      ...output,
    })
    .configureHelp({
      // Commander itself mentions it only when a required option is missing.
      optionDescription: (option) =>
        `${new Help().optionDescription(option)}${option.mandatory ? ' (required)' : ''}`,
    })
    .addHelpText(
      'after',
      `
Settings come from the environment and an optional file (VIGIE_CONFIG): see docs/configuration.md.
Exit codes: 0 done, 1 what was asked for failed, 2 wrong usage.

Start with:
  vigie demo`,
    );
  demoCommand(program, exit, version);
  runCommand(program, exit, version);
  replayCommand(program, exit);
  evalCommand(program, exit);
  rulesCommand(program, exit);
  mappingCommand(program, exit);
  backtestCommand(program);
  alertsCommand(program, exit);
  notifyCommand(program, exit);
  canaryCommand(program, exit);
  huntCommand(program);
  deadLettersCommand(program);
  topicsCommand(program);
  pseudonymiseCommand(program);
  for (const group of [program, ...program.commands.filter(({ commands }) => commands.length > 0)]) {
    helpCommand(group);
  }
  refuseSecondValues(program);
  return program;
}

/**
 * Commander keeps the last value of a single-valued option: a second `--input` would silently leave the first log
 * unread.
 */
function refuseSecondValues(command: Command): void {
  command.commands.forEach(refuseSecondValues);
  for (const option of command.options) {
    if (option.isBoolean() || option.variadic) continue;
    let first: string | undefined;
    command.on(`option:${option.name()}`, (value: string) => {
      first ??= value;
      if (value === first) return;
      command.error(`error: option '${option.flags}' is given twice, as ${first} and as ${value}`);
    });
  }
}

/** Replaces Commander's own, which accepts a single name and answers an unknown one with nothing but the whole help. */
function helpCommand(group: Command): void {
  group
    .helpCommand(false)
    .command('help')
    .argument('[command...]')
    .description('display help for command')
    .action((names: string[]) => {
      let of = group;
      for (const name of names) {
        of = of.commands.find((command) => command.name() === name) ?? unknownCommand(of, name);
      }
      of.help();
    });
}

function unknownCommand(group: Command, name: string): never {
  const names = group.commands.map((command) => command.name());
  const near = nearest(name, names);
  group.error(`error: unknown command '${name}'${near === undefined ? '' : `\n(Did you mean ${near}?)`}`);
}
