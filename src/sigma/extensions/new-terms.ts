/**
 * `vigie.new_terms`: an event counts only if it shows a value that its group has not shown before. For what that
 * means event by event, see window/terms.ts.
 */

import type { Faults } from '../faults.ts';
import { checkedFields } from '../field-name.ts';
import { missing, readMap, readTexts, refuseOtherKeys } from '../reader.ts';
import type { NewTerms } from '../rule.ts';
import type { YamlMap } from '../yaml-tree.ts';
import { readDuration } from './extension.ts';

export function readNewTerms(root: YamlMap, key: string, faults: Faults): NewTerms | undefined {
  const map = readMap(root, key, faults);
  if (map === undefined) return undefined;
  const before = faults.errors;
  refuseOtherKeys(map, ['fields', 'history'], key, faults);
  const entry = map.entries.get('fields');
  if (entry === undefined) missing(map, 'fields', 'name the fields whose values are to be new', faults);
  const fields = checkedFields(readTexts(map, 'fields', faults), faults);
  if (entry !== undefined && fields.length === 0 && faults.errors === before) {
    faults.error(entry.value, 'WRONG_TYPE', 'fields is empty; name the fields whose values are to be new');
  }
  if (!map.entries.has('history')) {
    missing(map, 'history', 'say for how long a value must not have been seen, e.g. history: 28d', faults);
    return undefined;
  }
  const historyMs = readDuration(map, 'history', faults);
  return faults.errors > before || historyMs === undefined ? undefined : { fields, historyMs };
}
