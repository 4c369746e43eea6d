/** Runs the tests of rules on the production engine. */

import { VigieError } from '../errors.ts';
import { Engine } from '../detect/engine.ts';
import { evalEvents } from './eval.ts';
import { KNOWN_FIELDS } from '../event/access-event.ts';
import { isObject } from '../event/field-path.ts';
import { FieldTable } from '../event/record.ts';
import { eventsOf, FORM, type RuleTest, type RuleTests } from './rule-test-form.ts';
import { fillLists, keepingLists, TEST_KEY, testPseudonym } from './rule-test-lists.ts';
import { nearest, suggestion } from '../sigma/nearest.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { whySilent } from './why-silent.ts';

export interface RuleTestResult {
  readonly file: string;
  readonly rule: string;
  readonly name: string;
  readonly passed: boolean;
  /** What differed, one line each. */
  readonly differences: readonly string[];
}

/** Throws RULE_TEST_INVALID if a test names a field or a list that does not exist. */
export function runRuleTests({ file, rule, tests }: RuleTests, ruleSet: RuleSet): RuleTestResult[] {
  refuseMisspelt(file, tests, ruleSet);
  const run = (test: RuleTest): RuleTestResult => {
    const wrongLists = fillLists(ruleSet.lists, test.lists);
    if (wrongLists !== undefined)
      throw new VigieError('RULE_TEST_INVALID', `${file}: ${test.name}: lists: ${wrongLists}`, {
        remedy: FORM,
      });
    const lines = eventsOf(test).map(({ time, event }) =>
      JSON.stringify({ '@timestamp': new Date(time).toISOString(), ...event }),
    );
    const output = evalEvents(ruleSet, lines, {
      allMatches: true,
      allFirings: true,
      pseudonymKey: TEST_KEY,
    });
    const actual = output.lines.flatMap((line) => {
      if (line.type === 'alert' || line.rule !== rule.key) return [];
      const at = Date.parse(line.time ?? '');
      return [line.type === 'firing' ? { at, group: line.group, value: line.value } : { at }];
    });
    const { missing, surplus } = compared(test.fires, actual);
    const differences = [
      ...output.deadLetters.map(
        (letter) => `event ${letter.index} is refused: ${letter.code}: ${letter.message}`,
      ),
      ...missing.map((fire) => `expected, did not fire: ${textOf(fire)}`),
      ...(missing.length > 0 && actual.length === 0 && rule.kind === 'correlation'
        ? [whySilent(rule, ruleSet, lines)]
        : []),
      ...surplus.map((fire) => `fired, not expected: ${textOf(fire)}`),
    ];
    return { file, rule: rule.key, name: test.name, passed: differences.length === 0, differences };
  };
  return keepingLists(ruleSet.lists, () => tests.map(run));
}

/**
 * Throws RULE_TEST_INVALID for a misspelt field, on which every rule would be silent: a field that no portal event has
 * and no rule reads, but whose name is close to one of those. Other fields from a log make no difference.
 */
function refuseMisspelt(file: string, tests: readonly RuleTest[], ruleSet: RuleSet): void {
  const fields = new FieldTable();
  void new Engine({ ruleSet, fields, hashKey: new Uint8Array(16), latenessMs: 0 });
  if (fields.wantsWhole) return;
  const known = [...KNOWN_FIELDS, ...fields.paths];
  for (const { name, events } of tests) {
    const used = events.flatMap(({ event, list }) => [...pathsOf(event), ...(list ? [list.field] : [])]);
    const unknown = used.filter((path) => !known.some((each) => within(each, path) || within(path, each)));
    const misspelt = unknown.find((path) => nearest(path, known) !== undefined);
    if (misspelt === undefined) continue;
    throw new VigieError(
      'RULE_TEST_INVALID',
      `${file}: ${name}: no portal event has the field ${JSON.stringify(misspelt)}, and no rule reads it${suggestion(misspelt, known)}`,
      { remedy: 'Correct the name, or leave the field out: it decides nothing.' },
    );
  }
}

/** True if `path` is that field or lies below it. */
function within(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`);
}

function pathsOf(event: Readonly<Record<string, unknown>>, above = ''): string[] {
  return Object.entries(event).flatMap(([key, value]) =>
    isObject(value) && Object.keys(value).length > 0 ? pathsOf(value, `${above}${key}.`) : [`${above}${key}`],
  );
}

/** One firing; whatever a test leaves out may have any value. */
interface Fire {
  readonly at: number;
  readonly group?: Readonly<Record<string, string | null>> | undefined;
  readonly value?: number | undefined;
}

/** Pairs each expected firing with one that fits, the most precise first, so that a vague one leaves theirs alone. */
function compared(
  expected: readonly Fire[],
  actual: readonly Fire[],
): { missing: readonly Fire[]; surplus: readonly Fire[] } {
  const surplus = [...actual];
  const missing = expected
    .toSorted((a, b) => precision(b) - precision(a))
    .filter((fire) => {
      const index = surplus.findIndex((other) => fits(fire, other));
      if (index >= 0) surplus.splice(index, 1);
      return index < 0;
    });
  return { missing, surplus };
}

function precision({ group, value }: Fire): number {
  return Number(group !== undefined) + Number(value !== undefined);
}

function fits({ at, group, value }: Fire, actual: Fire): boolean {
  return (
    at === actual.at &&
    (group === undefined || isSameGroup(group, actual.group)) &&
    (value === undefined || value === actual.value)
  );
}

/** Persons may be given as in the events, though their pseudonyms fire. */
function isSameGroup(expected: NonNullable<Fire['group']>, actual: Fire['group'] = {}): boolean {
  const fields = Object.entries(expected);
  return (
    fields.length === Object.keys(actual).length &&
    fields.every(
      ([field, value]) =>
        actual[field] === value || (value !== null && actual[field] === testPseudonym(value)),
    )
  );
}

function textOf({ at, group, value }: Fire): string {
  const parts = [`at ${new Date(at).toISOString()}`];
  if (group !== undefined) parts.push(`group ${JSON.stringify(group)}`);
  if (value !== undefined) parts.push(`value ${value}`);
  return parts.join(', ');
}
