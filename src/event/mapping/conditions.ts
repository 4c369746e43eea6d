/** Compiles the `when` of a case: whether it holds for a line. Values are compared as text. */

import { fieldPath, resolvePath, type JsonObject } from '../field-path.ts';
import type { FieldValue } from '../record.ts';
import type { Condition, MappingCase } from './mapping.ts';
import { checkedPattern } from './pattern.ts';

export type LineTest = (source: JsonObject) => boolean;

/** True if all conditions hold, or there are none. */
export function compileWhen(when: MappingCase['when']): LineTest {
  const tests = Object.entries(when ?? {}).map(([field, condition]) => {
    const path = fieldPath(field);
    const test = compileCondition(condition);
    return (source: JsonObject) => test(resolvePath(source, path));
  });
  return (source) => tests.every((test) => test(source));
}

type ValueTest = (value: FieldValue | undefined) => boolean;

function compileCondition(condition: Condition): ValueTest {
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) {
    const given = Array.isArray(condition) ? condition : [condition];
    const texts = new Set(given.filter((value) => value !== null).map(String));
    const absent = given.includes(null);
    return (value) => (isAbsent(value) ? absent : someText(value, (text) => texts.has(text)));
  }
  if ('not' in condition) {
    const test = compileCondition(condition.not);
    return (value) => !test(value);
  }
  const pattern = checkedPattern(condition.re);
  return (value) => !isAbsent(value) && someText(value, (text) => pattern.test(text));
}

function isAbsent(value: FieldValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}

/** For a list, true if the test holds for any element. */
function someText(value: FieldValue, test: (text: string) => boolean): boolean {
  return typeof value === 'string' ? test(value) : textsIn(value).some(test);
}

/** The texts in a value of the log: those of all elements of a list, none of an object. */
export function textsIn(value: FieldValue): string[] {
  if (Array.isArray(value)) return value.flatMap((element) => textsIn(element));
  return typeof value === 'object' ? [] : [String(value)];
}
