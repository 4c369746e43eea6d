/**
 * The `vigie.*` keys at a document's root: one line of the table each.
 *
 * They only ever tighten or annotate what the standard part says, so another tool reads a valid, noisier
 * rule. A key that is not in the table is a fault, never ignored: a misspelt limit would be no limit.
 */

import { DURATION_FORM, parseDuration } from './duration.ts';
import { shown } from './faults.ts';
import type { Faults } from './faults.ts';
import { suggestion } from './nearest.ts';
import { readChoice, readText, readTexts } from './reader.ts';
import type { PlacedText } from './reader.ts';
import type { YamlMap } from './yaml-tree.ts';

export type DocumentKind = 'rule' | 'correlation' | 'filter';

/** What the keys of one document say; a key that is absent or faulty is left out. */
export interface Extensions {
  readonly 'vigie.resolve_timeout'?: number;
  readonly 'vigie.missing_fields'?: 'skip' | 'group';
  readonly 'vigie.max_groups'?: number;
  readonly 'vigie.max_entries'?: number;
  readonly 'vigie.timezone'?: string;
  readonly 'vigie.inhibits'?: readonly PlacedText[];
  readonly 'vigie.runbook'?: string;
  readonly 'vigie.tests'?: true;
}

type ExtensionKey = keyof Extensions;

interface Extension<Value> {
  /** The kinds of document that the key means something for. */
  readonly on: readonly DocumentKind[];
  /** Checks and reads the key; reports what is wrong. */
  readonly read: (root: YamlMap, key: string, faults: Faults) => Value | undefined;
}

const TABLE: { readonly [Key in ExtensionKey]-?: Extension<Extensions[Key]> } = {
  'vigie.resolve_timeout': { on: ['correlation'], read: readDuration },
  'vigie.missing_fields': {
    on: ['correlation'],
    read: (root, key, faults) => readChoice(root, key, ['skip', 'group'], faults),
  },
  'vigie.max_groups': { on: ['correlation'], read: readCount },
  'vigie.max_entries': { on: ['correlation'], read: readCount },
  'vigie.timezone': { on: ['rule'], read: readTimezone },
  'vigie.inhibits': { on: ['correlation'], read: readTexts },
  'vigie.runbook': {
    on: ['rule', 'correlation'],
    read: (root, key, faults) => readText(root, key, faults)?.text,
  },
  'vigie.tests': { on: ['rule', 'correlation'], read: readTests },
};

export const EXTENSION_KEYS = Object.keys(TABLE) as readonly ExtensionKey[];

/** Reads all extension keys of a document. */
export function readExtensions(root: YamlMap, kind: DocumentKind, faults: Faults): Extensions {
  const values: Record<string, unknown> = {};
  for (const entry of root.entries.values()) {
    if (faults.full) break;
    if (entry.key !== 'vigie' && !entry.key.startsWith('vigie.')) continue;
    const key = EXTENSION_KEYS.find((each) => each === entry.key);
    if (key === undefined) {
      const near =
        entry.key === 'vigie'
          ? '; write the keys with a dot, e.g. vigie.runbook'
          : suggestion(entry.key, EXTENSION_KEYS);
      const known = `there are ${EXTENSION_KEYS.join(', ')}`;
      faults.error(
        entry.place,
        'UNKNOWN_EXTENSION',
        `there is no extension key ${shown(entry.key)}; ${known}${near}`,
      );
      continue;
    }
    const value = readOne(key, root, kind, faults);
    if (value !== undefined) values[key] = value;
  }
  return values;
}

function readOne(key: ExtensionKey, root: YamlMap, kind: DocumentKind, faults: Faults): unknown {
  const extension: Extension<unknown> = TABLE[key];
  if (extension.on.includes(kind)) return extension.read(root, key, faults);
  const place = root.entries.get(key)!.place;
  const takers = extension.on.map((each) => `a ${each}`).join(' or ');
  faults.error(place, 'MISPLACED_EXTENSION', `${key} means nothing on a ${kind}; it belongs on ${takers}`);
  return undefined;
}

function readDuration(root: YamlMap, key: string, faults: Faults): number | undefined {
  const given = readText(root, key, faults);
  if (given === undefined) return undefined;
  const ms = parseDuration(given.text);
  if (ms !== undefined && ms > 0) return ms;
  faults.error(given, 'BAD_DURATION', `${key} is ${shown(given.text)}; expected ${DURATION_FORM}`);
  return undefined;
}

function readCount(root: YamlMap, key: string, faults: Faults): number | undefined {
  const node = root.entries.get(key)!.value;
  if (node.kind === 'scalar' && Number.isSafeInteger(node.value) && Number(node.value) > 0)
    return Number(node.value);
  const given = node.kind === 'scalar' ? shown(node.source) : `a ${node.kind}`;
  faults.error(node, 'BAD_NUMBER', `${key} is ${given}; expected a whole number above 0`);
  return undefined;
}

function readTimezone(root: YamlMap, key: string, faults: Faults): string | undefined {
  const given = readText(root, key, faults);
  if (given === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given.text }).resolvedOptions().timeZone;
  } catch {
    const near = suggestion(given.text, [...Intl.supportedValuesOf('timeZone'), 'UTC']);
    faults.error(
      given,
      'BAD_VALUE',
      `${key} is ${shown(given.text)}; expected an IANA time zone such as Europe/Paris${near}`,
    );
    return undefined;
  }
}

/** The tests themselves are read by the test runner; here the key only has to have their shape. */
function readTests(root: YamlMap, key: string, faults: Faults): true | undefined {
  const node = root.entries.get(key)!.value;
  if (node.kind === 'list' || (node.kind === 'scalar' && typeof node.value === 'string')) return true;
  faults.error(
    node,
    'WRONG_TYPE',
    `${key} is ${node.kind === 'map' ? 'a map' : 'a plain value'}; expected a list of tests or the name of a file that holds them`,
  );
  return undefined;
}
