/** Rules on single events, and filters: a detection section with its condition. */

import type { Condition, Detection } from './ast.ts';
import { isConditionFault, parseCondition } from './condition.ts';
import { parseDetection } from './detection.ts';
import type { DetectionContext } from './detection.ts';
import type { Extensions } from './extensions/table.ts';
import type { Faults } from './faults.ts';
import { legacyAggregationMessage } from './legacy-aggregation.ts';
import { readHead, readLogsource, refuseOtherAttributes } from './meta.ts';
import type { OwnMeta } from './meta.ts';
import { missing, placeWithin, readMap, readTexts, refuseExtension } from './reader.ts';
import type { PlacedText } from './reader.ts';
import type { Logsource } from './rule.ts';
import { kindOf } from './yaml-tree.ts';
import type { YamlMap } from './yaml-tree.ts';

/** Selections and the condition over them. */
interface Section {
  readonly detections: ReadonlyMap<string, Detection>;
  readonly condition: Condition;
}

const NEVER: Condition = { kind: 'or', parts: [] };

/** Most conditions that one document may list. */
const MAX_CONDITIONS = 100;

interface DocumentDraft {
  readonly root: YamlMap;
  readonly faults: Faults;
  readonly meta: OwnMeta;
  readonly extensions: Extensions;
  /** False if the document has faults: its name is known, but it is not loaded. */
  sound: boolean;
}

export interface RuleDraft extends DocumentDraft, Section {
  readonly kind: 'rule';
  readonly logsource: Logsource;
}

export interface FilterDraft extends DocumentDraft, Section {
  readonly kind: 'filter';
  readonly logsource: Logsource;
  /** Undefined: every rule that the logsource covers. */
  readonly targets: readonly PlacedText[] | undefined;
}

export function readBaseRule(root: YamlMap, context: DetectionContext): RuleDraft {
  const { faults } = context;
  const before = faults.errors;
  const head = readHead(root, 'rule', faults);
  const logsource = readLogsource(root, faults);
  const map = readMap(root, 'detection', faults);
  const section =
    map === undefined
      ? empty()
      : readSection(root, map, 'detection', [], head.meta.name ?? head.meta.id, context);
  return { kind: 'rule', root, faults, ...head, logsource, ...section, sound: faults.errors === before };
}

export function readFilter(root: YamlMap, context: DetectionContext): FilterDraft {
  const { faults } = context;
  const before = faults.errors;
  const head = readHead(root, 'filter', faults);
  const logsource = readLogsource(root, faults);
  refuseOtherAttributes(root, faults);
  const map = readMap(root, 'filter', faults);
  const section =
    map === undefined ? empty() : readSection(root, map, 'filter', ['rules'], undefined, context);
  const targets = map === undefined ? [] : readTexts(map, 'rules', faults);
  const given = map?.entries.get('rules')?.value;
  // `rules:` without a value, or with an empty list, is an oversight and must not silence every rule.
  if (
    map !== undefined &&
    (given === undefined ||
      (given.kind === 'scalar' && given.value === null) ||
      (given.kind === 'list' && given.items.length === 0))
  ) {
    missing(map, 'rules', 'list the ids of the rules to filter, or write any', faults);
  }
  const any = targets.length === 0 || (targets.length === 1 && targets[0]!.text.toLowerCase() === 'any');
  return {
    kind: 'filter',
    root,
    faults,
    ...head,
    logsource,
    targets: any ? undefined : targets,
    ...section,
    sound: faults.errors === before,
  };
}

function empty(): Section {
  return { detections: new Map(), condition: NEVER };
}

/** Reads everything under `detection` or `filter`. `condition`, `timeframe` and `otherKeys` are not selections. */
function readSection(
  root: YamlMap,
  map: YamlMap,
  section: 'detection' | 'filter',
  otherKeys: readonly string[],
  ruleName: string | undefined,
  context: DetectionContext,
): Section {
  const { faults } = context;
  const detections = new Map<string, Detection>();
  for (const entry of map.entries.values()) {
    const { key, place, value } = entry;
    if (key === 'condition' || key === 'timeframe' || otherKeys.includes(key)) continue;
    if (refuseExtension(entry, section, faults)) continue;
    if (value.kind === 'scalar' && value.value === null) {
      faults.error(
        place,
        'WRONG_TYPE',
        `the selection ${key} is ${kindOf(value)}; give it a map or a list of keywords`,
      );
      detections.set(key, { kind: 'or', parts: [] });
    } else {
      detections.set(key, parseDetection(value, context));
    }
  }
  if (detections.size === 0)
    missing(map, 'a selection', 'give at least one, e.g. selection: {field: value}', faults);
  if (!map.entries.has('condition')) {
    const outside = root.entries.get('condition');
    const reason =
      outside === undefined
        ? `say which selections make a match, e.g. condition: ${[...detections.keys()][0] ?? 'selection'}`
        : `line ${outside.place.line} has it beside ${section}: indent it like the selections`;
    missing(map, 'condition', reason, faults);
  }
  const before = faults.errors;
  const texts = readTexts(map, 'condition', faults);
  if (map.entries.has('condition') && texts.length === 0 && faults.errors === before) {
    faults.error(map.entries.get('condition')!.place, 'CONDITION_SYNTAX', 'the condition is empty');
  }
  if (map.entries.has('timeframe') && !texts.some(({ text }) => text.includes('|'))) {
    const { place } = map.entries.get('timeframe')!;
    faults.warning(
      place,
      'LEGACY_TIMEFRAME',
      'timeframe has no effect; a time span belongs to a correlation',
    );
  }
  if (texts.length > MAX_CONDITIONS) {
    const message = `there are ${texts.length} conditions; at most ${MAX_CONDITIONS} are read: split the rule`;
    faults.error(texts[MAX_CONDITIONS]!, 'CONDITION_TOO_LARGE', message);
    return { detections, condition: NEVER };
  }
  if (detections.size === 0) return { detections, condition: NEVER };
  const conditions = texts.map((text) => readCondition(text, map, [...detections.keys()], ruleName, context));
  return {
    detections,
    condition: conditions.length === 1 ? conditions[0]! : { kind: 'or', parts: conditions },
  };
}

function readCondition(
  placed: PlacedText,
  map: YamlMap,
  names: readonly string[],
  ruleName: string | undefined,
  { faults }: DetectionContext,
): Condition {
  if (faults.full) return NEVER;
  const pipe = placed.text.search(/(?<!\|)\|(?!\|)/);
  if (pipe >= 0) {
    const timeframe = readTexts(map, 'timeframe', faults)[0]?.text;
    const rule = ruleName ?? '<name of this rule>';
    faults.error(
      placed,
      'LEGACY_AGGREGATION',
      legacyAggregationMessage(placed.text.slice(pipe + 1), timeframe, rule),
    );
    return NEVER;
  }
  const condition = parseCondition(placed.text, names, 'selection');
  if (!isConditionFault(condition)) return condition;
  faults.error(placeWithin(placed, condition.offset), condition.code, condition.message);
  return NEVER;
}
