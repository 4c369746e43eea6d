/** The store and the receiver here are stubs: they fail at moments that real ones would not choose. */

import { describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import type { Told } from '../../../src/notify/notification.ts';
import { Notifier } from '../../../src/notify/notifier.ts';
import type { UntoldQuestion } from '../../../src/sink/alert-questions.ts';
import type { AlertStore, AlertView } from '../../../src/sink/alert-store.ts';
import { alertFixture, UNTOUCHED } from '../../support/alert-fixture.ts';

const MAX_AGE_MS = 1000;
const never = new AbortController().signal;

class World {
  /** Ids that the receiver took, in order, as often as it did. */
  readonly taken: string[] = [];
  readonly failures: string[] = [];
  readonly leftOut: string[] = [];
  nowMs = 0;
  fails: (id: string) => boolean = () => false;
  failsWith = 'WEBHOOK_FAILED';
  /** Alerts that are not told of now, as another inhibits them. */
  readonly inhibited = new Set<string>();
  retryAfterMs: number | undefined;
  recordFails = false;
  readonly #alerts: AlertView[];
  readonly #told = new Set<string>();
  readonly notifier: Notifier;

  /** Alerts by the beginnings of their ids, the oldest first; of `over` the opening was told before. */
  constructor(alertIds: readonly string[], over: readonly string[] = []) {
    this.#alerts = [...alertIds, ...over].map((alertId, i) => ({
      ...alertFixture({ alertId, detectedAt: i, status: over.includes(alertId) ? 'resolved' : 'firing' }),
      ...UNTOUCHED,
    }));
    for (const alertId of over) this.#told.add(`${alertId}-opened`);
    const store = {
      untold: ({ type, since, after = '', limit }: UntoldQuestion): Promise<AlertView[]> =>
        Promise.resolve(
          this.#alerts
            .filter(({ alertId, status }) => alertId > after && (type === 'opened' || status === 'resolved'))
            .filter(({ alertId }) => !this.#told.has(`${alertId}-${type}`))
            .filter(({ alertId }) => !this.inhibited.has(alertId))
            .filter(({ detectedAt }) => type === 'resolved' || detectedAt >= since)
            .toSorted((a, b) => (a.alertId < b.alertId ? -1 : 1))
            .slice(0, limit),
        ),
      act: ({ alertId, reason }: { alertId: string; reason: Told }): Promise<void> => {
        if (this.recordFails) return Promise.reject(new VigieError('CLICKHOUSE_FAILED', 'no room'));
        this.#told.add(`${alertId}-${reason}`);
        return Promise.resolve();
      },
      close: (): Promise<void> => Promise.resolve(),
    } as unknown as AlertStore;
    this.notifier = new Notifier({
      connect: () => Promise.resolve(store),
      deliver: ({ id }) => {
        const { retryAfterMs } = this;
        if (this.fails(id))
          return Promise.reject(new VigieError(this.failsWith, 'it answered 500', { retryAfterMs }));
        this.taken.push(id);
        return Promise.resolve();
      },
      actor: 'vigie notify',
      levels: ['high'],
      maxAgeMs: MAX_AGE_MS,
      remindAfterMs: Infinity,
      told: () => undefined,
      failed: ({ code }) => this.failures.push(code),
      leftOut: (alertId) => this.leftOut.push(alertId),
      clock: { now: () => this.nowMs, elapsed: () => this.nowMs },
      random: () => 0,
    });
  }

  async rounds(count: number): Promise<boolean> {
    let all = false;
    for (let i = 0; i < count; i += 1) all = await this.notifier.round(never);
    return all;
  }
}

describe('the notifier', () => {
  test('leaves a receiver alone for as long as it asks, but never for more than ten minutes', async () => {
    for (const [retryAfterMs, paused] of [
      [30_000, 30_000],
      [86_400_000, 600_000],
    ] as const) {
      const world = new World([], ['z']);
      let tries = 0;
      world.retryAfterMs = retryAfterMs;
      world.fails = () => (tries += 1) === 1;
      expect(await world.rounds(1)).toBe(false);
      world.nowMs = paused - 1;
      expect(await world.rounds(3)).toBe(false);
      expect([tries, world.failures]).toEqual([1, ['WEBHOOK_FAILED']]);
      world.nowMs = paused;
      expect(await world.rounds(1)).toBe(true);
      expect(world.taken).toEqual(['z-resolved']);
    }
  });

  test('sends the others though the receiver always fails on one', async () => {
    const world = new World(['a', 'b', 'c'], ['z']);
    world.fails = (id) => id === 'a-opened';
    expect(await world.rounds(2)).toBe(false);
    expect(world.taken).toEqual(expect.arrayContaining(['b-opened', 'c-opened', 'z-resolved']));
    expect(world.taken).toHaveLength(3);
  });

  test('asks a receiver that is away no more than once for what opened, and once for what ended', async () => {
    const world = new World(['a', 'b', 'c'], ['y', 'z']);
    world.fails = () => true;
    await world.rounds(1);
    expect(world.failures).toEqual(['WEBHOOK_FAILED', 'WEBHOOK_FAILED']);
    world.fails = () => false;
    expect(await world.rounds(1)).toBe(true);
    expect(world.taken).toHaveLength(5);
  });

  test('delivers nothing twice where only the record of it fails', async () => {
    const world = new World(['a', 'b']);
    world.recordFails = true;
    expect(await world.rounds(3)).toBe(false);
    world.recordFails = false;
    expect(await world.rounds(1)).toBe(true);
    expect(world.taken).toEqual(['a-opened', 'b-opened']);
  });

  test('forgets that a notification was refused once it is not due any more', async () => {
    const world = new World(['a', 'b']);
    world.failsWith = 'WEBHOOK_REFUSED';
    world.fails = () => true;
    await world.rounds(1);
    world.inhibited.add('a');
    await world.rounds(1);
    world.inhibited.clear();
    world.fails = () => false;
    // Of b it is too early to try again.
    expect(await world.rounds(1)).toBe(false);
    expect(world.taken).toEqual(['a-opened']);
  });

  test('says what became too old while it could not be told, once, and nothing of what was so before', async () => {
    const world = new World(['a', 'b', 'c', 'd']);
    // All are of the first milliseconds; the first two too old already.
    world.nowMs = MAX_AGE_MS + 2;
    world.fails = () => true;
    await world.rounds(2);
    world.nowMs += 1;
    await world.rounds(1);
    world.fails = () => false;
    expect(await world.rounds(2)).toBe(true);
    expect(world.taken).toEqual(['d-opened']);
    expect(world.leftOut).toEqual(['c']);
  });
});
