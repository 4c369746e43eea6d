/**
 * Collections: applies `action: global | reset | repeat` to the documents of a file. A global document lends its
 * keys to the rules after it, a reset ends that, and a repeat is the document before it with changes. If both
 * documents have a key, the later one's value wins; maps are merged, lists replaced.
 */

import type { Faults } from './faults.ts';
import { oneOf } from './reader.ts';
import { suggestion } from './nearest.ts';
import { kindOf } from './yaml-tree.ts';
import type { YamlMap, YamlNode } from './yaml-tree.ts';

const ACTIONS = ['global', 'reset', 'repeat'];

/**
 * Values that the actions of a file may copy: a document that takes keys from another copies all values of that
 * one.
 */
const MAX_COPIED = 20_000;
/** Or this many copies per value of the file itself, if that is more. */
const MAX_COPIES = 5;

/** Returns the documents after all actions are applied. Reports documents that are not maps. */
export function applyActions(documents: readonly YamlNode[], faults: Faults): readonly YamlMap[] {
  const maps: YamlMap[] = [];
  let global: YamlMap | undefined;
  /** A global document from which no rule has taken anything yet. */
  let unused: YamlMap | undefined;
  const end = (): void => {
    const message =
      'no rule follows to take what action: global lends: in a file, a rule is a document of its own, after ---';
    if (unused !== undefined) faults.warning(unused, 'UNUSED_GLOBAL', message);
    unused = undefined;
  };
  let previous: YamlMap | undefined;
  const copies = new Copies(documents);
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
      const merged = global === undefined || standsAlone ? own : copies.merge(global, own, faults);
      if (merged === undefined) break;
      if (!standsAlone) {
        previous = merged;
        unused = undefined;
      }
      maps.push(merged);
    } else if (action === 'global') {
      end();
      global = own;
      previous = own;
      unused = own;
    } else if (action === 'reset') {
      end();
      global = undefined;
      const [first] = own.entries.values();
      // A rule in this document would be dropped silently.
      if (first !== undefined) {
        const message = `a document with action: reset ends what action: global lent, and says nothing else; put ${first.key} into a document of its own, after ---`;
        faults.error(first.place, 'BAD_ACTION', message);
      }
    } else if (action === 'repeat') {
      if (previous === undefined) {
        faults.error(entry.value, 'BAD_ACTION', 'there is no document before this one to repeat');
        continue;
      }
      previous = copies.merge(previous, own, faults);
      if (previous === undefined) break;
      unused = undefined;
      maps.push(previous);
    } else {
      const given = entry.value.kind === 'scalar' ? entry.value.source : entry.value.kind;
      const near = suggestion(given, ACTIONS);
      faults.error(entry.value, 'BAD_ACTION', `action is "${given}"; expected ${oneOf(ACTIONS)}${near}`);
    }
  }
  end();
  return maps;
}

function without(map: YamlMap, key: string): YamlMap {
  return { ...map, entries: new Map([...map.entries].filter(([name]) => name !== key)) };
}

/**
 * Merges documents until the file has copied too much; otherwise a page of text could become millions of rule
 * parts.
 */
class Copies {
  readonly #sizes = new Map<YamlMap, number>();
  #left: number;

  constructor(documents: readonly YamlNode[]) {
    const own = documents.reduce((sum, document) => sum + sizeOf(document), 0);
    this.#left = Math.max(MAX_COPIED, MAX_COPIES * own);
  }

  /** Returns undefined and reports a fault if that would be too much. */
  merge(base: YamlMap, over: YamlMap, faults: Faults): YamlMap | undefined {
    let size = this.#sizes.get(base);
    if (size === undefined) this.#sizes.set(base, (size = sizeOf(base)));
    this.#left -= size;
    if (this.#left >= 0) return merge(base, over);
    faults.error(
      over,
      'TOO_MANY_COPIES',
      `up to here the actions of the file copy too many values; the documents from here on are not read: give each rule only the keys it needs, or split the file`,
    );
    return undefined;
  }
}

/** Number of values in the node, including itself. */
function sizeOf(node: YamlNode): number {
  if (node.kind === 'scalar') return 1;
  let size = 1;
  if (node.kind === 'list') for (const item of node.items) size += sizeOf(item);
  else for (const { value } of node.entries.values()) size += sizeOf(value);
  return size;
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
