/**
 * True window ends of one rule in one group → episodes.
 *
 * An episode lasts while successive true window ends are at most `resolveTimeoutMs` apart in event time. Adding events
 * only makes more windows true, so an episode only ever grows: its crossing moves back, its end moves on, or two of
 * them join (the one opened first survives). That is why the order of arrival within the allowed lateness does not
 * matter.
 */

import type { CorrelationRule } from '../sigma/rule.ts';
import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import type { DimensionTable } from '../window/dimension-table.ts';
import type { EventEntry } from '../window/event-log.ts';
import { MinHeap } from '../window/min-heap.ts';
import { Episode, type EpisodeGroup, type EpisodeRule, shownValue } from './episode.ts';
import { Inhibition } from './inhibition.ts';

const SAMPLES = 20;

export class EpisodeTracker {
  /** Episodes whose shown state changed since they were last taken. */
  readonly changed = new Set<Episode>();
  /** Episodes opened so far, by rule key. */
  readonly opened = new Map<string, number>();
  readonly open = new Set<Episode>();
  /** Episodes of rules that others refer to, until their firing is passed on. */
  readonly #unannounced = new Set<Episode>();
  #nextFiring = Infinity;
  readonly #announced: (rule: CorrelationRule) => boolean;
  readonly #inhibition: Inhibition;
  readonly #dimensions: DimensionTable;
  /**
   * Every open episode once, by the end of its timeout when it was entered. As that only moves on, the episode is
   * checked again when that time has come. Merged episodes stay in until then.
   */
  readonly #deadlines = new MinHeap<Episode>();
  #sequence = 0;
  readonly #loaded: Episode[] = [];

  /** `rules`: all correlations, for their references to each other. `dimensions`: of the events. */
  constructor(rules: readonly CorrelationRule[], dimensions: DimensionTable) {
    this.#dimensions = dimensions;
    const referred = new Set(rules.flatMap((rule) => rule.rules));
    this.#announced = ({ key }) => referred.has(key);
    this.#inhibition = new Inhibition(rules);
  }

  /** No firing still to be passed on has an earlier crossing. */
  get nextFiring(): number {
    return this.#nextFiring;
  }

  /** Takes the firings that lie before the watermark and are final, in order of their crossings. */
  takeFirings(watermark: number, of: ReadonlySet<CorrelationRule>): Episode[] {
    const final: Episode[] = [];
    if (this.#nextFiring >= watermark) return final;
    this.#nextFiring = Infinity;
    for (const episode of this.#unannounced) {
      if (episode.crossedAt < watermark && of.has(episode.of.rule)) final.push(episode);
      else this.#nextFiring = Math.min(this.#nextFiring, episode.crossedAt);
    }
    for (const episode of final) {
      episode.group.aboutToChange();
      this.#unannounced.delete(episode);
    }
    return final.sort((a, b) => a.crossedAt - b.crossedAt || a.sequence - b.sequence);
  }

  /**
   * A window of the rule that ends at `end` is true with this value: opens, grows or joins episodes. `estimated`: the
   * value is not exact.
   */
  trueWindow(of: EpisodeRule, group: EpisodeGroup, end: number, value: number, estimated: boolean): void {
    if (of.muted) return;
    const { resolveTimeoutMs } = of.rule;
    let host: Episode | undefined;
    // The list iterated here does not change when an episode leaves it.
    for (const episode of group.episodes) {
      if (episode.of !== of) continue;
      if (end < episode.crossedAt - resolveTimeoutMs || end > episode.lastTrueAt + resolveTimeoutMs) continue;
      if (host === undefined) {
        host = episode;
        this.#grow(episode, end, value, estimated);
      } else {
        const [survivor, other] = host.sequence < episode.sequence ? [host, episode] : [episode, host];
        this.#merge(survivor, other);
        group.removeEpisode(other);
        host = survivor;
      }
    }
    if (host === undefined) group.addEpisode(this.#open(of, group, end, value, estimated));
  }

  /**
   * True windows of the rule that end in [fromMs, toMs] with a smaller value than this change nothing, because they lie
   * inside an open episode that had a larger one; −Infinity if they do not. `estimated`: their values are estimates.
   */
  quietBelow(of: EpisodeRule, group: EpisodeGroup, fromMs: number, toMs: number, estimated: boolean): number {
    if (of.muted) return Infinity;
    for (const episode of group.episodes) {
      if (episode.of !== of || fromMs <= episode.crossedAt || toMs > episode.lastTrueAt) continue;
      return estimated && !episode.valueEstimated ? -Infinity : episode.value;
    }
    return -Infinity;
  }

  /**
   * An event arrived (and is in the log): counts it if it holds the measure and lies inside the episode. Events after
   * the end are counted when the end moves past them. A crossing window that ended before `judgedFrom` (the watermark)
   * has been judged: a late event no longer belongs to it.
   */
  eventArrived(episode: Episode, event: EventEntry, judgedFrom: number): void {
    const t = event.time;
    const judged = episode.crossedAt < judgedFrom;
    episode.tooLate = judged && t < episode.firstEventAt;
    if ((event.held & episode.of.measure) === 0 || !episode.covers(t)) return;
    const { totals } = episode;
    totals.addEvents(1, 1, event.records, event.bytes);
    this.#dimensions.addTo(totals, event.dimensions);
    if (t <= episode.crossedAt && !judged) {
      episode.recordsBefore += event.records;
      if (t < episode.firstEventAt) episode.firstEventAt = t;
    }
    this.changed.add(episode);
  }

  /** An event that the alert does not count brought persons to it: they are all that it shows of the event. */
  personsCame(episode: Episode): void {
    episode.raisedLate += 1;
    this.changed.add(episode);
  }

  addSample(episode: Episode, t: number, id: string): void {
    if (t < episode.crossedAt || t > episode.lastTrueAt) return;
    const { samples } = episode;
    if (samples.length === SAMPLES && t > samples[SAMPLES - 1]!.time) return;
    let at = samples.length;
    while (at > 0 && later(samples[at - 1]!, t, id)) at -= 1;
    if (at >= SAMPLES) return;
    samples.splice(at, 0, { time: t, id });
    if (samples.length > SAMPLES) samples.pop();
  }

  /** Resolves the episodes whose timeout the watermark has passed. */
  resolve(watermark: number): void {
    const deadlines = this.#deadlines;
    if (deadlines.least >= watermark) return;
    const over: Episode[] = [];
    while (deadlines.least < watermark) {
      const episode = deadlines.pop();
      if (!this.open.has(episode)) continue;
      const deadline = deadlineOf(episode);
      if (deadline < watermark) over.push(episode);
      else deadlines.push(deadline, episode);
    }
    // In the order of their opening: what one shows may depend on those before it.
    for (const episode of over.sort((a, b) => a.sequence - b.sequence)) {
      episode.group.aboutToChange();
      episode.status = 'resolved';
      episode.tail = undefined;
      episode.group.removeEpisode(episode);
      this.#closed(episode);
      this.changed.add(episode);
    }
  }

  /** Ends an open episode whose rule was changed or removed, for good: its state goes with the rule. */
  end(episode: Episode, resolution: 'rule_changed' | 'rule_gone'): void {
    episode.status = 'resolved';
    episode.resolution = resolution;
    this.#closed(episode);
    this.changed.add(episode);
  }

  #open(of: EpisodeRule, group: EpisodeGroup, end: number, value: number, estimated: boolean): Episode {
    const { rule } = of;
    this.#sequence += 1;
    const episode = new Episode(of, group, { end, value, estimated, sequence: this.#sequence });
    group.addRange(episode.totals, of.measure, end - rule.timespanMs, end, 1);
    episode.readCrossing();
    this.changed.add(episode);
    this.#hold(episode);
    if (this.#announced(rule)) this.#toAnnounce(episode);
    this.opened.set(rule.key, (this.opened.get(rule.key) ?? 0) + 1);
    return episode;
  }

  #hold(episode: Episode): void {
    this.open.add(episode);
    for (const inhibited of this.#inhibition.opened(episode)) this.changed.add(inhibited);
    this.#deadlines.push(deadlineOf(episode), episode);
  }

  #toAnnounce(episode: Episode): void {
    this.#unannounced.add(episode);
    this.#nextFiring = Math.min(this.#nextFiring, episode.crossedAt);
  }

  /** Saves an open episode, and whether its firing is still to be passed on. */
  saveEpisode(to: SectionWriter, episode: Episode): void {
    episode.save(to);
    to.flag(this.#unannounced.has(episode));
  }

  /** Returns undefined if the rule is muted: its alert ended with it. */
  loadEpisode(from: SectionReader, of: EpisodeRule, group: EpisodeGroup): Episode | undefined {
    const episode = Episode.load(from, of, group);
    const unannounced = from.flag();
    this.#sequence = Math.max(this.#sequence, episode.sequence);
    if (of.muted) return undefined;
    this.#loaded.push(episode);
    if (unannounced) this.#toAnnounce(episode);
    return episode;
  }

  /** Call once all episodes are loaded: inhibition within a group needs all of them. */
  loaded(): void {
    for (const episode of this.#loaded.splice(0).sort((a, b) => a.sequence - b.sequence)) this.#hold(episode);
  }

  #grow(episode: Episode, end: number, value: number, estimated: boolean): void {
    const { group } = episode;
    const { measure, rule } = episode.of;
    let changed = true;
    if (end < episode.crossedAt) {
      const from = end - rule.timespanMs;
      group.addRange(episode.totals, measure, from, episode.crossedAt - rule.timespanMs, 1);
      episode.crossedAt = end;
      // Earlier than necessary if its firing was already passed on.
      this.#nextFiring = Math.min(this.#nextFiring, end);
      episode.valueAtCrossing = value;
      episode.readCrossing();
    } else if (end === episode.crossedAt && value > episode.valueAtCrossing) {
      episode.valueAtCrossing = value;
    } else {
      changed = false;
    }
    if (end > episode.lastTrueAt) {
      if (episode.tail !== undefined) {
        episode.totals.merge(episode.tail);
        episode.tail = undefined;
      }
      group.addRange(episode.totals, measure, episode.lastTrueAt, end, 1);
      episode.lastTrueAt = end;
      changed = true;
    }
    if (value > episode.value || (estimated && !episode.valueEstimated)) {
      const { tooLate, valueEstimated } = episode;
      const persons = tooLate ? episode.totals.persons.count() : 0;
      const shown = shownValue(episode, persons);
      episode.value = Math.max(value, episode.value);
      // An estimated window may really be the largest, whatever its estimate says.
      episode.valueEstimated ||= estimated;
      // The value shown is at most the alert's persons.
      const isShown = episode.valueEstimated !== valueEstimated || shownValue(episode, persons) !== shown;
      if (tooLate && isShown) episode.raisedLate += 1;
      changed = true;
    }
    if (changed) this.changed.add(episode);
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
    survivor.usualUpTo = earlier.usualUpTo;
    survivor.lastTrueAt = later.lastTrueAt;
    survivor.crossedAt = earlier.crossedAt;
    survivor.value = Math.max(survivor.value, other.value);
    survivor.valueEstimated ||= other.valueEstimated;
    survivor.raisedLate += other.raisedLate;
    const samples = other.samples.splice(0);
    for (const sample of samples) this.addSample(survivor, sample.time, sample.id);
    other.status = 'merged';
    // The joined episode's firing is that of the earlier one, even if that is not the survivor.
    if (!this.#unannounced.has(earlier)) this.#unannounced.delete(survivor);
    this.#unannounced.delete(other);
    other.mergedInto = survivor.alertId;
    this.#closed(other);
    this.changed.add(survivor);
    this.changed.add(other);
  }
}

/** Event time up to which an episode goes on without another true window. */
function deadlineOf({ lastTrueAt, of }: Episode): number {
  return lastTrueAt + of.rule.resolveTimeoutMs;
}

function later(sample: { time: number; id: string }, t: number, id: string): boolean {
  return sample.time > t || (sample.time === t && sample.id > id);
}
