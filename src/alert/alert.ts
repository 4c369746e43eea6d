/** What an operator sees: one living alert per (rule, group, episode). Times are ms since the epoch, UTC. */

import type { Bound, Level } from '../sigma/rule.ts';

type AlertStatus = 'firing' | 'resolved' | 'merged';

export interface Alert {
  /** Fixed at the opening: hash of rule key, group key and the crossing as it stood then. 32 hex digits. */
  readonly alertId: string;
  readonly rule: string;
  /** Hash of what decided the rule's firings when this state was shown, 16 hex digits; '' in older rows. */
  readonly ruleHash: string;
  readonly title: string;
  readonly level: Level;
  readonly tags: readonly string[];
  readonly runbook: string;
  /** Group-by field → value as text; null if it was missing. */
  readonly group: Readonly<Record<string, string | null>>;
  readonly status: AlertStatus;
  /** About a canary and nothing else: it shows that the rule still detects; operators need not look at it. */
  readonly canary: boolean;
  /** The surviving alert if status is `merged`, else ''. */
  readonly mergedInto: string;
  /** Why it is resolved: its rule was changed or removed; '' if it timed out. */
  readonly resolution: '' | 'rule_changed' | 'rule_gone';
  /** The open alert of a rule that inhibits this one, in the same group; '' if there was none. */
  readonly inhibitedBy: string;
  /** Oldest event of the crossing window. */
  readonly firstEventAt: number;
  /** End of the first window in which the condition held. */
  readonly crossedAt: number;
  /** End of the last window in which the condition held. */
  readonly lastEventAt: number;
  /** Wall time at which the alert was first detected. */
  readonly detectedAt: number;
  /** Largest value of any window in which the condition held. */
  readonly value: number;
  readonly valueEstimated: boolean;
  readonly threshold: readonly Bound[];
  /** Largest usual value in the group when the rule crossed; null without a baseline, or before there was one. */
  readonly usualUpTo: number | null;
  /** Events of the group from firstEventAt to lastEventAt that hold the rule's measure. */
  readonly events: number;
  /** Distinct persons in all events of that time. */
  readonly persons: number;
  readonly personsEstimated: boolean;
  readonly records: number;
  readonly bytes: number;
  /** True if events, records or bytes are no longer exact. */
  readonly totalsEstimated: boolean;
  /** Who acted (`user.id`), and on whom (`user.target.id`). */
  readonly accounts: readonly string[];
  readonly applications: readonly string[];
  readonly organisations: readonly string[];
  /** /24 of IPv4, /48 of IPv6. */
  readonly sourceNetworks: readonly string[];
  /** Sensitivities of the records read. */
  readonly categories: readonly string[];
  /** Ids of the oldest events at or after the crossing as it stood then, at most 20. */
  readonly sampleEventIds: readonly string[];
  /** Records in the crossing window up to and including the crossing. */
  readonly recordsBeforeAlert: number;
  /** crossedAt − firstEventAt. */
  readonly timeToDetectMs: number;
  /** Monotone function of the state shown: a later state has a larger version, the same state the same. */
  readonly version: number;
}
