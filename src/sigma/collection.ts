/**
 * Collections: what `action: global | reset | repeat` makes of a file's documents. A global document lends
 * its keys to the rules after it, a reset takes them back, a repeat is the rule before it with changes.
 * Where both have a key the later document's wins; maps are merged, lists replaced.
 */

import type { Faults } from './faults.ts';
import { oneOf } from './reader.ts';
import { suggestion } from './nearest.ts';
import { kindOf } from './yaml-tree.ts';
import type { YamlMap, YamlNode } from './yaml-tree.ts';

const ACTIONS = ['global', 'reset', 'repeat'];

/** The documents as they stand once all actions are applied; documents that are no maps are reported. */
export function applyActions(documents: readonly YamlNode[], faults: Faults): readonly YamlMap[] {
  const maps: YamlMap[] = [];
  let global: YamlMap | undefined;
  let previous: YamlMap | undefined;
  for (const document of documents) {
    if (document.kind !== 'map') {
      faults.error(document, 'NOT_A_MAP', `a document is a map with a title, not ${kindOf(document)}`);
      continue;
    }
    const entry = document.entries.get('action');
    const action = entry?.value.kind === 'scalar' ? entry.value.value : undefined;
    const own = entry === undefined ? document : without(document, 'action');
    if (entry === undefined) {
      const standsAlone = own.entries.has('correlation') || own.entries.has('filter');
      const merged = global === undefined || standsAlone ? own : merge(global, own);
      if (!standsAlone) previous = merged;
      maps.push(merged);
    } else if (action === 'global') {
      global = own;
      previous = own;
    } else if (action === 'reset') {
      global = undefined;
    } else if (action === 'repeat') {
      if (previous === undefined) {
        faults.error(entry.value, 'BAD_ACTION', 'there is no document before this one to repeat');
        continue;
      }
      previous = merge(previous, own);
      maps.push(previous);
    } else {
      const given = entry.value.kind === 'scalar' ? entry.value.source : entry.value.kind;
      const near = suggestion(given, ACTIONS);
      faults.error(entry.value, 'BAD_ACTION', `action is "${given}"; expected ${oneOf(ACTIONS)}${near}`);
    }
  }
  return maps;
}

function without(map: YamlMap, key: string): YamlMap {
  return { ...map, entries: new Map([...map.entries].filter(([name]) => name !== key)) };
}

function merge(base: YamlMap, over: YamlMap): YamlMap {
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = base.entries.get(key)?.value;
    const value =
      below?.kind === 'map' && entry.value.kind === 'map' ? merge(below, entry.value) : entry.value;
    entries.set(key, { ...entry, value });
  }
  return { kind: 'map', entries, line: over.line, column: over.column };
}
