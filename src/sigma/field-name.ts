/**
 * Names of fields in rules. A path may be nested or dotted at each of its dots, and whoever looks fields up
 * prepares for all of these, so names have a limit that no real field comes near.
 */

import { shown } from './faults.ts';
import type { Faults } from './faults.ts';
import type { PlacedText } from './reader.ts';

const MAX_SEGMENTS = 64;
const MAX_LENGTH = 1_000;

/** What is wrong with a field's name, or undefined. `name`: without modifiers. */
export function fieldNameFault(name: string): string | undefined {
  if (name.includes('|')) {
    return `${shown(name)} is no field name: a modifier stands behind |, and only selections take those`;
  }
  if (name.length > MAX_LENGTH) {
    return `a field name has at most ${MAX_LENGTH} characters, this one ${name.length}; check for a missing colon or space`;
  }
  const segments = name.split('.').length;
  if (segments <= MAX_SEGMENTS) return undefined;
  return `a field name has at most ${MAX_SEGMENTS} parts between dots, this one ${segments}; shorten it`;
}

/** The names that are good; the others are reported. */
export function checkedFields(names: readonly PlacedText[], faults: Faults): readonly string[] {
  return names.flatMap((name) => {
    const fault = fieldNameFault(name.text);
    if (fault === undefined) return [name.text];
    faults.error(name, 'BAD_VALUE', fault);
    return [];
  });
}
