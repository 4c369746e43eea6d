/** `vigie.tests`: the test runner reads the tests themselves; here the key only has to have their shape. */

import type { Faults } from '../faults.ts';
import type { YamlMap } from '../yaml-tree.ts';

export function readTests(root: YamlMap, key: string, faults: Faults): true | undefined {
  const node = root.entries.get(key)!.value;
  if (node.kind === 'list' || (node.kind === 'scalar' && typeof node.value === 'string')) return true;
  faults.error(
    node,
    'WRONG_TYPE',
    `${key} is ${node.kind === 'map' ? 'a map' : 'a plain value'}; expected a list of tests or the name of a file that holds them`,
  );
  return undefined;
}
