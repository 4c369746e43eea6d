/**
 * Saving the groups of a stream while events go on: they are saved one after the other, and one that is about to
 * change before its turn is saved first. So all are saved as they were when saving began, and nothing stands still
 * for it.
 */

import type { SectionWriter } from '../state/state-writer.ts';

export interface SavedGroup {
  readonly key: string | null;
  /** Counts the groups of its stream in the order in which they were made. */
  readonly number: number;
  /** Last saving that it need not be part of any more. */
  set savedIn(round: number);
  save(to: SectionWriter): void;
}

export class GroupSaving {
  /** Counts savings: a group that was made or saved since the last one began bears its number. */
  round = 0;
  #to: SectionWriter | undefined;

  /** Returns the saving's number. */
  begin(to: SectionWriter): number {
    this.#to = to;
    this.round += 1;
    return this.round;
  }

  /** It is done, or given up, unless another one began. */
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
