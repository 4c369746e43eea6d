/** How a failed command ends: one readable message on standard error, and an exit code. */

import { messageOf, VigieError } from '../errors.ts';
import { plainLines } from './terminal.ts';

/** Exit codes: 0 done, 1 the work failed, 2 wrong usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** Codes for what a person mistyped. With any other code the command was used correctly and failed. */
const USAGE_CODES = new Set([
  'SCENARIO_UNKNOWN',
  'RULE_UNKNOWN',
  'OPTION_UNKNOWN',
  'OPTION_INVALID',
  'ARGUMENT_INVALID',
]);

export function report(error: unknown): number {
  if (error instanceof VigieError) {
    process.stderr.write(`vigie: ${error.code}: ${plainLines(error.message)}\n`);
    if (error.remedy !== undefined) process.stderr.write(`  ${plainLines(error.remedy)}\n`);
    return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
  }
  // Anything else is a defect, and a bug report needs the stack.
  const what = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`vigie: unexpected: ${plainLines(what)}\n`);
  return EXIT.failed;
}
