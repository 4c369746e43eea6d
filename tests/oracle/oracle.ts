/**
 * The oracle: what Vigie must answer, recomputed over the whole log at once.
 *
 * Written from the streaming semantics alone, with no knowledge of how the engine keeps its state. Nothing is
 * incremental, trimmed or bounded: every window is a filter over all entries of its group. Slow on purpose.
 *
 * 1. Drop copies: the first arrival of an id counts.
 * 2. Watermark: the newest event time that arrived before, less the lateness. An event older than that is
 *    late: it counts only in windows that end at or after the watermark it met.
 * 3. Windows: one ending at each event's time t, holding (t - timespan, t].
 * 4. Episodes: true window ends at most resolve_timeout apart. The first is the firing.
 */

import {
  boundsOf,
  durationMs,
  isCorrelation,
  type BaseDocument,
  type CorrelationDocument,
  type EventField,
  type Operator,
  type OracleDocument,
  type OracleEvent,
} from './documents.ts';
import { counting, longestRun } from './extensions.ts';
import { judge, type Entry, type Judgement } from './measures.ts';
import { newOnly, usualUpTo } from './narrowing.ts';

/** The group-by fields of one group: text, or null for a missing field that is grouped. */
export type Group = Readonly<Record<string, string | null>>;

interface Match {
  readonly rule: string;
  /** Position in the log, from 0. */
  readonly index: number;
  readonly time: number;
}

export interface Firing {
  readonly rule: string;
  readonly group: Group;
  /** End of the first true window of the episode. */
  readonly time: number;
  /** Of that window, with all its events. */
  readonly value: number;
  readonly threshold: Partial<Record<Operator, number>>;
}

export interface AlertRow {
  readonly rule: string;
  readonly group: Group;
  readonly status: 'firing' | 'resolved';
  /** Oldest entry of the crossing window. */
  readonly firstEventAt: number;
  readonly crossedAt: number;
  /** Last true window end. */
  readonly lastEventAt: number;
  /**
   * Entries from firstEventAt to lastEventAt, both included; also those too late for the windows that end
   * there, unless the alert had been resolved when they came.
   */
  readonly events: number;
  /** Largest over the true windows. */
  readonly value: number;
}

export interface Verdict {
  readonly matches: Match[];
  readonly firings: Firing[];
  readonly alerts: AlertRow[];
}

/** Evaluates all documents over a log in arrival order. Rules that others refer to stay silent, as in Sigma. */
export function evaluate(
  documents: readonly OracleDocument[],
  log: readonly OracleEvent[],
  options: { readonly latenessMs: number },
): Verdict {
  const admitted = admit(log, options.latenessMs);
  const watermark = Math.max(...admitted.map((event) => event.time)) - options.latenessMs;
  const verdict: Verdict = { matches: [], firings: [], alerts: [] };
  for (const document of documents.filter((d) => alertsAlone(d, documents))) {
    if (isCorrelation(document)) {
      const episodes = episodesOf(document, documents, admitted);
      verdict.firings.push(...episodes.map((episode) => firingOf(document, episode)));
      verdict.alerts.push(...episodes.map((episode) => alertOf(document, episode, watermark)));
    } else {
      for (const { identity, time } of admitted.filter((event) => matches(document, event))) {
        verdict.matches.push({ rule: document.name, index: Number(identity), time });
      }
    }
  }
  return verdict;
}

/** What a correlation refers to is silent, unless a correlation that refers to it says `generate`. */
function alertsAlone(document: OracleDocument, documents: readonly OracleDocument[]): boolean {
  const referring = documents.filter(
    (d): d is CorrelationDocument => isCorrelation(d) && d.correlation.rules.includes(document.name),
  );
  return referring.length === 0 || referring.some((d) => d.correlation.generate === true);
}

/** An event, or a firing that a chained correlation sees as one. */
interface Occurrence {
  readonly identity: string;
  readonly time: number;
  readonly countsFrom: number;
  readonly fields: Readonly<Record<string, EventField>>;
}

function admit(log: readonly OracleEvent[], latenessMs: number): Occurrence[] {
  const ids = new Set<string>();
  const admitted: Occurrence[] = [];
  let newest = -Infinity;
  for (const [index, { id, time, fields }] of log.entries()) {
    if (id !== undefined && ids.has(id)) continue;
    if (id !== undefined) ids.add(id);
    const watermark = newest - latenessMs;
    admitted.push({
      identity: String(index),
      time,
      countsFrom: time < watermark ? watermark : -Infinity,
      fields,
    });
    newest = Math.max(newest, time);
  }
  return admitted;
}

/** The true windows of one episode, in order of their ends. */
interface Episode {
  readonly group: Group;
  readonly windows: readonly {
    readonly end: number;
    readonly value: number;
    readonly held: readonly Entry[];
  }[];
  /** All entries of the group. */
  readonly entries: readonly Entry[];
}

function episodesOf(
  document: CorrelationDocument,
  documents: readonly OracleDocument[],
  admitted: readonly Occurrence[],
): Episode[] {
  const timespanMs = durationMs(document.correlation.timespan);
  const resolveTimeoutMs = durationMs(document['vigie.resolve_timeout'] ?? document.correlation.timespan);
  const episodes: Episode[] = [];
  for (const { group, entries } of groupsOf(document, documents, admitted)) {
    const ends = new Set(entries.filter((e) => e.countsFrom <= e.time).map((e) => e.time));
    const all = [...ends]
      .sort((a, b) => a - b)
      .map((end) => {
        const held = entries.filter((e) => e.time > end - timespanMs && e.time <= end && e.countsFrom <= end);
        return { end, held, ...judgeWindow(document, held, end) };
      });
    const windows = all.filter(({ end, holds, value }) => holds && value > usualUpTo(document, all, end));
    let current: (typeof windows)[number][] = [];
    for (const window of windows) {
      const previous = current.at(-1);
      if (previous === undefined || window.end - previous.end > resolveTimeoutMs) {
        current = [];
        episodes.push({ group, windows: current, entries });
      }
      current.push(window);
    }
  }
  return episodes;
}

/** Also what extension keys ask for. A window ends only at an event that counts. */
function judgeWindow(document: CorrelationDocument, held: readonly Entry[], end: number): Judgement {
  const counted = counting(document, held);
  if (!counted.some(({ time }) => time === end)) return { value: 0, holds: false };
  const { value, holds } = judge(document, counted);
  const least = document['vigie.sequence']?.min_run;
  return { value, holds: holds && (least === undefined || longestRun(document, held, end) >= least) };
}

function firingOf(document: CorrelationDocument, { group, windows }: Episode): Firing {
  const [crossing] = windows;
  return {
    rule: document.name,
    group,
    time: crossing!.end,
    value: crossing!.value,
    threshold: boundsOf(document),
  };
}

function alertOf(
  document: CorrelationDocument,
  { group, windows, entries }: Episode,
  watermark: number,
): AlertRow {
  const resolveTimeoutMs = durationMs(document['vigie.resolve_timeout'] ?? document.correlation.timespan);
  const firstEventAt = Math.min(...windows[0]!.held.map((entry) => entry.time));
  const lastEventAt = windows.at(-1)!.end;
  const resolvedBeyond = lastEventAt + resolveTimeoutMs;
  return {
    rule: document.name,
    group,
    status: watermark > resolvedBeyond ? 'resolved' : 'firing',
    firstEventAt,
    crossedAt: windows[0]!.end,
    lastEventAt,
    events: entries.filter(
      ({ time, countsFrom }) => time >= firstEventAt && time <= lastEventAt && countsFrom <= resolvedBeyond,
    ).length,
    value: Math.max(...windows.map(({ value }) => value)),
  };
}

function groupsOf(
  document: CorrelationDocument,
  documents: readonly OracleDocument[],
  admitted: readonly Occurrence[],
): { group: Group; entries: Entry[] }[] {
  type Shown = Omit<Entry, 'values'> & { readonly values: Entry['values'] | undefined };
  const groups = new Map<string, { group: Group; shown: Shown[] }>();
  for (const name of document.correlation.rules) {
    for (const occurrence of occurrencesOf(name, documents, admitted)) {
      const values = valuesOf(document, name, occurrence);
      for (const group of groupKeysOf(document, name, occurrence)) {
        const key = JSON.stringify(group);
        const shown = groups.get(key)?.shown ?? [];
        groups.set(key, { group, shown });
        const { identity, time, countsFrom } = occurrence;
        const known = shown.find((entry) => entry.identity === identity);
        if (known !== undefined) {
          known.members.add(name);
          continue;
        }
        const watched = [document['vigie.new_terms']?.fields ?? []].flat();
        const terms = tuplesOf(document, name, occurrence, watched).map((tuple) => JSON.stringify(tuple));
        shown.push({
          identity,
          time,
          countsFrom,
          members: new Set([name]),
          values,
          terms,
          ids: idsOf(document, name, occurrence),
          begun: begunOf(document, occurrence),
        });
      }
    }
  }
  return [...groups.values()].map(({ group, shown }) => ({
    group,
    // An entry without a value shows what it shows all the same.
    entries: newOnly(document, shown).flatMap(({ values, ...entry }) =>
      values === undefined ? [] : [{ ...entry, values }],
    ),
  }));
}

/** What a referenced name stands for: the events that match it, or the firings of a correlation. */
function occurrencesOf(
  name: string,
  documents: readonly OracleDocument[],
  admitted: readonly Occurrence[],
): Occurrence[] {
  const document = documents.find((d) => d.name === name);
  if (document === undefined) throw new Error(`no rule is called ${name}`);
  if (!isCorrelation(document)) return admitted.filter((event) => matches(document, event));
  // A firing is only seen once the watermark is past it, when it is final: never late.
  return episodesOf(document, documents, admitted).map((episode) => ({
    identity: `${name} ${JSON.stringify(episode.group)} ${episode.windows[0]!.end}`,
    time: episode.windows[0]!.end,
    countsFrom: -Infinity,
    fields: episode.group,
  }));
}

function matches(document: BaseDocument, { fields }: Occurrence): boolean {
  return Object.entries(document.detection.selection).every(([field, wanted]) => {
    const accepted = [wanted].flat().map((value) => value.toLowerCase());
    return textsOf(fields[field]).some((text) => accepted.includes(text.toLowerCase()));
  });
}

/** The texts a field holds; none when it is absent, null or an empty list. */
function textsOf(field: EventField | undefined): string[] {
  return [field ?? []]
    .flat()
    .filter((element) => element !== null)
    .map(String);
}

/** One group per element of a list, all combinations of several lists; no group when a field is missing. */
function groupKeysOf(document: CorrelationDocument, rule: string, { fields }: Occurrence): Group[] {
  let groups: Group[] = [{}];
  for (const name of document.correlation['group-by'] ?? []) {
    const texts: (string | null)[] = [...new Set(textsOf(fields[pathOf(document, rule, name)]))];
    if (texts.length === 0 && document['vigie.missing_fields'] === 'group') texts.push(null);
    groups = groups.flatMap((group) => texts.map((text) => ({ ...group, [name]: text })));
  }
  return groups;
}

/** What the event holds of the measured field; undefined when the rule measures one and it holds none. */
function valuesOf(
  document: CorrelationDocument,
  rule: string,
  occurrence: Occurrence,
): (string | number)[] | undefined {
  const { type, condition } = document.correlation;
  if (!type.startsWith('value_') || typeof condition !== 'object') return [];
  const tuples = tuplesOf(document, rule, occurrence, [condition.field ?? []].flat());
  const values =
    type === 'value_count'
      ? tuples.map((tuple) => JSON.stringify(tuple))
      : tuples.map(([text]) => (text?.trim() ? Number(text) : NaN)).filter((number) => !Number.isNaN(number));
  return values.length === 0 ? undefined : values;
}

/** Every combination of one text per field. */
function tuplesOf(
  document: CorrelationDocument,
  rule: string,
  { fields }: Occurrence,
  names: readonly string[],
): string[][] {
  let tuples: string[][] = [[]];
  for (const name of names) {
    const texts = textsOf(fields[pathOf(document, rule, name)]);
    tuples = tuples.flatMap((tuple) => texts.map((text) => [...tuple, text]));
  }
  return tuples;
}

function idsOf(document: CorrelationDocument, rule: string, { fields }: Occurrence): string[] {
  const name = document['vigie.sequence']?.field;
  return name === undefined ? [] : textsOf(fields[pathOf(document, rule, name)]);
}

/** The earliest date of the field; undefined when it holds none. */
function begunOf(document: CorrelationDocument, { fields }: Occurrence): number | undefined {
  const name = document['vigie.begun_before']?.field;
  const texts = name === undefined ? [] : textsOf(fields[name]);
  const dates = texts.map((text) => (/^\d{13}$/.test(text) ? Number(text) : Date.parse(text)));
  const sound = dates.filter((date) => !Number.isNaN(date));
  return sound.length === 0 ? undefined : Math.min(...sound);
}

/** Resolves an alias for one referenced rule; anything else is a field's own name. */
function pathOf(document: CorrelationDocument, rule: string, name: string): string {
  return document.correlation.aliases?.[name]?.[rule] ?? name;
}
