/**
 * Event-time progress. A partition's watermark is its newest event time − allowed lateness. The stream's watermark is
 * the minimum over the active partitions, or that of the partition furthest ahead if none is active, and never goes
 * back. Until every active partition has shown an event there is none (−Infinity), so nothing is late and nothing is
 * trimmed.
 */

import type { SectionReader } from '../state/state-reader.ts';
import type { SectionWriter } from '../state/state-writer.ts';

interface Progress {
  newest: number;
  active: boolean;
}

export class Watermarks {
  readonly #latenessMs: number;
  readonly #partitions = new Map<number, Progress>();
  #watermark = -Infinity;

  /** `latenessMs`: how far behind the newest event of its partition an event may arrive and still be on time. */
  constructor(latenessMs: number) {
    this.#latenessMs = latenessMs;
  }

  /** Sets the partitions that can feed the stream from now on; forgets the progress of all others. */
  assign(partitions: readonly number[]): void {
    for (const partition of this.#partitions.keys()) {
      if (!partitions.includes(partition)) this.#partitions.delete(partition);
    }
    for (const partition of partitions) {
      if (!this.#partitions.has(partition))
        this.#partitions.set(partition, { newest: -Infinity, active: true });
    }
  }

  /** Notes that an event of this time was processed. Returns whether the stream's watermark moved. */
  observe(partition: number, timeMs: number): boolean {
    let progress = this.#partitions.get(partition);
    if (progress === undefined) {
      progress = { newest: -Infinity, active: true };
      this.#partitions.set(partition, progress);
    }
    progress.active = true;
    if (timeMs <= progress.newest) return false;
    progress.newest = timeMs;
    return this.#advance();
  }

  /** A silent, caught-up partition no longer holds the watermark back, until its next event. */
  setIdle(partition: number): boolean {
    const progress = this.#partitions.get(partition);
    if (progress === undefined || !progress.active) return false;
    progress.active = false;
    return this.#advance();
  }

  /** Newest event time of any partition; −Infinity before the first event. */
  get newest(): number {
    return Math.max(-Infinity, ...[...this.#partitions.values()].map(({ newest }) => newest));
  }

  get partitions(): IterableIterator<number> {
    return this.#partitions.keys();
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** Newest event time of a partition; −Infinity before its first event. */
  newestOf(partition: number): number {
    return this.#partitions.get(partition)?.newest ?? -Infinity;
  }

  save(to: SectionWriter): void {
    to.f64(this.#watermark);
    to.list(this.#partitions, ([partition, { newest, active }]) => {
      to.u32(partition);
      to.f64(newest);
      to.flag(active);
    });
  }

  load(from: SectionReader): void {
    this.#watermark = from.f64();
    from.each(() => this.#partitions.set(from.u32(), { newest: from.f64(), active: from.flag() }));
  }

  #advance(): boolean {
    let least = Infinity;
    for (const { newest, active } of this.#partitions.values()) if (active) least = Math.min(least, newest);
    // If all are idle, the one furthest ahead decides: no idle partition holds time back.
    const watermark = (least === Infinity ? this.newest : least) - this.#latenessMs;
    if (watermark <= this.#watermark) return false;
    this.#watermark = watermark;
    return true;
  }
}
