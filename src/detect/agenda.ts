/**
 * When the next of what waits for the watermark is due, over all streams: the one comparison that an event pays
 * when nothing is.
 */
export class Agenda {
  #next = Infinity;

  /** Something can be judged once the watermark is past this event time, ms. */
  enter(time: number): void {
    if (time < this.#next) this.#next = time;
  }

  due(watermark: number): boolean {
    return this.#next < watermark;
  }

  /** Before all is entered anew. */
  clear(): void {
    this.#next = Infinity;
  }
}
