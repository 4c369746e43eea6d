/** `vigie.sequence`: the window must also hold a run of consecutive ids. */

import { fieldNameFault } from '../field-name.ts';
import type { Faults } from '../faults.ts';
import { missing, readMap, readText, refuseOtherKeys } from '../reader.ts';
import type { YamlMap } from '../yaml-tree.ts';
import { readCount } from './extension.ts';

export interface Sequence {
  /** Path of the field that holds the ids. */
  readonly field: string;
  /** How many ids make a run, 2 to 1,000. */
  readonly minRun: number;
  /** How far an id may be from the one before it in a run, 1 to 4. */
  readonly maxStep: number;
}

/** The state kept per id grows with the length of a run. */
const LONGEST_RUN = 1_000;

/** For every id of a person field, decoding an event also hashes the neighbours: two per step. */
const LARGEST_STEP = 4;

export function readSequence(root: YamlMap, key: string, faults: Faults): Sequence | undefined {
  const map = readMap(root, key, faults);
  if (map === undefined) return undefined;
  const before = faults.errors;
  refuseOtherKeys(map, ['field', 'min_run', 'max_step'], key, faults);
  if (!map.entries.has('field')) missing(map, 'field', 'name the field that holds the ids', faults);
  if (!map.entries.has('min_run')) missing(map, 'min_run', 'say how many ids make a run, e.g. 30', faults);
  const field = readText(map, 'field', faults);
  const fieldFault = field === undefined ? undefined : fieldNameFault(field.text);
  if (fieldFault !== undefined) faults.error(field!, 'BAD_VALUE', fieldFault);
  const minRun = readWithin(map, 'min_run', 2, LONGEST_RUN, faults);
  const maxStep = map.entries.has('max_step') ? readWithin(map, 'max_step', 1, LARGEST_STEP, faults) : 1;
  if (faults.errors > before) return undefined;
  return { field: field!.text, minRun: minRun!, maxStep: maxStep! };
}

function readWithin(
  map: YamlMap,
  key: string,
  least: number,
  most: number,
  faults: Faults,
): number | undefined {
  if (!map.entries.has(key)) return undefined;
  const count = readCount(map, key, faults);
  if (count === undefined || (count >= least && count <= most)) return count;
  faults.error(
    map.entries.get(key)!.value,
    'BAD_NUMBER',
    `${key} is ${count}; expected a whole number from ${least} to ${most}`,
  );
  return undefined;
}
