/** A sink of dead letters that has trouble holds the pipeline back; it neither loses letters nor ends the run. */

import { describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { retryingDeadLetters } from '../../../src/sink/retrying-dead-letters.ts';
import type { DeadLetter, DeadLetterSink } from '../../../src/sink/sink.ts';

const LETTER: DeadLetter = {
  code: 'NOT_JSON',
  message: 'cut short',
  source: 'portal-access',
  partition: 1,
  offset: 2,
  bytes: Uint8Array.of(0x7b),
};

/** Fails so many times before it takes what it is given. */
class Troubled implements DeadLetterSink {
  readonly taken: DeadLetter[] = [];
  attempts = 0;
  readonly #failures: number;
  readonly #error: Error;

  constructor(failures: number, error: Error) {
    this.#failures = failures;
    this.#error = error;
  }

  async write(letters: readonly DeadLetter[]): Promise<void> {
    this.attempts += 1;
    if (this.attempts <= this.#failures) throw this.#error;
    this.taken.push(...letters);
  }

  async close(): Promise<void> {}
}

function wrapped(sink: DeadLetterSink) {
  const told: string[] = [];
  const retrying = retryingDeadLetters(sink, {
    baseMs: 1,
    onRetry: ({ code }, attempt) => told.push(`${code} ${attempt}`),
    onRecovered: () => told.push('recovered'),
  });
  return { retrying, told };
}

const unreachable = new VigieError('KAFKA_UNREACHABLE', 'no broker answers', { retryable: true });

describe('dead letters', () => {
  test('are written once the sink is back, and the recovery is reported', async () => {
    const sink = new Troubled(3, unreachable);
    const { retrying, told } = wrapped(sink);
    await retrying.write([LETTER]);
    expect(sink.taken).toEqual([LETTER]);
    expect(told).toEqual(['KAFKA_UNREACHABLE 1', 'KAFKA_UNREACHABLE 2', 'KAFKA_UNREACHABLE 3', 'recovered']);
  });

  test.each([new VigieError('KAFKA_MESSAGE_TOO_LARGE', 'not even shortened'), new TypeError('a defect')])(
    'are refused at once when trying again cannot help: %s',
    async (error) => {
      const sink = new Troubled(1, error);
      await expect(wrapped(sink).retrying.write([LETTER])).rejects.toMatchObject({ retryable: false });
      expect(sink.attempts).toBe(1);
    },
  );

  test('are no longer retried once the signal aborts', async () => {
    const end = new AbortController();
    const { retrying } = wrapped(new Troubled(Infinity, unreachable));
    const writing = retrying.write([LETTER], end.signal);
    setTimeout(() => end.abort(), 20);
    await expect(writing).rejects.toMatchObject({ code: 'SINK_ABORTED', cause: unreachable });
  });

  test('that a broker never acknowledges are awaited until the signal aborts', async () => {
    const end = new AbortController();
    const silent: DeadLetterSink = { write: () => new Promise(() => undefined), close: async () => {} };
    const writing = wrapped(silent).retrying.write([LETTER], end.signal);
    setTimeout(() => end.abort(), 5);
    await expect(writing).rejects.toMatchObject({
      code: 'SINK_ABORTED',
      message: 'writing dead letters was stopped before anybody answered',
    });
  }, 2000);
});
