/**
 * A rule's value on its way through the modifiers. Each modifier turns one value into another, or into several
 * that stay ORed; the final result is a `Test`.
 */

import type { CompareOperator, Pattern, Test, TimePart } from './ast.ts';

/** As written in YAML, before any modifier. */
interface RawValue {
  readonly kind: 'raw';
  readonly value: string | number | boolean | null;
  readonly source: string;
}

export interface TextValue {
  readonly kind: 'text';
  readonly pattern: Pattern;
  readonly cased: boolean;
  /** The literals hold bytes, one per character, not text: an encoding was applied. */
  readonly bytes: boolean;
}

/** `op` and `part` may come in either order: `hour|gte` and `gte|hour`. */
export interface NumberValue {
  readonly kind: 'number';
  readonly value: number;
  readonly op: CompareOperator | undefined;
  readonly part: TimePart | undefined;
}

export type Value =
  | RawValue
  | TextValue
  | NumberValue
  | Extract<Test, { readonly kind: 'regex' | 'cidr' | 'reference' | 'exists' }>;

/** A modifier cannot take a value. Caught where the value's place is known. */
export class ValueError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Numeric text: what the numeric modifiers, sums and bounds accept as a number. */
const NUMERIC = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$/i;

/** The number that a text of at most 64 characters spells in decimal, else NaN. */
export function numberOf(text: string): number {
  return text.length <= 64 && NUMERIC.test(text) ? Number(text) : NaN;
}
