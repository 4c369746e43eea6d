/**
 * Filters: merges the selections and the condition of each filter document into the rules it is for.
 *
 * Guarantee: however many rules and filters there are, the filters add at most a fixed number of parts in total.
 */

import type { Condition, Detection } from './ast.ts';
import type { FilterDraft, RuleDraft } from './base-rule.ts';
import { shown } from './faults.ts';
import type { Place } from './faults.ts';
import type { Draft, Names } from './names.ts';
import { ATTRIBUTES } from './meta.ts';
import { narrowingOf } from './narrowing.ts';
import type { Logsource } from './rule.ts';

/** A rule's selections and conditions: its own and those of the filters that apply to it. */
interface Section {
  readonly detections: Map<string, Detection>;
  /** ANDed: the rule's own condition, those of its extension keys and those of its filters. */
  readonly conditions: Condition[];
  /** Filter label → highest number given to a prefix of that label. */
  readonly filters: Map<string, number>;
}

export function sectionsOf(drafts: readonly Draft[]): ReadonlyMap<RuleDraft, Section> {
  const rules = drafts.filter((draft) => draft.kind === 'rule');
  return new Map(rules.map((draft) => [draft, sectionOf(draft)]));
}

function sectionOf(draft: RuleDraft): Section {
  const { detections, conditions } = narrowingOf(draft);
  return {
    detections: new Map([...draft.detections, ...detections]),
    conditions: [draft.condition, ...conditions],
    filters: new Map(),
  };
}

/** Limit on filter applications (filters × rules) over all files: one per `characters` of text, within these bounds. */
const APPLIED_FILTERS = { least: 20_000, most: 500_000, characters: 4 };

/** The same limit, counted in selections and parts of the filters' conditions. */
const APPLIED_PARTS = { least: 100_000, most: 1_000_000, characters: 1 };

function limit({ least, most, characters }: typeof APPLIED_FILTERS, length: number): number {
  return Math.min(most, Math.max(least, Math.floor(length / characters)));
}

/** Both limits, and how much of each is left. */
interface Allowance {
  readonly maxFilters: number;
  readonly maxParts: number;
  filters: number;
  parts: number;
}

/**
 * ANDs each filter to the rules it is for. A filter that would exceed a limit is reported and not loaded.
 * `length`: characters of all files.
 */
export function applyFilters(
  filters: readonly FilterDraft[],
  sections: ReadonlyMap<RuleDraft, Section>,
  names: Names,
  length: number,
): void {
  const maxFilters = limit(APPLIED_FILTERS, length);
  const maxParts = limit(APPLIED_PARTS, length);
  const left = { maxFilters, maxParts, filters: maxFilters, parts: maxParts };
  for (const filter of filters) {
    const rules = applyFilter(filter, sections, names, left);
    left.filters -= rules;
    left.parts -= rules * partsOf(filter);
  }
}

/** Number of parts that applying the filter adds to one rule. */
function partsOf({ detections, condition }: FilterDraft): number {
  let parts = detections.size;
  const open = [condition];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    parts++;
    if (node.kind === 'not') open.push(node.part);
    else if (node.kind !== 'ref') for (const part of node.parts) open.push(part);
  }
  return parts;
}

/** ANDs a filter to those rules it names (or all, for `any`) whose logsource it covers. Returns their number. */
function applyFilter(
  filter: FilterDraft,
  sections: ReadonlyMap<RuleDraft, Section>,
  names: Names,
  left: Readonly<Allowance>,
): number {
  const before = filter.faults.errors;
  const targets = targetsOf(filter, sections, names);
  if (filter.faults.errors > before) filter.sound = false;
  if (!filter.sound) return 0;
  warnOfUncovered(filter, targets, names);
  const covered = [...new Set(targets.map(({ target }) => target))].filter((target) =>
    covers(filter.logsource, target.logsource),
  );
  const tooMany = covered.length > left.filters;
  if (tooMany || covered.length * partsOf(filter) > left.parts) {
    const message = tooMany
      ? `with this filter, filters apply more than ${left.maxFilters} times; name the rules it is for`
      : `with this filter, filters add more than ${left.maxParts} selections and parts of conditions to rules; make it smaller or name the rules it is for`;
    filter.faults.error(filter.root, 'TOO_MANY_FILTERS', message);
    filter.sound = false;
    return 0;
  }
  const label = filter.meta.name ?? filter.meta.id ?? filter.meta.title;
  for (const target of covered) {
    const section = sections.get(target)!;
    const prefix = freePrefix(label, target, section);
    for (const [name, detection] of filter.detections) section.detections.set(prefix + name, detection);
    section.conditions.push(renamed(filter.condition, prefix));
  }
  return covered.length;
}

/** A rule that a filter is for, and the place that says so. */
interface Target {
  readonly target: RuleDraft;
  readonly place: Place;
}

function targetsOf(
  { targets, faults, root }: FilterDraft,
  sections: ReadonlyMap<RuleDraft, Section>,
  names: Names,
): readonly Target[] {
  if (targets === undefined) return [...sections.keys()].map((target) => ({ target, place: root }));
  return targets.flatMap((place) => {
    const target = names.find(place, faults);
    if (target === undefined) return [];
    if (target.kind === 'rule') return [{ target, place }];
    faults.error(
      place,
      'BAD_VALUE',
      `${shown(place.text)} is a correlation; a filter applies to rules on events: name the rules it correlates`,
    );
    return [];
  });
}

/** Warns of a filter that does not change a rule it is meant for: usually the logsources differ by a typo. */
function warnOfUncovered(filter: FilterDraft, targets: readonly Target[], names: Names): void {
  const { logsource, faults, root } = filter;
  const uncovered = targets.filter(({ target }) => !covers(logsource, target.logsource));
  if (filter.targets === undefined) {
    if (uncovered.length < targets.length) return;
    const message = `the filter changes nothing: no rule has its logsource, ${logsourceText(logsource)}`;
    faults.warning(root, 'FILTER_COVERS_NONE', message);
    return;
  }
  for (const { target, place } of uncovered) {
    const message = `the filter does not change ${shown(names.keyOf(target))}, whose logsource is ${logsourceText(target.logsource)}, not ${logsourceText(logsource)}`;
    faults.warning(place, 'FILTER_COVERS_NONE', message);
  }
}

function logsourceText(logsource: Logsource): string {
  const parts = ATTRIBUTES.flatMap((key) =>
    logsource[key] === undefined ? [] : [`${key} ${logsource[key]}`],
  );
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** Returns a prefix for the filter's selections with which no selection of the rule begins. */
function freePrefix(label: string, target: RuleDraft, { filters }: Section): string {
  for (;;) {
    const n = (filters.get(label) ?? 0) + 1;
    filters.set(label, n);
    const prefix = n === 1 ? `filter ${label}: ` : `filter ${label} (${n}): `;
    if (![...target.detections.keys()].some((name) => name.startsWith(prefix))) return prefix;
  }
}

function renamed(condition: Condition, prefix: string): Condition {
  if (condition.kind === 'ref') return { kind: 'ref', name: prefix + condition.name };
  if (condition.kind === 'not') return { kind: 'not', part: renamed(condition.part, prefix) };
  return { kind: condition.kind, parts: condition.parts.map((part) => renamed(part, prefix)) };
}

function covers(filter: Logsource, rule: Logsource): boolean {
  return ATTRIBUTES.every((key) => filter[key] === undefined || filter[key] === rule[key]);
}
