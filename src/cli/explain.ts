/** `vigie rules explain`: why a rule matches or fires on the events of a file, or why it does not. */

import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import type { EvalOptions, RejectedEvent } from '../eval/eval.ts';
import { createDecoder } from '../event/create-decoder.ts';
import { FieldTable } from '../event/record.ts';
import { CorrelationExplainer } from '../explain/correlation.ts';
import { compileExplanation } from '../explain/match.ts';
import { listsFolder } from '../files/list-files.ts';
import type { Lists } from '../lookup/list.ts';
import { textOf } from '../detect/values.ts';
import type { BaseRule, CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { EXIT } from './errors.ts';
import {
  correlationJson,
  correlationText,
  type ExplainedEvent,
  eventJson,
  eventText,
} from './explanation-text.ts';
import {
  eventSettings,
  forEachLine,
  mappingFor,
  requireMapping,
  requireRules,
  ruleCalled,
  tellRejected,
} from './inputs.ts';
import { durationMs, mappingOption, placeholdersOption } from './options.ts';
import { write } from './output.ts';
import { count, mappedText, plain } from './terminal.ts';

interface Options {
  event: string;
  rules?: string[];
  lists?: string;
  mapping?: string;
  placeholders?: string;
  timestampField?: string;
  lateness?: number;
  group?: Readonly<Record<string, string>>;
  all?: true;
  json?: true;
}

/** Lines that were left out, with the reasons, and how many of the others were read with replaced bytes. */
interface Reading {
  readonly rejected: readonly RejectedEvent[];
  readonly skipped: ReadonlyMap<string, number>;
  readonly replaced: number;
}

const SHOWN_EVENTS = 20;

/** `exit` receives the exit code of a command that got as far as its work. */
export function explainCommand(rules: Command, exit: (code: number) => void): void {
  rules
    .command('explain')
    .argument('<rule>', 'its id, name or title')
    .summary('say why a rule does or does not match events')
    .description(
      'For a rule on one event: its condition as a tree, for each event of the file, with what held, what did not, and the values. For a correlation: what it made of all events together, group by group, with the entries of the last window and how far that is from firing.',
    )
    .requiredOption('-e, --event <file>', 'NDJSON events, - for standard input')
    .option('-r, --rules <path...>', 'files or folders of rules (default: those of VIGIE_RULES)')
    .option('--lists <folder>', 'folder of lookup lists (default: VIGIE_LISTS)')
    .addOption(
      mappingOption('mapping file or name, when the lines are those of another log (default: VIGIE_MAPPING)'),
    )
    .addOption(placeholdersOption())
    .option('--timestamp-field <name>', 'field of the event time (default: VIGIE_TIMESTAMP_FIELD)')
    .option(
      '--lateness <duration>',
      'allowed lateness, for correlations (default: VIGIE_LATENESS)',
      durationMs,
    )
    .option(
      '--group <field=value...>',
      'for correlations: only the groups that have these values',
      groupValue,
    )
    .option('--all', `all events or groups, not only the first ${SHOWN_EVENTS}`)
    .option('--json', 'one JSON object per event or group on standard output')
    .addHelpText(
      'after',
      `
Persons' ids are shown, and given to --group, as the pseudonyms that rules see.
A correlation's events are all held in memory. The exit code is 0 whether the rule
matches or not.

Examples:
  vigie rules explain portal_record_read --event event.ndjson
  vigie replay kairos-2025 | vigie rules explain mass_extraction_account_high --event -
  vigie rules explain failed_logins_account --event day.ndjson --group user.id=u-7f3a`,
    )
    .action(async (name: string, options: Options) => {
      const config = loadConfig(process.env);
      const ruleSet = requireRules(
        options.rules ?? config.rules,
        listsFolder(options.lists ?? config.lists),
        options.placeholders ?? config.placeholders,
      );
      const rule = ruleCalled(name, ruleSet);
      for (const field of Object.keys(options.group ?? {})) requireGroupField(field, rule);
      const evaluation = evaluationOptions(options, config);
      const { rejected, ...mapped } =
        rule.kind === 'rule'
          ? await explainEvents(rule, ruleSet.lists, options, evaluation)
          : await explainGroups(rule, ruleSet, options, evaluation);
      process.stderr.write(mappedText(mapped));
      if (tellRejected(options.event, rejected)) exit(EXIT.failed);
    });
}

/** Adds one `FIELD=VALUE` to those before. */
function groupValue(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected FIELD=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Throws ARGUMENT_INVALID. */
function requireGroupField(field: string, rule: BaseRule | CorrelationRule): void {
  if (rule.kind === 'correlation' && rule.groupBy.includes(field)) return;
  const [what, remedy] =
    rule.kind === 'rule'
      ? ['looks at one event at a time', 'Name a correlation, or leave --group away.']
      : rule.groupBy.length === 0
        ? ['has one group for all events', 'Leave --group away.']
        : [`is grouped by ${rule.groupBy.join(', ')}`, 'Name one of those fields.'];
  throw new VigieError('ARGUMENT_INVALID', `--group ${field}: "${rule.title}" ${what}`, { remedy });
}

function evaluationOptions(options: Options, config: Config): EvalOptions {
  return {
    timestampField: options.timestampField ?? config.timestamp_field,
    latenessMs: options.lateness ?? config.lateness,
    mapping: requireMapping(mappingFor(options, config)),
    ...eventSettings(config),
  };
}

async function explainEvents(
  rule: BaseRule,
  lists: Lists,
  { event: path, all, json }: Options,
  evaluation: EvalOptions,
): Promise<Reading> {
  const fields = new FieldTable();
  const idSlot = fields.slot('event.id');
  const explain = compileExplanation(rule, fields, lists);
  const decoder = createDecoder({
    ...evaluation,
    fields,
    timeRequired: false,
    pseudonymKey: evaluation.pseudonymKey ?? new Uint8Array(16),
  });
  const record = fields.newRecord();
  const rejected: RejectedEvent[] = [];
  const skipped = new Map<string, number>();
  const totals = { events: 0, matches: 0 };
  let waiting: ExplainedEvent[] = [];
  const show = async (): Promise<void> => {
    for (const each of waiting) await write(json ? eventJson(rule, each) : eventText(each));
    waiting = [];
  };
  if (!json) await write(`${plain(`${rule.title} (${rule.key})`)}\n`);
  await forEachLine(
    path,
    'explain',
    (data, start, end, line) => {
      const fault = decoder.decode(data, start, end, record);
      if (fault?.code === 'SKIPPED') {
        skipped.set(fault.reason, (skipped.get(fault.reason) ?? 0) + 1);
        return;
      }
      if (fault !== undefined) {
        rejected.push({ index: line, ...fault });
        return;
      }
      const explanation = explain(record);
      totals.events += 1;
      if (explanation.matches) totals.matches += 1;
      if (all || totals.events <= SHOWN_EVENTS) {
        waiting.push({ line, id: textOf(record.slots[idSlot]) ?? null, time: record.time, explanation });
      }
    },
    show,
  );
  await show();
  const { events, matches } = totals;
  const summary = `${count(matches)} of ${count(events)} events match`;
  const hidden =
    all || events <= SHOWN_EVENTS ? '' : `; the first ${SHOWN_EVENTS} are shown, --all shows all`;
  // A script that reads only a part must be able to tell.
  if (!json) await write(`\n${summary}${hidden}\n`);
  else if (hidden !== '') process.stderr.write(`${summary}${hidden}\n`);
  return { rejected, skipped, replaced: decoder.replaced ?? 0 };
}

async function explainGroups(
  rule: CorrelationRule,
  ruleSet: RuleSet,
  { event: path, group: wanted = {}, all, json }: Options,
  evaluation: EvalOptions,
): Promise<Reading> {
  const explainer = new CorrelationExplainer(ruleSet, rule, evaluation);
  await forEachLine(path, 'explain', (data, start, end, line) => explainer.take(data, start, end, line));
  const explanation = explainer.finish();
  const shown = { most: all ? Infinity : SHOWN_EVENTS, of: wanted };
  const parts = json
    ? correlationJson(rule, explanation, shown)
    : correlationText(rule, ruleSet, explanation, shown);
  for (const part of parts) await write(part);
  return explanation;
}
