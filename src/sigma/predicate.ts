/**
 * Compiles a test to a function on a field's value. A list matches if any element does, pseudonyms behave like the
 * list of their texts, numbers and booleans compare as text, objects have no value of their own.
 */

import { Pseudonyms } from '../event/pseudonyms.ts';
import type { FieldValue } from '../event/record.ts';
import { parseTime } from '../event/time.ts';
import type { CompareOperator, Pattern, Test } from './ast.ts';
import { fold } from './fold.ts';
import { contains, parseNetwork } from './ip.ts';
import { literalOf } from './pattern.ts';
import { compileRegex } from './regex.ts';
import { compileTimePart } from './time-part.ts';
import { numberOf } from './value.ts';
import { compilePattern } from './wildcard.ts';
import type { TextPredicate } from './wildcard.ts';

export type ValuePredicate = (value: FieldValue | undefined) => boolean;

/** Every test but a reference, which needs a second field: see `compileReference`. */
export type ValueTest = Exclude<Test, { readonly kind: 'reference' }>;

export function compileTest(test: ValueTest, timezone: string): ValuePredicate {
  switch (test.kind) {
    case 'null':
      return isNull;
    case 'exists':
      return (value) => (value !== undefined) === test.expected;
    case 'text':
      return onTexts(compileText(test.pattern, test.cased), exactNumber(test.pattern, test.cased));
    case 'regex': {
      const compiled = compileRegex(test.source, test.flags);
      return compiled.engine === 'none' ? () => false : onTexts(compiled.test);
    }
    case 'cidr': {
      const network = parseNetwork(test.network);
      return typeof network === 'string' ? () => false : onTexts((text) => contains(network, text), NaN);
    }
    case 'compare': {
      const holds = comparison(test.op, test.value);
      return onScalars(
        (value) => typeof value !== 'boolean' && holds(typeof value === 'number' ? value : numberOf(value)),
      );
    }
    case 'time': {
      const part = compileTimePart(test.part, timezone);
      const holds = comparison(test.op, test.value);
      return onScalars((value) => {
        const time = parseTime(value);
        return !Number.isNaN(time) && holds(part(time));
      });
    }
  }
}

/** A field equal to any of many texts: one look-up instead of one test each. */
export function compileAnyOf(literals: readonly string[]): ValuePredicate {
  const wanted = new Set(literals.map(fold));
  return onTexts((text) => wanted.has(fold(text)));
}

/** Compares the values of two fields as text; true if any pair fits. */
export function compileReference(
  test: Extract<Test, { readonly kind: 'reference' }>,
): (value: FieldValue | undefined, other: FieldValue | undefined) => boolean {
  const same = test.cased ? (text: string) => text : fold;
  return (value, other) => {
    if (value === undefined || other === undefined) return false;
    return anyText(value, (text) => {
      const whole = same(text);
      return anyText(other, (reference) => {
        const part = same(reference);
        if (test.openStart && test.openEnd) return whole.includes(part);
        if (test.openStart) return whole.endsWith(part);
        return test.openEnd ? whole.startsWith(part) : whole === part;
      });
    });
  };
}

/** Whether the predicate holds for any value of a whole event, however deep; field names do not count. */
export function anywhere(value: FieldValue | undefined, predicate: ValuePredicate): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'object' || value instanceof Pseudonyms) return predicate(value);
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    if (anywhere(inner, predicate)) return true;
  }
  return false;
}

function isNull(value: FieldValue | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.some(isNull));
}

function compileText(pattern: Pattern, cased: boolean): TextPredicate {
  if (cased) return compilePattern(pattern);
  const folded = pattern.map((token) => (typeof token === 'string' ? fold(token) : token));
  const wanted = literalOf(folded);
  if (wanted !== undefined) {
    // Folding keeps the length, so most texts are ruled out without it.
    return (text) => text === wanted || (text.length === wanted.length && fold(text) === wanted);
  }
  const matches = compilePattern(folded);
  return (text) => matches(fold(text));
}

/**
 * The number whose text is the pattern; NaN if there is none; undefined if wildcards require comparing numbers as
 * text.
 */
function exactNumber(pattern: Pattern, cased: boolean): number | undefined {
  const literal = literalOf(pattern);
  if (literal === undefined) return undefined;
  const number = Number(literal);
  // The exponent is the only letter in the text of a number.
  return String(number) === (cased ? literal : literal.toLowerCase()) ? number : NaN;
}

/** `numbers`: the only number that matches, or undefined to test each number's text. */
function onTexts(matches: TextPredicate, numbers?: number): ValuePredicate {
  const scalar = (value: string | number | boolean): boolean => {
    if (typeof value === 'string') return matches(value);
    if (typeof value === 'number' && numbers !== undefined) return value === numbers;
    return matches(String(value));
  };
  const any = onScalars(scalar);
  return (value) => (typeof value === 'string' ? matches(value) : any(value));
}

function onScalars(matches: (value: string | number | boolean) => boolean): ValuePredicate {
  const any: ValuePredicate = (value) => {
    if (value === undefined || value === null) return false;
    if (typeof value !== 'object') return matches(value);
    if (Array.isArray(value)) {
      for (const element of value) if (any(element)) return true;
    } else if (value instanceof Pseudonyms) {
      for (let i = 0; i < value.length; i++) if (matches(value.text(i))) return true;
    }
    return false;
  };
  return any;
}

function anyText(value: FieldValue, matches: TextPredicate): boolean {
  return onTexts(matches)(value);
}

function comparison(op: CompareOperator | 'eq', bound: number): (value: number) => boolean {
  switch (op) {
    case 'lt':
      return (value) => value < bound;
    case 'lte':
      return (value) => value <= bound;
    case 'gt':
      return (value) => value > bound;
    case 'gte':
      return (value) => value >= bound;
    case 'eq':
      return (value) => value === bound;
  }
}
