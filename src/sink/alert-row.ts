/**
 * An alert as a row of table `alerts`, and back. One table of columns serves both directions, and the compiler checks
 * that it covers every field. Times are ms since the epoch here and DateTime64(3, 'UTC') there.
 */

import type { Alert } from '../alert/alert.ts';
import { wellFormed } from './well-formed.ts';

type Kind = 'text' | 'real' | 'count' | 'integer' | 'flag' | 'time' | 'value';

interface Column {
  readonly name: string;
  readonly kind: Kind;
}

const COLUMNS = {
  alertId: { name: 'alert_id', kind: 'text' },
  rule: { name: 'rule', kind: 'text' },
  ruleHash: { name: 'rule_hash', kind: 'text' },
  title: { name: 'title', kind: 'text' },
  level: { name: 'level', kind: 'text' },
  tags: { name: 'tags', kind: 'value' },
  runbook: { name: 'runbook', kind: 'text' },
  group: { name: 'group_fields', kind: 'value' },
  status: { name: 'status', kind: 'text' },
  canary: { name: 'canary', kind: 'flag' },
  mergedInto: { name: 'merged_into', kind: 'text' },
  resolution: { name: 'resolution', kind: 'text' },
  inhibitedBy: { name: 'inhibited_by', kind: 'text' },
  firstEventAt: { name: 'first_event_at', kind: 'time' },
  crossedAt: { name: 'crossed_at', kind: 'time' },
  lastEventAt: { name: 'last_event_at', kind: 'time' },
  detectedAt: { name: 'detected_at', kind: 'time' },
  value: { name: 'value', kind: 'real' },
  valueEstimated: { name: 'value_estimated', kind: 'flag' },
  threshold: { name: 'threshold', kind: 'value' },
  usualUpTo: { name: 'usual_up_to', kind: 'value' },
  events: { name: 'events', kind: 'count' },
  persons: { name: 'persons', kind: 'count' },
  personsEstimated: { name: 'persons_estimated', kind: 'flag' },
  records: { name: 'records', kind: 'count' },
  bytes: { name: 'bytes', kind: 'count' },
  totalsEstimated: { name: 'totals_estimated', kind: 'flag' },
  accounts: { name: 'accounts', kind: 'value' },
  applications: { name: 'applications', kind: 'value' },
  organisations: { name: 'organisations', kind: 'value' },
  sourceNetworks: { name: 'source_networks', kind: 'value' },
  categories: { name: 'categories', kind: 'value' },
  sampleEventIds: { name: 'sample_event_ids', kind: 'value' },
  recordsBeforeAlert: { name: 'records_before_alert', kind: 'count' },
  timeToDetectMs: { name: 'time_to_detect_ms', kind: 'integer' },
  version: { name: 'version', kind: 'count' },
} as const satisfies Record<keyof Alert, Column>;

const ENTRIES = Object.entries(COLUMNS) as [keyof Alert, Column][];

/** Select list that yields the properties of `Alert`, times in ms. */
export const ALERT_SELECT_LIST = ENTRIES.map(([property, { name, kind }]) =>
  kind === 'time' ? `toUnixTimestamp64Milli(${name}) AS ${property}` : `${name} AS ${property}`,
).join(', ');

/**
 * The row to insert as JSONEachRow. Estimated counts are rounded: the columns hold integers. A property that the alert
 * lacks, as alerts spooled by an older release do, gets its column's default.
 */
export function alertToRow(alert: Alert): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [property, { name, kind }] of ENTRIES) {
    const value = alert[property];
    if (kind === 'count') row[name] = Math.max(0, Math.round(Number(value)));
    else if (kind === 'integer' || kind === 'time') row[name] = Math.round(Number(value));
    else row[name] = wellFormed(value);
  }
  return row;
}

/** The alert of a row of `ALERT_SELECT_LIST`. Servers differ in whether 64-bit integers come as text. */
export function alertFromRow(row: Readonly<Record<string, unknown>>): Alert {
  const alert: Record<string, unknown> = {};
  for (const [property, { kind }] of ENTRIES) {
    const value = row[property];
    if (kind === 'text' || kind === 'value') alert[property] = value;
    else alert[property] = kind === 'flag' ? value === true : Number(value);
  }
  return alert as unknown as Alert;
}
