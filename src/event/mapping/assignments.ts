/** Compiles `set` and `copy` of a mapping: which field of the event gets which value of a line. */

import { LONG_FIELDS } from '../access-event.ts';
import { readEmbedded } from '../event-reader.ts';
import { fieldPath, resolvePath, type FieldPath, type JsonObject } from '../field-path.ts';
import type { FieldValue } from '../record.ts';
import { textsIn } from './conditions.ts';
import { timeParser } from './log-time.ts';
import type { Copied, Mapping, MappingCase } from './mapping.ts';
import { checkedPattern } from './pattern.ts';

export interface Assignment {
  /** Dotted path in the event. */
  readonly target: string;
  /** Undefined leaves the field absent. */
  readonly value: (source: JsonObject) => FieldValue | undefined;
}

/** The assignments of a case: its own, and the mapping's for fields that the case does not assign. */
export function compileAssignments(mapping: Mapping, own: Pick<MappingCase, 'set' | 'copy'>): Assignment[] {
  const byTarget = new Map<string, Assignment>();
  for (const { set = {}, copy = {} } of [mapping, own]) {
    for (const [target, value] of Object.entries(set)) byTarget.set(target, { target, value: () => value });
    for (const [target, from] of Object.entries(copy)) byTarget.set(target, copied(target, from));
  }
  return [...byTarget.values()];
}

type Step = (value: FieldValue) => FieldValue | undefined;

function copied(target: string, spec: Copied): Assignment {
  const { from, ...steps } = typeof spec === 'string' || Array.isArray(spec) ? { from: spec } : spec;
  const paths = [from].flat().map(fieldPath);
  const chain = stepsOf(steps);
  if (LONG_FIELDS.has(target)) chain.push(each(toNumber));
  return {
    target,
    value: (source) => {
      let value = firstPresent(source, paths);
      for (const step of chain) {
        if (value === undefined || value === null) break;
        value = step(value);
      }
      value = withDefaults(value, steps.default ?? undefined);
      const isNothing = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
      return isNothing ? (steps.default ?? value ?? undefined) : value;
    },
  };
}

/** Steps run in this order, given in docs/mappings.md, whatever their order in the file. */
function stepsOf(spec: Omit<Exclude<Copied, string | string[]>, 'from'>): Step[] {
  const steps: Step[] = [];
  const { json, capture, split, lower_case: lowerCase, count, map, multiply, format } = spec;
  if (json !== undefined) steps.push(embedded(fieldPath(json)));
  if (capture !== undefined) {
    const pattern = checkedPattern(capture);
    steps.push(
      each((value) => {
        const match = pattern.matcher(String(value));
        return match.find() ? (match.group(1) ?? undefined) : undefined;
      }),
    );
  }
  if (split !== undefined) {
    steps.push((value) =>
      textsIn(value).flatMap((text) =>
        text
          .split(split)
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      ),
    );
  }
  if (lowerCase === true) steps.push(each((value) => String(value).toLowerCase()));
  if (count === true) steps.push((value) => (Array.isArray(value) ? value.length : 1));
  if (map !== undefined) {
    const values = new Map(Object.entries(map));
    // Without a default, a value that the map does not name stays as it is.
    const mapped = each((value) => {
      const text = String(value);
      if (values.has(text)) return values.get(text) ?? undefined;
      return spec.default === undefined ? value : UNNAMED;
    });
    steps.push(mapped);
  }
  if (multiply !== undefined) {
    steps.push(
      each((value) => {
        const number = toNumber(value);
        return typeof number === 'number' ? number * multiply : value;
      }),
    );
  }
  if (format !== undefined) {
    const parse = timeParser(format);
    steps.push(
      each((value) => {
        const time = parse(value);
        return Number.isNaN(time) ? value : new Date(time).toISOString();
      }),
    );
  }
  return steps;
}

/** Stands until the last step for a value that the map does not name: no step changes an object. */
const UNNAMED: FieldValue = Object.freeze({});

function withDefaults(value: FieldValue | undefined, other: FieldValue | undefined): FieldValue | undefined {
  if (!Array.isArray(value)) return value === UNNAMED ? other : value;
  return value
    .map((element) => (element === UNNAMED ? other : element))
    .filter((element) => element !== undefined);
}

/** Applies a step to a value, or to each element of a list. */
function each(step: (value: string | number | boolean) => FieldValue | undefined): Step {
  const apply = (value: FieldValue): FieldValue | undefined => {
    if (Array.isArray(value)) return value.map(apply).filter((element) => element !== undefined);
    return typeof value === 'object' ? value : step(value);
  };
  return apply;
}

function firstPresent(source: JsonObject, paths: readonly FieldPath[]): FieldValue | undefined {
  for (const path of paths) {
    const value = resolvePath(source, path);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** Resolves a path in JSON that is a text in the log. */
function embedded(path: FieldPath): Step {
  const inside = (value: FieldValue): FieldValue | undefined => {
    const root = typeof value === 'string' ? readEmbedded(value) : value;
    return root === undefined ? undefined : resolvePath(root, path);
  };
  return (value) =>
    Array.isArray(value) ? value.flatMap((element) => inside(element) ?? []) : inside(value);
}

function toNumber(value: string | number | boolean): string | number | boolean {
  return typeof value === 'string' && /^\d{1,15}(?:\.\d+)?$/.test(value) ? Number(value) : value;
}
