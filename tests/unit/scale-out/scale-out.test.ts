/** Both halves of a process take other rules, each at its own moment, and end with the same ones. */

import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createMetrics } from '../../../src/metrics/registry.ts';
import { ScaleOut, type ScaleOutOptions } from '../../../src/scale-out/scale-out.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';
import type { Assignment, Idle, Source } from '../../../src/source/source.ts';
import { Telemetry } from '../../../src/service/telemetry.ts';
import { silentSink } from '../scripted-pipeline.ts';

const none = async (): Promise<void> => {};
const idle: Idle = { kind: 'idle' };
const assignment: Assignment = {
  kind: 'assignment',
  partitions: [{ partition: 0, committedOffset: 0, metadata: undefined, endOffset: 0 }],
};

const rulesWith = (name: string): RuleSet =>
  parseRules([
    {
      file: 'rules.yml',
      text: `title: Reads
name: reads
logsource: {product: portal}
detection: {sel: {event.action: record-view}, condition: sel}
---
title: ${name}
name: ${name}
level: high
correlation: {type: event_count, rules: [reads], group-by: [user.id], timespan: 1m, condition: {gte: 3}}
`,
    },
  ]);

/** A source that says one thing after the other when it is told to. */
function driven() {
  const items: (Assignment | Idle | undefined)[] = [];
  let wake: (() => void) | undefined;
  let taken: (() => void) | undefined;
  const source: Source = {
    name: 'driven',
    type: 'kafka',
    async *read() {
      for (;;) {
        while (items.length === 0) {
          await new Promise<void>((more) => {
            wake = more;
            taken?.();
          });
        }
        const item = items.shift();
        if (item === undefined) return;
        yield item;
      }
    },
    rewind: async () => false,
    commit: none,
    close: none,
  };
  return {
    source,
    /** Resolves once it was dealt with; `undefined` ends the source. */
    say: (item: Assignment | Idle | undefined) =>
      new Promise<void>((done) => {
        items.push(item);
        taken = item === undefined ? undefined : done;
        if (item === undefined) done();
        wake?.();
      }),
  };
}

function setUp(given: Partial<Pick<ScaleOutOptions, 'signals' | 'signalsSource'>> = {}) {
  const metrics = createMetrics('0.0.0');
  const logger = pino({ level: 'silent' });
  const ruleSet = rulesWith('former');
  const [input, signals] = [driven(), driven()];
  const inForce: RuleSet[] = [];
  const scaleOut = new ScaleOut({
    pipeline: {
      source: input.source,
      sink: silentSink,
      deadLetters: { write: none, close: none },
      ruleSet,
      pseudonymKey: new Uint8Array(16),
      timestampField: '@timestamp',
      personFields: [],
      maxEventBytes: 1000,
      mapping: undefined,
      latenessMs: 60_000,
      maxFutureMs: 300_000,
      idleTimeoutMs: 30_000,
      flushIntervalMs: 0,
      archive: false,
      clock: systemClock,
      observer: new Telemetry(metrics, logger, ruleSet, systemClock),
    },
    snapshots: undefined,
    signals: { send: none },
    signalsSource: signals.source,
    shards: 1,
    metrics,
    logger,
    alerts: undefined,
    onRules: (now) => inForce.push(now),
    ...given,
  });
  /** Whether the shard correlates by a rule of that name. */
  const correlates = async (name: string): Promise<boolean> => {
    const text = await metrics.registry.metrics();
    return text.includes(`vigie_alerts_open{rule="${name}",`);
  };
  return { scaleOut, input, signals, inForce, correlates, metrics };
}

test('every counter of signals’ troubles exists before it grows, as alerting rules watch its growth', async () => {
  const text = await setUp().metrics.registry.metrics();
  for (const code of ['SIGNALS_GAP', 'SIGNALS_KEY', 'SIGNALS_PARTITIONS', 'SIGNALS_UNREADABLE']) {
    expect(text).toContain(`vigie_signal_troubles_total{code="${code}"} 0\n`);
  }
});

test('partitions that somebody adds to the topic of signals are reported when they are assigned', async () => {
  const { scaleOut, input, signals, metrics } = setUp();
  const run = scaleOut.run(new AbortController().signal);
  const said = async (): Promise<unknown> =>
    /signal_troubles_total\{code="SIGNALS_PARTITIONS"\} (\d+)/.exec(await metrics.registry.metrics())?.[1];
  await signals.say({ ...assignment, total: 1 });
  expect(await said()).toBe('0');
  await signals.say({ ...assignment, total: 2 });
  expect(await said()).toBe('1');
  await Promise.all([input.say(undefined), signals.say(undefined)]);
  await run;
});

test('a shard takes changed rules also if the files are found unchanged before it does', async () => {
  const { scaleOut, input, signals, inForce, correlates } = setUp();
  const run = scaleOut.run(new AbortController().signal);
  await Promise.all([input.say(assignment), signals.say(assignment)]);
  const next = rulesWith('next');
  scaleOut.replaceRules(next);
  await input.say(idle);
  expect(inForce).toEqual([next]);
  expect(await correlates('next')).toBe(false);
  // As SIGHUP does when the files say what the match half already goes by.
  scaleOut.replaceRules(undefined);
  await signals.say(idle);
  expect(await correlates('next')).toBe(true);
  expect(await correlates('former')).toBe(false);
  await Promise.all([input.say(undefined), signals.say(undefined)]);
  await run;
});

test('a change that is taken back before matching takes it is taken back in the shards that have it', async () => {
  const { scaleOut, input, signals, inForce, correlates } = setUp();
  const run = scaleOut.run(new AbortController().signal);
  await Promise.all([input.say(assignment), signals.say(assignment)]);
  scaleOut.replaceRules(rulesWith('next'));
  await signals.say(idle);
  expect(await correlates('next')).toBe(true);
  scaleOut.replaceRules(undefined);
  await Promise.all([input.say(idle), signals.say(idle)]);
  expect(inForce).toEqual([]);
  expect(await correlates('former')).toBe(true);
  expect(await correlates('next')).toBe(false);
  await Promise.all([input.say(undefined), signals.say(undefined)]);
  await run;
});

test('a half that fails ends the other one, even one that cannot send', async () => {
  const failed = new Error('this shard cannot go on');
  const sending = Promise.withResolvers<void>();
  const { scaleOut, input } = setUp({
    signals: {
      send: (_, signal) =>
        new Promise((_, fail) => {
          signal.addEventListener('abort', () => fail(signal.reason));
          sending.resolve();
        }),
    },
    signalsSource: {
      ...driven().source,
      async *read() {
        yield assignment;
        await sending.promise;
        throw failed;
      },
    },
  });
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    const run = scaleOut.run(new AbortController().signal);
    const ended = expect(run).rejects.toBe(failed);
    void input.say(assignment);
    await sending.promise;
    void input.say(undefined);
    await vi.advanceTimersByTimeAsync(10_000);
    await ended;
  } finally {
    vi.useRealTimers();
  }
});
