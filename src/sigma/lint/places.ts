/** Finds where the parts of a correlation stand in its file. */

import type { CorrelationDraft } from '../correlation.ts';
import type { Place } from '../faults.ts';
import type { YamlMap, YamlNode } from '../yaml-tree.ts';

/** The value of a key of the correlation's condition, else the condition, else the document. */
export function conditionPlace(draft: CorrelationDraft, key: string): Place {
  const condition = section(draft)?.entries.get('condition')?.value;
  const value = condition?.kind === 'map' ? condition.entries.get(key)?.value : undefined;
  return value ?? condition ?? draft.root;
}

/** The value of a key of the correlation, else the document. */
export function correlationPlace(draft: CorrelationDraft, key: string): Place {
  return section(draft)?.entries.get(key)?.value ?? draft.root;
}

/** A group-by field. */
export function groupByPlace(draft: CorrelationDraft, field: string): Place {
  return textPlace(section(draft)?.entries.get('group-by')?.value, field) ?? draft.root;
}

/** A measured field. */
export function measurePlace(draft: CorrelationDraft, field: string): Place {
  const condition = section(draft)?.entries.get('condition')?.value;
  const fields = condition?.kind === 'map' ? condition.entries.get('field')?.value : undefined;
  return textPlace(fields, field) ?? draft.root;
}

/** A field that `vigie.new_terms` watches. */
export function termPlace({ root }: CorrelationDraft, field: string): Place {
  const map = root.entries.get('vigie.new_terms')?.value;
  const fields = map?.kind === 'map' ? map.entries.get('fields')?.value : undefined;
  return textPlace(fields, field) ?? root;
}

/** A key inside an extension key's map, else the document. */
export function extensionPlace(draft: CorrelationDraft, extension: string, key: string): Place {
  const map = draft.root.entries.get(extension)?.value;
  return (map?.kind === 'map' ? map.entries.get(key)?.value : undefined) ?? draft.root;
}

function section({ root }: CorrelationDraft): YamlMap | undefined {
  const value = root.entries.get('correlation')?.value;
  return value?.kind === 'map' ? value : undefined;
}

/** The items of a list by their text: lists of thousands are searched for each of their items. */
const byText = new WeakMap<YamlNode, ReadonlyMap<string, YamlNode>>();

function textPlace(node: YamlNode | undefined, text: string): Place | undefined {
  if (node?.kind !== 'list') return node;
  let items = byText.get(node);
  if (items === undefined) {
    // The first of equal texts wins.
    const scalars = node.items.filter((item) => item.kind === 'scalar');
    items = new Map(scalars.toReversed().map((item) => [item.source, item]));
    byText.set(node, items);
  }
  return items.get(text) ?? node;
}
