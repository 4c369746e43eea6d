/**
 * A rule as SQL over the archive: the same firings as the engine gives on the same events, whatever the order in which
 * they were archived and however often. What cannot be said exactly is refused.
 *
 * Pure: a checked rule and the names of the archive become text.
 */

import type { BaseRule, CorrelationRule, RuleSet } from '../sigma/rule.ts';
import { ArchivedFields, type ArchiveTable } from './archived-fields.ts';
import { ConditionSql, joined } from './condition-sql.ts';
import type { Part } from './parts.ts';
import { notCompiled } from './refusal.ts';
import { indented, sqlComment, sqlInstant, sqlNumber, SqlNames } from './sql-text.ts';
import { checkWindows } from './unsaid.ts';
import { type GroupColumn, windowsOf } from './windows-sql.ts';

export interface HuntOptions {
  readonly table: ArchiveTable;
  /** Dotted paths of the fields that hold persons' ids. */
  readonly personFields: readonly string[];
  /** Event times, ms since the epoch: firings at this or later, and before that. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Most rows. */
  readonly limit?: number | undefined;
}

/** What the statement of a hunt ends with: numbers are to be read as the engine reads them. */
export const HUNT_SETTINGS = 'SETTINGS precise_float_parsing = 1';

export interface CompiledHunt {
  readonly rule: BaseRule | CorrelationRule;
  /**
   * One statement without parameters, to be run with `HUNT_SETTINGS`. Its rows are firings by time: `at` in ms since the epoch, `time`, the groups'
   * columns and `value`; of a base rule its matches: `at`, `time` and `event_id`.
   */
  readonly sql: string;
  readonly groups: readonly GroupColumn[];
  /** How far back it is told what was usual; 0 where nothing is compared with that. */
  readonly historyMs: number;
  /** Fields that it reads and that events have in the archive only if a rule asked for them at that time. */
  readonly unsure: readonly string[];
}

/** Throws HUNT_NOT_COMPILED. */
export function compileHunt(
  rule: BaseRule | CorrelationRule,
  ruleSet: RuleSet,
  { table, personFields, since, until, limit }: HuntOptions,
): CompiledHunt {
  const most = limit === undefined ? '' : `\nLIMIT ${sqlNumber(limit)}`;
  const names = new SqlNames();
  const fields = new ArchivedFields(table, names);
  const conditionSql = new ConditionSql(fields, ruleSet.lists);
  if (rule.kind === 'rule') {
    const condition = conditionSql.of(rule);
    const sql = statement({
      head: headOf(rule),
      parts: [
        matched(table, fields, ['event_id'], condition, {
          after: since === undefined ? undefined : since - 1,
          until,
        }),
      ],
      select: `SELECT ${TIME}, event_id\nFROM matched\nORDER BY at, event_id${most}`,
    });
    return { rule, sql, groups: [], historyMs: 0, unsure: fields.others };
  }
  checkWindows(rule, (path) => personFields.includes(path));
  const bases = rule.rules.map((key) => {
    const base = ruleSet.rules.find((each) => each.key === key);
    if (base === undefined)
      throw notCompiled(
        rule,
        'rules',
        `${key} is a correlation, and firings that are counted in their turn are not compiled`,
      );
    return base;
  });
  const conditions = bases.map((base) => conditionSql.of(base));
  const { groups, columns, parts } = windowsOf(rule, conditions, fields, ruleSet.lists, names);
  const { timespanMs, resolveTimeoutMs, baseline } = rule;
  const reach =
    timespanMs + resolveTimeoutMs + (baseline === undefined ? 0 : baseline.historyMs + baseline.bucketMs);
  const isFirst = `at - before > ${resolveTimeoutMs}`;
  const within = [
    ...(since === undefined ? [] : [`at >= ${Math.ceil(since)}`]),
    ...(until === undefined ? [] : [`at < ${Math.ceil(until)}`]),
  ];
  const keys = groups.map(({ column }) => column);
  const sql = statement({
    head: headOf(rule),
    parts: [
      matched(table, fields, columns, joined('or', conditions), {
        // What is older decides nothing: a true window before that is too long ago to be of the same episode.
        after: since === undefined ? undefined : since - reach - 1,
        until,
      }),
      ...parts,
    ],
    select: `SELECT ${[TIME, ...keys, 'value'].join(', ')}
FROM true_windows
WHERE ${[isFirst, ...within].join(' AND ')}
ORDER BY ${['at', ...keys].join(', ')}${most}`,
  });
  return { rule, sql, groups, historyMs: baseline?.historyMs ?? 0, unsure: fields.others };
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
  table: ArchiveTable,
  fields: ArchivedFields,
  columns: readonly string[],
  condition: string,
  { after, until }: { readonly after: number | undefined; readonly until: number | undefined },
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
    name: 'matched',
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
