/**
 * From single documents to a rule set: identities, references, filters, and which rules alert on their own.
 *
 * Invariant: every key that a loaded rule mentions belongs to a loaded rule. A document with faults keeps its
 * name, so that references to it are not reported too, but neither it nor the documents that need it are loaded.
 */

import { conditionNames } from './ast.ts';
import { applyFilters, sectionsOf } from './apply-filters.ts';
import type { Condition } from './ast.ts';
import type { FilterDraft } from './base-rule.ts';
import { isConditionFault, parseCondition } from './condition.ts';
import type { CorrelationDraft } from './correlation.ts';
import { checkBegunBefore } from './extensions/begun-before.ts';
import { shown } from './faults.ts';
import type { Place } from './faults.ts';
import { onCycles } from './cycles.ts';
import { Names } from './names.ts';
import type { Draft } from './names.ts';
import { placeWithin } from './reader.ts';
import type { PlacedText } from './reader.ts';
import type { BaseRule, CorrelationRule } from './rule.ts';

/** `length`: characters of all files. */
export function resolve(
  drafts: readonly Draft[],
  filters: readonly FilterDraft[],
  length: number,
): { rules: readonly BaseRule[]; correlations: readonly CorrelationRule[] } {
  const names = new Names(drafts);
  const sections = sectionsOf(drafts);
  applyFilters(filters, sections, names, length);

  const correlationDrafts = drafts.filter((draft) => draft.kind === 'correlation');
  const linked = new Map(correlationDrafts.map((draft) => [draft, link(draft, names)]));
  refuseCycles(linked);
  const silenced = silencedBy(linked);
  const alertsAlone = (draft: Draft): boolean => !silenced.has(draft);
  dropDependents(linked);

  const rules = drafts.flatMap((draft): BaseRule[] => {
    if (draft.kind !== 'rule' || !draft.sound) return [];
    const { detections, conditions } = sections.get(draft)!;
    const condition: Condition =
      conditions.length === 1 ? conditions[0]! : { kind: 'and', parts: conditions };
    const timezone = draft.extensions['vigie.timezone'] ?? 'UTC';
    const { logsource } = draft;
    return [
      {
        kind: 'rule',
        ...draft.meta,
        key: names.keyOf(draft),
        alertsAlone: alertsAlone(draft),
        logsource,
        detections,
        condition,
        timezone,
      },
    ];
  });
  const correlations = correlationDrafts.flatMap((draft): CorrelationRule[] =>
    draft.sound ? [correlationRule(draft, linked.get(draft)!, names, alertsAlone(draft))] : [],
  );
  return { rules, correlations };
}

/** A correlation's references, resolved. */
interface Links {
  readonly rules: readonly Draft[];
  readonly aliases: ReadonlyMap<string, ReadonlyMap<Draft, string>>;
  readonly inhibits: readonly Draft[];
  /** The rule that `vigie.begun_before` names. */
  readonly begunBefore: Draft | undefined;
  readonly ruleCondition: Condition | undefined;
}

function link(draft: CorrelationDraft, names: Names): Links {
  const { faults } = draft;
  const before = faults.errors;
  const expression = draft.expression === undefined ? undefined : readExpression(draft, draft.expression);
  const written: readonly PlacedText[] =
    draft.rules ??
    (expression === undefined
      ? []
      : conditionNames(expression).map((text) => ({ ...(draft.expression as Place), text })));
  const byText = new Map(
    written.flatMap((reference) => {
      const found = names.find(reference, faults);
      return found === undefined ? [] : [[reference.text, found] as const];
    }),
  );
  const referred = new Set(byText.values());
  const allKnown = written.length > 0 && written.every(({ text }) => byText.has(text));
  if (draft.type === 'temporal_ordered') refuseTwice(written, byText, faults);
  /**
   * The document that `rule` names. Reports it unless this correlation lists it, by this name or another; not while
   * other faults hide what it lists.
   */
  const listed = (rule: PlacedText, what: string): Draft | undefined => {
    const target = byText.get(rule.text) ?? names.find(rule, faults);
    if (target === undefined || referred.has(target) || !allKnown) return target;
    faults.error(
      rule,
      'UNKNOWN_RULE',
      `${what} names ${shown(rule.text)}, which this correlation does not refer to; add it to rules`,
    );
    return undefined;
  };
  const aliases = new Map<string, ReadonlyMap<Draft, string>>();
  const named = aliasable(draft);
  for (const { alias, place, fields } of draft.aliases) {
    if (!named.has(alias)) {
      const message = `no group-by and no measured field is called ${shown(alias)}, so this alias has no effect`;
      faults.warning(place, 'UNUSED_ALIAS', message);
    }
    const mapped = new Map<Draft, string>();
    for (const { rule, field } of fields) {
      const target = listed(rule, `the alias ${alias}`);
      if (target !== undefined) mapped.set(target, field);
    }
    aliases.set(alias, mapped);
  }
  const inhibits = (draft.extensions['vigie.inhibits'] ?? []).flatMap(
    (reference) => names.find(reference, faults) ?? [],
  );
  const begun = draft.extensions['vigie.begun_before'];
  const begunBefore = begun === undefined ? undefined : listed(begun.rule, 'vigie.begun_before');
  if (begunBefore !== undefined && draft.type.startsWith('temporal'))
    checkBegunBefore(begun!, referred.size, draft.bounds, expression, faults);
  if (faults.errors > before) draft.sound = false;
  const keys = new Map([...byText].map(([text, target]) => [text, names.keyOf(target)]));
  return {
    rules: [...referred],
    aliases,
    inhibits,
    begunBefore,
    ruleCondition: expression === undefined ? undefined : relabelled(expression, keys),
  };
}

/** Fields that an alias may stand for. */
function aliasable({ groupBy, fields, extensions }: CorrelationDraft): ReadonlySet<string> {
  const { 'vigie.sequence': sequence, 'vigie.new_terms': newTerms } = extensions;
  return new Set([
    ...groupBy,
    ...fields,
    ...(sequence === undefined ? [] : [sequence.field]),
    ...(newTerms?.fields ?? []),
  ]);
}

/** An order must name each rule once: otherwise it is unclear which of its matches is meant. */
function refuseTwice(
  written: readonly PlacedText[],
  byText: ReadonlyMap<string, Draft>,
  faults: CorrelationDraft['faults'],
): void {
  const seen = new Set<Draft>();
  for (const reference of written) {
    const rule = byText.get(reference.text);
    if (rule === undefined) continue;
    if (seen.has(rule)) {
      const message = `${shown(reference.text)} stands twice in the order of temporal_ordered; name each rule once, or chain two correlations`;
      faults.error(reference, 'BAD_VALUE', message);
    }
    seen.add(rule);
  }
}

/**
 * The boolean condition of a temporal correlation. If `rules` is given, it may name only these, and should name
 * all.
 */
function readExpression(draft: CorrelationDraft, expression: PlacedText): Condition | undefined {
  const known =
    draft.rules?.map(({ text }) => text) ??
    [...expression.text.matchAll(/[^\s()|]+/g)]
      .map(([word]) => word)
      .filter((word) => !/^(?:and|or|not|AND|OR|NOT)$/.test(word));
  const condition = parseCondition(expression.text, known, 'rule');
  if (isConditionFault(condition)) {
    draft.faults.error(placeWithin(expression, condition.offset), condition.code, condition.message);
    return undefined;
  }
  if (draft.type === 'temporal_ordered') {
    draft.faults.warning(
      expression,
      'ORDER_NOT_ASKED',
      'a condition over rule names asks which rules matched, in any order; for the listed order write a bound such as {gte: 2}, or none',
    );
  }
  const used = new Set(conditionNames(condition));
  for (const rule of draft.rules ?? []) {
    if (!used.has(rule.text)) {
      draft.faults.warning(
        rule,
        'UNUSED_RULE',
        `${shown(rule.text)} does not occur in the condition: its events only end windows; use it there or remove it here`,
      );
    }
  }
  return condition;
}

function relabelled(condition: Condition, keys: ReadonlyMap<string, string>): Condition {
  if (condition.kind === 'ref') return { kind: 'ref', name: keys.get(condition.name) ?? condition.name };
  if (condition.kind === 'not') return { kind: 'not', part: relabelled(condition.part, keys) };
  return { kind: condition.kind, parts: condition.parts.map((part) => relabelled(part, keys)) };
}

/** Reports each correlation that reaches itself through its references. */
function refuseCycles(linked: ReadonlyMap<CorrelationDraft, Links>): void {
  const references = new Map(
    [...linked].map(([draft, { rules }]) => [draft, rules.filter((rule) => rule.kind === 'correlation')]),
  );
  for (const start of onCycles(references)) {
    start.faults.error(
      start.root.entries.get('correlation')!.place,
      'CYCLE',
      'the correlation refers to itself, directly or through others',
    );
    start.sound = false;
  }
}

/** Documents that correlations refer to, none of which says `generate: true`. */
function silencedBy(linked: ReadonlyMap<CorrelationDraft, Links>): ReadonlySet<Draft> {
  const silenced = new Set<Draft>();
  for (const { rules } of linked.values()) for (const rule of rules) silenced.add(rule);
  for (const [draft, { rules }] of linked) {
    if (draft.generate) for (const rule of rules) silenced.delete(rule);
  }
  return silenced;
}

/** A correlation that needs a document that is not loaded is not loaded either. */
function dropDependents(linked: ReadonlyMap<CorrelationDraft, Links>): void {
  const dependents = new Map<Draft, CorrelationDraft[]>();
  const unsound: Draft[] = [];
  for (const [draft, { rules, inhibits }] of linked) {
    for (const needed of new Set([...rules, ...inhibits])) {
      const others = dependents.get(needed);
      if (others === undefined) dependents.set(needed, [draft]);
      else others.push(draft);
      if (!needed.sound) unsound.push(needed);
    }
  }
  for (let lost = unsound.pop(); lost !== undefined; lost = unsound.pop()) {
    for (const draft of dependents.get(lost) ?? []) {
      if (!draft.sound) continue;
      draft.sound = false;
      unsound.push(draft);
    }
  }
}

function correlationRule(
  draft: CorrelationDraft,
  links: Links,
  names: Names,
  alertsAlone: boolean,
): CorrelationRule {
  const keyOf = (each: Draft): string => names.keyOf(each);
  const { extensions, type, groupBy, timespanMs, bounds, fields, percentile } = draft;
  const scaleBy = extensions['vigie.scale_by'];
  return {
    kind: 'correlation',
    ...draft.meta,
    key: keyOf(draft),
    alertsAlone,
    // A condition over rule names asks for no order.
    type: type === 'temporal_ordered' && links.ruleCondition !== undefined ? 'temporal' : type,
    rules: links.rules.map(keyOf),
    groupBy,
    aliases: new Map(
      [...links.aliases].map(([alias, mapped]) => [
        alias,
        new Map([...mapped].map(([rule, field]) => [keyOf(rule), field])),
      ]),
    ),
    timespanMs,
    // A temporal rule without bounds wants all its rules.
    bounds:
      bounds.length === 0 && links.ruleCondition === undefined
        ? [{ op: 'gte', value: links.rules.length }]
        : bounds,
    fields,
    percentile,
    ruleCondition: links.ruleCondition,
    resolveTimeoutMs: extensions['vigie.resolve_timeout'] ?? timespanMs,
    missingFields: extensions['vigie.missing_fields'] ?? 'skip',
    maxGroups: extensions['vigie.max_groups'],
    maxEntries: extensions['vigie.max_entries'],
    baseline: extensions['vigie.baseline'],
    newTerms: extensions['vigie.new_terms'],
    sequence: extensions['vigie.sequence'],
    begunBefore:
      links.begunBefore === undefined
        ? undefined
        : { field: extensions['vigie.begun_before']!.field, rule: keyOf(links.begunBefore) },
    inhibits: links.inhibits.map(keyOf),
    scaleBy: scaleBy && { list: scaleBy.list.text, column: scaleBy.column.text, factor: scaleBy.factor },
  };
}
