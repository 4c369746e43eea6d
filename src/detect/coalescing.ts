/**
 * Merging the entries that a group holds beyond the exact bound. Only settled entries, or entries inside a crossed
 * stretch, are merged, so every firing stays exact; an alert's largest value and totals become estimates and are
 * flagged.
 */

import type { Episode } from '../alert/episode.ts';
import type { Run, RunStore } from '../window/run-store.ts';
import type { GroupNumbers } from './group-numbers.ts';
import type { PlannedHorizon } from './plan.ts';
import type { StreamLogs } from './stream-logs.ts';

/** What a group holds. */
interface Held {
  readonly logs: StreamLogs;
  readonly numbers: GroupNumbers;
  /** All open episodes of the group. */
  readonly episodes: readonly Episode[];
  readonly watermark: number;
}

/** A window's value is off by at most what arrived in this share of its timespan. */
const PANES = 256;

/** Coalesces the logs that exceed the exact bound; returns how many entries were merged away. */
export function coalesce(held: Held): number {
  const { numbers } = held;
  const { events, distincts, persons, sums, counts, exactEntries } = held.logs;
  let folded = 0;
  if (numbers.events.length > exactEntries) {
    const run = numbers.events;
    folded += events.coalesce(
      run,
      paneOf(held, run, events, counts, (row) => events.amountAt(row)),
    );
  }
  // Even if only another log was coalesced: from here on counts are kept up, however far they are from their
  // thresholds.
  for (const state of numbers.counts) events.settle(numbers.events, state);
  distincts.forEach(({ log, horizons }, m) => {
    const s = numbers.sightings[m]!;
    if (s.run.length <= exactEntries) return;
    const { counted } = log;
    const weigh = (row: number) => (counted.nextAt(row) === Infinity ? counted.weightAt(row) : 0);
    folded += counted.coalesce(s, paneOf(held, s.run, counted, horizons, weigh));
  });
  if (persons !== undefined && numbers.persons.length > exactEntries) {
    folded += persons.coalesce(
      numbers.persons,
      paneOf(held, numbers.persons, persons, [], () => 1),
    );
  }
  sums.forEach(({ log, horizons }, m) => {
    const { run, horizons: states } = numbers.sums[m]!;
    if (run.length <= exactEntries) return;
    const pane = paneOf(held, run, log, horizons, (row) => log.amountAt(row));
    folded += log.coalesce(run, pane, held.watermark);
    for (const state of states) log.settle(run, state);
  });
  numbers.boundAt = Math.max(exactEntries, Math.ceil(numbers.longest * 1.25));
  return folded;
}

/**
 * Returns the pane within which an entry may be merged into a newer one, because no exact answer needs them apart; NaN
 * if one does. An entry is free if newer ones alone reach the largest threshold and it is settled (a window that
 * reaches it is true anyway) or lies inside the open episode of every rule (whether a window there is true changes
 * nothing).
 */
function paneOf(
  { logs, numbers, episodes, watermark }: Held,
  run: Run,
  log: RunStore,
  horizons: readonly PlannedHorizon[],
  weigh: (row: number) => number,
): (index: number) => number {
  const { exactEntries, longestMs, scaled, watchers } = logs;
  const needed = Math.max(scaled.most, ...horizons.map((horizon) => horizon.mostThreshold));
  const { first } = run;
  const [from, to] = insideAll(episodes, watchers.length);
  const keepFrom = (upTo: number): number => {
    let index = log.countUpTo(run, upTo) - 1;
    for (let sum = 0; index >= 0 && sum < needed; index -= 1) sum += weigh(first + index);
    return index;
  };
  const settled = keepFrom(settledUpTo(episodes, watermark));
  const inside = keepFrom(to);
  const oldHalf = run.length - (exactEntries >>> 1);
  const afterStart = log.countUpTo(run, from);
  const limit = Math.max(settled, inside);
  const reached = Math.min(oldHalf, limit) - 1;
  if (reached >= 0) {
    numbers.coalescedUpTo = Math.max(numbers.coalescedUpTo, log.timeAt(first + reached));
  }
  const timespans = horizons.map(({ timespanMs }) => timespanMs).sort((a, b) => a - b);
  const newest = log.timeAt(first + run.length - 1);
  let time = NaN;
  let pane = NaN;
  return (index) => {
    const free = index < oldHalf && (index < settled || (index < inside && index >= afterStart));
    if (!free) return NaN;
    // 1/256 of the shortest window that still reaches back to the entry.
    const t = log.timeAt(first + index);
    if (t !== time) {
      const reaching = timespans.find((timespanMs) => newest - t < timespanMs) ?? longestMs;
      pane = Math.floor((t * PANES) / reaching);
      time = t;
    }
    return pane;
  };
}

/** Entries up to here lie in no crossing window whose value may still rise. */
function settledUpTo(episodes: readonly Episode[], watermark: number): number {
  let upTo = watermark;
  for (const { crossedAt, of } of episodes) {
    if (crossedAt >= watermark) upTo = Math.min(upTo, crossedAt - of.rule.timespanMs);
  }
  return upTo;
}

/** (latest crossing, earliest end) over the open episodes; an empty range unless each of the `rules` rules has one. */
function insideAll(episodes: readonly Episode[], rules: number): [from: number, to: number] {
  if (episodes.length < rules) return [Infinity, -Infinity];
  let from = -Infinity;
  let to = Infinity;
  for (const episode of episodes) {
    from = Math.max(from, episode.crossedAt);
    to = Math.min(to, episode.lastTrueAt);
  }
  return [from, to];
}
