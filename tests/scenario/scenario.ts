/**
 * Scenarios: behaviour as text that is understood without knowing the engine.
 *
 * A `.scenario` file starts with Sigma documents and goes on with scenarios that all use them:
 *
 *     == An event exactly ten seconds old is out of the window
 *     lateness 60s
 *     log
 *       0s     user=alice
 *       10s    user=alice
 *     expect
 *       firing volume user=alice at=10s value=3
 *       alert  volume user=alice firing first=0s crossed=10s last=10s events=3 value=3
 *
 * - `log` is in arrival order. Each line is an event's time and its fields; `a|b` is a list, `null` a present
 *   null, digits are a number, `"5"` is text. `event.id` makes events recognisable as copies.
 * - `expect` lists every firing and, if it lists any alert, every alert; `nothing` stands for none.
 *   In a group, `-` is a missing field. Order does not matter.
 * - `#` starts a comment.
 */

import { parseAllDocuments } from 'yaml';
import type { EventField, OracleDocument, OracleEvent, Scalar } from '../oracle/documents.ts';
import type { AlertRow, Firing, Group, Verdict } from '../oracle/oracle.ts';

export interface Scenario {
  readonly title: string;
  readonly documents: readonly OracleDocument[];
  readonly latenessMs: number;
  readonly log: readonly OracleEvent[];
  /** Sorted lines, as `report` writes them. */
  readonly expected: readonly string[];
}

export function parseScenarios(file: string, text: string): Scenario[] {
  const [rules = '', ...sections] = text.split(/^== */m);
  const documents = parseAllDocuments(rules).map((document) => document.toJS() as OracleDocument);
  return sections.map((section) => {
    const [title = '', ...lines] = section
      .split('\n')
      .map((line) => line.replace(/(^|\s)#.*/, '').trimEnd())
      .filter((line) => line !== '');
    const block = (name: string): string[] => {
      const start = lines.indexOf(name) + 1;
      if (start === 0) throw new Error(`${file}: "${title}" has no ${name}`);
      const end = lines.findIndex((line, i) => i >= start && !line.startsWith(' '));
      return lines.slice(start, end === -1 ? lines.length : end).map((line) => line.trim());
    };
    const lateness = lines.find((line) => line.startsWith('lateness '));
    if (lateness === undefined) throw new Error(`${file}: "${title}" does not say its lateness`);
    return {
      title,
      documents,
      latenessMs: parseTime(lateness.slice('lateness '.length)),
      log: block('log').map(parseEvent),
      expected: block('expect')
        .filter((line) => line !== 'nothing')
        .map((line) => line.replace(/\s+/g, ' '))
        .sort(),
    };
  });
}

/** A verdict in the words of `expect`; alerts only when some are expected. */
export function report(verdict: Verdict, expected: readonly string[]): string[] {
  const withAlerts = expected.some((line) => line.startsWith('alert '));
  return [
    ...verdict.firings.map(firingInWords),
    ...(withAlerts ? verdict.alerts.map(alertInWords) : []),
  ].sort();
}

const firingInWords = ({ rule, group, time, value }: Firing): string =>
  `firing ${rule}${inWords(group)} at=${formatTime(time)} value=${value}`;

const alertInWords = (row: AlertRow): string =>
  `alert ${row.rule}${inWords(row.group)} ${row.status} first=${formatTime(row.firstEventAt)}` +
  ` crossed=${formatTime(row.crossedAt)} last=${formatTime(row.lastEventAt)}` +
  ` events=${row.events} value=${row.value}`;

const inWords = (group: Group): string =>
  Object.entries(group)
    .map(([field, value]) => ` ${field}=${value ?? '-'}`)
    .join('');

function parseEvent(line: string): OracleEvent {
  const [time = '', ...pairs] = line.split(/\s+/);
  const entries = pairs.map(
    (pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const,
  );
  const { 'event.id': id, ...fields } = Object.fromEntries(
    entries.map(([field, value]): [string, EventField] => [field, parseField(value)]),
  );
  return { time: parseTime(time), ...(typeof id === 'string' ? { id } : {}), fields };
}

const parseField = (text: string): EventField =>
  text.includes('|') ? text.split('|').map(parseScalar) : parseScalar(text);

function parseScalar(text: string): Scalar {
  if (text === 'null') return null;
  if (/^"\d+"$/.test(text)) return text.slice(1, -1);
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** `9.999s` → ms since the scenario's start. */
function parseTime(text: string): number {
  if (!/^\d+(\.\d{1,3})?s$/.test(text)) throw new Error(`not a time in seconds: ${text}`);
  return Math.round(Number(text.slice(0, -1)) * 1_000);
}

const formatTime = (ms: number): string => `${ms / 1_000}s`;
