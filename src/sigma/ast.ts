/**
 * The checked form of a rule's detection section.
 *
 * Modifiers are gone: their meaning is spelled out as trees of `and`, `or` and `not` over plain tests, so that
 * code that evaluates, explains or translates a rule has only eight kinds of test to know.
 */

import type { WorkingHours } from './working-hours.ts';

/** `*`: any run of characters, including none. */
export const ANY_RUN = 0;
/** `?`: exactly one character. */
export const ANY_ONE = 1;
/** Any of the five dashes of `windash`. */
export const ANY_DASH = 2;

type Wildcard = typeof ANY_RUN | typeof ANY_ONE | typeof ANY_DASH;

/** Literal text or a wildcard. No two literals are adjacent; an empty pattern is the empty text. */
export type Token = string | Wildcard;

export type Pattern = readonly Token[];

export type CompareOperator = 'lt' | 'lte' | 'gt' | 'gte';

export type TimePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

/** A test of one value. All but `null` and `exists` are false for an absent or null field. */
export type Test =
  | { readonly kind: 'text'; readonly pattern: Pattern; readonly cased: boolean }
  /** Searched anywhere in the value. `flags` is a subset of `ims`. */
  | { readonly kind: 'regex'; readonly source: string; readonly flags: string }
  | { readonly kind: 'cidr'; readonly network: string }
  | { readonly kind: 'compare'; readonly op: CompareOperator; readonly value: number }
  | {
      readonly kind: 'time';
      readonly part: TimePart;
      readonly op: CompareOperator | 'eq';
      readonly value: number;
    }
  /** Equals another field's value as text; at an open end, more text may follow or precede it. */
  | {
      readonly kind: 'reference';
      readonly path: string;
      readonly openStart: boolean;
      readonly openEnd: boolean;
      readonly cased: boolean;
    }
  | { readonly kind: 'exists'; readonly expected: boolean }
  /** Absent or null. */
  | { readonly kind: 'null' };

export type Detection =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Detection[] }
  | { readonly kind: 'not'; readonly part: Detection }
  | { readonly kind: 'field'; readonly path: string; readonly test: Test }
  /** True if the test holds for any value of the event, wherever it stands. */
  | { readonly kind: 'keyword'; readonly test: Test }
  /** The event's time is outside the hours; false for an event without a time. */
  | { readonly kind: 'off-hours'; readonly hours: WorkingHours }
  /** True if a row of the lookup list of this name has the event's values. */
  | { readonly kind: 'listed'; readonly list: string };

/** A condition over names: a rule's selections, or the rules of a temporal correlation. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'ref'; readonly name: string };

/** Whether the condition can become false as more of the things it names match. */
export function hasNot(condition: Condition): boolean {
  return condition.kind === 'not' || (condition.kind !== 'ref' && condition.parts.some(hasNot));
}

/** Whether the condition is true if exactly these names are. */
export function isMet(condition: Condition, isTrue: (name: string) => boolean): boolean {
  switch (condition.kind) {
    case 'ref':
      return isTrue(condition.name);
    case 'not':
      return !isMet(condition.part, isTrue);
    case 'and':
      return condition.parts.every((part) => isMet(part, isTrue));
    case 'or':
      return condition.parts.some((part) => isMet(part, isTrue));
  }
}

/** The names a condition refers to, each once, in the order they first appear. */
export function conditionNames(condition: Condition): readonly string[] {
  const names = new Set<string>();
  const visit = (node: Condition): void => {
    if (node.kind === 'ref') names.add(node.name);
    else if (node.kind === 'not') visit(node.part);
    else for (const part of node.parts) visit(part);
  };
  visit(condition);
  return [...names];
}

const PRECEDENCE = { or: 1, and: 2, not: 3, ref: 4 } as const;

/**
 * A condition as text, with no more parentheses than needed. If no name has a space, it parses back to the same
 * tree.
 */
export function formatCondition(condition: Condition, nameOf = (name: string): string => name): string {
  const inside = (node: Condition, outer: number): string => {
    const text = formatCondition(node, nameOf);
    return PRECEDENCE[node.kind] < outer ? `(${text})` : text;
  };
  switch (condition.kind) {
    case 'ref':
      return nameOf(condition.name);
    case 'not':
      return `not ${inside(condition.part, PRECEDENCE.not)}`;
    default:
      return condition.parts
        .map((part) => inside(part, PRECEDENCE[condition.kind] + 1))
        .join(` ${condition.kind} `);
  }
}
