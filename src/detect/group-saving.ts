/**
 * Saves the groups of a stream while events go on. Groups are saved one after the other; a group that is about to
 * change before its turn is saved first. So all groups are saved as they were when saving began, and nothing stands
 * still for it.
 */

import type { SectionWriter } from '../state/state-writer.ts';

export interface SavedGroup {
  readonly key: string | null;
  /** Counts the groups of its stream in the order in which they were made. */
  readonly number: number;
  /** Last saving that the group no longer needs to be part of. */
  set savedIn(round: number);
  save(to: SectionWriter): void;
}

export class GroupSaving {
  /** Number of the last saving; a group made or saved since it began bears this number. */
  round = 0;
  #to: SectionWriter | undefined;

  /** Returns the number of the new saving. */
  begin(to: SectionWriter): number {
    this.#to = to;
    this.round += 1;
    return this.round;
  }

  /** The saving is done or abandoned; ignored if another one has begun. */
  end(round: number): void {
    if (round === this.round) this.#to = undefined;
  }

  /** Saves a group as it is now, if a saving is under way. */
  save(group: SavedGroup): void {
    group.savedIn = this.round;
    const to = this.#to;
    if (to === undefined) return;
    to.flag(true);
    to.f64(group.number);
    to.plain(group.key);
    group.save(to);
  }
}
