/** What the oracle's cases do not reach: coalesced logs, evicted groups, inhibition, other rules, other keys. */

import { describe, expect, test } from 'vitest';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { CorrelationRule, RuleSet } from '../../../src/sigma/rule.ts';
import { StateWriter } from '../../../src/state/state-writer.ts';
import { StateReader } from '../../../src/state/state-reader.ts';
import { atOnce } from '../../../src/state/steps.ts';
import {
  reloaded,
  savedBytes,
  savedMeanwhile,
  StateBench,
  type StateBenchOptions,
} from '../../support/state-bench.ts';
import { storedIn } from '../../support/stored-bytes.ts';
import { randomOf, rulesOf, type Sent } from './harness.ts';
import { randomRun } from './random-runs.ts';

const asText = ({ time, id, fields }: Sent): string =>
  JSON.stringify({ '@timestamp': new Date(time).toISOString(), 'event.id': id, action: 'read', ...fields });

function run(ruleSet: RuleSet, log: readonly Sent[], options: StateBenchOptions, interruptions: Set<number>) {
  let bench = new StateBench(ruleSet, options);
  log.forEach((event, i) => {
    if (interruptions.has(i)) bench = reloaded(bench);
    bench.take(asText(event));
  });
  bench.finish();
  return bench.outcome();
}

/** State when that many events were taken, saved at once and again while all others are taken. */
function savedTwice(ruleSet: RuleSet, log: readonly Sent[], options: StateBenchOptions, taken: number) {
  const bench = new StateBench(ruleSet, options);
  for (const event of log.slice(0, taken)) bench.take(asText(event));
  const atOnce = savedBytes(bench.engine);
  const meanwhile = savedMeanwhile(bench.engine, () => {
    for (const event of log.slice(taken)) bench.take(asText(event));
    bench.finish();
  });
  return [atOnce, meanwhile].map((saved) => savedBytes(reloaded(bench, { saved }).engine));
}

/** Runs random logs with three interruptions each and without; returns what the undisturbed ones found. */
function compare(
  seeds: number,
  root: (rule: number, rules: number) => string,
  groups: number,
  exactEntries = 16_384,
) {
  return Array.from({ length: seeds }, (_, seed) => {
    const random = randomOf(1000 + seed);
    const drawn = randomRun(seed, { late: seed % 2 === 1, shortTimeouts: seed % 3 === 0 });
    const rules = rulesOf(...drawn.rules.map((rule, i) => ({ ...rule, root: root(i, drawn.rules.length) })));
    const log = drawn.log.map((event) => ({
      ...event,
      fields: groups === 0 ? event.fields : { ...event.fields, user: `u${random(groups)}` },
    }));
    const options = { latenessMs: drawn.latenessMs, exactEntries };
    const interruptions = new Set([0, 1, 2].map(() => random(log.length)));
    const undisturbed = run(rules, log, options, new Set());
    expect(run(rules, log, options, interruptions), `seed ${seed}`).toEqual(undisturbed);
    for (const taken of interruptions) {
      const [atOnce, meanwhile] = savedTwice(rules, log, options, taken);
      expect(meanwhile!.equals(atOnce!), `seed ${seed}, ${taken} events`).toBe(true);
    }
    return undisturbed;
  });
}

const several = (outcomes: readonly boolean[]): boolean => outcomes.filter(Boolean).length > 3;

describe(
  'an engine that goes on from saved state finds what an undisturbed one finds',
  { timeout: 60_000 },
  () => {
    test('where logs were coalesced', () => {
      const found = compare(24, () => '', 0, 16);
      expect(several(found.map(({ counts }) => Number(counts['coalesced']) > 0))).toBe(true);
      expect(found.some(({ alerts }) => alerts.some(({ totalsEstimated }) => totalsEstimated))).toBe(true);
    });

    test('where an alert opens over what was coalesced before the interruption', () => {
      const rules = rulesOf(
        { type: 'event_count', timespanMs: 1e6, gte: 2 },
        { type: 'value_sum', field: 'size', timespanMs: 1e6, gte: 1000 },
      );
      const log = Array.from({ length: 60 }, (_, i): Sent => ({
        time: 1000 * i,
        id: `e${i}`,
        fields: { user: 'u', size: i === 59 ? 1000 : 0 },
      }));
      const options = { latenessMs: 0, exactEntries: 16 };
      const undisturbed = run(rules, log, options, new Set());
      expect(undisturbed.alerts.find(({ rule }) => rule === 'c1')).toMatchObject({ totalsEstimated: true });
      expect(run(rules, log, options, new Set([59]))).toEqual(undisturbed);
    });

    test('where windows have lost entries beyond vigie.max_entries', () => {
      const root = 'vigie.max_entries: 64\n';
      const set = rulesOf({ type: 'value_sum', field: 'size', timespanMs: 1e6, gte: 1, root });
      const bounds = [{ op: 'lte' as const, value: 64 }];
      const rules = { ...set, correlations: [{ ...set.correlations[0]!, bounds }] };
      const log = Array.from({ length: 200 }, (_, i): Sent => ({
        time: 1000 * i,
        id: `e${i}`,
        fields: { user: 'u', size: 1 },
      }));
      const undisturbed = run(rules, log, { latenessMs: 0 }, new Set());
      // The first 64 windows hold no more.
      expect(undisturbed.alerts).toMatchObject([{ crossedAt: 0, events: 64 }]);
      expect(run(rules, log, { latenessMs: 0 }, new Set([100, 105, 110, 115]))).toEqual(undisturbed);
    });

    test('where groups are evicted', () => {
      const found = compare(18, () => 'vigie.max_groups: 3', 9);
      expect(several(found.map(({ counts }) => JSON.stringify(counts['evictions']) !== '[0]'))).toBe(true);
    });

    test('where alerts inhibit each other', () => {
      const found = compare(18, (i, of) => (i + 1 < of ? `vigie.inhibits: [c${i + 1}]` : ''), 0);
      expect(several(found.map(({ alerts }) => alerts.some(({ inhibitedBy }) => inhibitedBy !== '')))).toBe(
        true,
      );
    });

    test('where an alert has more persons than are counted exactly', () => {
      const rules = rulesOf({ type: 'value_count', field: 'portal.records.ids', timespanMs: 1e6, gte: 10 });
      const log = Array.from({ length: 120 }, (_, i): Sent => ({
        time: 1000 * i,
        id: `e${i}`,
        fields: { user: 'u', 'portal.records.ids': Array.from({ length: 100 }, (_, k) => `p${100 * i + k}`) },
      }));
      const undisturbed = run(rules, log, { latenessMs: 0 }, new Set());
      expect(undisturbed.alerts).toMatchObject([{ personsEstimated: true }]);
      expect(run(rules, log, { latenessMs: 0 }, new Set([50, 110]))).toEqual(undisturbed);
    });
  },
);

const RULES = `
title: read
name: read
logsource: {category: portal}
detection: {s: {action: read}, condition: s}
---
title: write
name: write
logsource: {category: portal}
detection: {s: {action: write}, condition: s}
---
title: many reads
name: reads
level: high
correlation: {type: event_count, rules: [read], group-by: [user], timespan: 10s, condition: {gte: 3}}
---
title: many writes
name: writes
correlation: {type: event_count, rules: [write], group-by: [user], timespan: 10s, condition: {gte: 3}}
---
title: many firings
name: chain
correlation: {type: event_count, rules: [reads], group-by: [user], timespan: 60s, condition: {gte: 1}}
`;

const rules = (text = RULES): RuleSet => {
  const set = parseRules([{ file: 'rules.yml', text }]);
  expect(set.faults).toEqual([]);
  return set;
};

const event = (second: number, action: string): string =>
  JSON.stringify({ '@timestamp': new Date(1000 * second).toISOString(), action, user: 'u' });

/** Two reads and two writes: one more of each fires. */
function halfway(): StateBench {
  const bench = new StateBench(rules(), { latenessMs: 0 });
  for (const action of ['read', 'write', 'read', 'write']) bench.take(event(1, action));
  return bench;
}

test('an alert that another one inhibits while state is being saved is saved as not inhibited', () => {
  // Rules that a chain refers to raise alerts, and inhibit, where it says generate.
  const text = RULES.replace('level: high', 'level: high\nvigie.inhibits: [writes]').replace(
    '{gte: 1}',
    '{gte: 1}, generate: true',
  );
  const bench = new StateBench(rules(text), { latenessMs: 0 });
  const three = (action: string): void => {
    for (let i = 0; i < 3; i += 1) bench.take(event(1, action));
  };
  three('write');
  const atOnce = savedBytes(bench.engine);
  const saved = savedMeanwhile(bench.engine, () => three('read'));
  expect(bench.outcome().alerts.map(({ inhibitedBy }) => inhibitedBy !== '')).toContain(true);
  expect(savedBytes(reloaded(bench, { saved }).engine).equals(atOnce)).toBe(true);
});

test('a group that was evicted while it waited for the watermark is not saved once more when that passes', () => {
  const text = `title: read
name: read
logsource: {category: portal}
detection: {s: {action: read}, condition: s}
---
title: few reads
name: few
vigie.max_groups: 2
correlation: {type: event_count, rules: [read], group-by: [user], timespan: 10s, condition: {lte: 2}}
`;
  const bench = new StateBench(rules(text), { latenessMs: 5000 });
  const read = (user: string, second: number): void =>
    bench.take(JSON.stringify({ '@timestamp': new Date(1000 * second).toISOString(), action: 'read', user }));
  ['a', 'b', 'c', 'd'].forEach((user, second) => read(user, second));
  expect([...bench.engine.counts.evictions.values()]).toEqual([2]);
  const atOnce = savedBytes(bench.engine);
  const saved = savedMeanwhile(bench.engine, () => read('d', 60));
  expect(saved.length).toBe(atOnce.length);
  expect(savedBytes(reloaded(bench, { saved }).engine).equals(atOnce)).toBe(true);
});

/** Rules that find no state, and rules that fire when one more read and write come. */
function goOn(edited: string): { without: string[]; fired: string[] } {
  const without: CorrelationRule[] = [];
  const bench = reloaded(halfway(), { ruleSet: rules(edited), without });
  for (const action of ['read', 'write']) bench.take(event(2, action));
  bench.finish();
  return {
    without: without.map(({ key }) => key).sort(),
    fired: bench
      .outcome()
      .alerts.map(({ rule }) => rule)
      .sort(),
  };
}

describe('when rules are edited, state stays with those that fire as before', () => {
  test.each([
    ['a title', 'title: many reads', 'title: far too many reads'],
    ['a level', 'level: high', 'level: critical'],
    ['a description and a runbook', 'level: high', 'level: low\ndescription: x\nvigie.runbook: y'],
    ['inhibition', 'level: high', 'level: high\nvigie.inhibits: [writes]'],
    [
      'another rule',
      '---\ntitle: many writes',
      '---\ntitle: x\nname: x\nlogsource: {category: portal}\ndetection: {s: {action: x}, condition: s}\n---\ntitle: many writes',
    ],
  ])('%s', (_, before, after) => {
    expect(goOn(RULES.replace(before, after))).toEqual({ without: [], fired: ['chain', 'reads', 'writes'] });
  });

  test.each([
    [
      'a threshold',
      'condition: {gte: 3}}\n---\ntitle: many writes',
      'condition: {gte: 2}}\n---\ntitle: many writes',
      ['chain', 'reads'],
    ],
    [
      'a timespan',
      'timespan: 10s, condition: {gte: 3}}\n---\ntitle: many writes',
      'timespan: 11s, condition: {gte: 3}}\n---\ntitle: many writes',
      ['chain', 'reads'],
    ],
    ['a detection', '{s: {action: read}', '{s: {action: [read, see]}', ['chain', 'reads']],
    ['a timeout', 'name: writes', 'name: writes\nvigie.resolve_timeout: 99s', ['writes']],
    ['a level that alerts nobody', 'name: writes', 'name: writes\nlevel: informational', ['writes']],
    [
      'a filter',
      '---\ntitle: many reads',
      '---\ntitle: f\nlogsource: {category: portal}\nfilter: {rules: [write], selection: {user: x}, condition: not selection}\n---\ntitle: many reads',
      ['writes'],
    ],
    ['a chain', 'timespan: 60s', 'timespan: 61s', ['chain']],
  ])('but not with those whose firings follow from %s', (_, before, after, without) => {
    const edited = RULES.replace(before, after);
    expect(edited).not.toBe(RULES);
    const found = goOn(edited);
    expect(found.without).toEqual(without);
    const kept = ['reads', 'writes'].filter((rule) => !without.includes(rule));
    expect(found.fired).toEqual(expect.arrayContaining(kept));
  });
});

function load(saved: Uint8Array, options: Partial<StateBenchOptions> = {}): void {
  const { engine } = new StateBench(rules(), { latenessMs: 0, ...options });
  atOnce(engine.loading(StateReader.of(saved)));
}

const refusal = (code: string): unknown => expect.objectContaining({ code });

describe('saved state is refused', () => {
  const bytes = savedBytes(halfway().engine);

  test('under another pseudonym key', () => {
    expect(() => load(bytes, { hashKey: new Uint8Array(16).fill(8) })).toThrow(refusal('STATE_KEY'));
  });

  test('under another lateness or other fields of persons', () => {
    expect(() => load(bytes, { latenessMs: 1 })).toThrow(refusal('STATE_SETTINGS'));
    expect(() => load(bytes, { settings: 'patient.id' })).toThrow(refusal('STATE_SETTINGS'));
  });

  test('of another format', () => {
    const other = Uint8Array.from(bytes);
    other[8]! += 1;
    expect(() => load(other)).toThrow(refusal('STATE_VERSION'));
  });

  test('when it is something else', () => {
    expect(() => load(Buffer.from('{"state": 1}'))).toThrow(refusal('STATE_FOREIGN'));
  });

  test('when it was cut anywhere', async () => {
    for (let length = 0; length < bytes.length; length += 7) {
      const cut = bytes.subarray(0, length);
      expect(() => StateReader.of(cut), `${length} bytes`).toThrow(refusal('STATE_TORN'));
      await expect(StateReader.stored(storedIn(cut))).rejects.toThrow(refusal('STATE_TORN'));
    }
    expect(() => StateReader.of(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(refusal('STATE_TORN'));
  });

  test('when any byte changed', async () => {
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      const refused = expect.objectContaining({ code: expect.stringMatching(/^STATE_/) });
      expect(() => StateReader.of(damaged), `byte ${at}`).toThrow(refused);
      await expect(StateReader.stored(storedIn(damaged))).rejects.toThrow(refused);
    }
  });

  test('when sections lack or hold other things than they should', () => {
    const writer = new StateWriter();
    writer.section('engine').u32(1000);
    expect(() => load(Buffer.concat(writer.finish()))).toThrow(refusal('STATE_TORN'));
    expect(() => load(Buffer.concat(new StateWriter().finish()))).toThrow(refusal('STATE_TORN'));
  });
});

test('saved state holds no raw id of a person', () => {
  const text = `
title: read
name: read
logsource: {category: portal}
detection: {s: {action: read}, condition: s}
${[
  'type: value_count, condition: {gte: 1, field: portal.records.ids}',
  'type: value_count, condition: {lte: 5, field: portal.records.ids}',
  'type: value_count, condition: {gte: 1, field: [portal.records.ids, action]}',
  'type: event_count, condition: {gte: 3}, group-by: [portal.records.ids]',
]
  .map((rule, i) => `---\ntitle: c${i}\nname: c${i}\ncorrelation: {rules: [read], timespan: 1h, ${rule}}`)
  .join('\n')}
vigie.sequence: {field: portal.records.ids, min_run: 2}
---
title: new
name: new
correlation: {type: event_count, rules: [read], timespan: 1h, condition: {gte: 1}}
vigie.new_terms: {fields: portal.records.ids, history: 1s}
`;
  const bench = new StateBench(rules(text), { latenessMs: 2000 });
  const ids = Array.from({ length: 40 }, (_, i) => `person-${7000 + i}`);
  ids.forEach((id, i) => {
    const time = new Date(500 * i).toISOString();
    bench.take(JSON.stringify({ '@timestamp': time, action: 'read', 'portal.records.ids': [id, ids[0]] }));
  });
  const saved = savedBytes(bench.engine);
  expect(saved.length).toBeGreaterThan(5000);
  for (const id of ids) {
    for (const encoding of ['latin1', 'utf16le'] as const)
      expect(saved.includes(Buffer.from(id, encoding))).toBe(false);
  }
});
