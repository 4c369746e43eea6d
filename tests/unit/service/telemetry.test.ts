import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { Engine } from '../../../src/detect/engine.ts';
import { ShardGauges } from '../../../src/service/engine-gauges.ts';
import { createDecoder } from '../../../src/event/create-decoder.ts';
import { DEAD_LETTER_CODES } from '../../../src/event/decoder.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { createMetrics, type Metrics } from '../../../src/metrics/registry.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import { Telemetry } from '../../../src/service/telemetry.ts';
import { alertFixture } from '../../support/alert-fixture.ts';
import { ALL_RULES, event } from '../cli/fixtures.ts';

const BURST = '11111111-0000-4000-8000-000000000003';
const NOW = Date.UTC(2025, 6, 12, 21);
const clock: Clock = { now: () => NOW, elapsed: () => 0 };
const ruleSet = parseRules([{ file: 'rules.yml', text: ALL_RULES }]);

function setUp() {
  const metrics = createMetrics('0.0.0');
  let log = '';
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      log += chunk.toString();
      done();
    },
  });
  return { metrics, telemetry: new Telemetry(metrics, pino(sink), ruleSet, clock), log: () => log };
}

/** The value of one time series as Prometheus reads it. */
async function valueOf(metrics: Metrics, series: string): Promise<number | undefined> {
  const lines = (await metrics.registry.metrics()).split('\n');
  const line = lines.find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

function burstAlert(status: 'firing' | 'resolved') {
  return alertFixture({ rule: BURST, level: 'high', status, crossedAt: NOW - 90_000 });
}

function feed(engine: Engine, fields: FieldTable, lines: readonly string[]): void {
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  for (const line of lines) {
    const data = Buffer.from(line);
    expect(decoder.decode(data, 0, data.length - 1, record)).toBeUndefined();
    engine.process(record, 0);
  }
}

function newEngine(): [Engine, FieldTable] {
  const fields = new FieldTable();
  return [new Engine({ ruleSet, fields, hashKey: new Uint8Array(16), latenessMs: 60_000 }), fields];
}

test('partitions that others read are told of, unless this process has none or all that is known', async () => {
  const { metrics, telemetry, log } = setUp();
  const elsewhere = async (...assigned: Parameters<Telemetry['assigned']>) => {
    telemetry.assigned(...assigned);
    return valueOf(metrics, 'vigie_partitions_elsewhere');
  };
  expect(await elsewhere([0, 1, 2], 3)).toBe(0);
  expect(await elsewhere([0, 2])).toBe(0);
  expect(await elsewhere([], 3)).toBe(0);
  expect(log()).toBe('');
  expect(await elsewhere([1], 3)).toBe(2);
  expect(log()).toContain('"code":"PARTITIONS_ELSEWHERE"');
});

describe('telemetry', () => {
  test('tells of a gap in the input with its place, its size and its time', async () => {
    const { metrics, telemetry, log } = setUp();
    const never = 'vigie_input_gap_timestamp_seconds{cause="deleted"}';
    expect(await valueOf(metrics, never)).toBe(0);
    telemetry.gap('portal-access', 3, { cause: 'deleted', fromOffset: 30, toOffset: 80 });
    telemetry.gap('portal-access', 4, { cause: 'recreated', fromOffset: 50, toOffset: 0 });
    expect(await valueOf(metrics, 'vigie_input_gap_messages_total')).toBe(50);
    expect(await valueOf(metrics, never)).toBe(NOW / 1000);
    expect(await valueOf(metrics, 'vigie_input_gap_timestamp_seconds{cause="recreated"}')).toBe(NOW / 1000);
    const lines = log()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      {
        code: 'INPUT_GAP',
        source: 'portal-access',
        partition: 3,
        fromOffset: 30,
        toOffset: 80,
        messages: 50,
      },
      { code: 'TOPIC_RECREATED', source: 'portal-access', partition: 4, fromOffset: 50, toOffset: 0 },
    ]);
    expect(lines.every(({ remedy }) => typeof remedy === 'string')).toBe(true);
  });

  test('shows every correlation from the start, so that its silence is visible', async () => {
    const { metrics } = setUp();
    expect(await valueOf(metrics, `vigie_alerts_open{rule="${BURST}",level="high"}`)).toBe(0);
    expect(await valueOf(metrics, `vigie_rule_firings_total{rule="${BURST}"}`)).toBe(0);
  });

  test('has every series that an alerting rule watches for growth before it grows', async () => {
    const { metrics } = setUp();
    for (const code of DEAD_LETTER_CODES) {
      expect(await valueOf(metrics, `vigie_dead_letters_total{code="${code}"}`)).toBe(0);
    }
    for (const { key } of ruleSet.rules) {
      expect(await valueOf(metrics, `vigie_rule_matches_total{rule="${key}"}`)).toBe(0);
    }
    for (const { key, level } of ruleSet.correlations) {
      for (const name of ['vigie_evicted_groups_total', 'vigie_missing_group_events_total']) {
        expect(await valueOf(metrics, `${name}{rule="${key}"}`)).toBe(0);
      }
      const opened = `vigie_alerts_total{rule="${key}",level="${level}",status="opened"}`;
      expect(await valueOf(metrics, opened)).toBe(0);
    }
  });

  test('forgets the lag of a partition that another process reads now', async () => {
    const { metrics, telemetry } = setUp();
    const [engine] = newEngine();
    const behind = { offsets: 900, newestEventTime: NOW - 600_000 };
    telemetry.state(
      engine,
      new Map([
        [0, behind],
        [1, behind],
      ]),
      false,
    );
    expect(await valueOf(metrics, 'vigie_lag_offsets{partition="1"}')).toBe(900);
    telemetry.state(engine, new Map([[0, behind]]), false);
    expect(await valueOf(metrics, 'vigie_lag_offsets{partition="0"}')).toBe(900);
    expect(await valueOf(metrics, 'vigie_lag_offsets{partition="1"}')).toBeUndefined();
    expect(await valueOf(metrics, 'vigie_lag_seconds{partition="1"}')).toBeUndefined();
  });

  test('shows matches of canaries no earlier and no later than those of all events', async () => {
    const { metrics, telemetry } = setUp();
    const [engine] = newEngine();
    const shown = () =>
      Promise.all(
        [`vigie_rule_matches_total{rule="${ruleSet.rules[0]!.key}"}`, 'vigie_canary_matches_total'].map(
          (series) => valueOf(metrics, series),
        ),
      );
    engine.counts.matches[0] = 5;
    engine.counts.canaryMatches = 2;
    telemetry.state(engine, new Map(), true);
    expect(await shown()).toEqual([0, 0]);
    engine.counts.matches[0] = 9;
    engine.counts.canaryMatches = 3;
    expect(await shown()).toEqual([0, 0]);
    telemetry.state(engine, new Map(), false);
    expect(await shown()).toEqual([4, 1]);
  });

  test('counts an alert about a canary apart, and calls nobody for it', async () => {
    const { metrics, telemetry, log } = setUp();
    const canary = { ...burstAlert('firing'), canary: true };
    telemetry.alerts([{ alert: canary, opened: true }], 5);
    telemetry.alerts([{ alert: { ...canary, status: 'resolved' }, opened: false }], 5);
    expect(await valueOf(metrics, `vigie_canary_seen_timestamp_seconds{rule="${BURST}"}`)).toBe(NOW / 1000);
    for (const status of ['opened', 'resolved']) {
      const series = `vigie_alerts_total{rule="${BURST}",level="high",status="${status}"}`;
      expect(await valueOf(metrics, series)).toBe(0);
    }
    expect(await valueOf(metrics, `vigie_alerts_open{rule="${BURST}",level="high"}`)).toBe(0);
    expect(log()).toBe('');
  });

  test('counts an alert once when it opens and once when it ends, however often it is written', async () => {
    const { metrics, telemetry } = setUp();
    const open = `vigie_alerts_open{rule="${BURST}",level="high"}`;
    const total = (status: string) => `vigie_alerts_total{rule="${BURST}",level="high",status="${status}"}`;
    telemetry.alerts([{ alert: burstAlert('firing'), opened: true }], 5);
    telemetry.alerts([{ alert: burstAlert('firing'), opened: false }], 5);
    expect(await valueOf(metrics, open)).toBe(1);
    telemetry.alerts([{ alert: burstAlert('resolved'), opened: false }], 5);
    expect(await valueOf(metrics, open)).toBe(0);
    expect(await valueOf(metrics, total('opened'))).toBe(1);
    expect(await valueOf(metrics, total('resolved'))).toBe(1);
  });

  test('shows an alert as open only while its partition is read here', async () => {
    const { metrics, telemetry } = setUp();
    const open = `vigie_alerts_open{rule="${BURST}",level="high"}`;
    const [engine] = newEngine();
    telemetry.state(engine, new Map(), false);
    telemetry.alerts([{ alert: burstAlert('firing'), opened: true }], 5);
    telemetry.state(engine, new Map(), false);
    expect(await valueOf(metrics, open)).toBe(1);
    // A rebalance: state begins anew, and what is still open here is written again.
    const [second] = newEngine();
    telemetry.state(second, new Map(), true);
    expect(await valueOf(metrics, open)).toBe(0);
    telemetry.alerts([{ alert: burstAlert('firing'), opened: true }], 5);
    expect(await valueOf(metrics, open)).toBe(1);
  });

  test('shows as many open alerts under other rules as before, and those of an edited level under the new one', async () => {
    const { metrics, telemetry } = setUp();
    const [high, low] = ['high', 'low'].map((level) => `vigie_alerts_open{rule="${BURST}",level="${level}"}`);
    telemetry.alerts([{ alert: burstAlert('firing'), opened: true }], 5);
    telemetry.rules(ruleSet, newEngine()[0]);
    expect(await valueOf(metrics, high!)).toBe(1);
    const correlations = ruleSet.correlations.map((rule) =>
      rule.key === BURST ? { ...rule, level: 'low' as const } : rule,
    );
    telemetry.rules({ ...ruleSet, correlations }, newEngine()[0]);
    expect(await valueOf(metrics, high!)).toBeUndefined();
    expect(await valueOf(metrics, low!)).toBe(1);
    telemetry.alerts([{ alert: { ...burstAlert('resolved'), level: 'low' }, opened: false }], 5);
    expect(await valueOf(metrics, low!)).toBe(0);
  });

  test('takes nothing back that it has counted, whatever becomes of the rule', async () => {
    const { metrics, telemetry } = setUp();
    const ended = `vigie_alerts_total{rule="${BURST}",level="high",status="resolved"}`;
    telemetry.alerts([{ alert: burstAlert('firing'), opened: true }], 5);
    // As before rules take the place of others.
    telemetry.alerts([{ alert: { ...burstAlert('resolved'), resolution: 'rule_gone' }, opened: false }], 5);
    const others = { ...ruleSet, correlations: ruleSet.correlations.filter(({ key }) => key !== BURST) };
    telemetry.rules(others, newEngine()[0]);
    expect(await valueOf(metrics, ended)).toBe(1);
    expect(await valueOf(metrics, `vigie_alerts_open{rule="${BURST}",level="high"}`)).toBeUndefined();
    telemetry.rules(ruleSet, newEngine()[0]);
    expect(await valueOf(metrics, ended)).toBe(1);
  });

  test('shows no alerts of a shard that went away before it took the rules that other shards have', async () => {
    const { metrics } = setUp();
    const gauges = new ShardGauges(metrics);
    const quiet = pino({ level: 'silent' });
    const [one, two] = [0, 1].map((shard) => new Telemetry(metrics, quiet, ruleSet, clock, gauges.of(shard)));
    const high = `vigie_alerts_open{rule="${BURST}",level="high"}`;
    two!.alerts([{ alert: burstAlert('firing'), opened: true }], 5);
    const others = { ...ruleSet, correlations: ruleSet.correlations.filter(({ key }) => key !== BURST) };
    one!.rules(others, newEngine()[0]);
    // It is open in the other shard still.
    expect(await valueOf(metrics, high)).toBe(1);
    two!.forgetOpen();
    expect(await valueOf(metrics, high)).toBeUndefined();
    // The rule comes back.
    one!.rules(ruleSet, newEngine()[0]);
    expect(await valueOf(metrics, high)).toBe(0);
  });

  test('shows a rule as warming up until no shard of the process is any more', async () => {
    const { metrics } = setUp();
    const gauges = new ShardGauges(metrics);
    const until = `vigie_rule_warming_until_timestamp_seconds{rule="${BURST}"}`;
    const quiet = pino({ level: 'silent' });
    const [one, two] = [0, 1].map((shard) => new Telemetry(metrics, quiet, ruleSet, clock, gauges.of(shard)));
    gauges.keep(new Set([0, 1]));
    one!.warmUps([{ rule: BURST, untilMs: NOW + 2000 }]);
    two!.warmUps([{ rule: BURST, untilMs: NOW + 1000 }]);
    expect(await valueOf(metrics, until)).toBe(NOW / 1000 + 2);
    one!.warmUps([]);
    expect(await valueOf(metrics, until)).toBe(NOW / 1000 + 1);
    // Its shard went to another process.
    gauges.keep(new Set([0]));
    expect(await valueOf(metrics, until)).toBeUndefined();
    // And tells its last here.
    two!.warmUps([{ rule: BURST, untilMs: NOW + 3000 }]);
    expect(await valueOf(metrics, until)).toBeUndefined();
  });

  test('shows of the saved state of shards the size of all and the moment of the oldest', async () => {
    const { metrics } = setUp();
    const gauges = new ShardGauges(metrics);
    const quiet = pino({ level: 'silent' });
    const [one, two] = [0, 1].map((shard) => new Telemetry(metrics, quiet, ruleSet, clock, gauges.of(shard)));
    const shown = () =>
      Promise.all(
        ['bytes', 'timestamp_seconds'].map((what) => valueOf(metrics, `vigie_state_saved_${what}`)),
      );
    gauges.keep(new Set([0, 1]));
    one!.snapshot({ kind: 'saved', seconds: 0, bytes: 300, takenAtMs: NOW - 90_000 });
    two!.snapshot({ kind: 'loaded', seconds: 0, bytes: 20, takenAtMs: NOW - 5000 });
    expect(await shown()).toEqual([320, NOW / 1000 - 90]);
    two!.snapshot({ kind: 'saved', seconds: 0, bytes: 25, takenAtMs: NOW });
    expect(await shown()).toEqual([325, NOW / 1000 - 90]);
    // Its shard went to another process.
    gauges.keep(new Set([1]));
    one!.snapshot({ kind: 'saved', seconds: 0, bytes: 300, takenAtMs: NOW - 80_000 });
    expect(await shown()).toEqual([25, NOW / 1000]);
    gauges.keep(new Set());
    expect(await shown()).toEqual([0, 0]);
  });

  test('says of state that cannot be saved which settings name its folder', () => {
    const { telemetry, log } = setUp();
    telemetry.snapshot({ kind: 'failed', code: 'STATE_UNWRITABLE', reason: '/data/state: ENOSPC' });
    expect(JSON.parse(log())).toMatchObject({
      reason: '/data/state: ENOSPC',
      remedy: expect.stringMatching(/VIGIE_STATE_DIR.*VIGIE_DATA_DIR/),
    });
  });

  test('logs an alert that is over when it is first written as opened, and as resolved', () => {
    const { telemetry, log } = setUp();
    telemetry.alerts([{ alert: burstAlert('resolved'), opened: true }], 5);
    expect(log()).toMatch(/alert opened: .*alert resolved: /s);
  });

  test('logs an alert by id, rule and numbers, never by whom it is about', () => {
    const { telemetry, log } = setUp();
    const alert = alertFixture({ rule: BURST, group: { 'user.id': 'u-7f3a' }, organisations: ['SIRET-1'] });
    telemetry.alerts([{ alert, opened: true }], 5);
    expect(log()).toContain(alert.alertId);
    expect(log()).not.toMatch(/u-7f3a|SIRET-1/);
  });

  test('keeps the level of an alert apart from that of the log line, which programs filter by', () => {
    const { telemetry, log } = setUp();
    telemetry.alerts([{ alert: burstAlert('firing'), opened: true }], 5);
    expect(log().match(/"level":/g)).toHaveLength(1);
    expect(JSON.parse(log())).toMatchObject({ level: 40, severity: 'high' });
  });

  test('logs of every restoring that began that it ended, or what cut it short', () => {
    const { telemetry, log } = setUp();
    const [engine] = newEngine();
    const told = (): string[] =>
      Array.from(log().matchAll(/"msg":"([^"]*)"/g), ([, msg]) => msg!).filter((msg) =>
        msg.includes('windows'),
      );
    const [began, ended] = ['restoring windows by reading again', 'windows restored'];
    const moved = 'gave up restoring windows: the assignment changed';
    telemetry.restore('started', 0);
    telemetry.restore('started', 0);
    telemetry.state(engine, new Map(), true);
    telemetry.restore('finished', 7);
    telemetry.state(engine, new Map(), false);
    expect(told()).toEqual([began, moved, began, ended]);
    telemetry.restore('started', 0);
    // Of an assignment that has nothing to restore.
    telemetry.state(engine, new Map(), false);
    telemetry.restore('started', 0);
    telemetry.ended();
    telemetry.ended();
    expect(told().slice(4)).toEqual([
      began,
      moved,
      began,
      'gave up restoring windows: nothing more is read here',
    ]);
  });

  test('counts the lines that a mapping leaves out by its case, those that were read with bytes replaced, and canaries', async () => {
    const { metrics, telemetry } = setUp();
    const batch = { events: 5, bytes: 100, restored: 0, replaced: 2, canaries: 1 };
    telemetry.batch({
      ...batch,
      skipped: new Map([
        ['static files', 2],
        ['no case', 1],
      ]),
    });
    telemetry.batch({ ...batch, skipped: new Map([['no case', 3]]) });
    expect(await valueOf(metrics, 'vigie_skipped_events_total{case="static files"}')).toBe(2);
    expect(await valueOf(metrics, 'vigie_skipped_events_total{case="no case"}')).toBe(4);
    expect(await valueOf(metrics, 'vigie_garbled_events_total')).toBe(4);
    expect(await valueOf(metrics, 'vigie_canary_events_total')).toBe(2);
    expect(await valueOf(metrics, 'vigie_events_consumed_total')).toBe(10);
  });

  test('counts dead letters by code and logs their place without what they hold', async () => {
    const { metrics, telemetry, log } = setUp();
    const letter = { source: 'portal-access', partition: 3, offset: 41, bytes: Buffer.from('p-1850675') };
    telemetry.deadLetter({ ...letter, code: 'BAD_TIME', message: 'no time: "p-1850675"' });
    telemetry.deadLetter({ ...letter, code: 'FUTURE_TIME', message: 'ahead' });
    expect(await valueOf(metrics, 'vigie_dead_letters_total{code="BAD_TIME"}')).toBe(1);
    expect(await valueOf(metrics, 'vigie_future_events_total')).toBe(1);
    expect(log()).toMatch(/"code":"BAD_TIME","source":"portal-access","partition":3,"offset":41/);
    expect(log()).not.toContain('p-1850675');
  });

  test('stops logging dead letters of a code that floods the log, says so, and counts on', async () => {
    const { metrics, telemetry, log } = setUp();
    const letter = { source: 'file', partition: 0, bytes: Buffer.from(''), message: '' };
    for (let offset = 0; offset < 1000; offset += 1) {
      telemetry.deadLetter({ ...letter, offset, code: 'NOT_JSON' });
    }
    expect(log().trim().split('\n')).toHaveLength(100);
    expect(log()).toContain('further ones with this code are only counted');
    telemetry.deadLetter({ ...letter, offset: 1000, code: 'TOO_DEEP' });
    expect(log()).toContain('TOO_DEEP');
    expect(await valueOf(metrics, 'vigie_dead_letters_total{code="NOT_JSON"}')).toBe(1000);
  });

  test('adds what the engine counted since the last look, and begins anew with a new engine', async () => {
    const { metrics, telemetry } = setUp();
    const lag = new Map();
    const read = event(1, 'record-view');
    const [engine, fields] = newEngine();
    feed(engine, fields, [read, read]);
    telemetry.state(engine, lag, false);
    telemetry.state(engine, lag, false);
    const duplicates = 'vigie_duplicate_events_total';
    expect(await valueOf(metrics, duplicates)).toBe(1);

    const [second, secondFields] = newEngine();
    feed(second, secondFields, [read, read, read]);
    // What is read again after a restart was counted before it.
    telemetry.state(second, lag, true);
    expect(await valueOf(metrics, duplicates)).toBe(1);
    feed(second, secondFields, [read]);
    telemetry.state(second, lag, false);
    expect(await valueOf(metrics, duplicates)).toBe(2);
  });
});

describe('gauges of shards', () => {
  test('leave out a shard that moved away, though it tells its last while it ends', async () => {
    const metrics = createMetrics('0.0.0');
    const gauges = new ShardGauges(metrics);
    const lag = new Map([[7, { offsets: 3, newestEventTime: NOW }]]);
    const [[behind, behindFields], [ahead, aheadFields]] = [newEngine(), newEngine()];
    feed(behind, behindFields, [event(0, 'record-view')]);
    feed(ahead, aheadFields, [event(100, 'record-view')]);
    const { watermark } = ahead.watermarks;
    gauges.keep(new Set([7, 8]));
    gauges.of(7).show(behind, lag);
    gauges.of(8).show(ahead, new Map());
    expect(await valueOf(metrics, 'vigie_watermark_timestamp_seconds')).toBe(watermark / 1000 - 100);
    gauges.keep(new Set([8]));
    gauges.of(7).show(behind, lag);
    gauges.of(8).show(ahead, new Map());
    expect(await valueOf(metrics, 'vigie_watermark_timestamp_seconds')).toBe(watermark / 1000);
    expect(await valueOf(metrics, 'vigie_shard_lag_messages{shard="7"}')).toBeUndefined();
    expect([...gauges.engines]).toEqual([ahead]);
  });
});
