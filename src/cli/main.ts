#!/usr/bin/env node
/** Entry of the command line: commands, help, exit codes. No logic. */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { alertsCommand } from './alerts.ts';
import { demoCommand } from './demo.ts';
import { EXIT, report } from './errors.ts';
import { evalCommand } from './eval.ts';
import { endQuietlyOnClosedPipe } from './output.ts';
import { pseudonymiseCommand } from './pseudonymise.ts';
import { replayCommand } from './replay.ts';
import { rulesCommand } from './rules.ts';
import { runCommand } from './run.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Columns; wider lines are hard to read. */
const HELP_WIDTH = 100;

const program = new Command('vigie')
  .description('Reads portal access logs and raises an alert while somebody is still copying the database.')
  .version(version)
  .showHelpAfterError('(add --help for usage)')
  .exitOverride()
  .configureOutput({
    getOutHelpWidth: () => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH),
    getErrHelpWidth: () => Math.min(process.stderr.columns ?? HELP_WIDTH, HELP_WIDTH),
  })
  .addHelpText(
    'after',
    `
Settings come from the environment and an optional file (VIGIE_CONFIG): see docs/configuration.md.
Exit codes: 0 done, 1 what was asked for failed, 2 wrong usage.

Start with:
  vigie demo`,
  );

const exit = (code: number): void => {
  process.exitCode = code;
};
endQuietlyOnClosedPipe();
demoCommand(program, exit, version);
runCommand(program, exit, version);
replayCommand(program);
evalCommand(program, exit);
rulesCommand(program, exit);
alertsCommand(program);
pseudonymiseCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) exit(error.exitCode === 0 ? EXIT.done : EXIT.usage);
  else exit(report(error));
}
