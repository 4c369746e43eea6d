/**
 * An episode: true window ends of one rule in one group that belong together, and what its alert says.
 *
 * Totals cover the events from the oldest of the crossing window to the last true window end: the ranges
 * (crossing − timespan, crossing], then each stretch by which the end moved on.
 */

import { createHash } from 'node:crypto';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { ACCOUNT_FIELD, accountsText, shownAccounts } from './accounts.ts';
import type { Alert } from './alert.ts';
import type { Dictionary } from './dictionary.ts';
import { shownOrganisations } from './organisations.ts';
import { Totals } from './totals.ts';

/** A group as its episodes see it: the open ones, and its event log. Ranges are (from, to], times in ms. */
export interface EpisodeGroup {
  /** Open episodes of all rules. */
  readonly episodes: readonly Episode[];
  /** Group-by field → value. */
  readonly fields: Readonly<Record<string, string | null>>;
  /** To be called before anything of it or its episodes changes, unless an event of the group does it. */
  aboutToChange(): void;
  addEpisode(episode: Episode): void;
  removeEpisode(episode: Episode): void;
  /** Adds (sign 1) or takes back (−1) the events of the range that hold the measure. */
  addRange(totals: Totals, measure: number, from: number, to: number, sign: 1 | -1): void;
  recordsIn(measure: number, from: number, to: number): number;
  /** Time of the oldest event of the range, `to` when there is none. */
  oldestIn(measure: number, from: number, to: number): number;
  /** Up to which value a window of the rule that ends then is usual; null where it is compared with none. */
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

/** A window as it is told of. */
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
  /** Up to so much is usual in the group at its crossing; null where its rule asks for no habit, or there is none yet. */
  usualUpTo: number | null = null;
  readonly totals = new Totals();
  /** Events after lastTrueAt that left the event log already; they belong here if the episode goes on. */
  tail: Totals | undefined = undefined;
  /** The event at hand lies in the crossing window, but that was judged before it came. */
  tooLate = false;
  /** How often such an event raised the value, or one that is not counted brought persons: what is shown changes, but not the number of events. */
  raisedLate = 0;
  /** Oldest events from the crossing on that had an id. */
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

  /** Reads what its crossing window holds, which must be in the group's log. */
  readCrossing(): void {
    const { group, of, crossedAt } = this;
    const from = crossedAt - of.rule.timespanMs;
    this.firstEventAt = group.oldestIn(of.measure, from, crossedAt);
    this.recordsBefore = group.recordsIn(of.measure, from, crossedAt);
    this.usualUpTo = group.usualAt(of, crossedAt);
  }

  /**
   * Order-free identity: hash of rule, group and the crossing as it stood at the opening. Made when it is first
   * asked for: most episodes are parts of others and become no alert.
   */
  get alertId(): string {
    if (this.#givenId !== undefined) return this.#givenId;
    this.#alertId ??= createHash('sha256')
      .update(JSON.stringify([this.of.rule.key, JSON.stringify(this.group.fields), this.#openedAt]))
      .digest('hex')
      .slice(0, 32);
    return this.#alertId;
  }

  /** It is known under another id, by which it was stored before. */
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

  /** Whether the event that arrived, of this time, belongs to the episode as it stands. */
  covers(t: number): boolean {
    return t <= this.lastTrueAt && t > this.crossedAt - this.of.rule.timespanMs && !this.tooLate;
  }
}

function listed(dictionary: Dictionary, numbers: readonly number[]): string[] {
  return numbers.map((number) => dictionary.text(number)).sort();
}

/** Those of its events, and the one that it is about. */
function accountsOf({ group, totals }: Episode, dictionary: Dictionary): string[] {
  const own = group.fields[ACCOUNT_FIELD];
  const others = totals.accounts.map((number) => dictionary.text(number));
  return shownAccounts(typeof own === 'string' ? [accountsText(own, ''), ...others] : others);
}

/** An event of several categories has one text for them; an alert lists each once. */
function categoriesOf(dictionary: Dictionary, numbers: readonly number[]): string[] {
  return [...new Set(numbers.flatMap((number) => dictionary.text(number).split(', ')))].sort();
}

/** Whose distinct values an alert tells as its persons. */
export const PERSONS_FIELD = 'portal.records.ids';

/** Whether the value of a rule's windows is their number of persons. */
export function countsPersons({ type, fields }: CorrelationRule): boolean {
  return type === 'value_count' && fields.length === 1 && fields[0] === PERSONS_FIELD;
}

/**
 * An estimate counts a person who returns again, but no window holds more of them than the whole alert. `persons`: in
 * all of it; 0 where nobody adds them up.
 */
export function shownValue({ of, value, valueAtCrossing, valueEstimated }: Episode, persons: number): number {
  if (!valueEstimated || persons === 0 || !countsPersons(of.rule)) return value;
  return Math.max(valueAtCrossing, Math.min(value, persons));
}

/** What the outside world may show or store of an episode. `ruleHash`: of what decides its rule's firings. */
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
    categories: categoriesOf(names.categories, totals.categories),
    sampleEventIds: episode.samples.map((sample) => sample.id),
    recordsBeforeAlert: episode.recordsBefore,
    timeToDetectMs: episode.crossedAt - episode.firstEventAt,
    version:
      (totals.events + episode.raisedLate) * 8 +
      (episode.inhibitedBy === '' ? 0 : 4) +
      STATUS_RANK[episode.status],
  };
}

/** An open alert that nobody goes on with, because its rule is another one or not there any more: its last state. */
export function withoutRule(alert: Alert, resolution: 'rule_changed' | 'rule_gone'): Alert {
  const version = alert.version - STATUS_RANK[alert.status] + STATUS_RANK.resolved;
  return { ...alert, status: 'resolved', resolution, version };
}

/** An alert that turned out to be part of an episode: its last state. */
export function partOf(alert: Alert, { alertId: mergedInto }: Episode): Alert {
  const version = alert.version - STATUS_RANK[alert.status] + STATUS_RANK.merged;
  return { ...alert, status: 'merged', mergedInto, version };
}

/**
 * A state that is to follow a stored one, of whichever process: detected when that was, and if it is the last one,
 * later than it. Who read the partitions in another order may have seen the alert grow further before it ended.
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
/** A later state of the same episode has at least as many events; at the same number, more is known of it. */
const STATUS_RANK: Record<Alert['status'], number> = { firing: 0, resolved: 1, merged: 2 };
