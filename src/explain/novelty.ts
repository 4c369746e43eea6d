/** Which events of a group count for a rule on new terms, and why the others do not. */

import type { PlannedNovelty } from '../detect/novelty-gate.ts';
import { Terms } from '../window/terms.ts';
import type { Entry } from './windows.ts';

/** An event as the gate before the rule sees it. */
export interface Sighting {
  readonly time: number;
  /** The watermark when the event came: anything older was judged by then. */
  readonly judgedFrom: number;
  readonly terms: readonly string[];
  /** Undefined if it holds no value to measure. */
  readonly entry: Entry | undefined;
}

/** Numbers of events that do not count. */
export interface Uncounted {
  /** All that they show was seen within the history. */
  known: number;
  /** Their group had not been known for a whole history. */
  learning: number;
  /** They lack one of the watched fields. */
  withoutTerm: number;
  late: number;
}

/** Judges the sightings as the engine does. */
export function sift(
  sightings: readonly Sighting[],
  { historyMs, maxTerms }: PlannedNovelty,
): { entries: Entry[]; withoutValue: number; uncounted: Uncounted } {
  const terms = new Terms(historyMs, maxTerms);
  const uncounted: Uncounted = { known: 0, learning: 0, withoutTerm: 0, late: 0 };
  const entries: Entry[] = [];
  let withoutValue = 0;
  const isLate = ({ time, judgedFrom }: Sighting): boolean => time < judgedFrom;
  const seenAt = ({ time, judgedFrom }: Sighting): number => Math.max(time, judgedFrom);
  // A late event is known to every event that was not judged by then.
  const sorted = sightings.toSorted((a, b) => seenAt(a) - seenAt(b) || Number(isLate(b)) - Number(isLate(a)));
  for (let from = 0; from < sorted.length;) {
    const first = sorted[from]!;
    if (isLate(first)) {
      terms.late(first.time, first.terms);
      uncounted.late += 1;
      from += 1;
      continue;
    }
    let to = from;
    while (sorted[to]?.time === first.time && !isLate(sorted[to]!)) to += 1;
    const together = sorted.slice(from, to);
    const verdicts = terms.judge(
      first.time,
      together.map((sighting) => sighting.terms),
    );
    together.forEach(({ entry }, i) => {
      const verdict = verdicts[i]!;
      if (verdict === 'known') uncounted.known += 1;
      else if (verdict === 'learning') uncounted.learning += 1;
      else if (verdict === 'without-term') uncounted.withoutTerm += 1;
      else if (entry === undefined) withoutValue += 1;
      else entries.push(entry);
    });
    from = to;
  }
  return { entries, withoutValue, uncounted };
}
