/** `vigie.tests`: the tests of a rule. The test runner reads them; here only the outer shape of the key is checked. */

import type { Faults } from '../faults.ts';
import type { YamlMap, YamlNode } from '../yaml-tree.ts';

/** The tests themselves, unchecked, or the file that holds them, as a path relative to the rule's own file. */
export type OwnTests = { readonly list: readonly unknown[] } | { readonly file: string };

export function readTests(root: YamlMap, key: string, faults: Faults): OwnTests | undefined {
  const node = root.entries.get(key)!.value;
  if (node.kind === 'list') return { list: node.items.map(plain) };
  if (node.kind === 'scalar' && typeof node.value === 'string' && node.value !== '')
    return { file: node.value };
  faults.error(
    node,
    'WRONG_TYPE',
    `${key} is ${node.kind === 'map' ? 'a map' : 'a plain value'}; expected a list of tests or the name of a file that holds them`,
  );
  return undefined;
}

function plain(node: YamlNode): unknown {
  if (node.kind === 'list') return node.items.map(plain);
  if (node.kind === 'scalar') return node.value;
  return Object.fromEntries([...node.entries.values()].map(({ key, value }) => [key, plain(value)]));
}
