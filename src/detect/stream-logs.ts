/** What the groups of a stream share: where their entries lie, what is looked at, and whom windows are told to. */

import type { EpisodeRule } from '../alert/episode.ts';
import type { EpisodeTracker } from '../alert/episode-tracker.ts';
import type { DistinctLog } from '../window/distinct-log.ts';
import type { EventLog } from '../window/event-log.ts';
import type { SeenLog } from '../window/seen-log.ts';
import type { SumLog } from '../window/sum-log.ts';
import type { GroupSaving } from './group-saving.ts';
import type { GroupWaits, StreamWaits } from './group-waits.ts';
import type { GroupNumbers } from './group-numbers.ts';
import type { PlannedHorizon } from './plan.ts';
import type { PlannedTemporal } from './plan-temporal.ts';
import type { ScaledBounds } from './scaled-bounds.ts';

export interface StreamLogs extends StreamWaits {
  readonly saving: GroupSaving;
  readonly groupBy: readonly string[];
  readonly numbers: GroupNumbers;
  readonly events: EventLog;
  readonly counts: readonly PlannedHorizon[];
  readonly distincts: readonly { log: DistinctLog; horizons: readonly PlannedHorizon[] }[];
  /** Which of them counts the persons; −1 when none does. */
  readonly counted: number;
  /** Holds the persons where no rule counts them and some alert has to say how many they were. */
  readonly persons: SeenLog | undefined;
  readonly sums: readonly { log: SumLog; horizons: readonly PlannedHorizon[] }[];
  readonly temporals: readonly PlannedTemporal[];
  /** What groups share while nothing waits in them; undefined where something does in each. */
  readonly sharedWaits: GroupWaits | undefined;
  readonly longestMs: number;
  /** Entries a log of one group holds before anything is coalesced. */
  readonly exactEntries: number;
  /** The rules of the stream as episodes know them. */
  readonly watchers: readonly EpisodeRule[];
  readonly tracker: EpisodeTracker;
  readonly atHand: EventAtHand;
  /** Whether alerts say what was seen. */
  readonly evidence: boolean;
  readonly scaled: ScaledBounds;
}

/** The event at hand of a stream. */
interface EventAtHand {
  watermark: number;
  time: number;
  /** Numbers the events that entered groups, from 1. */
  number: number;
  /** Its persons are in the log of its group. */
  personsHeld: boolean;
}
