/**
 * From single documents to a rule set: identities, references, filters, and who alerts alone.
 *
 * Invariant: every key that a loaded rule mentions belongs to a loaded rule. A document with faults is known
 * by name, so that nobody else is blamed for referring to it, but neither it nor what needs it is loaded.
 */

import { conditionNames } from './ast.ts';
import type { Condition, Detection } from './ast.ts';
import type { FilterDraft, RuleDraft } from './base-rule.ts';
import { isConditionFault, parseCondition } from './condition.ts';
import type { CorrelationDraft } from './correlation.ts';
import { shown } from './faults.ts';
import type { Place } from './faults.ts';
import { Names } from './names.ts';
import type { Draft } from './names.ts';
import { placeWithin } from './reader.ts';
import type { PlacedText } from './reader.ts';
import type { BaseRule, CorrelationRule, Logsource } from './rule.ts';

export function resolve(
  drafts: readonly Draft[],
  filters: readonly FilterDraft[],
): { rules: readonly BaseRule[]; correlations: readonly CorrelationRule[] } {
  const names = new Names(drafts);
  const sections = new Map(
    drafts.flatMap((draft) => (draft.kind === 'rule' ? [[draft, sectionOf(draft)]] : [])) as [
      RuleDraft,
      Section,
    ][],
  );
  for (const filter of filters) applyFilter(filter, sections, names);

  const correlationDrafts = drafts.filter((draft) => draft.kind === 'correlation');
  const linked = new Map(correlationDrafts.map((draft) => [draft, link(draft, names)]));
  refuseCycles(linked);
  const silenced = silencedBy(linked);
  const alertsAlone = (draft: Draft): boolean => !silenced.has(draft);
  dropDependents(linked);

  const rules = drafts.flatMap((draft): BaseRule[] => {
    if (draft.kind !== 'rule' || !draft.sound) return [];
    const { detections, condition } = sections.get(draft)!;
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

interface Section {
  readonly detections: Map<string, Detection>;
  condition: Condition;
}

function sectionOf(draft: RuleDraft): Section {
  return { detections: new Map(draft.detections), condition: draft.condition };
}

/** ANDs a filter to the rules it names (or any) whose logsource it covers. */
function applyFilter(filter: FilterDraft, sections: ReadonlyMap<RuleDraft, Section>, names: Names): void {
  let targets: readonly Draft[] = [...sections.keys()];
  if (filter.targets !== undefined) {
    targets = filter.targets.flatMap((target) => names.find(target, filter.faults) ?? []);
    for (const [i, target] of targets.entries()) {
      if (target.kind !== 'correlation') continue;
      filter.faults.error(
        filter.targets[i] ?? filter.root,
        'BAD_VALUE',
        `${shown(names.keyOf(target))} is a correlation; a filter applies to rules on events: name the rules it correlates`,
      );
    }
  }
  if (!filter.sound) return;
  const label = filter.meta.name ?? filter.meta.id ?? filter.meta.title;
  for (const target of new Set(targets)) {
    if (target.kind !== 'rule' || !covers(filter.logsource, target.logsource)) continue;
    const section = sections.get(target)!;
    let prefix = `filter ${label}: `;
    for (let n = 2; [...section.detections.keys()].some((name) => name.startsWith(prefix)); n++)
      prefix = `filter ${label} (${n}): `;
    for (const [name, detection] of filter.detections) section.detections.set(prefix + name, detection);
    section.condition = { kind: 'and', parts: [section.condition, renamed(filter.condition, prefix)] };
  }
}

function renamed(condition: Condition, prefix: string): Condition {
  if (condition.kind === 'ref') return { kind: 'ref', name: prefix + condition.name };
  if (condition.kind === 'not') return { kind: 'not', part: renamed(condition.part, prefix) };
  return { kind: condition.kind, parts: condition.parts.map((part) => renamed(part, prefix)) };
}

function covers(filter: Logsource, rule: Logsource): boolean {
  return (['category', 'product', 'service'] as const).every(
    (key) => filter[key] === undefined || filter[key] === rule[key],
  );
}

/** A correlation's references, resolved. */
interface Links {
  readonly rules: readonly Draft[];
  readonly aliases: ReadonlyMap<string, ReadonlyMap<Draft, string>>;
  readonly inhibits: readonly Draft[];
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
  const aliases = new Map<string, ReadonlyMap<Draft, string>>();
  for (const { alias, fields } of draft.aliases) {
    const mapped = new Map<Draft, string>();
    for (const { rule, field } of fields) {
      const target = byText.get(rule.text) ?? names.find(rule, faults);
      if (target === undefined) continue;
      if ([...byText.values()].includes(target)) mapped.set(target, field);
      else
        faults.error(
          rule,
          'UNKNOWN_RULE',
          `the alias ${alias} names ${shown(rule.text)}, which this correlation does not refer to; add it to rules`,
        );
    }
    aliases.set(alias, mapped);
  }
  const inhibits = (draft.extensions['vigie.inhibits'] ?? []).flatMap(
    (reference) => names.find(reference, faults) ?? [],
  );
  if (faults.errors > before) draft.sound = false;
  const keys = new Map([...byText].map(([text, target]) => [text, names.keyOf(target)]));
  return {
    rules: [...new Set(byText.values())],
    aliases,
    inhibits,
    ruleCondition: expression === undefined ? undefined : relabelled(expression, keys),
  };
}

/** The boolean condition of a temporal correlation: all rules of `rules`, when given, and no others. */
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
  const used = conditionNames(condition);
  for (const rule of draft.rules ?? []) {
    if (!used.includes(rule.text)) {
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
  for (const start of linked.keys()) {
    const seen = new Set<Draft>();
    const pending: Draft[] = [...linked.get(start)!.rules];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next) || next.kind !== 'correlation') continue;
      seen.add(next);
      pending.push(...linked.get(next)!.rules);
    }
    if (!seen.has(start)) continue;
    start.faults.error(
      start.root.entries.get('correlation')!.place,
      'CYCLE',
      'the correlation refers to itself, directly or through others',
    );
    start.sound = false;
  }
}

/** Documents that some correlation refers to while none of those says `generate: true`. */
function silencedBy(linked: ReadonlyMap<CorrelationDraft, Links>): ReadonlySet<Draft> {
  const silenced = new Set<Draft>();
  for (const { rules } of linked.values()) for (const rule of rules) silenced.add(rule);
  for (const [draft, { rules }] of linked) {
    if (draft.generate) for (const rule of rules) silenced.delete(rule);
  }
  return silenced;
}

/** A correlation over a document that is not loaded is not loaded either. */
function dropDependents(linked: ReadonlyMap<CorrelationDraft, Links>): void {
  for (let changed = true; changed;) {
    changed = false;
    for (const [draft, { rules, inhibits }] of linked) {
      if (!draft.sound || [...rules, ...inhibits].every(({ sound }) => sound)) continue;
      draft.sound = false;
      changed = true;
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
  return {
    kind: 'correlation',
    ...draft.meta,
    key: keyOf(draft),
    alertsAlone,
    type,
    rules: links.rules.map(keyOf),
    groupBy,
    aliases: new Map(
      [...links.aliases].map(([alias, mapped]) => [
        alias,
        new Map([...mapped].map(([rule, field]) => [keyOf(rule), field])),
      ]),
    ),
    timespanMs,
    // A temporal rule that bounds nothing wants all its rules.
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
    inhibits: links.inhibits.map(keyOf),
  };
}
