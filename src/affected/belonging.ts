/**
 * Which archived events belong to an alert.
 *
 * Guarantee: an event in the alert's time belongs to it if, by the production matcher, it matches a base rule that the
 * alert's rule refers to through any chain of correlations, and its group there is the alert's under the aliases of
 * each rule. For correlations in between, all matches count within the time in which they can have led to a firing,
 * whether they fired or not. Conditions on windows (bounds, order, new terms) are not checked.
 */

import { pathOf } from '../sigma/aliases.ts';
import type { Alert } from '../alert/alert.ts';
import { firingHashes } from '../detect/firing-hash.ts';
import { mayBeShortened } from '../detect/short-text.ts';
import { groupTexts, MOST_COMBINATIONS } from '../detect/values.ts';
import { VigieError } from '../errors.ts';
import { FieldTable } from '../event/record.ts';
import { compileMatcher } from '../sigma/matcher.ts';
import type { BaseRule, CorrelationRule, RuleSet } from '../sigma/rule.ts';
import type { ReadsQuestion } from '../sink/archive-reads.ts';
import type { ArchivedEvent } from '../sink/sink.ts';
import { ArchivedRecord, type RecordSettings } from './archived-record.ts';

type OfAlert = Pick<
  Alert,
  'alertId' | 'rule' | 'ruleHash' | 'title' | 'group' | 'firstEventAt' | 'crossedAt' | 'lastEventAt'
>;

/** A field that groups events, and the value it must have for the alert's group. */
interface GroupPart {
  readonly path: string;
  /** Undefined: any value; null: none. */
  readonly wanted: string | null | undefined;
  /** Events without the field have a group all the same. */
  readonly mayMiss: boolean;
}

/** How matches of a base rule lead to the alert. */
interface Way {
  /** Key of the base rule. */
  readonly rule: string;
  readonly parts: readonly GroupPart[];
  /** Event time; only later events count. */
  readonly after: number;
}

export interface Belonging {
  /** Finds all of the alert's events, and possibly others. */
  readonly question: Omit<ReadsQuestion, 'from'>;
  readonly has: (event: ArchivedEvent) => boolean;
}

/** Events of the alert's rule. Throws what `ruleOf` throws, and ALERT_RULE_KEYWORDS. */
export function readsOfRule(alert: OfAlert, ruleSet: RuleSet, settings: RecordSettings): Belonging {
  const rule = ruleOf(alert, ruleSet);
  const byKey = new Map([...ruleSet.rules, ...ruleSet.correlations].map((each) => [each.key, each]));
  const ways = waysTo(rule, byKey, new Map(Object.entries(alert.group)), {
    own: alert.crossedAt - rule.timespanMs,
    below: alert.firstEventAt,
  });
  const keys = new Set(ways.map((way) => way.rule));
  const needed = ruleSet.rules.filter(({ key }) => keys.has(key));
  const fields = new FieldTable();
  const matcher = compileMatcher(needed, fields, ruleSet.lists);
  if (fields.wantsWhole) throw searchesAll(alert);
  const judged = ways.map((way) => ({ ...way, parts: slotted(way.parts, fields) }));
  const waysOf = needed.map(({ key }) => judged.filter((way) => way.rule === key));
  const { record, fill } = new ArchivedRecord(fields, settings);
  return {
    question: questionOf(ways, alert),
    has: (event) => {
      fill(event);
      const matched = matcher.match(record);
      for (let i = 0; i < matched; i += 1) {
        for (const { after, parts } of waysOf[matcher.matched[i]!]!) {
          if (event.time > after && isInGroup(parts, record.slots)) return true;
        }
      }
      return false;
    },
  };
}

/** Events of the alert's group and time, whether or not they match its rule. */
export function allReads(alert: OfAlert, settings: RecordSettings): Belonging {
  const parts = Object.entries(alert.group).map(([path, wanted]) => ({ path, wanted, mayMiss: true }));
  const fields = new FieldTable();
  const judged = slotted(parts, fields);
  const { record, fill } = new ArchivedRecord(fields, settings);
  return {
    // The first event counts too.
    question: questionOf([{ parts, after: alert.firstEventAt - 1 }], alert),
    has: (event) => {
      fill(event);
      return isInGroup(judged, record.slots);
    },
  };
}

/** The alert's rule, unchanged since. Throws ALERT_RULE_GONE, ALERT_RULE_CHANGED. */
function ruleOf(alert: OfAlert, ruleSet: RuleSet): CorrelationRule {
  const rule = ruleSet.correlations.find(({ key }) => key === alert.rule);
  const name = `"${alert.title}" (${alert.rule})`;
  const remedy =
    'Give the rule as it was with --rules PATH (and what it refers to), or take every archived read of the group in that time with --all-reads.';
  if (rule === undefined) {
    throw new VigieError(
      'ALERT_RULE_GONE',
      `the rule ${name} of alert ${alert.alertId} is not among these rules`,
      {
        remedy,
      },
    );
  }
  // Alerts from before there were hashes have an empty one.
  if (!firingHashes(ruleSet)(rule.key).startsWith(alert.ruleHash)) {
    throw new VigieError(
      'ALERT_RULE_CHANGED',
      `the rule ${name}, or one that it refers to, is not what it was when alert ${alert.alertId} was found (rule_hash ${alert.ruleHash})`,
      { remedy },
    );
  }
  return rule;
}

function searchesAll({ title, rule }: OfAlert): VigieError {
  return new VigieError(
    'ALERT_RULE_KEYWORDS',
    `the rule "${title}" (${rule}) searches whole events for keywords, of which the archive keeps only some fields`,
    { remedy: 'Take every archived read of the group in that time with --all-reads.' },
  );
}

/** `from`: event times after which the rule's own events lie, and from which firings below it count. */
function waysTo(
  rule: CorrelationRule,
  byKey: ReadonlyMap<string, BaseRule | CorrelationRule>,
  group: ReadonlyMap<string, string | null>,
  from: { readonly own: number; readonly below: number },
): Way[] {
  return [...new Set(rule.rules)].flatMap((key) => {
    const below = byKey.get(key)!;
    const parts = rule.groupBy.map((field) => ({
      path: pathOf(rule, key, field),
      wanted: group.get(field),
      mayMiss: rule.missingFields === 'group',
    }));
    if (below.kind === 'rule') return [{ rule: key, parts, after: from.own }];
    const groupBelow = groupOf(below, parts);
    if (groupBelow === undefined) return [];
    // The window of its first crossing reaches back by its timespan.
    const after = from.below - below.timespanMs;
    return waysTo(below, byKey, groupBelow, { own: after, below: after });
  });
}

/** The group of a firing that falls into the group of `parts`; undefined if no firing can. */
function groupOf(
  { groupBy }: CorrelationRule,
  parts: readonly GroupPart[],
): ReadonlyMap<string, string | null> | undefined {
  const group = new Map<string, string | null>();
  for (const { path, wanted, mayMiss } of parts) {
    if (!groupBy.includes(path)) {
      // A firing carries no other fields.
      if (!mayMiss || typeof wanted === 'string') return undefined;
    } else if (wanted !== undefined) {
      if (group.has(path) && group.get(path) !== wanted) return undefined;
      group.set(path, wanted);
    }
  }
  return group;
}

interface SlottedPart extends GroupPart {
  readonly slot: number;
}

function slotted(parts: readonly GroupPart[], fields: FieldTable): SlottedPart[] {
  return parts.map((part) => ({ ...part, slot: fields.slot(part.path) }));
}

function isInGroup(parts: readonly SlottedPart[], slots: ArchivedRecord['record']['slots']): boolean {
  let groups = 1;
  for (const { slot, wanted, mayMiss } of parts) {
    const texts = groupTexts(slots[slot]);
    if (texts.length === 0) {
      if (!mayMiss || typeof wanted === 'string') return false;
    } else if (wanted !== undefined && (wanted === null || !texts.includes(wanted))) {
      return false;
    }
    if (texts.length > 1) groups *= new Set(texts).size;
  }
  return groups <= MOST_COMBINATIONS;
}

function questionOf(
  ways: readonly Pick<Way, 'parts' | 'after'>[],
  { lastEventAt }: OfAlert,
): Belonging['question'] {
  const anyOf = ways.map(({ parts }) =>
    parts.flatMap(({ path, wanted }) =>
      // The archive holds the full text, not a shortened one.
      typeof wanted === 'string' && !mayBeShortened(wanted) ? [{ field: path, value: wanted }] : [],
    ),
  );
  const distinct = new Map(anyOf.map((all) => [JSON.stringify(all), all]));
  return {
    after: Math.min(...ways.map(({ after }) => after)),
    upTo: lastEventAt,
    anyOf: [...distinct.values()],
  };
}
