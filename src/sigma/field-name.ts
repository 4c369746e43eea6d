/**
 * Names of fields in rules. Each dot of a path may stand for nesting or be part of a key, and look-ups prepare for
 * all combinations, so names have a limit that no real field comes near.
 */

import { shown } from './faults.ts';
import type { Faults } from './faults.ts';
import type { PlacedText } from './reader.ts';

const MAX_SEGMENTS = 64;
const MAX_LENGTH = 1_000;

/** Returns what is wrong with a field's name, or undefined. `name`: without modifiers. */
export function fieldNameFault(name: string): string | undefined {
  if (name.includes('|')) {
    return `${shown(name)} is no field name: a modifier stands behind |, and only selections take those`;
  }
  if (name.length > MAX_LENGTH) {
    return `a field name has at most ${MAX_LENGTH} characters, this one ${name.length}; check for a missing colon or space`;
  }
  if (name.trim() !== name) return `the field name ${shown(name)} begins or ends with a blank; remove it`;
  const segments = name.split('.').length;
  if (segments <= MAX_SEGMENTS) return undefined;
  return `a field name has at most ${MAX_SEGMENTS} parts between dots, this one ${segments}; shorten it`;
}

/** Returns the valid names and reports the others. */
export function checkedFields(names: readonly PlacedText[], faults: Faults): readonly string[] {
  return names.flatMap((name) => {
    const fault = fieldNameFault(name.text);
    if (fault === undefined) return [name.text];
    faults.error(name, 'BAD_VALUE', fault);
    return [];
  });
}
