/** What a run left behind, and in what two runs differ. */

export interface Outcome {
  /** Every alert in its newest row, by column, without the wall time of the detection. In the order of their ids. */
  readonly alerts: readonly Readonly<Record<string, unknown>>[];
  /** Of the archive, sorted. */
  readonly eventIds: readonly string[];
  /** `partition/offset` of each dead letter. */
  readonly letters: ReadonlySet<string>;
  /** Alerts that a log spoke of. */
  readonly told: ReadonlySet<string>;
}

/** Differences of one kind that are named; the others are counted. */
const NAMED = 5;

/**
 * In which order the events of a group came: always the `same`, or `any`, as when they lie on several partitions.
 * Then it is left open which of an alert's crossings was known first, by which its id is made; which events are its
 * samples; and which alerts grew together.
 */
export type Order = 'same' | 'any';

/**
 * Sentences, none when the same is there: the same alerts column by column, ids too if the order is the same, one row
 * each; the same events in the archive; the same dead letters. And whatever alert anybody was told of is among the
 * alerts.
 */
export function differences(expected: Outcome, actual: Outcome, order: Order = 'same'): string[] {
  const ids = new Set(actual.alerts.map(idOf));
  const alertsOf = ({ alerts }: Outcome) => (order === 'same' ? alerts : withoutOrder(alerts));
  const alerts = alertsOf(actual);
  return [
    ...alertDifferences(alertsOf(expected), alerts),
    ...some(twice(alerts.filter(isNotPart).map(episodeOf)), 'episodes with more than one row'),
    ...some(
      [...actual.told].filter((id) => !ids.has(id)),
      'alerts that the log told of and no row shows',
    ),
    ...setDifferences('archived events', expected.eventIds, actual.eventIds),
    ...some(twice(actual.eventIds), 'archived events that are there twice'),
    ...setDifferences('dead letters', [...expected.letters], [...actual.letters]),
  ];
}

/** The row of an alert that was merged may have the crossing of the one that goes on. */
function isNotPart({ status }: Outcome['alerts'][number]): boolean {
  return status !== 'merged';
}

/** Rows with the episode in the place of the id. */
function withoutOrder(alerts: Outcome['alerts']): Outcome['alerts'] {
  return alerts
    .filter(isNotPart)
    .map(({ sample_event_ids: _samples, version: _version, inhibited_by, ...row }) => {
      return { ...row, alert_id: episodeOf(row), inhibited: inhibited_by !== '' };
    });
}

function alertDifferences(expected: Outcome['alerts'], actual: Outcome['alerts']): string[] {
  const rows = new Map(actual.map((row) => [idOf(row), row]));
  const changed = expected.flatMap((row) => {
    const other = rows.get(idOf(row));
    if (other === undefined) return [];
    const columns = Object.keys(row).filter(
      (name) => JSON.stringify(row[name]) !== JSON.stringify(other[name]),
    );
    if (columns.length === 0) return [];
    const values = columns.map(
      (name) => `${name} ${JSON.stringify(row[name])} → ${JSON.stringify(other[name])}`,
    );
    return [`${episodeOf(row)}: ${values.join(', ')}`];
  });
  const known = new Set(expected.map(idOf));
  return [
    ...some(expected.filter((row) => !rows.has(idOf(row))).map(episodeOf), 'alerts are missing'),
    ...some(
      actual
        .filter((row) => !known.has(idOf(row)))
        .map((row) => `${episodeOf(row)} ${String(row['status'])}`),
      'alerts are too many',
    ),
    ...some(changed, 'alerts differ'),
  ];
}

function setDifferences(what: string, expected: readonly string[], actual: readonly string[]): string[] {
  const known = new Set(expected);
  const found = new Set(actual);
  return [
    ...some(
      expected.filter((value) => !found.has(value)),
      `${what} are missing`,
    ),
    ...some(
      actual.filter((value) => !known.has(value)),
      `${what} are too many`,
    ),
  ];
}

function some(cases: readonly string[], what: string): string[] {
  if (cases.length === 0) return [];
  const rest = cases.length > NAMED ? ' …' : '';
  return [`${cases.length} ${what}: ${cases.slice(0, NAMED).join('; ')}${rest}`];
}

function twice(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return values.filter((value) => seen.size === seen.add(value).size);
}

function idOf(row: Readonly<Record<string, unknown>>): string {
  return String(row['alert_id']);
}

function episodeOf(row: Readonly<Record<string, unknown>>): string {
  return `${String(row['rule'])} ${JSON.stringify(row['group_fields'])} ${String(row['crossed_at'])}`;
}
