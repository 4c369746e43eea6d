/** `vigie eval`: rules × events → NDJSON on standard output. */

import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { Evaluator } from '../eval.ts';
import { EXIT, UsageError } from './errors.ts';
import { durationOption, forEachLine, requireRules } from './inputs.ts';
import { write } from './output.ts';

interface Options {
  rules: string[];
  input: string;
  timestampField: string;
  lateness: string;
  only?: string;
  allMatches?: true;
}

const KINDS = ['match', 'firing', 'alert'];
const SHOWN_REJECTIONS = 10;

export function evalCommand(program: Command, exit: (code: number) => void): void {
  program
    .command('eval')
    .summary('run rules over a file of events and print what they find')
    .description(
      'Runs the production engine over NDJSON in deterministic event time to the end of the input, and prints one JSON object per line, in event-time order: matches, firings, and at the end the alerts.',
    )
    .requiredOption('-r, --rules <path...>', 'files or folders of Sigma rules')
    .option('-i, --input <file>', 'NDJSON events, - for standard input', '-')
    .option('--timestamp-field <name>', 'field of the event time', '@timestamp')
    .option('--lateness <duration>', 'allowed lateness', '60s')
    .option('--only <kind>', 'print only match, firing or alert lines')
    .option('--all-matches', 'also print matches of rules that only correlations refer to')
    .addHelpText(
      'after',
      `
Lines that are no events are reported on standard error; the rest is evaluated and the exit code is 1.

Examples:
  vigie eval --rules rules --input events.ndjson
  zcat access.ndjson.gz | vigie eval --rules rules/extraction --only firing`,
    )
    .action(async (options: Options) => {
      const { only } = options;
      if (only !== undefined && !KINDS.includes(only)) {
        throw new UsageError(`--only is ${JSON.stringify(only)}: expected one of ${KINDS.join(', ')}`);
      }
      const latenessMs = durationOption('--lateness', options.lateness);
      const { pseudonym_key: key } = loadConfig(process.env);
      const evaluator = new Evaluator(requireRules(options.rules), {
        timestampField: options.timestampField,
        latenessMs,
        allMatches: options.allMatches === true,
        ...(key === undefined ? {} : { pseudonymKey: Buffer.from(key, 'hex') }),
      });
      await forEachLine(options.input, (data, start, end, line) => evaluator.take(data, start, end, line));
      const { lines, deadLetters } = evaluator.finish();
      for (const line of lines) {
        if (only === undefined || line.type === only) await write(`${JSON.stringify(line)}\n`);
      }
      for (const { index, code, message } of deadLetters.slice(0, SHOWN_REJECTIONS)) {
        process.stderr.write(`line ${index}: ${code}: ${message}\n`);
      }
      if (deadLetters.length > 0) {
        process.stderr.write(`${deadLetters.length} of the lines are no events and were left out\n`);
        exit(EXIT.failed);
      }
    });
}
