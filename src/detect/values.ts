/** Reads slots as group keys, measured values and amounts: the rules for texts and numbers in one place. */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { FieldValue } from '../event/record.ts';
import { shortText } from './short-text.ts';

/** A scalar as text; undefined for null, absent, objects and lists. */
export function textOf(value: FieldValue | undefined): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return undefined;
  }
}

const NO_TEXTS: readonly string[] = [];

/** The texts of a value: one for a scalar, one per element for a list, none for null and objects. */
export function textsOf(value: FieldValue | undefined): readonly string[] {
  const text = textOf(value);
  if (text !== undefined) return [text];
  if (value instanceof Pseudonyms) return Array.from({ length: value.length }, (_, i) => value.text(i));
  if (!Array.isArray(value)) return NO_TEXTS;
  if (value.length === 1) return textsOf(value[0]);
  return value.flatMap((element) => textsOf(element));
}

/** Like `textOf` and `textsOf`, but shortened for group keys, because a group is kept for weeks. */
export function groupText(value: FieldValue | undefined): string | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : shortText(text);
}

export function groupTexts(value: FieldValue | undefined): readonly string[] {
  return textsOf(value).map(shortText);
}

const NUMERIC = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;

/** A number or numeric text; undefined otherwise. */
export function numberOf(value: FieldValue | undefined): number | undefined {
  const number = typeof value === 'string' && NUMERIC.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** The numbers of a value: one for a number or numeric text, one per such element of a list. */
export function numbersOf(value: FieldValue | undefined): readonly number[] {
  if (Array.isArray(value)) return value.flatMap((element) => numbersOf(element));
  const number = numberOf(value);
  return number === undefined ? [] : [number];
}

/**
 * Every combination of one element per list, in order; none if there would be more than `MOST_COMBINATIONS`: two long
 * lists in one event must not become millions of groups.
 */
export function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  if (lists.length === 1)
    return lists[0]!.length > MOST_COMBINATIONS ? [] : lists[0]!.map((element) => [element]);
  if (lists.reduce((product, list) => product * list.length, 1) > MOST_COMBINATIONS) return [];
  return lists.reduce<T[][]>(
    (rows, list) => rows.flatMap((row) => list.map((element) => [...row, element])),
    [[]],
  );
}

export const MOST_COMBINATIONS = 10_000;

/** Unambiguous text of several group-by values or tuple parts; a single value stands for itself. */
export function keyOf(values: readonly (string | null)[]): string {
  if (values.length === 1) return values[0] as string;
  let key = '';
  for (const value of values) key += value === null ? '-' : `${value.length}:${value}`;
  return key;
}

/** The `count` values from which `keyOf` made a key. */
export function valuesOf(key: string | null, count: number): readonly (string | null)[] {
  if (key === null || count === 1) return [key];
  const values: (string | null)[] = [];
  for (let at = 0; at < key.length;) {
    const colon = key.startsWith('-', at) ? -1 : key.indexOf(':', at);
    const end = colon < 0 ? at + 1 : colon + 1 + Number(key.slice(at, colon));
    values.push(colon < 0 ? null : key.slice(colon + 1, end));
    at = end;
  }
  return values;
}
