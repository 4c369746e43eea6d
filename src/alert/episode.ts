/**
 * An episode: true window ends of one rule in one group that belong together, and what its alert says.
 *
 * Totals cover the events from the oldest of the crossing window to the last true window end: the ranges (crossing −
 * timespan, crossing], then each stretch by which the end moved on.
 */

import { createHash } from 'node:crypto';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { ACCOUNT_FIELD, accountsText, shownAccounts } from './accounts.ts';
import type { Alert } from './alert.ts';
import { categoriesOf } from './categories.ts';
import type { Dictionary } from './dictionary.ts';
import { shownOrganisations } from './organisations.ts';
import { Totals } from './totals.ts';

/** A group as its episodes see it: its open episodes and its event log. Ranges are (from, to], times in ms. */
export interface EpisodeGroup {
  /** Open episodes of all rules. */
  readonly episodes: readonly Episode[];
  /** Group-by field → value. */
  readonly fields: Readonly<Record<string, string | null>>;
  /** Call before anything of the group or its episodes changes, unless an event of the group changes it. */
  aboutToChange(): void;
  addEpisode(episode: Episode): void;
  removeEpisode(episode: Episode): void;
  /** Adds (sign 1) or subtracts (−1) the events of the range that hold the measure. */
  addRange(totals: Totals, measure: number, from: number, to: number, sign: 1 | -1): void;
  recordsIn(measure: number, from: number, to: number): number;
  /** Time of the oldest event of the range that holds the measure; `to` if there is none. */
  oldestIn(measure: number, from: number, to: number): number;
  /** Largest usual value of a window of the rule that ends then; null if it is compared with nothing. */
  usualAt(of: EpisodeRule, endMs: number): number | null;
}

/** The rule side of an episode. */
export interface EpisodeRule {
  readonly rule: CorrelationRule;
  /** Its windows raise nothing. */
  readonly muted: boolean;
  /** Bit of the measure in the event log; 1 for event counts. */
  readonly measure: number;
}

/** The window that opens an episode. */
interface Opening {
  readonly end: number;
  readonly value: number;
  readonly estimated: boolean;
  /** Order of opening in this process. */
  readonly sequence: number;
}

export class Episode {
  readonly of: EpisodeRule;
  readonly group: EpisodeGroup;
  readonly sequence: number;
  status: Alert['status'] = 'firing';
  mergedInto = '';
  resolution: Alert['resolution'] = '';
  /** Alert that inhibits this one; '' while none does. */
  inhibitedBy = '';
  crossedAt: number;
  valueAtCrossing: number;
  lastTrueAt: number;
  value: number;
  valueEstimated: boolean;
  firstEventAt = NaN;
  recordsBefore = 0;
  /** Largest usual value in the group at the crossing; null without a baseline, or before there is one. */
  usualUpTo: number | null = null;
  readonly totals = new Totals();
  /** Events after lastTrueAt that have left the event log; they belong to the episode if it goes on. */
  tail: Totals | undefined = undefined;
  /** The current event would be in the crossing window, but that was judged before the event arrived. */
  tooLate = false;
  /**
   * How often such an event raised the value, or an uncounted one brought persons: what is shown then changes, but not
   * the number of events.
   */
  raisedLate = 0;
  /** Oldest events with an id, from the crossing on. */
  readonly samples: { time: number; id: string }[] = [];
  readonly #openedAt: number;
  #alertId: string | undefined;
  #givenId: string | undefined;

  constructor(of: EpisodeRule, group: EpisodeGroup, { end, value, estimated, sequence }: Opening) {
    this.of = of;
    this.group = group;
    this.sequence = sequence;
    this.#openedAt = end;
    this.crossedAt = end;
    this.valueAtCrossing = value;
    this.lastTrueAt = end;
    this.value = value;
    this.valueEstimated = estimated;
  }

  /** Reads what the crossing window holds, which must be in the group's log. */
  readCrossing(): void {
    const { group, of, crossedAt } = this;
    const from = crossedAt - of.rule.timespanMs;
    this.firstEventAt = group.oldestIn(of.measure, from, crossedAt);
    this.recordsBefore = group.recordsIn(of.measure, from, crossedAt);
    this.usualUpTo = group.usualAt(of, crossedAt);
  }

  /**
   * Order-free identity: hash of rule, group and the crossing as it stood at the opening. Computed on first use: most
   * episodes are parts of others and become no alert.
   */
  get alertId(): string {
    if (this.#givenId !== undefined) return this.#givenId;
    this.#alertId ??= createHash('sha256')
      .update(JSON.stringify([this.of.rule.key, JSON.stringify(this.group.fields), this.#openedAt]))
      .digest('hex')
      .slice(0, 32);
    return this.#alertId;
  }

  /** From now on the episode has another id, under which it was stored before. */
  goOnAs(alertId: string): void {
    this.#givenId = alertId;
  }

  /** Saves an open episode. */
  save(to: SectionWriter): void {
    to.text(this.#givenId ?? '');
    to.f64(this.#openedAt);
    to.f64(this.value);
    to.flag(this.valueEstimated);
    to.f64(this.sequence);
    to.text(this.inhibitedBy);
    to.f64(this.crossedAt);
    to.f64(this.valueAtCrossing);
    to.f64(this.lastTrueAt);
    to.f64(this.firstEventAt);
    to.f64(this.recordsBefore);
    to.f64(this.usualUpTo ?? NaN);
    this.totals.save(to);
    to.flag(this.tail !== undefined);
    this.tail?.save(to);
    to.flag(this.tooLate);
    to.u32(this.raisedLate);
    to.list(this.samples, ({ time, id }) => {
      to.f64(time);
      to.text(id);
    });
  }

  static load(from: SectionReader, of: EpisodeRule, group: EpisodeGroup): Episode {
    const givenId = from.text();
    const opening = { end: from.f64(), value: from.f64(), estimated: from.flag(), sequence: from.f64() };
    const episode = new Episode(of, group, opening);
    if (givenId !== '') episode.goOnAs(givenId);
    episode.inhibitedBy = from.text();
    episode.crossedAt = from.f64();
    episode.valueAtCrossing = from.f64();
    episode.lastTrueAt = from.f64();
    episode.firstEventAt = from.f64();
    episode.recordsBefore = from.f64();
    const usualUpTo = from.f64();
    episode.usualUpTo = Number.isNaN(usualUpTo) ? null : usualUpTo;
    episode.totals.load(from);
    if (from.flag()) (episode.tail = new Totals()).load(from);
    episode.tooLate = from.flag();
    episode.raisedLate = from.u32();
    from.each(() => episode.samples.push({ time: from.f64(), id: from.text() }));
    return episode;
  }

  /** Whether the event of this time that just arrived belongs to the episode as it stands. */
  covers(t: number): boolean {
    return t <= this.lastTrueAt && t > this.crossedAt - this.of.rule.timespanMs && !this.tooLate;
  }
}

function listed(dictionary: Dictionary, numbers: readonly number[]): string[] {
  return numbers.map((number) => dictionary.text(number)).sort();
}

/** Accounts of the episode's events, and the one it is about. */
function accountsOf({ group, totals }: Episode, dictionary: Dictionary): string[] {
  const own = group.fields[ACCOUNT_FIELD];
  const others = totals.accounts.map((number) => dictionary.text(number));
  return shownAccounts(typeof own === 'string' ? [accountsText(own, ''), ...others] : others);
}

/** The field whose distinct values an alert counts as persons. */
export const PERSONS_FIELD = 'portal.records.ids';

/** Whether the value of a rule's windows is their number of persons. */
export function countsPersons({ type, fields }: CorrelationRule): boolean {
  return type === 'value_count' && fields.length === 1 && fields[0] === PERSONS_FIELD;
}

/**
 * An estimate counts a person who returns again, but no window holds more persons than the whole alert. `persons`: in
 * the whole alert; 0 if nobody counts them.
 */
export function shownValue({ of, value, valueAtCrossing, valueEstimated }: Episode, persons: number): number {
  if (!valueEstimated || persons === 0 || !countsPersons(of.rule)) return value;
  return Math.max(valueAtCrossing, Math.min(value, persons));
}

/** What may be shown or stored of an episode. `ruleHash`: of what decides its rule's firings. */
export function renderAlert(
  episode: Episode,
  detectedAt: number,
  names: {
    applications: Dictionary;
    organisations: Dictionary;
    networks: Dictionary;
    categories: Dictionary;
    accounts: Dictionary;
  },
  ruleHash = '',
  canary = false,
): Alert {
  const { rule } = episode.of;
  const { totals } = episode;
  const persons = totals.persons.count();
  return {
    alertId: episode.alertId,
    rule: rule.key,
    ruleHash,
    title: rule.title,
    level: rule.level,
    tags: rule.tags,
    runbook: rule.runbook,
    group: episode.group.fields,
    status: episode.status,
    canary,
    mergedInto: episode.mergedInto,
    resolution: episode.resolution,
    inhibitedBy: episode.inhibitedBy,
    firstEventAt: episode.firstEventAt,
    crossedAt: episode.crossedAt,
    lastEventAt: episode.lastTrueAt,
    detectedAt,
    value: shownValue(episode, persons),
    valueEstimated: episode.valueEstimated,
    threshold: rule.bounds,
    usualUpTo: episode.usualUpTo,
    events: totals.events,
    persons,
    personsEstimated: totals.persons.estimated || totals.estimated,
    records: totals.records,
    bytes: totals.bytes,
    totalsEstimated: totals.estimated,
    accounts: accountsOf(episode, names.accounts),
    applications: listed(names.applications, totals.applications),
    organisations: shownOrganisations(totals.organisations.map((number) => names.organisations.text(number))),
    sourceNetworks: listed(names.networks, totals.networks),
    categories: categoriesOf(totals.categories.map((number) => names.categories.text(number))),
    sampleEventIds: episode.samples.map((sample) => sample.id),
    recordsBeforeAlert: episode.recordsBefore,
    timeToDetectMs: episode.crossedAt - episode.firstEventAt,
    version:
      (totals.events + episode.raisedLate) * 8 +
      (episode.inhibitedBy === '' ? 0 : 4) +
      STATUS_RANK[episode.status],
  };
}

/** The last state of an open alert that does not go on because its rule was changed or removed. */
export function withoutRule(alert: Alert, resolution: 'rule_changed' | 'rule_gone'): Alert {
  const version = alert.version - STATUS_RANK[alert.status] + STATUS_RANK.resolved;
  return { ...alert, status: 'resolved', resolution, version };
}

/** The last state of an alert that turned out to be part of an episode. */
export function partOf(alert: Alert, { alertId: mergedInto }: Episode): Alert {
  const version = alert.version - STATUS_RANK[alert.status] + STATUS_RANK.merged;
  return { ...alert, status: 'merged', mergedInto, version };
}

/**
 * A state that follows a stored one, of whichever process: detected no later than it and, if it is the last state, with
 * no lower version. A process that read the partitions in another order may have seen the alert grow further before it
 * ended.
 */
export function following(alert: Alert, stored: Pick<Alert, 'detectedAt' | 'version'> | undefined): Alert {
  if (stored === undefined) return alert;
  const detectedAt = Math.min(alert.detectedAt, stored.detectedAt);
  if (alert.status === 'firing') return { ...alert, detectedAt };
  const least = stored.version - (stored.version % RANKS) + STATUS_RANK[alert.status];
  return { ...alert, detectedAt, version: Math.max(alert.version, least) };
}

/** The lowest part of a version is the status. */
const RANKS = 4;
/** A later state of an episode has at least as many events; with the same number, more is known of it. */
const STATUS_RANK: Record<Alert['status'], number> = { firing: 0, resolved: 1, merged: 2 };
