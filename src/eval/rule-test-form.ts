/**
 * Tests beside the rules (`*.tests.yml`) or in them (`vigie.tests`): their form, and the events they generate.
 *
 * A test is a timeline of generated events and the firings it must give: all of them, and no others. In the texts of an
 * event, `{i}` is the number of the repetition, `{i%n}` its remainder, `{i:n}` the number zero-padded to n digits, and
 * `{day}` the number of the day.
 */

import { parse as parseYaml, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { messageOf, VigieError } from '../errors.ts';
import { isObject } from '../event/field-path.ts';
import { parseTimeText } from '../event/time.ts';
import { parseDuration } from '../sigma/duration.ts';
import { suggestion } from '../sigma/nearest.ts';
import type { BaseRule, CorrelationRule, RuleSet } from '../sigma/rule.ts';

const EVERY = 'expected a duration such as 20s or 250ms';
const durationSchema = z.string(EVERY).transform((text, context) => {
  const ms = /^\d+ms$/.test(text) ? Number.parseInt(text, 10) : parseDuration(text);
  if (ms === undefined) context.addIssue({ code: 'custom', message: EVERY });
  return ms ?? 0;
});
const timeSchema = z.coerce.string().transform((text, context) => {
  const time = parseTimeText(text);
  if (Number.isNaN(time))
    context.addIssue({ code: 'custom', message: 'expected a time such as 2025-07-12T20:00:00Z' });
  return time;
});

/** A map of these keys and no others. */
function keysOf<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .map((key) => `there is no key ${JSON.stringify(key)}${suggestion(key, Object.keys(shape))}`)
            .join('; ')
        : undefined,
  });
}

const runSchema = keysOf({
  repeat: z.int().min(1).max(1_000_000).default(1),
  from: timeSchema,
  every: durationSchema.default(0),
  /** Repeats all of it on this many days, including the first. */
  days: z.int().min(1).max(1000).default(1),
  /** `{i}` restarts at this number. */
  modulo: z.int().min(1).optional(),
  /** Puts a list of this many distinct values into a field. */
  list: keysOf({ field: z.string(), size: z.int().min(1).max(10_000) }).optional(),
  event: z.record(z.string(), z.unknown()),
});
type Run = z.infer<typeof runSchema>;

const testsSchema = z
  .array(
    keysOf({
      name: z.string(),
      /** Rows of lookup lists; a list that is not given is empty. */
      lists: z
        .record(z.string(), z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))))
        .default({}),
      events: z.array(runSchema).min(1),
      fires: z.array(
        keysOf({
          group: z
            .record(
              z.string(),
              z.string('expected a text, in quotes where it looks like something else').nullable(),
            )
            .optional(),
          at: timeSchema,
          value: z.number().optional(),
        }),
      ),
    }),
  )
  .min(1);
export type RuleTest = z.infer<typeof testsSchema>[number];

const fileSchema = keysOf({ rule: z.coerce.string(), tests: testsSchema });

export const FORM = 'The *.tests.yml beside the rules in rules/ show the form of a test file.';

/** The tests of one rule. */
export interface RuleTests {
  /** File that holds them. */
  readonly file: string;
  readonly rule: BaseRule | CorrelationRule;
  readonly tests: readonly RuleTest[];
}

/**
 * The tests of a test file. If a rule names the file under `vigie.tests`, the tests must be about that rule. Throws
 * RULE_TEST_INVALID if the file is faulty.
 */
export function testsOfFile(
  file: string,
  text: string,
  { rules, correlations }: RuleSet,
  namedBy?: RuleTests['rule'],
): RuleTests {
  const { rule: name, tests } = parsed(file, fileSchema, () => parseYaml(text));
  const rule = [...rules, ...correlations].find(
    (each) => each.id === name || each.name === name || each.key === name,
  );
  if (rule === undefined) {
    throw new VigieError(
      'RULE_TEST_INVALID',
      `${file}: no loaded rule has the id or name ${JSON.stringify(name)}`,
      { remedy: 'Give the id or name of a rule in the same folder, and load that folder.' },
    );
  }
  if (namedBy !== undefined && namedBy !== rule) {
    throw new VigieError(
      'RULE_TEST_INVALID',
      `${file}: these are tests of ${JSON.stringify(name)}, and vigie.tests of ${JSON.stringify(namedBy.key)} names them`,
      { remedy: `Correct vigie.tests in ${namedBy.file}, or the rule that the tests name.` },
    );
  }
  return { file, rule, tests };
}

/** The tests in the rule's own document. Throws RULE_TEST_INVALID if they are faulty. */
export function testsInRule(rule: RuleTests['rule'], list: readonly unknown[]): RuleTests {
  const what = `${rule.file}: vigie.tests of ${JSON.stringify(rule.key)}`;
  return { file: rule.file, rule, tests: parsed(what, testsSchema, () => list) };
}

/** An event of a test; `event` does not hold its time. */
export interface TestEvent {
  /** Ms since the epoch. */
  readonly time: number;
  readonly event: Readonly<Record<string, unknown>>;
}

/** In time order. */
export function eventsOf(test: RuleTest): TestEvent[] {
  return test.events.flatMap(generate).sort((a, b) => a.time - b.time);
}

/** What `read` returns, validated. `what` names its place in messages. Throws RULE_TEST_INVALID. */
function parsed<T>(what: string, schema: z.ZodType<T>, read: () => unknown): T {
  let document: unknown;
  try {
    document = read();
  } catch (error) {
    const several = error instanceof YAMLParseError && error.code === 'MULTIPLE_DOCS';
    const message = several
      ? 'it holds several documents; give each rule a file of its own'
      : messageOf(error);
    throw new VigieError('RULE_TEST_INVALID', `${what}: ${message}`, { remedy: FORM, cause: error });
  }
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => {
    const why = message.endsWith('received undefined') ? 'is missing' : message;
    return path.length === 0 ? why : `${path.join('.')}: ${why}`;
  });
  throw new VigieError('RULE_TEST_INVALID', `${what}: ${issues.join('; ')}`, {
    remedy: FORM,
  });
}

const DAY_MS = 86_400_000;

function generate(run: Run): TestEvent[] {
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
    return { time, event: { ...event, ...listed } };
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
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner, i, day)]));
  }
  return value;
}
