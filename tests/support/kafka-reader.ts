/** A Kafka source on the broker of this run, pulled by hand, with everything it yielded. */

import { systemClock } from '../../src/clock.ts';
import type { VigieError } from '../../src/errors.ts';
import { KafkaSource } from '../../src/source/kafka-source.ts';
import type { KafkaSourceOptions } from '../../src/source/kafka-source.ts';
import type { Assignment, EventBatch, Idle } from '../../src/source/source.ts';
import { connection, testKafka, uniqueName } from './kafka-topics.ts';

let readers: Reader[] = [];

/** To be called after each test. */
export async function closeReaders(): Promise<void> {
  await Promise.all(readers.map((reader) => reader.close()));
  readers = [];
}

type Item = EventBatch | Assignment | Idle;

export class Reader {
  readonly source: KafkaSource;
  readonly problems: (VigieError | undefined)[] = [];
  readonly assignments: Assignment[] = [];
  /** `partition/offset` in reading order. */
  readonly seen: string[] = [];
  readonly values: string[] = [];
  readonly #abort = new AbortController();
  readonly #items: AsyncGenerator<Item, void, undefined>;

  constructor(topic: string, options: Partial<KafkaSourceOptions> = {}) {
    this.source = new KafkaSource({
      ...connection(testKafka()?.brokers ?? []),
      topic,
      groupId: uniqueName('group'),
      heartbeatIntervalMs: 300,
      clock: systemClock,
      onProblem: (problem) => this.problems.push(problem),
      ...options,
    });
    this.#items = this.source.read(this.#abort.signal);
    readers.push(this);
  }

  async next(): Promise<Item> {
    const { value } = await this.#items.next();
    if (value === undefined) throw new Error('the source ended');
    if (value.kind === 'assignment') this.assignments.push(value);
    if (value.kind === 'events') {
      value.forEach((data, start, end, offset) => {
        this.seen.push(`${value.partition}/${offset}`);
        this.values.push(Buffer.from(data.subarray(start, end)).toString());
      });
    }
    return value;
  }

  async assignment(): Promise<Assignment> {
    for (;;) {
      const item = await this.next();
      if (item.kind === 'assignment') return item;
    }
  }

  async batch(): Promise<EventBatch> {
    for (;;) {
      const item = await this.next();
      if (item.kind === 'events') return item;
    }
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await this.next();
  }

  offsetsOf(partition: number): number[] {
    const mine = this.seen.map((place) => place.split('/').map(Number));
    return mine.filter(([of]) => of === partition).map(([, offset]) => offset!);
  }

  stop(): void {
    this.#abort.abort();
  }

  async close(): Promise<void> {
    this.stop();
    await this.source.close();
  }
}
