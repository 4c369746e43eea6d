/** `vigie.scale_by`: a lower bound that grows with a number from a lookup list. */

import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { missing, readMap, readText, refuseOtherKeys } from '../reader.ts';
import type { PlacedText } from '../reader.ts';
import { numberOf } from '../value.ts';
import type { YamlMap } from '../yaml-tree.ts';

/** The key as written. The list and its columns are looked up where the lists are known. */
export interface ScaleBy {
  readonly list: PlacedText;
  readonly column: PlacedText;
  /** Above 0. */
  readonly factor: number;
}

export function readScaleBy(root: YamlMap, key: string, faults: Faults): ScaleBy | undefined {
  const map = readMap(root, key, faults);
  if (map === undefined) return undefined;
  const before = faults.errors;
  refuseOtherKeys(map, ['list', 'column', 'factor'], key, faults);
  const list = readText(map, 'list', faults);
  const column = readText(map, 'column', faults);
  const factor = readFactor(map, key, faults);
  if (!map.entries.has('list')) missing(map, 'list', 'name the lookup list that holds the numbers', faults);
  if (!map.entries.has('column'))
    missing(map, 'column', 'name the column of the list that holds the numbers', faults);
  if (faults.errors > before || list === undefined || column === undefined) return undefined;
  return { list, column, factor };
}

/** The factor; 1 if absent. */
function readFactor(map: YamlMap, key: string, faults: Faults): number {
  const given = readText(map, 'factor', faults, true);
  if (given === undefined) return 1;
  const factor = numberOf(given.text);
  if (factor > 0 && Number.isFinite(factor)) return factor;
  faults.error(given, 'BAD_NUMBER', `factor of ${key} is ${shown(given.text)}; expected a number above 0`);
  return 1;
}
