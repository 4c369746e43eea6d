/** `vigie mapping check|list|show`: works on mappings of logs that are not access events. */

import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import { MappedDecoder } from '../event/mapping/mapped-decoder.ts';
import type { Mapping } from '../event/mapping/mapping.ts';
import { FieldTable } from '../event/record.ts';
import { loadMapping, readMappingFile, readyMappings } from '../files/mapping-files.ts';
import { EXIT } from './errors.ts';
import { eventSettings, faultLine, forEachLine } from './inputs.ts';
import { write } from './output.ts';
import { count, jsonLine, plain, plainJson, plural, skippedText, styled, table } from './terminal.ts';

interface CheckOptions {
  sample?: string;
  all?: true;
  json?: true;
}

/** The result of one line of the sample. */
type Outcome = { readonly line: number } & (
  | {
      readonly outcome: 'event';
      readonly case: string | null;
      /** Bytes that are not UTF-8 were replaced by U+FFFD. */
      readonly replaced: boolean;
      readonly event: unknown;
    }
  | { readonly outcome: 'skipped' | 'refused'; readonly code: string; readonly message: string }
);

const SHOWN_LINES = 20;

export function mappingCommand(program: Command, exit: (code: number) => void): void {
  const mapping = program
    .command('mapping')
    .summary('read logs that are not access events: check, list and show mappings')
    .description(
      'A mapping says how the lines of a log (Keycloak, nginx, W3C, OCSF…) become access events; see docs/mappings.md.',
    )
    .addHelpText(
      'after',
      `
Examples:
  vigie mapping list
  vigie mapping show nginx-combined > portal.yml
  vigie mapping check portal.yml --sample access.log
  vigie run --mapping portal.yml --input access.log`,
    );

  mapping
    .command('check')
    .argument('<mapping>', 'a mapping file, or the name of a ready one')
    .description(
      'Reports every fault of a mapping, one line each: file:line:col: CODE: message. With a sample, also shows what each line becomes.',
    )
    .option(
      '-s, --sample <file>',
      "lines of the log, - for standard input: shows the event of each, with persons' ids as pseudonyms",
    )
    .option('--all', `all lines of the sample, not only the first ${SHOWN_LINES}`)
    .option('--json', 'one JSON object on standard output, with a sample one per line')
    .addHelpText(
      'after',
      `
The exit code is 1 when the mapping has a fault or a line of the sample is refused. Skipped lines
are none: the mapping says so.

Examples:
  vigie mapping check portal.yml
  vigie mapping check keycloak --sample events.ndjson
  tail -n 100 access.log | vigie mapping check portal.yml --sample - --all`,
    )
    .action(async (name: string, options: CheckOptions) => {
      const { mapping: parsed, faults } = loadMapping(name);
      for (const fault of faults) if (!options.json) process.stderr.write(`${faultLine(fault)}\n`);
      if (options.json && (parsed === undefined || options.sample === undefined)) {
        const listed = faults.map(({ file, line, column, code, message }) => ({
          file,
          line,
          column,
          code,
          message,
        }));
        await write(jsonLine({ mapping: name, faults: listed }));
      }
      if (parsed === undefined) {
        exit(EXIT.failed);
        return;
      }
      if (options.sample !== undefined) {
        const refused = await showSample(parsed, options.sample, options);
        if (refused > 0) exit(EXIT.failed);
      } else if (!options.json) {
        await write(
          `${plain(name)}: ${plural(parsed.cases?.length ?? 0, 'case')}; ${styled('green', 'no faults')}\n`,
        );
      }
    });

  mapping
    .command('list')
    .description('Lists the mappings that come with Vigie.')
    .option('--json', 'one JSON object per mapping on standard output')
    .addHelpText('after', '\nExample:\n  vigie mapping list')
    .action(async (options: { json?: true }) => {
      const all = readyMappings().map((name) => ({ name, ...loadMapping(name).mapping }));
      if (options.json) {
        for (const { name, input, description } of all) {
          await write(jsonLine({ name, input, description }));
        }
        return;
      }
      const rows = all.map(({ name, input, description }) => [
        name,
        input ?? '',
        firstLine(description ?? ''),
      ]);
      await write(`${table(['mapping', 'input', 'for'], rows)}\n`);
    });

  mapping
    .command('show')
    .argument('<mapping>', 'the name of a ready mapping')
    .description('Prints a ready mapping, for you to edit.')
    .addHelpText('after', '\nExample:\n  vigie mapping show nginx-combined > portal.yml')
    .action(async (name: string) => {
      await write(readMappingFile(name).text);
    });
}

async function showSample(mapping: Mapping, path: string, { all, json }: CheckOptions): Promise<number> {
  const take = outcomeReader(mapping, loadConfig(process.env));
  const totals = { lines: 0, events: 0, refused: 0 };
  const skipped = new Map<string, number>();
  let waiting: Outcome[] = [];
  const show = async (): Promise<void> => {
    for (const each of waiting) await write(json ? jsonLine(each) : outcomeText(each));
    waiting = [];
  };
  await forEachLine(
    path,
    'check',
    (data, start, end, line) => {
      const outcome = take(data, start, end, line + 1);
      totals.lines += 1;
      if (outcome.outcome === 'event') totals.events += 1;
      else if (outcome.outcome === 'refused') totals.refused += 1;
      else skipped.set(outcome.code, (skipped.get(outcome.code) ?? 0) + 1);
      if (all || totals.lines <= SHOWN_LINES) waiting.push(outcome);
    },
    show,
  );
  await show();
  const hidden =
    all || totals.lines <= SHOWN_LINES ? '' : `; the first ${SHOWN_LINES} are shown, --all shows all`;
  const summary = `${plural(totals.lines, 'line')}: ${plural(totals.events, 'event')}, ${skippedText(skipped)}, ${count(totals.refused)} refused${hidden}\n`;
  if (json) process.stderr.write(summary);
  else await write(summary);
  return totals.refused;
}

function outcomeReader(
  mapping: Mapping,
  config: Config,
): (data: Uint8Array, start: number, end: number, line: number) => Outcome {
  const fields = new FieldTable();
  fields.wantWhole();
  const { pseudonymKey = new Uint8Array(16), ...settings } = eventSettings(config);
  const decoder = new MappedDecoder({
    fields,
    mapping,
    timeRequired: true,
    timestampField: config.timestamp_field,
    pseudonymKey,
    ...settings,
  });
  const record = fields.newRecord();
  return (data, start, end, line) => {
    const before = decoder.replaced;
    const fault = decoder.decode(data, start, end, record);
    if (fault === undefined) {
      const replaced = decoder.replaced > before;
      return { line, outcome: 'event', case: decoder.lastCase ?? null, replaced, event: record.whole };
    }
    return fault.code === 'SKIPPED'
      ? { line, outcome: 'skipped', code: fault.reason, message: fault.message }
      : { line, outcome: 'refused', code: fault.code, message: fault.message };
  };
}

function outcomeText(each: Outcome): string {
  const head = `line ${each.line}: `;
  if (each.outcome === 'event') {
    const by = each.case === null ? 'no case' : `case "${plain(each.case)}"`;
    const how = each.replaced ? ', with U+FFFD for bytes that are no UTF-8' : '';
    return `${head}${styled('green', 'event')}, ${by}${how}\n${plainJson(each.event)}\n`;
  }
  if (each.outcome === 'skipped') return `${head}skipped: ${plain(each.message)}\n`;
  return `${head}${styled('red', 'refused')}: ${each.code}: ${plain(each.message)}\n`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}
