/** Opens what commands read: rules that load without faults, and NDJSON line by line. */

import { configuredKey } from '../config/pseudonym-key.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import type { RejectedEvent } from '../eval/eval.ts';
import type { LineOptions } from '../event/decoder-options.ts';
import type { Mapping } from '../event/mapping/mapping.ts';
import { loadMapping } from '../files/mapping-files.ts';
import { readPlaceholders } from '../files/placeholders.ts';
import type { GivenPlaceholders } from '../files/placeholders.ts';
import { loadRules } from '../files/rule-files.ts';
import { suggestion } from '../sigma/nearest.ts';
import { type BaseRule, type CorrelationRule, type Fault, rulesCalled, type RuleSet } from '../sigma/rule.ts';
import { FileSource } from '../source/file-source.ts';
import type { EventVisitor } from '../source/source.ts';
import { count, fileProgress, plain, plural } from './terminal.ts';

export function faultLine({ file, line, column, severity, code, message }: Fault): string {
  return plain(`${file}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${code}: ${message}`);
}

/**
 * Loads rules and their lookup lists. Any fault is printed to standard error and refused; only `rules check` prints
 * warnings. Throws RULES_FAULTY, NO_RULES (a detector without rules would seem to find all well), PLACEHOLDERS_INVALID.
 */
export function requireRules(
  paths: readonly string[],
  listsFolder: string | undefined,
  placeholders?: string | GivenPlaceholders,
): RuleSet {
  const ruleSet = loadRules(paths, { listsFolder, placeholders: readPlaceholders(placeholders) });
  const errors = ruleSet.faults.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    for (const fault of errors) process.stderr.write(`${faultLine(fault)}\n`);
    throw new VigieError(
      'RULES_FAULTY',
      `${plural(errors.length, 'fault')} in the rules under ${paths.join(', ')}`,
      {
        remedy: 'Correct the places listed above; `vigie rules check` lists them again.',
      },
    );
  }
  if (ruleSet.rules.length + ruleSet.correlations.length === 0) {
    throw new VigieError('NO_RULES', `there is no rule under ${paths.join(', ')}`, {
      remedy: 'Give the path of a rule file or of a folder with *.yml files (VIGIE_RULES, --rules).',
    });
  }
  return ruleSet;
}

/** The rule that a person names. Throws RULE_UNKNOWN if there is none, ARGUMENT_INVALID if there are several. */
export function ruleCalled(name: string, { rules, correlations }: RuleSet): BaseRule | CorrelationRule {
  const all = [...correlations, ...rules];
  const found = rulesCalled(name, all);
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    throw new VigieError('ARGUMENT_INVALID', `${found.length} rules are called "${name}"`, {
      remedy: `Give one of their ids: ${found.map(({ key }) => key).join(', ')}`,
    });
  }
  const labels = all.flatMap((rule) => [rule.id, rule.name, rule.title].filter((each) => each !== undefined));
  throw new VigieError(
    'RULE_UNKNOWN',
    `no rule has the id, name or title "${name}"${suggestion(name, labels)}`,
    { remedy: '`vigie rules list --all` shows the rules there are.' },
  );
}

/** Loads a mapping; faults are printed to standard error and refused. Throws MAPPING_FAULTY, MAPPING_UNREADABLE. */
export function requireMapping(nameOrPath: string | undefined): Mapping | undefined {
  if (nameOrPath === undefined) return undefined;
  const { mapping, faults } = loadMapping(nameOrPath);
  for (const fault of faults) process.stderr.write(`${faultLine(fault)}\n`);
  if (mapping !== undefined) return mapping;
  const { length } = faults;
  throw new VigieError('MAPPING_FAULTY', `${plural(length, 'fault')} in the mapping ${nameOrPath}`, {
    remedy: 'Correct the places listed above; `vigie mapping check` lists them again.',
  });
}

/** The settings that apply to every line, independent of a command's options on the timestamp field. */
export function eventSettings(
  config: Config,
): Pick<LineOptions, 'personFields' | 'maxEventBytes' | 'pseudonymKey'> {
  return {
    personFields: config.person_fields,
    maxEventBytes: config.max_event_bytes,
    pseudonymKey: configuredKey(config),
  };
}

/** `--timestamp-field` implies that lines are events, so the mapping of the settings does not apply. */
export function mappingFor(
  options: { readonly mapping?: string; readonly timestampField?: string },
  config: Config,
): string | undefined {
  return options.mapping ?? (options.timestampField === undefined ? config.mapping : undefined);
}

const SHOWN_REJECTIONS = 10;

/** Reports lines that are not events on standard error. Returns true if there are any. */
export function tellRejected(path: string, rejected: readonly RejectedEvent[]): boolean {
  if (rejected.length === 0) return false;
  for (const { index, code, message } of rejected.slice(0, SHOWN_REJECTIONS)) {
    process.stderr.write(`${path === '-' ? 'stdin' : path}:${index + 1}: ${code}: ${plain(message)}\n`);
  }
  const lines =
    rejected.length === 1
      ? '1 line is no event and was'
      : `${count(rejected.length)} lines are no events and were`;
  process.stderr.write(
    `${lines} left out: docs/event.md describes events, docs/mappings.md how other logs are read\n`,
  );
  return true;
}

/**
 * Calls `visit` for every line of a file or of standard input (`-`), in order, and awaits `afterBatch` about once per
 * MiB. `what` names the work in its progress bar. Throws INPUT_UNREADABLE, INPUT_NOT_TEXT.
 */
export async function forEachLine(
  path: string,
  what: string,
  visit: EventVisitor,
  afterBatch?: () => Promise<void>,
): Promise<void> {
  const source = new FileSource(path);
  const progress = fileProgress(what, source);
  try {
    for await (const item of source.read(new AbortController().signal)) {
      if (item.kind !== 'events') continue;
      item.forEach(visit);
      progress.update();
      await afterBatch?.();
    }
  } finally {
    progress.stop();
  }
}
