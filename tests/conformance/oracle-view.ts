/**
 * Correlation cases as the oracle sees them. The oracle reads base rules of plain equalities and flat events
 * only, which is most of the cases; the others are left to the engine alone.
 */

import { parseAllDocuments } from 'yaml';
import type { EventField, OracleDocument, OracleEvent } from '../oracle/documents.ts';
import { evaluate } from '../oracle/oracle.ts';
import type { CorrelationCase, LoggedEvent, Row } from './case-files.ts';

/** The oracle recomputes every window from the whole log. */
const LONGEST_LOG = 200;

interface OracleCase extends CorrelationCase {
  readonly verdict: { readonly firings: readonly Row[]; readonly alerts: readonly Row[] };
}

type Json = Readonly<Record<string, unknown>>;

/** The case with the oracle's verdict, or nothing when it is beyond the oracle. */
export function askOracle(it: CorrelationCase): OracleCase[] {
  const documents = documentsOf(it.rules);
  const log = it.log.map(oracleEvent);
  const understood = it.refused === undefined && documents.every(isPlain) && log.length <= LONGEST_LOG;
  if (!understood || !log.every((event) => event !== undefined)) return [];
  const verdict = evaluate(documents as unknown as OracleDocument[], log, { latenessMs: it.latenessMs });
  const alerts = verdict.alerts.map(({ firstEventAt, crossedAt, lastEventAt, ...row }) => ({
    ...row,
    first_event_at: firstEventAt,
    crossed_at: crossedAt,
    last_event_at: lastEventAt,
  }));
  return [{ ...it, verdict: { firings: verdict.firings.map((row) => ({ ...row })), alerts } }];
}

/**
 * How many of the documents hold something that an engine of counts and sums over events, with lower bounds,
 * cannot execute: only these may be refused as unsupported.
 */
export function notYetExecutable(rules: string): number {
  const documents = documentsOf(rules);
  const correlations = documents.filter((document) => document['correlation'] !== undefined);
  const names = new Set(correlations.map(({ name }) => name));
  return correlations.filter(({ correlation }) => {
    const { type, condition, rules: references } = correlation as Json;
    const upper = Object.keys(condition ?? {}).some((key) => /^(?:lte?|n?eq)$/.test(key));
    const chained = (references as readonly unknown[]).some((name) => names.has(name));
    return upper || chained || !/^(?:event_count|value_count|value_sum)$/.test(String(type));
  }).length;
}

function documentsOf(rules: string): Json[] {
  return parseAllDocuments(rules).map((document) => document.toJS() as Json);
}

/** The extension keys that the oracle evaluates. */
const KNOWN_KEYS = ['vigie.resolve_timeout', 'vigie.missing_fields'];

function isPlain(document: Json): boolean {
  if (Object.keys(document).some((key) => key.startsWith('vigie.') && !KNOWN_KEYS.includes(key)))
    return false;
  const { correlation, detection, name, generate } = document;
  if (generate !== undefined || name === undefined) return false;
  if (correlation !== undefined) {
    const { timespan, rules, generate: inner } = correlation as Json;
    const byName = (rules as readonly unknown[]).every((rule) => !/-\d{4}-/.test(String(rule)));
    return byName && inner === undefined && /^\d+[smhd]$/.test(String(timespan));
  }
  const { selection, condition } = (detection ?? {}) as Json;
  const texts = Object.entries((selection ?? {}) as Json);
  return condition === 'selection' && texts.every(([key, value]) => /^\w+$/.test(key) && isWord(value));
}

function isWord(value: unknown): boolean {
  return typeof value === 'string' && /^\w+$/.test(value);
}

/** Undefined when the event is not flat. */
function oracleEvent({ time, fields }: LoggedEvent): OracleEvent | undefined {
  const { event, 'event.id': dotted, ...flat } = fields;
  const id = dotted ?? (event as Json | undefined)?.['id'];
  const values = Object.values(flat);
  if (values.some((value) => typeof value === 'object' && value !== null && !Array.isArray(value))) {
    return undefined;
  }
  return {
    time,
    ...(typeof id === 'string' && id !== '' ? { id } : {}),
    fields: flat as Readonly<Record<string, EventField>>,
  };
}
