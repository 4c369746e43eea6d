/** The variants by which a theft evades rules do what they say, for every theft that has them. */

import { describe, expect, it } from 'vitest';

import { isWorkingDay, parisDayOf, parisOffsetMs } from '../../../replay/calendar.ts';
import { generate } from '../../../replay/index.ts';
import { VigieError } from '../../../src/errors.ts';
import type { Line } from './support.ts';
import { linesOf, personsOf } from './support.ts';

const DAY = 86_400_000;
const THEFTS = [
  'cap-emploi-2024',
  'dgfip-2026',
  'ficoba-2026',
  'gael-2026',
  'kairos-2025',
  'missions-locales-2025',
  'viamedis-almerys-2024',
];
const ALL = [...THEFTS, 'jobseeker-infostealer-2025'];

interface Told {
  /** The attacker's events. */
  readonly lines: readonly Line[];
  readonly reads: readonly Line[];
  readonly persons: readonly string[];
  /** From the first read to the last of the first wave. */
  readonly tookMs: number;
}

function tell(name: string, options: Readonly<Record<string, unknown>>): Told {
  const wanted = {
    accounts: 0,
    records: 600,
    ...(name === 'dgfip-2026' ? { secondWave: 0 } : {}),
    ...options,
  };
  const generated = generate(name, wanted);
  for (const _ of generated.batches());
  const { malicious } = generated.labels().incidents[0]!;
  const known = new Set([...malicious.sessions, ...malicious.eventIds]);
  const lines = [...linesOf(name, wanted)].filter(
    ({ event }) => known.has(event.portal?.session?.id ?? '') || known.has(event.event!.id!),
  );
  const reads = lines.filter(({ event }) => personsOf(event).length > 0);
  return {
    lines,
    reads,
    persons: reads.flatMap(({ event }) => personsOf(event)),
    tookMs: reads.at(-1)!.time - reads[0]!.time,
  };
}

function isWorking(time: number): boolean {
  const hour = new Date(time + parisOffsetMs(time)).getUTCHours();
  return hour >= 7 && hour < 19 && isWorkingDay(parisDayOf(time));
}

function fault(name: string, options: Readonly<Record<string, unknown>>): string {
  try {
    generate(name, options);
  } catch (error) {
    if (error instanceof VigieError) return `${error.code} ${error.message} ${error.remedy}`;
    throw error;
  }
  return 'accepted';
}

const isReset = ({ event }: Line): boolean => event.event!.action === 'password-reset';
const isLogin = ({ event }: Line): boolean =>
  event.event!.action === 'login' && event.event!.outcome === 'success';

describe('pace', () => {
  it.each(ALL)('%s at half its pace takes twice as long for as much', (name) => {
    const single = name === 'jobseeker-infostealer-2025' ? {} : { recordsPerEvent: 1 };
    const usual = tell(name, { ...single, hours: 'any', pace: '2/s' });
    const slow = tell(name, { ...single, hours: 'any', pace: '1/s' });
    expect(new Set(slow.persons).size).toBe(600);
    expect(new Set(usual.persons).size).toBe(600);
    expect(slow.tookMs / usual.tookMs).toBeGreaterThan(1.95);
    expect(slow.tookMs / usual.tookMs).toBeLessThan(2.05);
  });

  it('may be given as a multiple of the incident’s own', () => {
    // 340,000 in two hours: 600 at half of that take 25 seconds.
    expect(tell('kairos-2025', { pace: '0.5x' }).tookMs / 1000).toBeCloseTo(25.4, 0);
  });

  it.each([
    ['2/s', 300],
    ['120/m', 300],
    ['7_200/h', 300],
    ['2', 300],
  ])('may be written %s', (pace, seconds) => {
    expect(tell('kairos-2025', { pace }).tookMs / 1000).toBeCloseTo(seconds, -1);
  });
});

describe('hours', () => {
  it.each(ALL)('%s within working hours never shows the attacker outside them', (name) => {
    const { lines, persons } = tell(name, { hours: 'working' });
    expect(lines.find(({ time }) => !isWorking(time))?.text).toBeUndefined();
    expect(new Set(persons).size).toBe(600);
  });

  it.each(ALL)('%s outside working hours never reads within them', (name) => {
    const { reads } = tell(name, { hours: 'offhours' });
    expect(reads.find(({ time }) => isWorking(time))?.text).toBeUndefined();
  });

  it('stretch a theft rather than hasten it', () => {
    const { reads, tookMs } = tell('gael-2026', { hours: 'working', recordsPerEvent: 1 });
    // 62 hours are an hour on Friday evening, five working days, and more than an hour.
    expect(tookMs).toBeGreaterThan(6 * DAY);
    expect(new Set(reads.map(({ time }) => parisDayOf(time))).size).toBe(7);
  });
});

describe('accomplices', () => {
  it.each(THEFTS)('%s is shared equally by as many accounts more', (name) => {
    const { reads } = tell(name, { accomplices: 3 });
    const counts = new Map<string, number>();
    for (const { key } of reads) counts.set(key, (counts.get(key) ?? 0) + 1);
    expect(counts.size).toBe(4);
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    const organisations = new Set(reads.map(({ event }) => event.organization!.id));
    // Health professionals have practices of their own.
    expect(organisations.size).toBe(name === 'viamedis-almerys-2024' ? 4 : 1);
  });
});

describe('stepWait', () => {
  it.each(THEFTS)('%s waits between its steps', (name) => {
    const { lines, reads } = tell(name, {
      stepWait: '3d',
      accomplices: 0,
      hours: 'any',
      start: '2025-01-06T00:00:00Z',
    });
    const reader = reads[0]!.key;
    const prelude = lines.find(
      (line) => isReset(line) || /account-create|habilitation-grant/.test(line.event.event!.action!),
    );
    const login = lines.find((line) => isLogin(line) && line.key === reader)!;
    expect(reads[0]!.time - login.time).toBeGreaterThanOrEqual(3 * DAY);
    if (name === 'cap-emploi-2024' || name === 'missions-locales-2025') {
      expect(login.time - prelude!.time).toBeGreaterThanOrEqual(3 * DAY);
    } else {
      expect(prelude).toBeUndefined();
    }
  });
});

describe('clockSkew', () => {
  it.each(ALL)('%s stamps the same events 90 seconds ahead', (name) => {
    const theft = {
      theftStart: '2025-03-11T18:00:00Z',
      start: '2025-03-03T00:00:00Z',
      hours: 'any',
      ingested: true,
    };
    const right = tell(name, theft);
    const wrong = tell(name, { ...theft, clockSkew: '90s' });
    expect(wrong.lines.length).toBe(right.lines.length);
    wrong.lines.forEach(({ event, time }, i) => {
      expect(time).toBe(right.lines[i]!.time + 90_000);
      expect(Date.parse(String(event.event!.ingested))).toBe(right.lines[i]!.time);
      const started = event.portal?.session?.started_at;
      if (started !== undefined) {
        const usual = right.lines[i]!.event.portal!.session!.started_at;
        expect(Date.parse(String(started))).toBe(Date.parse(String(usual)) + 90_000);
      }
    });
  });

  it('moves the stamps only: among the events of others, the order of arrival stays', () => {
    const options = { accounts: 40, records: 300, ingested: true };
    const ingested = [...linesOf('kairos-2025', { ...options, clockSkew: '-2h' })].map(({ event }) =>
      Date.parse(String(event.event!.ingested)),
    );
    expect(ingested).toEqual([...ingested].sort((a, b) => a - b));
  });
});

describe('pages and order', () => {
  it.each(THEFTS)('%s shows every person once, on pages of fifty', (name) => {
    const { reads, persons } = tell(name, { recordsPerEvent: 50 });
    expect(reads.length).toBe(12);
    expect(new Set(persons).size).toBe(600);
    for (const { event } of reads) expect(event.portal!.records!.count).toBe(50);
  });

  it.each(THEFTS)('%s reads by id when the order is sequential', (name) => {
    const numbers = tell(name, { order: 'sequential' }).persons.map((person) => Number(person.slice(2)));
    expect(numbers.every((n, i) => i === 0 || n === numbers[i - 1]! + 1)).toBe(true);
  });
});

describe('history', () => {
  it('begins the background so long before the first malicious event', () => {
    const lines = [...linesOf('kairos-2025', { accounts: 30, records: 10, history: '28d' })];
    const login = Date.UTC(2025, 6, 12, 20, 40);
    expect(login - lines[0]!.time).toBeGreaterThan(26 * DAY);
    expect(login - lines[0]!.time).toBeLessThan(29 * DAY);
  });
});

describe('variants out of range', () => {
  it.each([
    ['hours', 'nightly', /hours.*"nightly" is none of any, working, offhours/],
    ['clockSkew', '2d', /--clock-skew.*"2d" is more than 86400 s/],
    ['clockSkew', 'late', /--clock-skew.*"late" is not a duration with or without a sign/],
    ['pace', 'fast', /pace.*"fast" is not a pace such as/],
    ['pace', '0', /pace.*"0" is not a pace such as/],
    ['accomplices', -1, /accomplices.*smaller than 0/],
    ['stepWait', '1', /--step-wait.*not a duration/],
  ])('are refused with name and value: %s %s', (name, value, message) => {
    expect(fault('kairos-2025', { [name]: value })).toMatch(message);
  });

  it('are refused when they take longer than a year', () => {
    const text = fault('cap-emploi-2024', { accounts: 0, pace: '0.01x' });
    expect(text).toMatch(/OPTION_INVALID.*take more than 400 days.*higher --pace/);
  });

  it('are refused, in the units in which people give them, when all three of a kind are given', () => {
    const text = fault('kairos-2025', { accounts: 0, records: 4, pace: '5/h', window: '2h' });
    expect(text).toMatch(/--records 4, --pace 5\/h and --window 2 h are all given/);
  });

  it('are refused when a second wave would overlap the first', () => {
    expect(fault('dgfip-2026', { accounts: 0, secondWaveAfter: '2h' })).toMatch(/before the first ends/);
  });

  it('are refused when more persons are to be read than there are', () => {
    expect(fault('missions-locales-2025', { accounts: 0, records: 3_000_000 })).toMatch(/register knows/);
  });
});
