#!/usr/bin/env node
/** Entry point of the command line: standard streams and exit codes. */

import { CommanderError } from 'commander';
import { EXIT, report } from './errors.ts';
import { endQuietlyOnClosedPipe } from './output.ts';
import { createProgram } from './program.ts';

const exit = (code: number): void => {
  process.exitCode = code;
};
endQuietlyOnClosedPipe();
try {
  await createProgram(exit).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) exit(error.exitCode === 0 ? EXIT.done : EXIT.usage);
  else exit(report(error));
}
