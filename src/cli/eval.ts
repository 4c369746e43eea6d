/** `vigie eval`: rules × events → NDJSON on standard output. */

import { type Command, Option } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { Evaluator } from '../eval/eval.ts';
import { EXIT } from './errors.ts';
import { eventSettings, forEachLine, requireMapping, requireRules, tellRejected } from './inputs.ts';
import { durationMs, mappingOption, placeholdersOption } from './options.ts';
import { write } from './output.ts';
import { jsonLine, lateText, mappedText, uncountedText } from './terminal.ts';

interface Options {
  rules: string[];
  lists?: string;
  input: string;
  mapping?: string;
  placeholders?: string;
  timestampField: string;
  lateness: number;
  only?: string;
  allMatches?: true;
}

export function evalCommand(program: Command, exit: (code: number) => void): void {
  program
    .command('eval')
    .summary('run rules over a file of events and print what they find')
    .description(
      'Runs the production engine over NDJSON in deterministic event time to the end of the input, and prints one JSON object per line, in event-time order: matches, firings, and at the end the alerts.',
    )
    .requiredOption('-r, --rules <path...>', 'files or folders of Sigma rules')
    .option('--lists <folder>', 'folder of lookup lists (default: those beside the rules)')
    .option('-i, --input <file>', 'NDJSON events, - for standard input', '-')
    .addOption(
      mappingOption('mapping file or name, when the lines are those of another log (see vigie mapping)'),
    )
    .addOption(placeholdersOption())
    .option('--timestamp-field <name>', 'field of the event time', '@timestamp')
    .addOption(
      new Option('--lateness <duration>', 'allowed lateness').argParser(durationMs).default(60_000, '60s'),
    )
    .addOption(new Option('--only <kind>', 'print only these lines').choices(['match', 'firing', 'alert']))
    .option('--all-matches', 'also print matches of rules that only correlations refer to')
    .addHelpText(
      'after',
      `
Lines that are not events are reported on standard error, the rest is evaluated, and the exit code
is 1. Persons' ids (VIGIE_PERSON_FIELDS) are hashed under VIGIE_PSEUDONYM_KEY, or the key in
VIGIE_PSEUDONYM_KEY_FILE.

Examples:
  vigie eval --rules rules --input events.ndjson
  zcat access.ndjson.gz | vigie eval --rules rules my-rules --only firing
  vigie eval --rules rules --mapping keycloak --input keycloak-events.ndjson`,
    )
    .action(async (options: Options) => {
      const { input, only, lateness: latenessMs } = options;
      const config = loadConfig(process.env);
      const ruleSet = requireRules(options.rules, options.lists, options.placeholders ?? config.placeholders);
      const evaluator = new Evaluator(ruleSet, {
        timestampField: options.timestampField,
        latenessMs,
        allMatches: options.allMatches === true,
        mapping: requireMapping(options.mapping),
        ...eventSettings(config),
      });
      let read = 0;
      await forEachLine(input, 'eval', (data, start, end, line) => {
        read += 1;
        evaluator.take(data, start, end, line);
      });
      const { lines, deadLetters, late, conflicts, withoutGroup, ...mapped } = evaluator.finish();
      for (const line of lines) {
        if (only === undefined || line.type === only) await write(jsonLine(line));
      }
      if (read === 0) {
        const place = input === '-' ? 'standard input' : input;
        process.stderr.write(`0 events: there is no line in ${place}, so that no rule could say anything\n`);
      }
      process.stderr.write(mappedText(mapped));
      const hasWindows = ruleSet.correlations.length > 0;
      if (late > 0 && hasWindows) process.stderr.write(`${lateText(late, latenessMs, '--lateness')}\n`);
      process.stderr.write(uncountedText(conflicts, withoutGroup));
      if (tellRejected(input, deadLetters)) exit(EXIT.failed);
    });
}
