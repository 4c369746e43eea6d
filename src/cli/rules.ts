/** `vigie rules check|test|list`; `explain` has its own file. */

import type { Command } from 'commander';
import { extractionBudget } from '../budget/extraction-budget.ts';
import { knownIncidents } from '../budget/known-incidents.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import { listsFolder } from '../files/list-files.ts';
import { readPlaceholders } from '../files/placeholders.ts';
import { loadRules, noRules } from '../files/rule-files.ts';
import { ruleTests } from '../files/rule-test-files.ts';
import { runRuleTests } from '../eval/rule-tests.ts';
import { budgetJson, budgetText } from './budget-text.ts';
import { EXIT } from './errors.ts';
import { explainCommand } from './explain.ts';
import { faultLine, requireRules } from './inputs.ts';
import { placeholdersOption } from './options.ts';
import { write } from './output.ts';
import { conditionOf, jsonLine, plain, plainLines, plural, styled, styledLevel, table } from './terminal.ts';

interface Options {
  json?: true;
  all?: true;
  lists?: string;
  placeholders?: string;
}

export function rulesCommand(program: Command, exit: (code: number) => void): void {
  const rules = program
    .command('rules')
    .summary('check, test, explain and list Sigma rules')
    .description('Work on Sigma rules. Without PATH, those of VIGIE_RULES (default: rules).')
    .addHelpText(
      'after',
      '\nExamples:\n  vigie rules check\n  vigie rules test rules my-rules\n  vigie rules list',
    );

  rules
    .command('check')
    .summary('report every fault, and how many persons the rules let through')
    .argument('[path...]', 'files or folders')
    .description(
      'Reports every fault of every rule, one line each: file:line:col: CODE: message. The exit code is 1 if there is a fault, or no rule. For sound rules on a portal’s log it also says how many persons can be read without an alert, and which known incidents fit under that.',
    )
    .option('--lists <folder>', 'folder of lookup lists (default: VIGIE_LISTS)')
    .addOption(placeholdersOption())
    .option('--json', 'one JSON object on standard output instead')
    .addHelpText(
      'after',
      '\nExamples:\n  vigie rules check rules\n  vigie rules check --json rules | jq .faults',
    )
    .action(async (given: string[], options: Options) => {
      const { paths, lists, placeholders, personFields } = orConfigured(given, options);
      const ruleSet = loadRules(paths, {
        lint: true,
        personFields,
        listsFolder: lists,
        placeholders: readPlaceholders(placeholders),
      });
      const { documents, rules: base, correlations, filters } = ruleSet;
      const faults = [...ruleSet.faults, ...noRules(paths, ruleSet)];
      const errors = faults.filter(({ severity }) => severity === 'error');
      // A rule set with faults is incomplete, so it gets no budget.
      const budget = errors.length === 0 ? extractionBudget(ruleSet, personFields) : undefined;
      const incidents = budget === undefined ? [] : knownIncidents(budget);
      if (options.json) {
        await write(
          jsonLine({
            documents,
            rules: base.length,
            correlations: correlations.length,
            filters,
            faults: errors.map(({ file, line, column, code, message }) => ({
              file,
              line,
              column,
              code,
              message,
            })),
            warnings: faults
              .filter(({ severity }) => severity === 'warning')
              .map(({ file, line, column, code, message }) => ({ file, line, column, code, message })),
            ...(budget === undefined ? {} : { budget: budgetJson(budget, incidents) }),
          }),
        );
      } else {
        for (const fault of faults) process.stderr.write(`${faultLine(fault)}\n`);
        await write(
          `${plural(documents, 'document')}: ${plural(base.length, 'rule')}, ${plural(correlations.length, 'correlation')}, ${plural(filters, 'filter')}; ${errors.length === 0 ? styled('green', 'no faults') : styled('red', plural(errors.length, 'fault'))}\n`,
        );
        if (budget !== undefined) await write(`\n${budgetText(budget, incidents)}`);
      }
      if (errors.length > 0) exit(EXIT.failed);
    });

  rules
    .command('test')
    .summary('run the tests beside the rules')
    .argument('[path...]', 'files or folders')
    .description(
      'Runs the tests beside the rules (*.tests.yml) and those in them (vigie.tests) on the production engine.',
    )
    .option(
      '--lists <folder>',
      'folder of lookup lists (default: VIGIE_LISTS); tests bring rows of their own',
    )
    .addOption(placeholdersOption())
    .option('--json', 'one JSON object per test on standard output')
    .addHelpText('after', '\nExample:\n  vigie rules test rules my-rules')
    .action(async (given: string[], options: Options) => {
      const { paths, lists, placeholders } = orConfigured(given, options);
      const ruleSet = requireRules(paths, lists, placeholders);
      const results = ruleTests(paths, ruleSet).flatMap((tests) => runRuleTests(tests, ruleSet));
      if (results.length === 0) {
        throw new VigieError(
          'NO_RULE_TESTS',
          `no *.tests.yml under ${paths.join(', ')}, and no rule there has vigie.tests`,
          { remedy: 'Put a file RULE.tests.yml beside the rule; those in rules/ show its form.' },
        );
      }
      const failed = results.filter(({ passed }) => !passed);
      for (const result of results) {
        if (options.json) {
          await write(jsonLine(result));
          continue;
        }
        const mark = result.passed ? styled('green', 'ok  ') : styled('red', 'FAIL');
        await write(`${mark} ${plain(`${result.file}: ${result.name}`)}\n`);
        for (const difference of result.differences) await write(`       ${plainLines(difference)}\n`);
      }
      if (!options.json) await write(`${results.length - failed.length} passed, ${failed.length} failed\n`);
      if (failed.length > 0) exit(EXIT.failed);
    });

  explainCommand(rules, exit);

  rules
    .command('list')
    .summary('list the rules that raise alerts')
    .argument('[path...]', 'files or folders')
    .description(
      'Lists correlations, which raise alerts, and rules on one event, whose matches `vigie eval` shows. With --all also rules that only others refer to, and those of level informational.',
    )
    .option('--all', 'also rules that do nothing on their own')
    .option('--lists <folder>', 'folder of lookup lists (default: VIGIE_LISTS)')
    .addOption(placeholdersOption())
    .option('--json', 'one JSON object per rule on standard output')
    .addHelpText('after', '\nExample:\n  vigie rules list --all')
    .action(async (given: string[], options: Options) => {
      const { paths, lists, placeholders } = orConfigured(given, options);
      const ruleSet = requireRules(paths, lists, placeholders);
      const shown = [...ruleSet.correlations, ...ruleSet.rules].filter(
        (rule) => options.all || (rule.alertsAlone && rule.level !== 'informational'),
      );
      if (options.json) {
        for (const rule of shown) {
          const { key, name, title, level, tags, kind, file } = rule;
          await write(
            jsonLine({
              rule: key,
              name: name ?? null,
              title,
              level,
              kind,
              condition: conditionOf(rule, ruleSet),
              tags,
              file,
            }),
          );
        }
        return;
      }
      const rows = shown.map((rule) => [
        styledLevel(rule.level),
        ...[rule.name ?? rule.key, rule.title, conditionOf(rule, ruleSet), rule.file].map(plain),
      ]);
      await write(`${table(['level', 'name', 'rule', 'fires when', 'file'], rows)}\n`);
    });
}

/** The rules, lists folder and placeholders: as given, otherwise as configured. */
function orConfigured(
  paths: readonly string[],
  options: Options,
): {
  readonly paths: readonly string[];
  readonly lists: string | undefined;
  readonly placeholders: Config['placeholders'];
  readonly personFields: readonly string[];
} {
  const config = loadConfig(process.env);
  return {
    paths: paths.length > 0 ? paths : config.rules,
    lists: listsFolder(options.lists ?? config.lists),
    placeholders: options.placeholders ?? config.placeholders,
    personFields: config.person_fields,
  };
}
