/**
 * Warns of fields that no portal event has, most often typos, and of text where numbers are asked for: such a rule
 * hardly ever matches. Checks only rules on the portal's own log, whose fields are known; other logs have
 * vocabularies of their own.
 */

import { formOf, KNOWN_FIELDS } from '../../event/access-event.ts';
import type { Lists } from '../../lookup/list.ts';
import { pathOf } from '../aliases.ts';
import type { FilterDraft, RuleDraft } from '../base-rule.ts';
import type { CorrelationDraft } from '../correlation.ts';
import { type Faults, type Place, shown } from '../faults.ts';
import { suggestion } from '../nearest.ts';
import type { BaseRule, CorrelationRule, Logsource } from '../rule.ts';
import type { YamlNode } from '../yaml-tree.ts';
import { extensionPlace, groupByPlace, measurePlace, termPlace } from './places.ts';

/** The known fields and the objects that contain them: a rule may ask whether these exist. */
const KNOWN = new Set(
  KNOWN_FIELDS.flatMap((field) => {
    const names = field.split('.');
    return names.map((_, i) => names.slice(0, i + 1).join('.'));
  }),
);

const MEASURED_AS_NUMBER: ReadonlySet<CorrelationRule['type']> = new Set([
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
]);
const COMPARED_AS_NUMBER = ['lt', 'lte', 'gt', 'gte'];

const NO_SELECTIONS = ['condition', 'timeframe', 'rules'];

export function isPortal({ category, product }: Logsource): boolean {
  return category === 'application' && product === 'portal';
}

/** Checks the fields of all selections under `section`. */
export function warnOfFields(
  draft: RuleDraft | FilterDraft,
  section: Section,
  personFields: readonly string[],
): void {
  const check = checker(draft.faults);
  forEachItem(draft, section, ({ field, modifiers, place, values }) => {
    if (field !== '') check(field, place);
    // A time part is a number: hour|gte.
    const first = modifiers.find((modifier) => modifier !== 'neq') ?? '';
    if (COMPARED_AS_NUMBER.includes(first) && holdsText(field, personFields)) {
      const message = `${field} holds text, which is compared only where it is a number in digits`;
      draft.faults.warning(place, 'NOT_A_NUMBER', message);
    }
    if (!modifiers.includes('fieldref')) return;
    for (const other of values) if (other.kind === 'scalar') check(other.source, other);
  });
}

export type Section = 'detection' | 'filter';

interface Item {
  readonly field: string;
  readonly modifiers: readonly string[];
  /** Place of the key. */
  readonly place: Place;
  readonly values: readonly YamlNode[];
}

/** Visits each key of each selection under `section`. */
export function forEachItem(
  { root }: RuleDraft | FilterDraft,
  section: Section,
  visitItem: (item: Item) => void,
): void {
  const map = root.entries.get(section)?.value;
  if (map?.kind !== 'map') return;
  const visit = (node: YamlNode): void => {
    if (node.kind === 'list') for (const item of node.items) visit(item);
    if (node.kind !== 'map') return;
    for (const { key, place, value } of node.entries.values()) {
      const [field = '', ...modifiers] = key.split('|');
      visitItem({ field, modifiers, place, values: value.kind === 'list' ? value.items : [value] });
    }
  };
  for (const { key, value } of map.entries.values()) if (!NO_SELECTIONS.includes(key)) visit(value);
}

/** Checks the columns of the lists in which a rule looks events up: no event is listed by a field that it lacks. */
export function warnOfUnknownColumns({ extensions, faults }: RuleDraft, lists: Lists): void {
  for (const key of ['vigie.only_listed', 'vigie.unless_listed'] as const) {
    for (const name of extensions[key] ?? []) {
      const unknown = lists.get(name.text)?.columns.find((column) => !KNOWN.has(column));
      if (unknown === undefined) continue;
      faults.warning(
        name,
        'UNKNOWN_FIELD',
        `the list ${name.text} has the column ${shown(unknown)}, which is no field of the portal's events${suggestion(unknown, KNOWN_FIELDS)}`,
      );
    }
  }
}

/** Checks the group-by, measured and watched fields of a correlation of portal rules. */
export function warnOfCorrelatedFields(
  draft: CorrelationDraft,
  rule: CorrelationRule,
  byKey: ReadonlyMap<string, BaseRule | CorrelationRule>,
  personFields: readonly string[],
): void {
  const check = checker(draft.faults);
  const rules = rule.rules.flatMap((key) => byKey.get(key) ?? []);
  if (!rules.every((each) => each.kind === 'rule' && isPortal(each.logsource))) return;
  const meant = (field: string): string[] => rule.rules.map((key) => pathOf(rule, key, field));
  const checkAll = (fields: readonly string[], placeOf: typeof groupByPlace): void => {
    for (const field of fields) {
      const without = rules.find(({ key }) => rule.aliases.get(field)?.has(key) === false);
      for (const each of meant(field))
        check(each, placeOf(draft, field), each === field ? without : undefined);
    }
  };
  checkAll(rule.groupBy, groupByPlace);
  checkAll(rule.fields, measurePlace);
  checkAll(rule.newTerms?.fields ?? [], termPlace);
  const { sequence, begunBefore } = rule;
  if (sequence !== undefined)
    checkAll([sequence.field], () => extensionPlace(draft, 'vigie.sequence', 'field'));
  if (begunBefore !== undefined)
    check(begunBefore.field, extensionPlace(draft, 'vigie.begun_before', 'field'));
  if (!MEASURED_AS_NUMBER.has(rule.type)) return;
  for (const field of rule.fields) {
    if (!meant(field).every((each) => holdsText(each, personFields))) continue;
    const message = `${field} holds text, of which ${rule.type} measures only what is a number in digits`;
    draft.faults.warning(measurePlace(draft, field), 'NOT_A_NUMBER', message);
  }
}

/** Whether the field holds text. Person fields hold pseudonyms, whatever form the ids have. */
function holdsText(field: string, personFields: readonly string[]): boolean {
  const form = formOf(field);
  return personFields.includes(field) || (form !== undefined && form.fits('') && !form.fits(0));
}

/** Returns a check that reports each unknown field once. `without`: a rule for which the field, an alias, has no entry. */
function checker(faults: Faults): (field: string, place: Place, without?: Pick<BaseRule, 'title'>) => void {
  const seen = new Set<string>();
  return (field, place, without) => {
    if (KNOWN.has(field) || seen.has(field)) return;
    seen.add(field);
    const hint =
      without === undefined
        ? suggestion(field, KNOWN_FIELDS)
        : `, and the alias does not say which field ${shown(without.title)} has for it`;
    faults.warning(place, 'UNKNOWN_FIELD', `${shown(field)} is no field of the portal's events${hint}`);
  };
}
