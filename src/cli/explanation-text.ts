/** Explanations, as text for people and as JSON for scripts. */

import type { Beginning } from '../explain/begun-before.ts';
import type { CorrelationExplanation, GroupExplanation, LastWindow } from '../explain/correlation.ts';
import type { Explanation, MatchExplanation } from '../explain/match.ts';
import type { Uncounted } from '../explain/novelty.ts';
import type { WindowEntry, WindowExplanation } from '../explain/windows.ts';
import type { BaseRule, Baseline, Bound, CorrelationRule, RuleSet, ScaleBy } from '../sigma/rule.ts';
import type { Usual } from '../window/value-history.ts';
import { conditionOf, count, instant, jsonLine, plain, plural, span, styled } from './terminal.ts';

export interface ExplainedEvent {
  /** From 0. */
  readonly line: number;
  readonly id: string | null;
  /** Ms since the epoch; NaN if the event has none. */
  readonly time: number;
  readonly explanation: MatchExplanation;
}

const SHOWN_ENTRIES = 20;

export function eventText({ line, id, time, explanation }: ExplainedEvent): string {
  const { matches, tree } = explanation;
  const of = [
    `line ${line + 1}`,
    ...(id === null ? [] : [`event ${plain(id)}`]),
    ...(Number.isNaN(time) ? [] : [instant(time)]),
  ];
  return `\n${of.join(', ')}: ${matches ? styled('green', 'matches') : styled('red', 'does not match')}\n${treeText(tree, 1)}`;
}

function treeText({ holds, what, parts = [] }: Explanation, depth: number): string {
  const mark = holds ? styled('green', '✓') : styled('red', '✗');
  return `${'  '.repeat(depth)}${mark} ${plain(what)}\n${parts.map((part) => treeText(part, depth + 1)).join('')}`;
}

export function eventJson(rule: BaseRule, { line, id, time, explanation }: ExplainedEvent): string {
  return jsonLine({
    type: 'event',
    rule: rule.key,
    event: { index: line, id },
    time: isoTime(time),
    ...explanation,
  });
}

/** What to show of a correlation. */
interface Shown {
  /** Most groups, and most firings of the correlations that the rule refers to. */
  readonly most: number;
  /** Only groups with these values. */
  readonly of: Readonly<Record<string, string>>;
}

export function* correlationText(
  rule: CorrelationRule,
  ruleSet: RuleSet,
  explanation: CorrelationExplanation,
  { most, of }: Shown,
): Generator<string, void> {
  const { events, late, copies, folded, evicted, references, parents } = explanation;
  const groups = groupsOf(explanation, of);
  const titles = new Map([...ruleSet.rules, ...ruleSet.correlations].map(({ key, title }) => [key, title]));
  const titleOf = (key: string): string => plain(titles.get(key) ?? key);
  yield `${plain(`${rule.title} (${rule.key}): ${conditionOf(rule, ruleSet)}`)}\n`;
  yield* narrowingText(rule, titleOf);
  yield `\n${plural(events, 'event')}, ${count(late)} late, ${plural(copies, 'copy', 'copies')}\n`;
  const isParent = new Set(ruleSet.correlations.map(({ key }) => key));
  for (const { rule: key, found, withoutGroup } of references) {
    const verb = isParent.has(key) ? 'fired' : 'matched';
    yield `  ${titleOf(key)}: ${verb} ${times(found)}${withoutGroup === 0 ? '' : `, ${count(withoutGroup)} of them without ${plain(rule.groupBy.join(', '))}`}\n`;
  }
  if (folded > 0)
    yield '  Some groups have more entries than the engine holds exactly: its values may differ from these\n';
  if (evicted > 0) yield `  ${count(evicted)} groups were forgotten over the cap of groups\n`;
  if (parents.length > 0) yield '\nFirings that it refers to\n';
  for (const { rule: key, group, time, value } of parents.slice(0, most)) {
    yield `  ${instant(time)}  ${titleOf(key)}, ${groupText(group)}, value ${count(value)}\n`;
  }
  yield more(parents.length - most, 'firings');
  for (const group of groups.slice(0, most)) yield* groupLines(rule, group, titleOf);
  yield more(groups.length - most, 'groups');
  if (groups.length > 0) return;
  const all = explanation.groups.length;
  yield all === 0 ? '\nNothing to correlate.\n' : `\nNone of ${plural(all, 'group')} has ${groupText(of)}.\n`;
}

function groupsOf(
  { groups }: CorrelationExplanation,
  of: Readonly<Record<string, string>>,
): GroupExplanation[] {
  const wanted = Object.entries(of);
  return groups.filter(({ group }) => wanted.every(([field, value]) => group[field] === value));
}

/** What extension keys require beyond the condition. */
function* narrowingText(
  { sequence, begunBefore }: CorrelationRule,
  titleOf: (key: string) => string,
): Generator<string, void> {
  if (sequence !== undefined) {
    const { field, minRun, maxStep } = sequence;
    const apart =
      maxStep === 1
        ? 'each 1 above or below the one before'
        : `each at most ${maxStep} above or below the one before`;
    yield `  and a run of ${count(minRun)} ids in ${plain(field)}, ${apart}\n`;
  }
  if (begunBefore !== undefined) {
    const { field, rule } = begunBefore;
    yield `  other events count only if ${plain(field)} lies before the newest ${titleOf(rule)}\n`;
  }
}

function* groupLines(
  rule: CorrelationRule,
  { group, scale, entries, withoutValue, uncounted, last, nearest, firings }: GroupExplanation,
  titleOf: (key: string) => string,
): Generator<string, void> {
  const fired =
    firings.length === 0 ? styled('red', 'did not fire') : styled('green', `fired ${times(firings.length)}`);
  yield `\n${groupText(group)}: ${fired}\n`;
  if (rule.scaleBy !== undefined) yield `  ${plain(scaleText(rule.scaleBy, scale))}\n`;
  if (uncounted !== undefined) yield `  ${plain(ofNovelty(rule, entries + withoutValue, uncounted))}\n`;
  if (withoutValue > 0) {
    yield `  ${count(withoutValue)} of ${count(entries + withoutValue)} events hold no value for ${plain(rule.fields.join(', '))}\n`;
  }
  for (const { time, value } of firings) yield `  fired at ${instant(time)} with ${count(value)}\n`;
  if (last === undefined || nearest === undefined) {
    if (entries > 0) yield '  all its events came too late to end a window\n';
    return;
  }
  if (nearest.to !== last.to) yield `  best window, to ${instant(nearest.to)}: ${verdict(rule, nearest)}\n`;
  yield `  last window, ${span(rule.timespanMs)} to ${instant(last.to)}: ${verdict(rule, last)}\n`;
  yield* windowLines(rule, last, titleOf);
}

/** How many events show something new, and why the others do not count. */
function ofNovelty(
  { newTerms, groupBy }: CorrelationRule,
  counted: number,
  { known, learning, withoutTerm, late }: Uncounted,
): string {
  const { fields, historyMs } = newTerms!;
  const whole = groupBy.length === 0 ? "the rule's first event" : "the group's first event";
  const others: [number, string][] = [
    [known, `with values seen within ${span(historyMs)}`],
    [learning, `within ${span(historyMs)} of ${whole}, or of its first after a pause as long`],
    [withoutTerm, `without ${fields.join(' or ')}`],
    [late, 'late'],
  ];
  const rest = others.filter(([n]) => n > 0).map(([n, why]) => `${count(n)} ${why}`);
  const all = counted + known + learning + withoutTerm + late;
  return `${count(counted)} of ${count(all)} events show new ${fields.join(', ')}${rest.length === 0 ? '' : `; not counted: ${rest.join(', ')}`}`;
}

function scaleText({ list, column, factor }: ScaleBy, number: number | undefined): string {
  if (number === undefined) return `no row in the list ${list}: the rule's own bounds`;
  return `lower bounds are at least ${count(factor)} × ${count(number)} ${column}, as the list ${list} says`;
}

function* windowLines(
  rule: CorrelationRule,
  { entries, seen }: LastWindow,
  titleOf: (key: string) => string,
): Generator<string, void> {
  if (rule.type.startsWith('temporal')) {
    for (const [key, time] of seen) {
      yield `    ${time === null ? styled('red', 'missing') : styled('green', 'seen')} ${titleOf(key)}${time === null ? '' : `, last at ${instant(time)}`}\n`;
    }
  }
  const hidden = entries.length - SHOWN_ENTRIES;
  if (hidden > 0) yield `    … ${count(hidden)} earlier entries\n`;
  for (const entry of entries.slice(-SHOWN_ENTRIES)) {
    yield `    ${entryText(entry, rule, titleOf)}\n`;
  }
}

function entryText(
  { time, line, id, rules, values, beginning }: WindowEntry,
  rule: CorrelationRule,
  titleOf: (key: string) => string,
): string {
  const of = line === undefined ? 'firing' : `line ${line + 1}${id === null ? '' : `, event ${plain(id)}`}`;
  const what = rule.rules.length > 1 || line === undefined ? `  ${rules.map(titleOf).join(', ')}` : '';
  const shown = values.length > 10 ? [...values.slice(0, 10), `… ${count(values.length - 10)} more`] : values;
  const dated = beginning === undefined ? '' : `  ${beginningText(beginning, rule, titleOf)}`;
  return `${instant(time)}  ${of}${what}${values.length === 0 ? '' : `  ${plain(shown.join(', '))}`}${dated}`;
}

/** Compares the date in an event with the newest event that it has to precede. */
function beginningText(
  { begun, newest, counts }: Beginning,
  { begunBefore }: CorrelationRule,
  titleOf: (key: string) => string,
): string {
  const field = plain(begunBefore!.field);
  const { rule } = begunBefore!;
  const no = styled('red', 'does not count:');
  if (newest === null) return `${no} no ${titleOf(rule)} at or before it`;
  if (begun === null) return `${no} ${field} holds no date`;
  const dates = (relation: string): string =>
    `${field} ${instant(begun)} is ${relation} ${titleOf(rule)} at ${instant(newest)}`;
  return counts ? dates('before') : `${no} ${dates('not before')}`;
}

function verdict(
  { ruleCondition, baseline }: CorrelationRule,
  { value, holds, bounds, run, ends, usual }: WindowExplanation,
): string {
  const ofCondition =
    ruleCondition === undefined ? [] : [holds ? 'the condition holds' : 'the condition does not hold'];
  const distances = [...ofCondition, ...bounds.map((bound) => distance(bound, value, bound.holds))];
  const compared =
    baseline === undefined || usual === undefined ? '' : `; ${ofBaseline(baseline, value, usual)}`;
  const ofRun = run === undefined ? '' : `; ${runText(run)}`;
  const ofEnd = ends ? '' : '; its last event does not count';
  return `value ${count(value)}, ${distances.join(' and ')}${compared}${ofRun}${ofEnd}`;
}

/** What is usual in the group, and whether the value exceeds it. */
function ofBaseline(
  { minSamples }: Baseline,
  value: number,
  { samples, median, deviation, upTo }: Usual,
): string {
  const from = plural(samples, 'earlier bucket');
  if (upTo === -Infinity) return `no baseline from ${from}, ${count(minSamples)} are needed`;
  const usual = `up to ${count(upTo)} is usual (median ${count(median)}, deviation ${count(deviation)}, ${from})`;
  return value > upTo
    ? `${count(value - upTo)} above the baseline: ${usual}`
    : `not above the baseline: ${usual}`;
}

function runText({ ids, sinceMs, wanted }: NonNullable<WindowExplanation['run']>): string {
  if (ids === 0) return 'it ends with no id';
  const length = plural(ids, 'id');
  return ids < wanted
    ? `its longest run is ${length}, ${count(wanted - ids)} short of ${count(wanted)}`
    : `a run of ${length} since ${instant(sinceMs)}`;
}

/** How far a value is from a bound, or past it. */
function distance({ op, value: bound }: Bound, value: number, holds: boolean): string {
  const name = `${op} ${count(bound)}`;
  const by = count(Math.abs(value - bound));
  if (holds) return value === bound || op === 'neq' ? `${name} holds` : `${name} holds by ${by}`;
  if (value === bound) return `${name} does not hold at ${count(bound)} itself`;
  if (op === 'eq') return `${by} off ${name}`;
  return value < bound ? `${by} short of ${name}` : `${by} above ${name}`;
}

/** One object for the correlation as a whole, then one per group. */
export function* correlationJson(
  rule: CorrelationRule,
  explanation: CorrelationExplanation,
  { most, of }: Shown,
): Generator<string, void> {
  const { groups, parents, rejected, references, ...counts } = explanation;
  const shownGroups = groupsOf(explanation, of).slice(0, most);
  yield jsonLine({
    type: 'correlation',
    rule: rule.key,
    ...counts,
    rejected: rejected.length,
    groups: groups.length,
    shown_groups: shownGroups.length,
    references: references.map(({ rule: key, found, withoutGroup }) => ({
      rule: key,
      found,
      without_group: withoutGroup,
    })),
    parent_firings: parents.map((parent) => ({ ...parent, time: isoTime(parent.time) })),
  });
  for (const shown of shownGroups) {
    const { group, scale, entries, withoutValue, uncounted, last, nearest, firings } = shown;
    yield jsonLine({
      type: 'group',
      rule: rule.key,
      group,
      ...(rule.scaleBy === undefined ? {} : { scale: scale ?? null }),
      entries,
      without_value: withoutValue,
      ...(uncounted === undefined
        ? {}
        : {
            not_new: {
              known: uncounted.known,
              learning: uncounted.learning,
              without_term: uncounted.withoutTerm,
              late: uncounted.late,
            },
          }),
      firings: firings.map(({ time, value }) => ({ time: isoTime(time), value })),
      nearest: nearest === undefined ? null : windowJson(nearest),
      last:
        last === undefined
          ? null
          : {
              ...windowJson(last),
              seen: Object.fromEntries([...last.seen].map(([key, time]) => [key, isoTime(time)])),
              entries: last.entries.length,
              newest: last.entries
                .slice(-SHOWN_ENTRIES)
                .map(({ time, line, id, rules, values, beginning }) => ({
                  time: isoTime(time),
                  event: line === undefined ? null : { index: line, id },
                  rules,
                  values,
                  ...(beginning && {
                    beginning: {
                      begun: isoTime(beginning.begun),
                      newest: isoTime(beginning.newest),
                      counts: beginning.counts,
                    },
                  }),
                })),
            },
    });
  }
}

function windowJson({ from, to, value, holds, ends, bounds, run, usual }: WindowExplanation): object {
  return {
    after: isoTime(from),
    to: isoTime(to),
    value,
    holds,
    bounds: bounds.map(({ op, value: bound, holds }) => ({
      op,
      value: bound,
      holds,
      distance: value - bound,
    })),
    ...(usual === undefined
      ? {}
      : {
          baseline: {
            samples: usual.samples,
            median: usual.median,
            deviation: usual.deviation,
            usual_up_to: usual.upTo === -Infinity ? null : usual.upTo,
            holds: value > usual.upTo,
          },
        }),
    ...(run && { run: { ids: run.ids, since: isoTime(run.sinceMs), wanted: run.wanted } }),
    ...(!ends && { ends }),
  };
}

function groupText(group: Readonly<Record<string, string | null>>): string {
  const fields = Object.entries(group).map(([field, value]) => plain(`${field} = ${JSON.stringify(value)}`));
  return fields.length === 0 ? 'All events' : fields.join(', ');
}

function times(n: number): string {
  return n === 1 ? 'once' : `${count(n)} times`;
}

function more(hidden: number, what: string): string {
  return hidden > 0 ? `\n… ${count(hidden)} more ${what}; --all shows all\n` : '';
}

function isoTime(timeMs: number | null): string | null {
  return timeMs === null || Number.isNaN(timeMs) ? null : new Date(timeMs).toISOString();
}
