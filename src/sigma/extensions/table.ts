/**
 * The `vigie.*` keys at a document's root: each is one line of the table, and has a file of its own if it needs
 * more than a form that several keys share.
 *
 * The keys only tighten or annotate what the standard part says, so other tools read a valid, if noisier, rule. A
 * key that is not in the table is a fault, never ignored: a misspelt limit would be no limit.
 */

import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { suggestion } from '../nearest.ts';
import { readChoice, readText, readTexts } from '../reader.ts';
import type { PlacedText } from '../reader.ts';
import type { Baseline, CorrelationType, NewTerms } from '../rule.ts';
import type { YamlMap } from '../yaml-tree.ts';
import { fitBaseline, readBaseline } from './baseline.ts';
import { readBegunBefore } from './begun-before.ts';
import type { BegunBeforeDraft } from './begun-before.ts';
import { readCount, readDuration, readNames } from './extension.ts';
import type { DocumentKind, Extension, Measured } from './extension.ts';
import { hasLowerBounds, LOWER_BOUND_TYPES } from './lower-bounds.ts';
import { readNewTerms } from './new-terms.ts';
import { readOffHours } from './off-hours.ts';
import type { OffHours } from './off-hours.ts';
import { readScaleBy } from './scale-by.ts';
import type { ScaleBy } from './scale-by.ts';
import { readSequence } from './sequence.ts';
import type { Sequence } from './sequence.ts';
import { readTests } from './tests.ts';
import type { OwnTests } from './tests.ts';
import { readTimezone } from './timezone.ts';

/** Values of the keys of one document; absent and faulty keys are left out. */
export interface Extensions {
  readonly 'vigie.resolve_timeout'?: number;
  readonly 'vigie.missing_fields'?: 'skip' | 'group';
  readonly 'vigie.max_groups'?: number;
  readonly 'vigie.max_entries'?: number;
  readonly 'vigie.baseline'?: Baseline;
  readonly 'vigie.new_terms'?: NewTerms;
  readonly 'vigie.timezone'?: string;
  readonly 'vigie.off_hours'?: OffHours;
  readonly 'vigie.only_listed'?: readonly PlacedText[];
  readonly 'vigie.unless_listed'?: readonly PlacedText[];
  readonly 'vigie.scale_by'?: ScaleBy;
  readonly 'vigie.sequence'?: Sequence;
  readonly 'vigie.begun_before'?: BegunBeforeDraft;
  readonly 'vigie.inhibits'?: readonly PlacedText[];
  readonly 'vigie.runbook'?: string;
  readonly 'vigie.tests'?: OwnTests;
}

type ExtensionKey = keyof Extensions;

const TABLE: { readonly [Key in ExtensionKey]-?: Extension<Extensions[Key]> } = {
  'vigie.resolve_timeout': { on: ['correlation'], read: readDuration },
  'vigie.missing_fields': {
    on: ['correlation'],
    read: (root, key, faults) => readChoice(root, key, ['skip', 'group'], faults),
  },
  'vigie.max_groups': { on: ['correlation'], read: readCount },
  'vigie.max_entries': { on: ['correlation'], read: readCount },
  'vigie.baseline': { on: ['correlation'], types: LOWER_BOUND_TYPES, read: readBaseline, fit: fitBaseline },
  'vigie.new_terms': {
    on: ['correlation'],
    types: LOWER_BOUND_TYPES,
    read: readNewTerms,
    fit: hasLowerBounds,
  },
  'vigie.timezone': { on: ['rule'], read: readTimezone },
  'vigie.off_hours': { on: ['rule'], read: readOffHours },
  'vigie.only_listed': { on: ['rule'], read: readNames },
  'vigie.unless_listed': { on: ['rule'], read: readNames },
  'vigie.scale_by': { on: ['correlation'], read: readScaleBy },
  'vigie.sequence': { on: ['correlation'], types: ['event_count', 'value_count'], read: readSequence },
  'vigie.begun_before': {
    on: ['correlation'],
    types: ['temporal', 'temporal_ordered'],
    read: readBegunBefore,
  },
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

/** Checks the keys of an otherwise sound correlation against its standard part. */
export function fitExtensions(root: YamlMap, values: Extensions, rule: Measured, faults: Faults): void {
  for (const key of EXTENSION_KEYS) {
    const extension: Extension<unknown> = TABLE[key];
    const value = values[key];
    if (value !== undefined) extension.fit?.(root, key, rule, faults, value);
  }
}

/** Reports the keys of a correlation that mean nothing for its type. */
export function refuseOtherTypes(root: YamlMap, type: CorrelationType, faults: Faults): void {
  for (const key of EXTENSION_KEYS) {
    const { types }: Extension<unknown> = TABLE[key];
    const place = root.entries.get(key)?.place;
    if (place === undefined || types === undefined || types.includes(type)) continue;
    const message = `${key} means nothing on a correlation of type ${type}; it belongs on ${types.join(' or ')}`;
    faults.error(place, 'MISPLACED_EXTENSION', message);
  }
}

function readOne(key: ExtensionKey, root: YamlMap, kind: DocumentKind, faults: Faults): unknown {
  const extension: Extension<unknown> = TABLE[key];
  if (extension.on.includes(kind)) return extension.read(root, key, faults);
  const place = root.entries.get(key)!.place;
  const takers = extension.on.map((each) => `a ${each}`).join(' or ');
  faults.error(place, 'MISPLACED_EXTENSION', `${key} means nothing on a ${kind}; it belongs on ${takers}`);
  return undefined;
}
