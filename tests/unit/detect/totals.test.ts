/** What an alert says of its events, against adding them up from the whole log; and the version it carries. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Alert } from '../../../src/alert/alert.ts';
import type { Episode } from '../../../src/alert/episode.ts';
import { LIMITS } from '../../../src/window/dimension-table.ts';
import { textsOf } from '../../../src/detect/values.ts';
import { EngineBench, rulesOf, type Sent } from './harness.ts';
import { type RandomRun, type RandomRunOptions, randomRun } from './random-runs.ts';

/** Events with the earliest window end they count in: −Infinity unless they came late. */
interface Admitted extends Sent {
  readonly countsFrom: number;
}

function admitted({ log, latenessMs }: RandomRun): Admitted[] {
  let newest = -Infinity;
  return log.map((event) => {
    const watermark = newest - latenessMs;
    newest = Math.max(newest, event.time);
    return { ...event, countsFrom: event.time < watermark ? watermark : -Infinity };
  });
}

const sum = (events: readonly Sent[], field: string): number =>
  events.reduce((total, { fields }) => total + Number(fields[field]), 0);

const distinct = (events: readonly Sent[], field: string): string[] =>
  [...new Set(events.flatMap(({ fields }) => textsOf(fields[field])))].sort();

/** The same from the log. */
function addedUp(episode: Episode, log: readonly Admitted[]): Partial<Alert> & { samples: string[] } {
  const { of, group, crossedAt, lastTrueAt } = episode;
  const [measured] = of.rule.fields;
  const ofGroup = log.filter(({ fields }) => fields['user'] === group.fields['user']);
  const mine = ofGroup.filter(({ fields }) => measured === undefined || textsOf(fields[measured]).length > 0);
  const crossing = mine.filter(
    ({ time, countsFrom }) =>
      time > crossedAt - of.rule.timespanMs && time <= crossedAt && countsFrom <= crossedAt,
  );
  const firstEventAt = Math.min(...crossing.map(({ time }) => time));
  const events = mine.filter(
    ({ time, countsFrom }) =>
      time >= firstEventAt && time <= lastTrueAt && countsFrom <= lastTrueAt + of.rule.resolveTimeoutMs,
  );
  return {
    firstEventAt,
    events: events.length,
    records: sum(events, 'portal.records.count'),
    bytes: sum(events, 'http.response.body.bytes'),
    recordsBeforeAlert: sum(crossing, 'portal.records.count'),
    accounts: [...new Set([...distinct(events, 'user.id'), ...distinct(events, 'user.target.id')])].sort(),
    applications: distinct(events, 'service.name'),
    sourceNetworks: distinct(events, 'source.ip').map((ip) => ip.replace(/\.1$/, '.0/24')),
    // A rule over another field also shows the persons of events without that field.
    persons: distinct(
      ofGroup.filter(
        ({ time, countsFrom }) =>
          time > crossedAt - of.rule.timespanMs &&
          time <= lastTrueAt &&
          (time >= firstEventAt || countsFrom <= crossedAt) &&
          countsFrom <= lastTrueAt + of.rule.resolveTimeoutMs,
      ),
      'portal.records.ids',
    ).length,
    samples: events.filter(({ time }) => time >= crossedAt).map(({ id }) => id!),
  };
}

const runs: [string, RandomRunOptions][] = [
  ['out of order', { events: 270 }],
  ['late', { events: 270, late: true }],
  ['with short timeouts', { events: 270, shortTimeouts: true }],
  ['late, with short timeouts', { events: 270, late: true, shortTimeouts: true }],
];

describe('an alert', { timeout: 60_000 }, () => {
  test.each(runs)('adds up exactly the events of its episode, %s', (_, options) => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const run = randomRun(seed, options);
        const bench = new EngineBench(rulesOf(...run.rules), run);
        for (const event of run.log) bench.take(event);
        const log = admitted(run);
        for (const episode of bench.episodes) {
          const { samples, ...expected } = addedUp(episode, log);
          const alert = bench.render(episode);
          expect(alert).toMatchObject(expected);
          expect(samples).toEqual(expect.arrayContaining([...alert.sampleEventIds]));
          expect(alert.sampleEventIds.length).toBeLessThanOrEqual(20);
        }
      }),
      { numRuns: 75 },
    );
  });

  test.each(runs)('has a larger version exactly when it shows something else, %s', (_, options) => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(32, 1e9), (seed, exactEntries) => {
        const run = randomRun(seed, options);
        const bench = new EngineBench(rulesOf(...run.rules), { ...run, exactEntries });
        const shown = new Map<string, Alert>();
        for (const [i, event] of run.log.entries()) {
          for (const alert of bench.send(event)) {
            const before = shown.get(alert.alertId);
            if (before !== undefined) {
              expect(alert.version).toBeGreaterThanOrEqual(before.version);
              if (alert.version === before.version) expect(alert).toEqual(before);
              else expect({ ...alert, version: 0 }).not.toEqual({ ...before, version: 0 });
            }
            shown.set(alert.alertId, alert);
          }
          // Nothing of an alert changes without a word.
          if (i % 32 > 0) continue;
          for (const { alertId, ...alert } of bench.episodes.map((episode) => bench.render(episode))) {
            expect(shown.get(alertId)).toEqual({ alertId, ...alert });
          }
        }
      }),
      // An estimate that rose beyond the alert's persons, of whom no more are shown.
      { numRuns: 75, examples: [[1377755964, 32]] },
    );
  });

  test('lists each category of data once, also those that come together in one event', () => {
    const bench = new EngineBench(rulesOf({ type: 'event_count', timespanMs: 10_000, gte: 3 }));
    for (const sensitivity of ['nir', ['contact', 'nir'], ['bank'], null]) {
      bench.take({ time: 1_000_000, fields: { user: 'u', 'portal.records.sensitivity': sensitivity } });
    }
    expect(bench.episodes.map((episode) => bench.render(episode).categories)).toEqual([
      ['bank', 'contact', 'nir'],
    ]);
  });

  test('lists categories as events hold them, whatever is in their texts, and says so if an event holds too many', () => {
    const bench = new EngineBench(rulesOf({ type: 'event_count', timespanMs: 10_000, gte: 3 }));
    const many = Array.from({ length: 100 }, (_, i) => `category-${i}`);
    for (const sensitivity of ['name, address', ['bank', 'tax, income'], '[odd]', ['[odd]', ''], many]) {
      bench.take({ time: 1_000_000, fields: { user: 'u', 'portal.records.sensitivity': sensitivity } });
    }
    const { categories } = bench.render(bench.episodes[0]!);
    const known = ['(others)', 'bank', 'name, address', 'tax, income', '[odd]', ...many];
    expect(categories.filter((category) => !known.includes(category))).toEqual([]);
    expect(categories).toEqual(
      expect.arrayContaining(['(others)', 'bank', 'category-0', 'name, address', 'tax, income', '[odd]']),
    );
    expect(categories.length).toBeLessThan(50);
  });

  test('names the account that it is about, and those to which something was done', () => {
    const rules = rulesOf({ type: 'event_count', timespanMs: 10_000, gte: 3, groupBy: ['user.id'] });
    const bench = new EngineBench(rules);
    for (const target of [null, 'u-new', '', 'u-new']) {
      bench.take({ time: 1_000_000, fields: { 'user.id': 'u-rgc', 'user.target.id': target } });
    }
    expect(bench.episodes.map((episode) => bench.render(episode).accounts)).toEqual([['u-new', 'u-rgc']]);
  });

  test('names applications of now also after more than can be told apart at once, and those of an old alert', () => {
    const rules = rulesOf({ type: 'event_count', timespanMs: 10_000, gte: 3 });
    const bench = new EngineBench(rules);
    const unwritten: Episode[] = [];
    const read = (user: string, application: string, time: number): void => {
      for (const episode of unwritten) bench.engine.tracker.changed.add(episode);
      bench.take({ time, fields: { user, 'service.name': application } });
    };
    const hour = 3_600_000;
    // An alert that never ends as long as the log lasts.
    const goOn = (time: number): void => {
      for (let i = 0; i < 3; i += 1) read('old', 'of the old alert', time);
    };
    for (let i = 0; i < 3; i += 1) read('over', 'of the alert that is over', 0);
    unwritten.push(...bench.episodes);
    const many = Math.floor(2.5 * LIMITS.application);
    for (let i = 0; i < many; i += 1) {
      const time = Math.floor((i * 12 * hour) / many);
      if (i % 2 === 0) goOn(time);
      read(`u${i % 50}`, `application ${i}`, time);
    }
    for (let i = 0; i < 3; i += 1) read('new', 'of the new alert', 12 * hour);
    const named = bench.episodes.map((episode) =>
      [bench.render(episode).group['user'], ...bench.render(episode).applications].join(': '),
    );
    expect(named).toEqual([
      'new: of the new alert',
      'old: of the old alert',
      'over: of the alert that is over',
    ]);
  });

  test.each([
    [
      'by name',
      [
        ['1', 'Mission locale'],
        ['1', 'Mission locale'],
      ],
      ['Mission locale'],
    ],
    ['by id where it has no name', [['1', null]], ['1']],
    [
      'each with its id where two share a name',
      [
        ['1', 'Mission locale'],
        ['2', 'Mission locale'],
        ['1', 'Mission locale'],
        ['3', 'Cap emploi'],
      ],
      ['Cap emploi', 'Mission locale (1)', 'Mission locale (2)'],
    ],
    [
      'by name where some events lack the id',
      [
        ['1', 'Mission locale'],
        [null, 'Mission locale'],
      ],
      ['Mission locale'],
    ],
    [
      'by both names where it was renamed',
      [
        ['1', 'ML Isère'],
        ['1', 'Mission locale'],
        ['1', 'ML Isère'],
      ],
      ['ML Isère', 'Mission locale'],
    ],
  ])('lists an organisation %s', (_, organisations, shown) => {
    const bench = new EngineBench(rulesOf({ type: 'event_count', timespanMs: 10_000, gte: 1 }));
    for (const [id, name] of organisations) {
      const fields = { user: 'u', 'organization.id': id!, 'organization.name': name! };
      bench.take({ time: 1_000_000, fields });
    }
    expect(bench.episodes.map((episode) => bench.render(episode).organisations)).toEqual([shown]);
  });
});
