/**
 * Reads case files: YAML streams whose first document names the topic and whose others are cases. The format
 * is described in README.md for readers without this code. A key that no case has is an error, not ignored.
 */

import { readFileSync, readdirSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

interface CaseHead {
  readonly name: string;
  /** Ids of the README's statements. */
  readonly covers: readonly string[];
  /** All Sigma documents that the case loads. */
  readonly rules: string;
  /** Name → rows of a lookup list, each from column to text. */
  readonly lists: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>;
  /** Code of the fault that refuses the rules; undefined when they load. */
  readonly refused: string | undefined;
}

export interface DetectionCase extends CaseHead {
  readonly placeholders: Readonly<Record<string, readonly string[]>>;
  readonly events: readonly unknown[];
  /** Rule → positions of the events that it matches. */
  readonly matches: Matches;
}

export type Matches = Readonly<Record<string, readonly number[]>>;

/** A firing or an alert, with as much as the case specifies; times are still offsets such as `10s`. */
export type Row = Readonly<Record<string, unknown>>;

export interface CorrelationCase extends CaseHead {
  readonly latenessMs: number;
  /** In arrival order. */
  readonly log: readonly LoggedEvent[];
  readonly firings: readonly Row[];
  readonly alerts: readonly Row[] | undefined;
  readonly matches: Matches | undefined;
}

export interface LoggedEvent {
  /** Event time, ms since the epoch. */
  readonly time: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface CaseFile<Case> {
  readonly file: string;
  readonly cases: readonly Case[];
}

type Raw = Readonly<Record<string, unknown>>;

/** Offset 0 of every log. */
export const START = Date.parse('2025-01-01T00:00:00Z');

const HEAD = ['case', 'covers', 'rules', 'lists', 'refused'];
const DETECTION = [
  ...HEAD,
  'placeholders',
  'events',
  'matches',
  'match',
  'silent',
  'selection',
  'detection',
  'root',
];
const CORRELATION = [...HEAD, 'lateness', 'log', 'firings', 'alerts', 'matches'];

export function detectionFiles(): CaseFile<DetectionCase>[] {
  return filesIn('detection', DETECTION, (raw, head) => ({
    ...head,
    rules: raw['selection'] === undefined && raw['detection'] === undefined ? head.rules : envelope(raw),
    placeholders: (raw['placeholders'] ?? {}) as Readonly<Record<string, readonly string[]>>,
    ...eventsOf(raw),
  }));
}

export function correlationFiles(): CaseFile<CorrelationCase>[] {
  return filesIn('correlation', CORRELATION, (raw, head) => ({
    ...head,
    latenessMs: offsetMs(raw['lateness'] ?? '60s'),
    log: ((raw['log'] ?? []) as readonly Raw[]).flatMap(repeated),
    firings: (raw['firings'] ?? []) as readonly Row[],
    alerts: raw['alerts'] as readonly Row[] | undefined,
    matches: raw['matches'] as Matches | undefined,
  }));
}

/** `1d2h3m4.567s` → ms. */
export function offsetMs(offset: unknown): number {
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d{1,3})?)s)?$/.exec(String(offset));
  if (parts === null || offset === '') throw new Error(`not a time such as 1h59m59.999s: ${String(offset)}`);
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return Math.round((((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1_000);
}

function filesIn<Case>(
  folder: string,
  keys: readonly string[],
  read: (raw: Raw, head: CaseHead) => Case,
): CaseFile<Case>[] {
  const path = `${import.meta.dirname}/${folder}`;
  return readdirSync(path)
    .sort()
    .map((file) => {
      const documents = parseAllDocuments(readFileSync(`${path}/${file}`, 'utf8')).map((document) => {
        const [error] = document.errors;
        if (error !== undefined) throw new Error(`${file}: ${error.message}`);
        return document.toJS() as Raw;
      });
      const [header = {}, ...raws] = documents;
      refuseOtherKeys(header, ['topic', 'rules'], file);
      const cases = raws.map((raw) => {
        const name = String(raw['case']);
        refuseOtherKeys(raw, keys, `${file}: ${name}`);
        const rules = [header['rules'], raw['rules']].filter((text) => typeof text === 'string');
        return read(raw, {
          name,
          covers: raw['covers'] as readonly string[],
          rules: rules.join('---\n'),
          lists: (raw['lists'] ?? {}) as CaseHead['lists'],
          refused: raw['refused'] as string | undefined,
        });
      });
      return { file, cases };
    });
}

function refuseOtherKeys(raw: Raw, known: readonly string[], where: string): void {
  const other = Object.keys(raw).find((key) => !known.includes(key));
  if (other !== undefined) throw new Error(`${where}: no case has the key ${other}`);
}

/** The rule that the short forms `selection` and `detection` stand for. */
function envelope(raw: Raw): string {
  const { selection, detection, root = '' } = raw as Readonly<Record<string, string | undefined>>;
  const section =
    selection === undefined
      ? indented(detection!, 2)
      : `  selection:\n${indented(selection, 4)}  condition: selection\n`;
  const title = JSON.stringify(raw['case']);
  return `title: ${title}\nname: rule\nlogsource: {category: test}\n${root}detection:\n${section}`;
}

function indented(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}

function eventsOf(raw: Raw): Pick<DetectionCase, 'events' | 'matches'> {
  const [match = [], silent = [], events] = [raw['match'], raw['silent'], raw['events']] as [
    readonly unknown[] | undefined,
    readonly unknown[] | undefined,
    readonly unknown[] | undefined,
  ];
  if (events !== undefined) return { events, matches: raw['matches'] as Matches };
  return { events: [...match, ...silent], matches: { rule: [...match.keys()] } };
}

function repeated({ at, times = 1, every = '0s', ...fields }: Raw): LoggedEvent[] {
  return Array.from({ length: Number(times) }, (_, n) => ({
    time: START + offsetMs(at) + n * offsetMs(every),
    fields: Object.fromEntries(
      Object.entries(fields).map(([field, value]) => [
        field,
        typeof value === 'string' ? value.replaceAll('%n', String(n)) : value,
      ]),
    ),
  }));
}
