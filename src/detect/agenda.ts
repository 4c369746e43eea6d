/**
 * When the next thing that waits for the watermark is due, over all streams. While nothing is due, an event pays for
 * this one comparison only.
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

  /** Call before entering all anew. */
  clear(): void {
    this.#next = Infinity;
  }
}
