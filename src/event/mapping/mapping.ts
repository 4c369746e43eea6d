/**
 * The form of a mapping file: how the lines of a log become access events. This schema defines keys and values;
 * `mapping-checks.ts` checks what it cannot see (fields that exist, patterns beside their groups).
 * docs/mappings.md explains every key.
 *
 * The messages complete the sentences "KEY is VALUE; …" and "KEY is missing; …".
 */

import { z } from 'zod';
import { suggestion } from '../../sigma/nearest.ts';
import { TIME_FORMATS } from './log-time.ts';
import { compilePattern } from './pattern.ts';

/** A map of fixed keys. The message has one line per unknown key, in the order of the issue's keys. */
function keysOf<T extends z.ZodRawShape>(shape: T, what: string): z.ZodObject<T, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `expected one of ${known.join(', ')}${suggestion(key, known)}`).join('\n')
        : `expected ${what}`,
  });
}

const text = z.string('expected a text; put it in quotes').min(1, 'expected a text that is not empty');
const scalar = z.union([z.string(), z.number(), z.boolean()], 'expected a text, a number, true or false');
const scalarOrNull = z.union([scalar, z.null()]);
const oneOrMore = z.union([text, z.array(text).min(1)], 'expected the name of a field of the log, or a list');
const pattern = text.refine((source) => compilePattern(source).fault === undefined, {
  error: (issue) => compilePattern(String(issue.input)).fault ?? '',
});

const values = z.union([scalarOrNull, z.array(scalarOrNull).min(1)]);
const condition = z.union(
  [
    ...values.options,
    keysOf({ re: pattern }, 'a pattern'),
    keysOf({ not: z.union([...values.options, keysOf({ re: pattern }, 'a pattern')]) }, 'a condition'),
  ],
  'expected a value, a list of values, null (absent), {re: PATTERN} or {not: ANY OF THESE}',
);

const format = z.enum(TIME_FORMATS, `expected one of ${TIME_FORMATS.join(', ')}`);

const copied = z.union(
  [
    text,
    z.array(text).min(1),
    keysOf(
      {
        from: oneOrMore,
        json: text.optional(),
        capture: pattern.optional(),
        split: text.optional(),
        map: z.record(z.string(), scalarOrNull, 'expected a map of values').optional(),
        default: scalarOrNull.optional(),
        multiply: z.number('expected a number').optional(),
        format: format.optional(),
        count: z.literal(true, 'expected true, or leave it out').optional(),
        lower_case: z.literal(true, 'expected true, or leave it out').optional(),
      },
      'a map',
    ),
  ],
  'expected a field of the log, a list of them (the first that is there), or a map with from, and of json, capture, split, lower_case, count, map, default, multiply, format what is needed',
);

const set = z.record(z.string(), z.union([scalar, z.array(scalar)], 'expected a value or a list of values'), {
  error: 'expected a map from fields of the event to values',
});
const copy = z.record(z.string(), copied, {
  error: 'expected a map from fields of the event to fields of the log',
});

const mappingCase = keysOf(
  {
    name: text,
    when: z.record(z.string(), condition, 'expected a map from fields of the log to values').optional(),
    skip: z.literal(true, 'expected true, or leave it out').optional(),
    set: set.optional(),
    copy: copy.optional(),
  },
  'a case with a name, and of when, set, copy, skip what is needed',
);

export const mappingSchema = keysOf(
  {
    description: text.optional(),
    input: z.enum(['json', 'w3c', 'regex'], 'expected json, w3c or regex'),
    pattern: pattern.optional(),
    fields: z
      .union([text.transform((names) => names.split(/\s+/)), z.array(text)], 'expected a list of names')
      .optional(),
    absent: z.array(z.string(), 'expected a list of texts').optional(),
    time: keysOf({ field: oneOrMore, format: format.optional() }, 'a map with field and, if needed, format'),
    id: keysOf({ from: oneOrMore }, 'a map with from').optional(),
    set: set.optional(),
    copy: copy.optional(),
    cases: z.array(mappingCase, 'expected a list of cases').optional(),
    else: z.enum(['skip', 'keep'], 'expected skip or keep').optional(),
    other_fields: z.array(text, 'expected a list of field names').optional(),
  },
  'a map',
);

export type Mapping = z.output<typeof mappingSchema>;
export type MappingCase = z.output<typeof mappingCase>;
export type Condition = z.output<typeof condition>;
export type Copied = z.output<typeof copied>;
