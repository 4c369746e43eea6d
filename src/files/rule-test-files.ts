/** Finds and reads the tests of rules. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, VigieError } from '../errors.ts';
import { type RuleTests, testsInRule, testsOfFile } from '../eval/rule-test-form.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { findTestFiles, realPath } from './rule-files.ts';

/** The tests beside the rules, then those that rules hold or name; no file is read twice. Throws RULE_TEST_INVALID. */
export function ruleTests(paths: readonly string[], ruleSet: RuleSet): RuleTests[] {
  const all: RuleTests[] = [];
  const read = new Set<string>();
  for (const file of findTestFiles(paths)) {
    read.add(realPath(file));
    all.push(testsOfFile(file, readTest(file), ruleSet));
  }
  for (const rule of [...ruleSet.rules, ...ruleSet.correlations]) {
    const { tests } = rule;
    if (tests === undefined) continue;
    if ('list' in tests) {
      all.push(testsInRule(rule, tests.list));
      continue;
    }
    const file = join(dirname(rule.file), tests.file);
    const real = realPath(file);
    if (read.has(real)) continue;
    read.add(real);
    all.push(testsOfFile(file, readTest(file), ruleSet, rule));
  }
  return all;
}

function readTest(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new VigieError('RULE_TEST_INVALID', `cannot read ${file}: ${messageOf(error)}`, {
      remedy: 'Correct its name, or give this user the right to read it.',
      cause: error,
    });
  }
}
