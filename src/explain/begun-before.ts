/** Which events of a window count under `vigie.begun_before`, and with which event their date was compared. */

import type { BegunMatch } from '../window/temporal-measure.ts';
import type { Entry } from './windows.ts';

export interface Beginning {
  /** The event's date, ms since the epoch; null if it has none. */
  readonly begun: number | null;
  /** Time of the newest event of the named rule at or before it in the window; null if there is none. */
  readonly newest: number | null;
  /** Whether it counts for the rules that it matched beside the named one. */
  readonly counts: boolean;
}

/** For the entries of one window, oldest first; undefined for an entry that matched only the named rule. */
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
