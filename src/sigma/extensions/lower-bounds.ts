/**
 * Some keys can only narrow rules whose windows more events can only make true: counts and sums with lower bounds.
 * Elsewhere a higher bound or a smaller value could make true what the standard part holds false.
 */

import type { Faults } from '../faults.ts';
import type { YamlMap } from '../yaml-tree.ts';
import type { Measured } from './extension.ts';

export const LOWER_BOUND_TYPES: readonly Measured['type'][] = ['event_count', 'value_count', 'value_sum'];

/** Whether all bounds of a rule of these types are lower ones. Reports at the key if not. */
export function hasLowerBounds(root: YamlMap, key: string, { bounds }: Measured, faults: Faults): boolean {
  const { place } = root.entries.get(key)!;
  const other = bounds.find(({ op }) => op !== 'gt' && op !== 'gte');
  if (other === undefined) return true;
  faults.error(
    place,
    'MISPLACED_EXTENSION',
    `${key} only narrows lower bounds, and beside ${other.op} ${other.value} it could make rules fire that would not without it; use gt and gte alone`,
  );
  return false;
}
