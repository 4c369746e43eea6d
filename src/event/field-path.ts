/**
 * Dotted paths over decoded JSON, nested or dotted.
 *
 * For the path `a.b.c` an object's own key `a.b.c` wins, else the longest dotted prefix below which the rest is
 * found, else nothing. A path that crosses a list yields the list of what the list's objects hold, flattened by
 * one level, or nothing if none holds it. A field that is present with null is found. Keys such as `__proto__` are
 * plain data.
 */

import type { FieldValue } from './record.ts';

export interface FieldPath {
  readonly text: string;
  /** For each segment, the keys to try there, longest first. */
  readonly steps: readonly (readonly FieldStep[])[];
}

interface FieldStep {
  readonly key: string;
  /** Index of the segment after the key; the number of segments when the key ends the path. */
  readonly next: number;
}

export type JsonObject = { [key: string]: FieldValue };

export function fieldPath(text: string): FieldPath {
  const segments = text.split('.');
  const steps = segments.map((_, from) =>
    segments
      .slice(from)
      .map((_, i) => ({ key: segments.slice(from, from + i + 1).join('.'), next: from + i + 1 }))
      .reverse(),
  );
  return { text, steps };
}

/** The value of a path, or undefined when the field is absent. */
export function resolvePath(value: FieldValue, path: FieldPath, from = 0): FieldValue | undefined {
  const steps = path.steps[from];
  if (steps === undefined) return value;
  if (Array.isArray(value)) return resolveInList(value, path, from);
  if (!isObject(value)) return undefined;
  for (const step of steps) {
    if (!Object.hasOwn(value, step.key)) continue;
    const found = resolvePath(value[step.key]!, path, step.next);
    if (found !== undefined) return found;
  }
  return undefined;
}

function resolveInList(list: readonly FieldValue[], path: FieldPath, from: number): FieldValue[] | undefined {
  let found: FieldValue[] | undefined;
  for (const element of list) {
    const value = resolvePath(element, path, from);
    if (value === undefined) continue;
    found ??= [];
    if (Array.isArray(value)) for (const one of value) found.push(one);
    else found.push(value);
  }
  return found;
}

/** Replaces in place every value that the path can refer to, even those hidden by another key. */
export function replaceAll(
  value: FieldValue,
  path: FieldPath,
  replace: (value: FieldValue) => FieldValue,
  from = 0,
): void {
  if (Array.isArray(value)) {
    for (const element of value) replaceAll(element, path, replace, from);
    return;
  }
  if (!isObject(value)) return;
  for (const step of path.steps[from]!) {
    if (!Object.hasOwn(value, step.key)) continue;
    if (step.next < path.steps.length) {
      replaceAll(value[step.key]!, path, replace, step.next);
    } else {
      // Not an assignment: the key may be `__proto__`.
      const replaced = replace(value[step.key]!);
      Object.defineProperty(value, step.key, { value: replaced, writable: true, enumerable: true });
    }
  }
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
