/** The store here is a stub: it shows alerts that come late, and failures, at moments that a real one would not choose. */

import { describe, expect, test } from 'vitest';
import type { CanaryEvent } from '../../../src/canary/canary.ts';
import { CanaryMarks } from '../../../src/canary/marks.ts';
import { type Outcome, prove, proveAll, type ProverOptions } from '../../../src/canary/prover.ts';
import { watch } from '../../../src/canary/watch.ts';
import { testsOfFile } from '../../../src/eval/rule-test-form.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { AlertFilter } from '../../../src/sink/alert-questions.ts';
import type { AlertStore, AlertView } from '../../../src/sink/alert-store.ts';
import { ALL_RULES } from '../cli/fixtures.ts';

const ruleSet = parseRules([{ file: 'rules.yml', text: ALL_RULES }]);
const rule = ruleSet.correlations[0]!;
const tests = [
  testsOfFile(
    'burst.tests.yml',
    `rule: ${rule.key}
tests:
  - name: three reads
    events:
      - {repeat: 3, from: 2025-07-12T20:00:00Z, every: 1s, event: {event.action: record-view, user.id: u, service.name: k}}
    fires: [{at: 2025-07-12T20:00:02Z}]`,
    ruleSet,
  ),
];
const TIMEOUT_MS = 10_000;

/** A service that stores the alert of what was sent after so long; with `failing`, it fails then instead. */
class World {
  nowMs = Date.UTC(2026, 10, 25, 2);
  readonly sent: CanaryEvent[] = [];
  readonly asked: AlertFilter[] = [];
  closed = 0;
  readonly clock = { now: () => this.nowMs, elapsed: () => this.nowMs };
  readonly sleep = (ms: number, stop: AbortSignal): Promise<void> => {
    stop.throwIfAborted();
    this.nowMs += ms;
    return Promise.resolve();
  };

  options({ afterMs = 1200, canary = true, failing = false } = {}): ProverOptions {
    let sentAt = Infinity;
    const list = (filter: AlertFilter): Promise<AlertView[]> => {
      this.asked.push(filter);
      const there = this.nowMs >= sentAt + afterMs && filter.canary === canary;
      if (there && failing) return Promise.reject(new Error('the server is away'));
      return Promise.resolve(there ? [{} as AlertView] : []);
    };
    return {
      settings: {
        ruleSet,
        marks: new CanaryMarks(Buffer.alloc(16, 7)),
        timestampField: '@timestamp',
        personFields: [],
        latenessMs: 60_000,
      },
      tests,
      send: (events) => {
        this.sent.push(...events);
        sentAt = this.nowMs;
        return Promise.resolve();
      },
      connect: () =>
        Promise.resolve({
          list,
          close: () => {
            this.closed += 1;
            return Promise.resolve();
          },
        } as unknown as AlertStore),
      behindMs: 0,
      timeoutMs: TIMEOUT_MS,
      clock: this.clock,
      sleep: this.sleep,
    };
  }
}

const never = new AbortController().signal;

describe('a canary that was sent', () => {
  test('is seen when its alert can be read, and how long that took is told', async () => {
    const world = new World();
    const outcome = await prove(rule, world.options(), never);
    expect(outcome).toMatchObject({ result: 'seen', events: 3, ms: 1500, shownToOperators: false });
    expect(world.sent).toHaveLength(3);
    expect(world.asked[0]).toMatchObject({ rule: rule.key, who: world.sent[0]!.account });
    expect(world.closed).toBe(1);
  });

  test('is seen also where operators see it, which is told', async () => {
    expect(await prove(rule, new World().options({ canary: false }), never)).toMatchObject({
      result: 'seen',
      shownToOperators: true,
    });
  });

  test('is missed when no alert comes in time', async () => {
    const world = new World();
    expect(await prove(rule, world.options({ afterMs: TIMEOUT_MS + 2000 }), never)).toEqual({
      result: 'missed',
      events: 3,
      reason: 'no alert could be read within 11 s',
    });
  });

  test('is missed when the database fails, and why is told', async () => {
    const outcome = await prove(rule, new World().options({ failing: true }), never);
    expect(outcome).toEqual({ result: 'missed', events: 3, reason: 'the server is away' });
  });

  test('is missed when it cannot be sent, and why is told', async () => {
    const options = { ...new World().options(), send: () => Promise.reject(new Error('the broker is away')) };
    const outcome = await prove(rule, options, never);
    expect(outcome).toEqual({ result: 'missed', events: 3, reason: 'the broker is away' });
  });

  test('is nobody’s failure when somebody stops the waiting', async () => {
    const stop = new AbortController();
    const world = new World();
    const options = world.options({ afterMs: Infinity });
    const waiting = prove(
      rule,
      {
        ...options,
        sleep: () => {
          stop.abort();
          return Promise.reject(new Error('aborted'));
        },
      },
      stop.signal,
    );
    await expect(waiting).rejects.toThrow('This operation was aborted');
    expect(world.closed).toBe(1);
  });
});

const SEEN: Outcome = { result: 'seen', events: 3, ms: 1500, waited: false, shownToOperators: false };
const SHOWN: Outcome = { ...SEEN, shownToOperators: true };
const MISSED: Outcome = { result: 'missed', events: 3, reason: 'no alert' };
const UNPROVED: Outcome = { result: 'unproved', reason: 'it has no tests' };

/** What becomes of the outcomes that they would have, and how many of them were sent. */
async function proved(...outcomes: readonly Outcome[]): Promise<{ results: string[]; sent: number }> {
  let sent = 0;
  const rules = outcomes.map((_, i) => ({ ...rule, key: `${i}` }));
  const told = await proveAll(rules, ({ key }) => {
    const outcome = outcomes[Number(key)]!;
    if (outcome.result !== 'unproved') sent += 1;
    return Promise.resolve(outcome);
  });
  expect(told.map(([{ key }]) => key)).toEqual(rules.map(({ key }) => key));
  return { results: told.map(([, { result }]) => result), sent };
}

describe('canaries of all rules', () => {
  test('are sent though the first is missed, or none can be made of it', async () => {
    expect(await proved(MISSED, SEEN, SEEN)).toEqual({ results: ['missed', 'seen', 'seen'], sent: 3 });
    expect(await proved(UNPROVED, SEEN, SEEN)).toEqual({ results: ['unproved', 'seen', 'seen'], sent: 2 });
  });

  test('are not sent once operators saw one: each would be an incident to them', async () => {
    const results = ['unproved', 'seen', 'unproved', 'unproved'];
    expect(await proved(UNPROVED, SHOWN, SHOWN, SHOWN)).toEqual({ results, sent: 1 });
  });
});

describe('canaries for ever', () => {
  const MINUTE = 60_000;

  /** When the rules' canaries were sent, in minutes, over so many. */
  async function sentOver(
    minutes: number,
    everyMs: number,
    outcome: Outcome | ((minute: number) => Outcome),
    timespanMs = MINUTE,
  ): Promise<number[][]> {
    const world = new World();
    const start = world.nowMs;
    const stop = new AbortController();
    const rules = [0, 1, 2].map(() => ({ ...rule, timespanMs }));
    const times = new Map(rules.map((each) => [each, [] as number[]]));
    await watch(
      {
        rules,
        everyMs,
        prove: (each) => {
          const minute = Math.round((world.nowMs - start) / MINUTE);
          times.get(each)!.push(minute);
          return Promise.resolve(typeof outcome === 'function' ? outcome(minute) : outcome);
        },
        told: () => undefined,
        clock: world.clock,
        sleep: async (ms, signal) => {
          await world.sleep(ms, signal);
          if (world.nowMs > start + minutes * MINUTE) stop.abort();
        },
      },
      stop.signal,
    );
    return [...times.values()];
  }

  test('come one rule after the other, not all at once', async () => {
    expect(await sentOver(100, 60 * MINUTE, SEEN)).toEqual([
      [0, 60],
      [20, 80],
      [40, 100],
    ]);
  });

  test('come again after five minutes where one was missed', async () => {
    expect((await sentOver(12, 60 * MINUTE, MISSED))[0]).toEqual([0, 5, 10]);
  });

  test('are one in all that time while operators see it, and spread again once they do not', async () => {
    expect(await sentOver(200, 60 * MINUTE, (minute) => (minute < 100 ? SHOWN : SEEN))).toEqual([
      [0, 60, 120, 180],
      [140, 200],
      [160],
    ]);
  });

  test('are few within a rule’s timespan: each leaves an open alert for so long', async () => {
    const [times] = await sentOver(150, 60 * MINUTE, SEEN, 48 * 60 * MINUTE);
    expect(times).toEqual([0, 120]);
  });
});
