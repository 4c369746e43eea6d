/** Which events of a window count under `vigie.begun_before`, and against which event their date was held. */

import type { BegunMatch } from '../window/temporal-measure.ts';
import type { Entry } from './windows.ts';

export interface Beginning {
  /** The event's date, ms since the epoch; null when it has none. */
  readonly begun: number | null;
  /** Time of the newest event of the named rule at or before it in the window; null when there is none. */
  readonly newest: number | null;
  /** Whether it counts for the rules that it matched beside the named one. */
  readonly counts: boolean;
}

/** Of the entries of one window, oldest first; undefined for one that matched the named rule alone. */
export function beginningsIn(entries: readonly Entry[], name: string): readonly (Beginning | undefined)[] {
  const named = entries.filter(({ rules }) => rules.includes(name));
  return entries.map(({ time, rules, held }) => {
    if (rules.every((rule) => rule === name)) return undefined;
    const { begunMs } = held as BegunMatch;
    const newest = named.findLast((each) => each.time <= time)?.time ?? null;
    return {
      begun: Number.isNaN(begunMs) ? null : begunMs,
      newest,
      counts: newest !== null && begunMs < newest,
    };
  });
}
