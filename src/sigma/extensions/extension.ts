/** Defines a `vigie.*` key, and the forms of value that several keys share. */

import { DURATION_FORM, parseDuration } from '../duration.ts';
import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { readText, readTexts } from '../reader.ts';
import type { PlacedText } from '../reader.ts';
import type { Bound, CorrelationType } from '../rule.ts';
import { numberOf } from '../value.ts';
import { kindOf } from '../yaml-tree.ts';
import type { YamlMap } from '../yaml-tree.ts';

export type DocumentKind = 'rule' | 'correlation' | 'filter';

/** What a correlation's standard part measures. */
export interface Measured {
  readonly type: CorrelationType;
  readonly bounds: readonly Bound[];
  readonly timespanMs: number;
}

export interface Extension<Value> {
  /** Kinds of document on which the key has a meaning. */
  readonly on: readonly DocumentKind[];
  /** Types of correlation on which it has a meaning; all if absent. */
  readonly types?: readonly CorrelationType[];
  /** Checks and reads the key; reports faults. */
  readonly read: (root: YamlMap, key: string, faults: Faults) => Value | undefined;
  /** Checks the value against the standard part of an otherwise sound correlation. */
  fit?(root: YamlMap, key: string, rule: Measured, faults: Faults, value: NonNullable<Value>): void;
}

/** A duration above 0, ms. */
export function readDuration(root: YamlMap, key: string, faults: Faults): number | undefined {
  const given = readText(root, key, faults);
  if (given === undefined) return undefined;
  const ms = parseDuration(given.text);
  if (ms !== undefined && ms > 0) return ms;
  faults.error(given, 'BAD_DURATION', `${key} is ${shown(given.text)}; expected ${DURATION_FORM}`);
  return undefined;
}

/** A whole number above 0. */
export function readCount(root: YamlMap, key: string, faults: Faults): number | undefined {
  const node = root.entries.get(key)!.value;
  if (node.kind === 'scalar' && Number.isSafeInteger(node.value) && Number(node.value) > 0)
    return Number(node.value);
  const given = node.kind === 'scalar' ? shown(node.source) : `a ${node.kind}`;
  faults.error(node, 'BAD_NUMBER', `${key} is ${given}; expected a whole number above 0`);
  return undefined;
}

/** A number of at least 0. */
export function readNumber(root: YamlMap, key: string, faults: Faults): number | undefined {
  const node = root.entries.get(key)!.value;
  const value = node.kind === 'scalar' && typeof node.value === 'number' ? numberOf(node.source) : undefined;
  if (value !== undefined && Number.isFinite(value) && value >= 0) return value;
  const given = node.kind === 'scalar' ? shown(node.source) : kindOf(node);
  faults.error(node, 'BAD_NUMBER', `${key} is ${given}; expected a number from 0 on`);
  return undefined;
}

/** Reads one name or more: an empty list would silently narrow a rule to nothing, or not at all. */
export function readNames(root: YamlMap, key: string, faults: Faults): readonly PlacedText[] | undefined {
  const before = faults.errors;
  const names = readTexts(root, key, faults);
  if (names.length > 0 || faults.errors > before) return names;
  faults.error(root.entries.get(key)!.value, 'EMPTY_LIST', `${key} is empty; give at least one name`);
  return undefined;
}
