/**
 * A rule as SQL over the archive: the same firings as the engine gives on the same events, in whatever order and
 * however often they were archived. What cannot be said exactly is refused.
 *
 * Pure: a checked rule and the names of the archive become text.
 */

import type { BaseRule, CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { ArchivedFields, type ArchiveTable } from './archived-fields.ts';
import { ConditionSql } from './condition-sql.ts';
import type { Part } from './parts.ts';
import { eventSources, firingSource, type GroupColumn } from './sources-sql.ts';
import { indented, joined, sqlComment, sqlInstant, sqlNumber, SqlNames } from './sql-text.ts';
import { LongestPart } from './statement-length.ts';
import { checkWindows } from './unsaid.ts';
import { windowsOf } from './windows-sql.ts';

export interface HuntOptions {
  readonly table: ArchiveTable;
  /** Dotted paths of the fields that hold persons' ids. */
  readonly personFields: readonly string[];
  /** Event times, ms since the epoch: firings from `since` (inclusive) to `until` (exclusive). */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Most rows. */
  readonly limit?: number | undefined;
}

/** Ends the statement of a hunt: ClickHouse is to read numbers as the engine does. */
export const HUNT_SETTINGS = 'SETTINGS precise_float_parsing = 1';

export interface CompiledHunt {
  readonly rule: BaseRule | CorrelationRule;
  /**
   * One statement without parameters, to be run with `HUNT_SETTINGS`. Its rows are firings by time: `at` in ms
   * since the epoch, `time`, the groups' columns and `value`; of a base rule, matches: `at`, `time` and
   * `event_id`.
   */
  readonly sql: string;
  readonly groups: readonly GroupColumn[];
  /** How far back the history of a baseline reaches, ms; 0 without a baseline. */
  readonly historyMs: number;
  /** Fields it reads that the archive has only for times at which a rule asked for them. */
  readonly unsure: readonly string[];
}

/** Throws HUNT_NOT_COMPILED. */
export function compileHunt(
  rule: BaseRule | CorrelationRule,
  ruleSet: RuleSet,
  { table, personFields, since, until, limit }: HuntOptions,
): CompiledHunt {
  const longest = new LongestPart();
  const most = limit === undefined ? '' : `\nLIMIT ${sqlNumber(limit)}`;
  if (rule.kind === 'rule') {
    const fields = new ArchivedFields(table, new SqlNames());
    const condition = new ConditionSql(fields, ruleSet.lists, longest).of(rule);
    const sql = statement({
      head: headOf(rule),
      parts: [
        matched(new SqlNames(), table, fields, ['event_id'], condition, {
          after: since === undefined ? undefined : since - 1,
          until,
        }),
      ],
      select: `SELECT ${TIME}, event_id\nFROM matched\nORDER BY at, event_id${most}`,
    });
    longest.check(rule, sql);
    return { rule, sql, groups: [], historyMs: 0, unsure: fields.others };
  }
  const { groups, historyMs, unsure, parts } = new Correlations(
    ruleSet,
    table,
    personFields,
    longest,
  ).firings(rule, {
    after: since === undefined ? undefined : since - 1,
    until,
  });
  const within = [
    ...(since === undefined ? [] : [`at >= ${Math.ceil(since)}`]),
    ...(until === undefined ? [] : [`at < ${Math.ceil(until)}`]),
  ];
  const keys = groups.map(({ column }) => column);
  const sql = statement({
    head: headOf(rule),
    parts,
    select: `SELECT ${[TIME, ...keys, 'value'].join(', ')}
FROM true_windows
WHERE ${[isFirst(rule), ...within].join(' AND ')}
ORDER BY ${['at', ...keys].join(', ')}${most}`,
  });
  longest.check(rule, sql);
  return { rule, sql, groups, historyMs, unsure: [...unsure] };
}

/** Event times, ms since the epoch, both exclusive; undefined if there is no bound. */
interface Range {
  readonly after: number | undefined;
  readonly until: number | undefined;
}

interface Firings {
  readonly groups: readonly GroupColumn[];
  /** The last has the true windows; those that are `isFirst` are the firings. */
  readonly parts: readonly Part[];
  readonly historyMs: number;
  readonly unsure: ReadonlySet<string>;
}

/** Compiles correlations over events, and over each other. */
class Correlations {
  readonly #ruleSet: RuleSet;
  readonly #table: ArchiveTable;
  readonly #personFields: readonly string[];
  readonly #longest: LongestPart;

  constructor(ruleSet: RuleSet, table: ArchiveTable, personFields: readonly string[], longest: LongestPart) {
    this.#longest = longest;
    this.#ruleSet = ruleSet;
    this.#table = table;
    this.#personFields = personFields;
  }

  /** Within the range the firings are the engine's; before it there may be others. */
  firings(rule: CorrelationRule, { after, until }: Range, suffix = ''): Firings {
    const { rules: bases, correlations, lists } = this.#ruleSet;
    const chained = rule.rules.map((key) => correlations.find((each) => each.key === key));
    checkWindows(rule, chained, (path) => this.#personFields.includes(path));
    const { timespanMs, resolveTimeoutMs, baseline } = rule;
    const history = baseline === undefined ? 0 : baseline.historyMs + baseline.bucketMs;
    // Older events decide nothing: a true window before that is too long ago to be of the same episode.
    const reach = timespanMs + resolveTimeoutMs + history;
    const range = { after: after === undefined ? undefined : after - reach, until };
    const names = new SqlNames(suffix);
    const fields = new ArchivedFields(this.#table, names);
    const conditionSql = new ConditionSql(fields, lists, this.#longest);
    const conditions = rule.rules.map((key) => {
      const base = bases.find((each) => each.key === key);
      return base && conditionSql.of(base);
    });
    const children = chained.flatMap((child, i) =>
      child === undefined
        ? []
        : [
            {
              i,
              rule: child,
              name: names.part(`firings_${i + 1}`),
              ...this.firings(child, range, `${suffix}_${i + 1}`),
            },
          ],
    );
    const events = eventSources(rule, conditions, fields, names.part('matched'));
    const sources = [
      ...events.sources,
      ...children.map(({ i, name, groups }) => firingSource(rule, i, name, groups)),
    ];
    const { groups, parts } = windowsOf(rule, sources, lists, names, this.#longest);
    const any = joined(
      'or',
      conditions.filter((condition) => condition !== undefined),
    );
    return {
      groups,
      parts: [
        ...children.map(firingsPart),
        ...(events.sources.length === 0
          ? []
          : [matched(names, this.#table, fields, [...events.columns], any, range)]),
        ...parts,
      ],
      historyMs: Math.max(baseline?.historyMs ?? 0, ...children.map(({ historyMs }) => historyMs)),
      unsure: new Set([...fields.others, ...children.flatMap(({ unsure }) => [...unsure])]),
    };
  }
}

/** The firings of a correlation, to be counted by another. */
function firingsPart({
  name,
  rule,
  groups,
  parts,
}: Firings & { readonly name: string; readonly rule: CorrelationRule }): Part {
  const columns = ['at', ...groups.map(({ column }) => column)];
  const sql = statement({
    head: headOf(rule),
    parts,
    select: `SELECT ${columns.join(', ')}\nFROM ${parts.at(-1)!.name}\nWHERE ${isFirst(rule)}`,
  });
  return { name, about: 'the firings of a rule that it counts', sql };
}

function isFirst({ resolveTimeoutMs }: CorrelationRule): string {
  return `at - before > ${resolveTimeoutMs}`;
}

const TIME = `at, fromUnixTimestamp64Milli(at, 'UTC') AS time`;

function headOf(rule: BaseRule | CorrelationRule): string {
  const what =
    rule.kind === 'rule'
      ? 'Events that match, a row each.'
      : 'Firings, a row each: when, who, and what the window was worth that opened the episode.';
  return [`${rule.title} (${rule.key}, level ${rule.level})`, what]
    .map((line) => sqlComment(line.replaceAll('\n', ' ')))
    .join('\n');
}

function matched(
  names: SqlNames,
  table: ArchiveTable,
  fields: ArchivedFields,
  columns: readonly string[],
  condition: string,
  { after, until }: Range,
): Part {
  const conditions = [
    ...(after === undefined ? [] : [`time > ${sqlInstant(Math.ceil(after))}`]),
    ...(until === undefined ? [] : [`time < ${sqlInstant(Math.ceil(until))}`]),
    condition,
  ];
  const { definitions } = fields;
  const withFields = definitions.length === 0 ? '' : `WITH\n${indented(definitions.join(',\n'))}\n`;
  const all = [...new Set(['toUnixTimestamp64Milli(time) AS at', ...columns])];
  return {
    name: names.part('matched'),
    about: 'the events that match, of copies one',
    sql: `${withFields}SELECT
${indented(all.join(',\n'))}
FROM ${table.name} FINAL
WHERE ${conditions.join('\n  AND ')}
LIMIT 1 BY event_id, time`,
  };
}

function statement({
  head,
  parts,
  select,
}: {
  readonly head: string;
  readonly parts: readonly Part[];
  readonly select: string;
}): string {
  const named = parts.map(
    ({ name, about, sql }) => `${sqlComment(about)}\n${name} AS\n(\n${indented(sql)}\n)`,
  );
  return `${head}\nWITH\n${named.join(',\n')}\n${select}`;
}
