/**
 * Tests beside the rules (`*.tests.yml`) or in them (`vigie.tests`), run by the production engine.
 *
 * A test is a timeline of generated events and the firings it must give: all of them, and no other. In an
 * event's texts `{i}` is the number of the repetition, `{i%n}` its remainder, `{i:n}` the number with zeros in
 * front, n digits long, and `{day}` the number of the day.
 */

import { isDeepStrictEqual } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { messageOf, VigieError } from '../errors.ts';
import { Engine } from '../detect/engine.ts';
import { evalEvents } from './eval.ts';
import { KNOWN_FIELDS } from '../event/access-event.ts';
import { FieldTable } from '../event/record.ts';
import { parseTimeText } from '../event/time.ts';
import { fillLists, keepingLists } from './rule-test-lists.ts';
import { parseDuration } from '../sigma/duration.ts';
import { nearest, suggestion } from '../sigma/nearest.ts';
import type { BaseRule, CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { whySilent } from './why-silent.ts';

const durationSchema = z.string().transform((text, context) => {
  const ms = /^\d+ms$/.test(text) ? Number.parseInt(text, 10) : parseDuration(text);
  if (ms === undefined)
    context.addIssue({ code: 'custom', message: 'expected a duration such as 20s or 250ms' });
  return ms ?? 0;
});
const timeSchema = z.coerce.string().transform((text, context) => {
  const time = parseTimeText(text);
  if (Number.isNaN(time))
    context.addIssue({ code: 'custom', message: 'expected a time such as 2025-07-12T20:00:00Z' });
  return time;
});

const runSchema = z.strictObject({
  repeat: z.int().min(1).max(1_000_000).default(1),
  from: timeSchema,
  every: durationSchema.default(0),
  /** All of it again on so many days, the first included. */
  days: z.int().min(1).max(1000).default(1),
  /** `{i}` counts up to this and starts again. */
  modulo: z.int().min(1).optional(),
  /** Puts a list of so many values into a field, all different. */
  list: z.strictObject({ field: z.string(), size: z.int().min(1).max(10_000) }).optional(),
  event: z.record(z.string(), z.unknown()),
});
type Run = z.infer<typeof runSchema>;

const testsSchema = z
  .array(
    z.strictObject({
      name: z.string(),
      /** Rows of lookup lists; a list that is not given is empty. */
      lists: z
        .record(z.string(), z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))))
        .default({}),
      events: z.array(runSchema).min(1),
      fires: z.array(
        z.strictObject({
          group: z.record(z.string(), z.string().nullable()).optional(),
          at: timeSchema,
          value: z.number().optional(),
        }),
      ),
    }),
  )
  .min(1);
type Tests = z.infer<typeof testsSchema>;

const fileSchema = z.strictObject({ rule: z.coerce.string(), tests: testsSchema });

const FORM = 'The *.tests.yml beside the rules in rules/ show the form of a test file.';

type AnyRule = BaseRule | CorrelationRule;

export interface RuleTestResult {
  readonly file: string;
  readonly rule: string;
  readonly name: string;
  readonly passed: boolean;
  /** What differed, one line each. */
  readonly differences: readonly string[];
}

/**
 * Runs one test file; where a rule names it under `vigie.tests`, it has to be about that one. Throws
 * RULE_TEST_INVALID when the file itself is faulty.
 */
export function runRuleTests(
  file: string,
  text: string,
  ruleSet: RuleSet,
  namedBy?: AnyRule,
): RuleTestResult[] {
  const { rule: name, tests } = parsed(file, fileSchema, () => parseYaml(text));
  const documents = [...ruleSet.rules, ...ruleSet.correlations];
  const rule = documents.find((each) => each.id === name || each.name === name || each.key === name);
  if (rule === undefined) {
    throw new VigieError(
      'RULE_TEST_INVALID',
      `${file}: no loaded rule has the id or name ${JSON.stringify(name)}`,
      {
        remedy: 'Give the id or name of a rule in the same folder, and load that folder.',
      },
    );
  }
  if (namedBy !== undefined && namedBy !== rule) {
    throw new VigieError(
      'RULE_TEST_INVALID',
      `${file}: these are tests of ${JSON.stringify(name)}, and vigie.tests of ${JSON.stringify(namedBy.key)} names them`,
      { remedy: `Correct vigie.tests in ${namedBy.file}, or the rule that the tests name.` },
    );
  }
  return runTests(file, tests, rule, ruleSet);
}

/** Runs the tests that stand in the rule's own document. Throws RULE_TEST_INVALID when they are faulty. */
export function runOwnTests(rule: AnyRule, list: readonly unknown[], ruleSet: RuleSet): RuleTestResult[] {
  const what = `${rule.file}: vigie.tests of ${JSON.stringify(rule.key)}`;
  return runTests(
    rule.file,
    parsed(what, testsSchema, () => list),
    rule,
    ruleSet,
  );
}

function runTests(file: string, tests: Tests, rule: AnyRule, ruleSet: RuleSet): RuleTestResult[] {
  refuseMisspelt(file, tests, ruleSet);
  const run = (test: Tests[number]): RuleTestResult => {
    const wrongLists = fillLists(ruleSet.lists, test.lists);
    if (wrongLists !== undefined)
      throw new VigieError('RULE_TEST_INVALID', `${file}: ${test.name}: lists: ${wrongLists}`, {
        remedy: FORM,
      });
    const events = test.events.flatMap(generate).sort((a, b) => a.time - b.time);
    const lines = events.map(({ json }) => json);
    const output = evalEvents(ruleSet, lines, { allMatches: true, allFirings: true });
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

/** What was read, if it has the form; `what` says in messages where it stands. */
function parsed<T>(what: string, schema: z.ZodType<T>, read: () => unknown): T {
  let document: unknown;
  try {
    document = read();
  } catch (error) {
    throw new VigieError('RULE_TEST_INVALID', `${what}: ${messageOf(error)}`, { remedy: FORM, cause: error });
  }
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new VigieError('RULE_TEST_INVALID', `${what}: ${issues.join('; ')}`, {
    remedy: FORM,
  });
}

const DAY_MS = 86_400_000;

function generate(run: Run): { time: number; json: string }[] {
  return Array.from({ length: run.days * run.repeat }, (_, n) => {
    const day = Math.floor(n / run.repeat);
    const repetition = n % run.repeat;
    const time = run.from + day * DAY_MS + repetition * run.every;
    const i = run.modulo === undefined ? repetition : repetition % run.modulo;
    const event = Object.fromEntries(
      Object.entries(run.event).map(([key, value]) => [key, filled(value, i, day)]),
    );
    const listed =
      run.list === undefined
        ? {}
        : { [run.list.field]: Array.from({ length: run.list.size }, (_, k) => `${day}-${i}-${k}`) };
    return {
      time,
      json: JSON.stringify({ '@timestamp': new Date(time).toISOString(), ...event, ...listed }),
    };
  });
}

function filled(value: unknown, i: number, day: number): unknown {
  if (typeof value === 'string') {
    return value
      .replaceAll('{day}', String(day))
      .replaceAll(/\{i(?:%(\d+))?(?::(\d+))?\}/g, (_, modulo?: string, digits?: string) =>
        String(modulo === undefined ? i : i % Number(modulo)).padStart(Number(digits ?? 0), '0'),
      );
  }
  if (Array.isArray(value)) return value.map((element) => filled(element, i, day));
  if (isMap(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner, i, day)]));
  }
  return value;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Throws RULE_TEST_INVALID for a misspelt field, for which any rule is silent: one that no portal event has and no rule
 * reads, but that is nearly one of those. Whatever else an event from a log holds decides nothing.
 */
function refuseMisspelt(file: string, tests: Tests, ruleSet: RuleSet): void {
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

/** Is that field, or lies below it. */
function within(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`);
}

function pathsOf(event: Readonly<Record<string, unknown>>, above = ''): string[] {
  return Object.entries(event).flatMap(([key, value]) =>
    isMap(value) && Object.keys(value).length > 0 ? pathsOf(value, `${above}${key}.`) : [`${above}${key}`],
  );
}

/** One firing; what a test leaves out of it may be anything. */
interface Fire {
  readonly at: number;
  readonly group?: Readonly<Record<string, string | null>> | undefined;
  readonly value?: number | undefined;
}

/** Each expected firing takes one that fits, the most precise first, so that a vague one leaves theirs. */
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
    (group === undefined || isDeepStrictEqual(group, actual.group)) &&
    (value === undefined || value === actual.value)
  );
}

function textOf({ at, group, value }: Fire): string {
  const parts = [`at ${new Date(at).toISOString()}`];
  if (group !== undefined) parts.push(`group ${JSON.stringify(group)}`);
  if (value !== undefined) parts.push(`value ${value}`);
  return parts.join(', ');
}
