/**
 * Reads and checks correlation documents: all of Sigma 2.1, and the median and boolean conditions that its
 * reference implementation adds. Names are resolved later, when all documents are known.
 */

import { DURATION_FORM, parseDuration } from './duration.ts';
import { fitExtensions, refuseOtherTypes } from './extensions/table.ts';
import type { Extensions } from './extensions/table.ts';
import { shown } from './faults.ts';
import type { Faults, Place } from './faults.ts';
import { checkedFields } from './field-name.ts';
import { readHead } from './meta.ts';
import type { OwnMeta } from './meta.ts';
import { suggestion } from './nearest.ts';
import {
  indentHint,
  missing,
  readBoolean,
  readChoice,
  readMap,
  readText,
  readTexts,
  refuseOtherKeys,
} from './reader.ts';
import type { PlacedText } from './reader.ts';
import type { Bound, BoundOperator, CorrelationType } from './rule.ts';
import { numberOf } from './value.ts';
import { kindOf } from './yaml-tree.ts';
import type { YamlMap, YamlNode } from './yaml-tree.ts';

const TYPES: readonly CorrelationType[] = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
];
const OPERATORS: readonly BoundOperator[] = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'];
/** Optional keys: nothing is reported missing without them. */
const OPTIONAL_KEYS = ['group-by', 'aliases'];
const KEYS = ['type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate'] as const;

interface AliasDraft {
  readonly alias: string;
  readonly place: Place;
  readonly fields: readonly { readonly rule: PlacedText; readonly field: string }[];
}

export interface CorrelationDraft {
  readonly kind: 'correlation';
  readonly root: YamlMap;
  readonly faults: Faults;
  readonly meta: OwnMeta;
  readonly extensions: Extensions;
  sound: boolean;
  readonly type: CorrelationType;
  /** Undefined if only the boolean condition names the rules. */
  readonly rules: readonly PlacedText[] | undefined;
  readonly groupBy: readonly string[];
  readonly aliases: readonly AliasDraft[];
  readonly timespanMs: number;
  readonly bounds: readonly Bound[];
  readonly fields: readonly string[];
  readonly percentile: number | undefined;
  /** Boolean condition of a temporal correlation. */
  readonly expression: PlacedText | undefined;
  readonly generate: boolean;
}

export function readCorrelation(root: YamlMap, faults: Faults): CorrelationDraft {
  const before = faults.errors;
  const head = readHead(root, 'correlation', faults);
  const generateAtRoot = readBoolean(root, 'generate', faults);
  const map = readMap(root, 'correlation', faults) ?? {
    kind: 'map',
    entries: new Map(),
    line: root.line,
    column: root.column,
  };
  const broken = faults.errors > before && map.entries.size === 0;
  if (!broken) refuseOtherKeys(map, KEYS, 'a correlation', faults);
  const lacks = (key: string, reason: string): void =>
    missing(map, key, outside(root, key) ?? reason, faults);
  const type = readChoice(map, 'type', TYPES, faults, typeHint);
  if (!broken && !map.entries.has('type')) lacks('type', `expected one of ${TYPES.join(', ')}`);
  if (type !== undefined) refuseOtherTypes(root, type, faults);
  const temporal = type === 'temporal' || type === 'temporal_ordered';
  const condition = readCondition(map, type, faults);
  const rules = map.entries.has('rules') ? readTexts(map, 'rules', faults) : undefined;
  if (!broken && (rules === undefined || rules.length === 0) && condition.expression === undefined) {
    lacks('rules', 'list the ids or names of the rules to correlate');
  }
  if (!broken && type !== undefined && !temporal && !map.entries.has('condition')) {
    lacks('condition', `say when ${type} fires, e.g. condition: {gte: 10}`);
  }
  if (!broken && !map.entries.has('timespan')) lacks('timespan', `expected ${DURATION_FORM}`);
  for (const key of broken ? [] : OPTIONAL_KEYS) {
    const misplaced = map.entries.has(key) ? undefined : outside(root, key);
    if (misplaced !== undefined)
      faults.warning(root.entries.get(key)!.place, 'MISPLACED_KEY', `${key} has no effect; ${misplaced}`);
  }
  const draft: CorrelationDraft = {
    kind: 'correlation',
    root,
    faults,
    ...head,
    type: type ?? 'event_count',
    rules,
    groupBy: [...new Set(checkedFields(readTexts(map, 'group-by', faults), faults))],
    aliases: readAliases(map, faults),
    timespanMs: broken ? 0 : readTimespan(map, faults),
    ...condition,
    generate: (readBoolean(map, 'generate', faults) ?? false) || (generateAtRoot ?? false),
    sound: false,
  };
  if (faults.errors === before) fitExtensions(root, head.extensions, draft, faults);
  draft.sound = faults.errors === before;
  return draft;
}

/** Elsewhere boolean conditions have types of their own: `temporal_extended`, `temporal_ordered_extended`. */
function typeHint(given: string): string {
  if (/^temporal.*extended$/i.test(given)) return '; a condition over rule names goes with temporal';
  return suggestion(given, TYPES);
}

/** Hint for a key that stands one level too far out. */
function outside(root: YamlMap, key: string): string | undefined {
  const entry = root.entries.get(key);
  return entry && `line ${entry.place.line} has it beside correlation: indent it like type and rules`;
}

function readTimespan(map: YamlMap, faults: Faults): number {
  const given = readText(map, 'timespan', faults, true);
  if (given === undefined) return 0;
  const ms = parseDuration(given.text);
  if (ms !== undefined && ms > 0) return ms;
  faults.error(given, 'BAD_DURATION', `timespan is ${shown(given.text)}; expected ${DURATION_FORM}`);
  return 0;
}

type ConditionDraft = Pick<CorrelationDraft, 'bounds' | 'fields' | 'percentile' | 'expression'>;

function readCondition(map: YamlMap, type: CorrelationType | undefined, faults: Faults): ConditionDraft {
  const none: ConditionDraft = { bounds: [], fields: [], percentile: undefined, expression: undefined };
  const entry = map.entries.get('condition');
  if (entry === undefined) return none;
  const { value } = entry;
  if (value.kind === 'scalar' && typeof value.value === 'string') {
    if (type === undefined || type === 'temporal' || type === 'temporal_ordered') {
      return { ...none, expression: { ...value, text: value.value } };
    }
    faults.error(
      value,
      'WRONG_TYPE',
      `condition is text; a boolean condition over rules is for temporal correlations, ${type} takes a bound such as {gte: 10}`,
    );
    return none;
  }
  if (value.kind !== 'map') {
    faults.error(
      value,
      'WRONG_TYPE',
      `condition is ${kindOf(value)}; expected a map such as {gte: 10}${indentHint(entry)}`,
    );
    return none;
  }
  const before = faults.errors;
  refuseOtherKeys(value, [...OPERATORS, 'field', 'percentile'], 'a correlation condition', faults);
  const bounds = OPERATORS.flatMap((op) => {
    const node = value.entries.get(op)?.value;
    const bound = node === undefined ? undefined : readNumber(op, node, faults);
    return bound === undefined ? [] : [{ op, value: bound }];
  });
  if (!OPERATORS.some((op) => value.entries.has(op)) && faults.errors === before) {
    missing(value, 'a bound', `expected one of ${OPERATORS.join(', ')}, e.g. gte: 10`, faults);
  }
  return { bounds, expression: undefined, ...readMeasure(value, type, faults) };
}

/** Reads `field` and `percentile`, each allowed only if the type uses it. */
function readMeasure(
  condition: YamlMap,
  type: CorrelationType | undefined,
  faults: Faults,
): Pick<ConditionDraft, 'fields' | 'percentile'> {
  const fields = readTexts(condition, 'field', faults);
  const given = condition.entries.get('field');
  const measures = type?.startsWith('value_') ?? false;
  if (measures && given === undefined)
    missing(condition, 'field', `say which field ${type} measures`, faults);
  if (measures && given !== undefined && fields.length === 0) {
    faults.error(given.value, 'WRONG_TYPE', 'field is empty; name the field to measure');
  }
  if (type !== undefined && !measures && given !== undefined) {
    faults.error(
      given.place,
      'UNKNOWN_KEY',
      `${type} counts events and has no use for field; to count values write type: value_count`,
    );
  }
  if (measures && type !== 'value_count' && fields.length > 1) {
    faults.error(fields[1]!, 'WRONG_TYPE', `${type} measures one field; several are for value_count`);
  }
  const percentileNode = condition.entries.get('percentile');
  if (percentileNode === undefined) {
    if (type === 'value_percentile')
      missing(condition, 'percentile', 'expected a number from 0 to 100', faults);
    return { fields: checkedFields(fields, faults), percentile: undefined };
  }
  const percentile = readNumber('percentile', percentileNode.value, faults);
  if (percentile !== undefined && (percentile < 0 || percentile > 100)) {
    faults.error(
      percentileNode.value,
      'BAD_NUMBER',
      `percentile is ${percentile}; expected a number from 0 to 100`,
    );
  }
  if (type !== undefined && type !== 'value_percentile') {
    faults.error(
      percentileNode.place,
      'UNKNOWN_KEY',
      `${type} has no use for percentile; did you mean type: value_percentile?`,
    );
  }
  return { fields: checkedFields(fields, faults), percentile };
}

function readNumber(key: string, node: YamlNode, faults: Faults): number | undefined {
  if (node.kind === 'scalar' && node.value !== null && typeof node.value !== 'boolean') {
    const value = typeof node.value === 'number' ? node.value : numberOf(node.value);
    if (Number.isFinite(value)) return value;
  }
  const given = node.kind === 'scalar' ? shown(node.source) : kindOf(node);
  faults.error(node, 'BAD_NUMBER', `${key} is ${given}; expected a number`);
  return undefined;
}

function readAliases(map: YamlMap, faults: Faults): readonly AliasDraft[] {
  if (!map.entries.has('aliases')) return [];
  const aliases = readMap(map, 'aliases', faults);
  if (aliases === undefined) return [];
  return [...aliases.entries.values()].map(({ key: alias, place, value }) => {
    if (value.kind !== 'map') {
      faults.error(
        value,
        'WRONG_TYPE',
        `the alias ${alias} is ${kindOf(value)}; expected a map of rule: field`,
      );
      return { alias, place, fields: [] };
    }
    const fields = [...value.entries.values()].flatMap((entry) => {
      const given = readText(value, entry.key, faults);
      const names = given === undefined ? [] : checkedFields([given], faults);
      return names.map((field) => ({ rule: { text: entry.key, ...entry.place }, field }));
    });
    return { alias, place, fields };
  });
}
