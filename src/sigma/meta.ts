/** The keys that rules, correlations and filters share. */

import { readExtensions } from './extensions/table.ts';
import type { DocumentKind } from './extensions/extension.ts';
import type { Extensions } from './extensions/table.ts';
import type { Faults } from './faults.ts';
import { suggestion } from './nearest.ts';
import {
  missing,
  readChoice,
  readLooseText,
  readLooseTexts,
  readText,
  readTexts,
  refuseOtherKeys,
} from './reader.ts';
import { LEVELS, type Logsource, type RuleMeta } from './rule.ts';
import type { YamlMap } from './yaml-tree.ts';

/** The attributes by which a filter's logsource is compared with a rule's. */
export const ATTRIBUTES = ['category', 'product', 'service'] as const;
const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;

/** The part of a document's metadata that does not depend on other documents. */
export type OwnMeta = Omit<RuleMeta, 'key' | 'alertsAlone'>;

export interface Head {
  readonly meta: OwnMeta;
  readonly extensions: Extensions;
}

export function readHead(root: YamlMap, kind: DocumentKind, faults: Faults): Head {
  const extensions = readExtensions(root, kind, faults);
  const title = readText(root, 'title', faults, true)?.text;
  if (!root.entries.has('title'))
    missing(root, 'title', `every ${kind} says in a few words what it is for`, faults);
  return {
    extensions,
    meta: {
      id: readText(root, 'id', faults)?.text,
      name: readText(root, 'name', faults)?.text,
      title: title ?? '',
      level: readChoice(root, 'level', LEVELS, faults) ?? 'medium',
      status: readChoice(root, 'status', STATUSES, faults),
      description: readLooseText(root, 'description', faults),
      tags: readTexts(root, 'tags', faults).map(({ text }) => text),
      falsePositives: readLooseTexts(root, 'falsepositives'),
      references: readLooseTexts(root, 'references'),
      runbook: extensions['vigie.runbook'] ?? '',
      tests: extensions['vigie.tests'],
      file: faults.file,
      line: root.line,
    },
  };
}

/** Reads which log a rule is for. A rule without a logsource is about every event, which is worth a warning. */
export function readLogsource(root: YamlMap, faults: Faults): Logsource {
  if (!root.entries.has('logsource')) {
    faults.warning(
      root,
      'MISSING_LOGSOURCE',
      'logsource is missing; say which log this is for: category, product, service',
    );
    return {};
  }
  const map = readKey(root, faults);
  const logsource: { category?: string; product?: string; service?: string } = {};
  if (map === undefined) return logsource;
  for (const key of ATTRIBUTES) {
    const value = readText(map, key, faults, true)?.text;
    if (value !== undefined) logsource[key] = value;
  }
  if (!ATTRIBUTES.some((key) => map.entries.has(key))) {
    const near = [...map.entries.keys()]
      .map((key) => suggestion(key, ATTRIBUTES))
      .find((text) => text !== '');
    faults.warning(
      map,
      'MISSING_LOGSOURCE',
      `logsource says none of category, product, service${near ?? ''}`,
    );
  }
  return logsource;
}

/** Reports attributes that are not compared: a filter with one would silence more than it says. */
export function refuseOtherAttributes(root: YamlMap, faults: Faults): void {
  const value = root.entries.get('logsource')?.value;
  if (value?.kind === 'map')
    refuseOtherKeys(value, [...ATTRIBUTES, 'definition'], "a filter's logsource", faults);
}

function readKey(root: YamlMap, faults: Faults): YamlMap | undefined {
  const { value } = root.entries.get('logsource')!;
  if (value.kind === 'map') return value;
  faults.error(
    value,
    'WRONG_TYPE',
    'logsource is no map; expected category, product or service, e.g. category: webserver',
  );
  return undefined;
}
