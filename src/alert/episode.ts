/**
 * Episodes: true window ends of one rule in one group → one living alert.
 *
 * An episode lasts while successive true window ends are at most `resolveTimeoutMs` apart in event time.
 * Adding events only makes more windows true, so an episode only ever grows: its crossing moves back, its
 * end moves on, or two of them join (the one opened first survives). That is why the order of arrival
 * within the allowed lateness does not matter.
 *
 * Totals cover the events from the oldest of the crossing window to the last true window end: the ranges
 * (crossing − timespan, crossing], then each stretch by which the end moved on.
 */

import { createHash } from 'node:crypto';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { EventEntry } from '../window/event-log.ts';
import type { Alert } from './alert.ts';
import type { Dictionary } from './dictionary.ts';
import { Inhibition } from './inhibition.ts';
import { Totals } from './totals.ts';

const SAMPLES = 20;

/** A group as its episodes see it: the open ones, and its event log. Ranges are (from, to], times in ms. */
export interface EpisodeGroup {
  /** Open episodes of all rules. */
  readonly episodes: Episode[];
  /** Group-by field → value. */
  readonly fields: Readonly<Record<string, string | null>>;
  /** Adds (sign 1) or takes back (−1) the events of the range that hold the measure. */
  addRange(totals: Totals, measure: number, from: number, to: number, sign: 1 | -1): void;
  recordsIn(measure: number, from: number, to: number): number;
  /** Time of the oldest event of the range, `to` when there is none. */
  oldestIn(measure: number, from: number, to: number): number;
}

/** The rule side of an episode. */
export interface EpisodeRule {
  readonly rule: CorrelationRule;
  /** Bit of the measure in the event log; 1 for event counts. */
  readonly measure: number;
}

export interface Episode {
  readonly of: EpisodeRule;
  readonly group: EpisodeGroup;
  readonly alertId: string;
  /** Order of opening in this process. */
  readonly sequence: number;
  status: Alert['status'];
  mergedInto: string;
  /** Alert that inhibits this one; '' while none does. */
  inhibitedBy: string;
  crossedAt: number;
  valueAtCrossing: number;
  lastTrueAt: number;
  value: number;
  valueEstimated: boolean;
  firstEventAt: number;
  recordsBefore: number;
  totals: Totals;
  /** Events after lastTrueAt that left the event log already; they belong here if the episode goes on. */
  tail: Totals | undefined;
  /** The event at hand lies in the crossing window, but that was judged before it came. */
  tooLate: boolean;
  /** How often such an event raised the value: it changes what is shown, but not the number of events. */
  raisedLate: number;
  /** Oldest events from the crossing on that had an id. */
  readonly samples: { time: number; id: string }[];
}

/** Order-free identity of an alert: hash of rule, group and the crossing as it stood at the opening. */
function alertIdOf(ruleKey: string, groupKey: string, crossedAt: number): string {
  return createHash('sha256')
    .update(JSON.stringify([ruleKey, groupKey, crossedAt]))
    .digest('hex')
    .slice(0, 32);
}

export class EpisodeTracker {
  /** Episodes whose shown state changed since they were last taken. */
  readonly changed = new Set<Episode>();
  /** Episodes opened so far, by rule key. */
  readonly opened = new Map<string, number>();
  readonly open = new Set<Episode>();
  /** Episodes of rules that others refer to, until their firing is passed on. */
  readonly unannounced = new Set<Episode>();
  #nextFiring = Infinity;
  readonly #announced: (rule: CorrelationRule) => boolean;
  readonly #inhibition: Inhibition;
  /** No open episode's timeout ends before this event time. */
  #nextDeadline = Infinity;
  #sequence = 0;

  /** `rules`: all correlations, for what they say of each other. */
  constructor(rules: readonly CorrelationRule[]) {
    const referred = new Set(rules.flatMap((rule) => rule.rules));
    this.#announced = ({ key }) => referred.has(key);
    this.#inhibition = new Inhibition(rules);
  }

  /** No firing that is still to be passed on has an earlier crossing. */
  get nextFiring(): number {
    return this.#nextFiring;
  }

  /** Takes the firings that lie before the watermark and are final, in order of their crossings. */
  takeFirings(watermark: number, of: ReadonlySet<CorrelationRule>): Episode[] {
    const final: Episode[] = [];
    if (this.#nextFiring >= watermark) return final;
    this.#nextFiring = Infinity;
    for (const episode of this.unannounced) {
      if (episode.crossedAt < watermark && of.has(episode.of.rule)) final.push(episode);
      else this.#nextFiring = Math.min(this.#nextFiring, episode.crossedAt);
    }
    for (const episode of final) this.unannounced.delete(episode);
    return final.sort((a, b) => a.crossedAt - b.crossedAt || a.sequence - b.sequence);
  }

  /**
   * A window of the rule that ends at `end` is true with this value: opens, grows or joins episodes.
   * `estimated`: the value is not exact.
   */
  trueWindow(of: EpisodeRule, group: EpisodeGroup, end: number, value: number, estimated: boolean): void {
    const { resolveTimeoutMs } = of.rule;
    const { episodes } = group;
    let host: Episode | undefined;
    for (let i = 0; i < episodes.length; i += 1) {
      const episode = episodes[i]!;
      if (episode.of !== of) continue;
      if (end < episode.crossedAt - resolveTimeoutMs || end > episode.lastTrueAt + resolveTimeoutMs) continue;
      if (host === undefined) {
        host = episode;
        this.#grow(episode, end, value, estimated);
      } else {
        const [survivor, other] = host.sequence < episode.sequence ? [host, episode] : [episode, host];
        this.#merge(survivor, other);
        episodes.splice(episodes.indexOf(other), 1);
        host = survivor;
        i -= 1;
      }
    }
    if (host === undefined) episodes.push(this.#open(of, group, end, value, estimated));
  }

  /**
   * An event that holds the measure arrived (and is in the log): counts it if it lies inside the episode.
   * Events after the end are counted when the end moves past them. A crossing window that ended before
   * `judgedFrom` (the watermark) was judged: a late event no longer belongs to it.
   */
  eventArrived(episode: Episode, event: EventEntry, judgedFrom: number): void {
    const t = event.time;
    const judged = episode.crossedAt < judgedFrom;
    episode.tooLate = judged && t < episode.firstEventAt;
    if (!covers(episode, t)) return;
    const { totals } = episode;
    totals.addEvents(1, 1, event.records, event.bytes);
    totals.addDimensions(event.application, event.organisation, event.network, event.category);
    if (t <= episode.crossedAt && !judged) {
      episode.recordsBefore += event.records;
      if (t < episode.firstEventAt) episode.firstEventAt = t;
    }
    this.changed.add(episode);
  }

  addSample(episode: Episode, t: number, id: string): void {
    if (t < episode.crossedAt || t > episode.lastTrueAt) return;
    const { samples } = episode;
    let at = samples.length;
    while (at > 0 && later(samples[at - 1]!, t, id)) at -= 1;
    if (at >= SAMPLES) return;
    samples.splice(at, 0, { time: t, id });
    if (samples.length > SAMPLES) samples.pop();
  }

  /** Announces as resolved what the watermark has passed. */
  resolve(watermark: number): void {
    if (watermark <= this.#nextDeadline) return;
    let next = Infinity;
    for (const episode of this.open) {
      const deadline = episode.lastTrueAt + episode.of.rule.resolveTimeoutMs;
      if (watermark > deadline) {
        episode.status = 'resolved';
        episode.tail = undefined;
        episode.group.episodes.splice(episode.group.episodes.indexOf(episode), 1);
        this.#closed(episode);
        this.changed.add(episode);
      } else {
        next = Math.min(next, deadline);
      }
    }
    this.#nextDeadline = next;
  }

  #open(of: EpisodeRule, group: EpisodeGroup, end: number, value: number, estimated: boolean): Episode {
    const { rule, measure } = of;
    const totals = new Totals();
    group.addRange(totals, measure, end - rule.timespanMs, end, 1);
    this.#sequence += 1;
    const episode: Episode = {
      of,
      group,
      alertId: alertIdOf(rule.key, JSON.stringify(group.fields), end),
      sequence: this.#sequence,
      status: 'firing',
      mergedInto: '',
      inhibitedBy: '',
      crossedAt: end,
      valueAtCrossing: value,
      lastTrueAt: end,
      value,
      valueEstimated: estimated,
      firstEventAt: group.oldestIn(measure, end - rule.timespanMs, end),
      recordsBefore: group.recordsIn(measure, end - rule.timespanMs, end),
      totals,
      tail: undefined,
      tooLate: false,
      raisedLate: 0,
      samples: [],
    };
    this.open.add(episode);
    this.changed.add(episode);
    for (const inhibited of this.#inhibition.opened(episode)) this.changed.add(inhibited);
    if (this.#announced(rule)) {
      this.unannounced.add(episode);
      this.#nextFiring = Math.min(this.#nextFiring, end);
    }
    this.opened.set(rule.key, (this.opened.get(rule.key) ?? 0) + 1);
    this.#nextDeadline = Math.min(this.#nextDeadline, end + rule.resolveTimeoutMs);
    return episode;
  }

  #grow(episode: Episode, end: number, value: number, estimated: boolean): void {
    const { group } = episode;
    const { measure, rule } = episode.of;
    if (end < episode.crossedAt) {
      const from = end - rule.timespanMs;
      group.addRange(episode.totals, measure, from, episode.crossedAt - rule.timespanMs, 1);
      episode.crossedAt = end;
      // Earlier than need be where its firing was passed on.
      this.#nextFiring = Math.min(this.#nextFiring, end);
      episode.valueAtCrossing = value;
      episode.firstEventAt = group.oldestIn(measure, from, end);
      episode.recordsBefore = group.recordsIn(measure, from, end);
      this.changed.add(episode);
    } else if (end === episode.crossedAt && value > episode.valueAtCrossing) {
      episode.valueAtCrossing = value;
      this.changed.add(episode);
    }
    if (end > episode.lastTrueAt) {
      if (episode.tail !== undefined) {
        episode.totals.merge(episode.tail);
        episode.tail = undefined;
      }
      group.addRange(episode.totals, measure, episode.lastTrueAt, end, 1);
      episode.lastTrueAt = end;
      this.changed.add(episode);
    }
    if (value > episode.value || (estimated && !episode.valueEstimated)) {
      episode.value = Math.max(value, episode.value);
      // An estimated window may in truth be the largest, whatever its estimate says.
      episode.valueEstimated ||= estimated;
      if (episode.tooLate) episode.raisedLate += 1;
      this.changed.add(episode);
    }
  }

  #closed(episode: Episode): void {
    this.open.delete(episode);
    this.#inhibition.closed(episode);
  }

  #merge(survivor: Episode, other: Episode): void {
    const [earlier, later] = survivor.crossedAt <= other.crossedAt ? [survivor, other] : [other, survivor];
    const { measure, rule } = survivor.of;
    const laterFrom = later.crossedAt - rule.timespanMs;
    const totals = survivor.totals;
    totals.merge(other.totals);
    if (laterFrom < earlier.lastTrueAt) {
      survivor.group.addRange(totals, measure, laterFrom, earlier.lastTrueAt, -1);
    } else {
      if (earlier.tail !== undefined) totals.merge(earlier.tail);
      survivor.group.addRange(totals, measure, earlier.lastTrueAt, laterFrom, 1);
    }
    survivor.tail = later.tail;
    survivor.valueAtCrossing = earlier.valueAtCrossing;
    survivor.firstEventAt = earlier.firstEventAt;
    survivor.recordsBefore = earlier.recordsBefore;
    survivor.lastTrueAt = Math.max(earlier.lastTrueAt, later.lastTrueAt);
    survivor.crossedAt = earlier.crossedAt;
    survivor.value = Math.max(survivor.value, other.value);
    survivor.valueEstimated ||= other.valueEstimated;
    survivor.raisedLate += other.raisedLate;
    const samples = other.samples.splice(0);
    for (const sample of samples) this.addSample(survivor, sample.time, sample.id);
    other.status = 'merged';
    this.unannounced.delete(other);
    other.mergedInto = survivor.alertId;
    this.#closed(other);
    this.changed.add(survivor);
    this.changed.add(other);
  }
}

/** Whether the event that arrived, of this time, belongs to the episode as it stands. */
export function covers(episode: Episode, t: number): boolean {
  return t <= episode.lastTrueAt && t > episode.crossedAt - episode.of.rule.timespanMs && !episode.tooLate;
}

function later(sample: { time: number; id: string }, t: number, id: string): boolean {
  return sample.time > t || (sample.time === t && sample.id > id);
}

function listed(dictionary: Dictionary, numbers: ReadonlySet<number>): string[] {
  return [...numbers].map((number) => dictionary.text(number)).sort();
}

/** What the outside world may show or store of an episode. */
export function renderAlert(
  episode: Episode,
  detectedAt: number,
  names: {
    applications: Dictionary;
    organisations: Dictionary;
    networks: Dictionary;
    categories: Dictionary;
  },
): Alert {
  const { rule } = episode.of;
  const { totals } = episode;
  return {
    alertId: episode.alertId,
    rule: rule.key,
    title: rule.title,
    level: rule.level,
    tags: rule.tags,
    runbook: rule.runbook,
    group: episode.group.fields,
    status: episode.status,
    mergedInto: episode.mergedInto,
    inhibitedBy: episode.inhibitedBy,
    firstEventAt: episode.firstEventAt,
    crossedAt: episode.crossedAt,
    lastEventAt: episode.lastTrueAt,
    detectedAt,
    value: episode.value,
    valueEstimated: episode.valueEstimated,
    threshold: rule.bounds,
    events: totals.events,
    persons: totals.persons.count(),
    personsEstimated: totals.persons.estimated || totals.estimated,
    records: totals.records,
    bytes: totals.bytes,
    totalsEstimated: totals.estimated,
    applications: listed(names.applications, totals.applications),
    organisations: listed(names.organisations, totals.organisations),
    sourceNetworks: listed(names.networks, totals.networks),
    categories: listed(names.categories, totals.categories),
    sampleEventIds: episode.samples.map((sample) => sample.id),
    recordsBeforeAlert: episode.recordsBefore,
    timeToDetectMs: episode.crossedAt - episode.firstEventAt,
    version:
      (totals.events + episode.raisedLate) * 8 +
      (episode.inhibitedBy === '' ? 0 : 4) +
      STATUS_RANK[episode.status],
  };
}

/** A later state of the same episode has at least as many events; at the same number, more is known of it. */
const STATUS_RANK: Record<Alert['status'], number> = { firing: 0, resolved: 1, merged: 2 };
