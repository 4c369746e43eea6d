/**
 * Text of a mapping file → a checked mapping, or every fault with its place, in one pass: what the schema
 * refuses, and what it cannot see (`mapping-checks.ts`).
 */

import type { z } from 'zod';
import { Faults, shown } from '../../sigma/faults.ts';
import type { Fault } from '../../sigma/rule.ts';
import { parseYaml, type YamlEntry, type YamlNode } from '../../sigma/yaml-tree.ts';
import { checkMapping } from './mapping-checks.ts';
import { mappingSchema, type Mapping } from './mapping.ts';

export interface ParsedMapping {
  /** Undefined if there are errors. */
  readonly mapping: Mapping | undefined;
  readonly faults: readonly Fault[];
}

export function parseMapping(file: string, text: string): ParsedMapping {
  const faults = new Faults(file);
  const documents = parseYaml(text, faults);
  const [root] = documents;
  if (root === undefined || documents.length > 1) {
    if (faults.errors === 0) {
      faults.error(
        documents[1] ?? { line: 1, column: 1 },
        'BAD_VALUE',
        `the file holds ${documents.length} documents; expected one`,
      );
    }
    // After one syntax error the others are mostly its consequences.
    return { mapping: undefined, faults: faults.all.slice(0, 1) };
  }
  const parsed = mappingSchema.safeParse(plain(root));
  for (const issue of parsed.error?.issues ?? []) report(issue, root, faults);
  if (root.kind === 'map') checkMapping(root, faults);
  const inOrder = faults.all.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { mapping: faults.errors === 0 ? parsed.data : undefined, faults: inOrder };
}

function report(issue: z.core.$ZodIssue, root: YamlNode, faults: Faults): void {
  const { entry, node, whole } = locate(root, issue.path);
  const where = issue.path.length === 0 ? 'the mapping' : issue.path.join('.');
  const nearest =
    issue.code === 'invalid_union' && node.kind === 'map' ? nearestForm(issue.errors) : undefined;
  if (nearest !== undefined) {
    for (const each of nearest) report({ ...each, path: [...issue.path, ...each.path] }, root, faults);
  } else if (issue.code === 'unrecognized_keys') {
    const remedies = issue.message.split('\n');
    for (const [i, key] of issue.keys.entries()) {
      const place = node.kind === 'map' ? (node.entries.get(key)?.place ?? node) : node;
      faults.error(place, 'UNKNOWN_KEY', `${where} has no key ${shown(key)}; ${remedies[i] ?? ''}`);
    }
  } else if (!whole) {
    faults.error(node, 'MISSING_KEY', `${where} is missing; ${issue.message}`);
  } else {
    const place = node.kind === 'scalar' || entry === undefined ? node : entry.place;
    const given = node.kind === 'scalar' ? shown(node.source) : `a ${node.kind}`;
    const code = issue.code === 'custom' ? 'BAD_PATTERN' : 'BAD_VALUE';
    faults.error(place, code, `${where} is ${given}; ${issue.message}`);
  }
}

/** The issues of the one form that a map is nearest to; undefined if two are equally near. */
function nearestForm(
  forms: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const [first, second] = forms
    .filter((issues) => issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'))
    .toSorted((a, b) => a.length - b.length);
  return first !== undefined && first.length !== second?.length ? first : undefined;
}

interface Located {
  readonly entry: YamlEntry | undefined;
  /** The node of the path, or the deepest existing one above it. */
  readonly node: YamlNode;
  readonly whole: boolean;
}

function locate(root: YamlNode, path: readonly PropertyKey[]): Located {
  let node = root;
  let entry: YamlEntry | undefined;
  for (const key of path) {
    const next: YamlNode | undefined =
      node.kind === 'map'
        ? (entry = node.entries.get(String(key)))?.value
        : node.kind === 'list'
          ? node.items[Number(key)]
          : undefined;
    if (next === undefined) return { entry, node, whole: false };
    node = next;
  }
  return { entry, node, whole: true };
}

function plain(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries([...node.entries.values()].map(({ key, value }) => [key, plain(value)]));
}
