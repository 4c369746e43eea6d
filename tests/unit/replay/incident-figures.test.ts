/**
 * What public sources say of each incident holds of what is generated. Whatever they leave open is an option,
 * and not tested here.
 */

import { describe, expect, it, vi } from 'vitest';

import { isWorkingDay, parisDayOf, parisOffsetMs } from '../../../replay/calendar.ts';
import { generate } from '../../../replay/index.ts';
import type { AccessEvent } from '../../../src/event/access-event.ts';
import { linesOf, personsOf, takingsOf } from './support.ts';

// Whole volumes are counted, person by person: on a busy machine that takes a while.
vi.setConfig({ testTimeout: 300_000 });

const ALONE = { accounts: 0 };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `Sat 2025-07-12 23` of an instant in Paris. */
function paris(time: number): string {
  const local = new Date(time + parisOffsetMs(time));
  return `${local.toUTCString().slice(0, 3)} ${local.toISOString().slice(0, 13).replace('T', ' ')}`;
}

function isOffHours(time: number): boolean {
  const hour = new Date(time + parisOffsetMs(time)).getUTCHours();
  return hour < 7 || hour >= 19 || !isWorkingDay(parisDayOf(time));
}

/** Share by which a figure differs from another. */
const off = (figure: number, from: number): number => Math.abs(figure / from - 1);

describe('cap-emploi-2024', () => {
  it('takes 36,820,828 persons in 25 GB of list rows, in nights and weekends of 6 February to 5 March', () => {
    const { persons, records, bytes, readers, times, labels } = takingsOf('cap-emploi-2024', ALONE);
    expect(persons).toBe(36_820_828);
    expect(records).toBe(36_820_828);
    expect(labels).toMatchObject({ persons, records, reads: times.length });
    expect(off(bytes, 25e9)).toBeLessThan(0.01);
    expect([...readers.keys()].sort()).toEqual([...labels.accounts].sort());
    expect(readers.size).toBe(2);
    expect(paris(times[0]!)).toMatch(/^Tue 2024-02-06/);
    expect(paris(times.at(-1)!)).toMatch(/^Tue 2024-03-05/);
    expect(times.every(isOffHours)).toBe(true);
    const hours = new Set(times.map((time) => Math.floor(time / HOUR)));
    expect(off(records / hours.size, 83_000)).toBeLessThan(0.05);
  });
});

describe('missions-locales-2025', () => {
  it('takes 1.6 million persons through two accounts in 24 hours, before it was announced', () => {
    const { persons, readers, times, labels } = takingsOf('missions-locales-2025', ALONE);
    expect(persons).toBe(1_600_000);
    expect([...readers.values()]).toEqual([800_000, 800_000]);
    expect(labels).toMatchObject({ persons, records: persons, reads: persons });
    expect(labels.accounts.length).toBe(3);
    expect(off(times.at(-1)! - times[0]!, DAY)).toBeLessThan(0.001);
    expect(times.at(-1)!).toBeLessThan(Date.UTC(2025, 11, 1));
  });
});

describe('viamedis-almerys-2024', () => {
  it('takes 33 million persons in pages, through several professionals, early in 2024', () => {
    const { persons, records, readers, times } = takingsOf('viamedis-almerys-2024', ALONE);
    expect(persons).toBe(33_000_000);
    expect(records).toBe(33_000_000);
    expect(readers.size).toBeGreaterThan(1);
    expect(times[0]!).toBeGreaterThan(Date.UTC(2024, 0, 1));
    expect(times.at(-1)!).toBeLessThan(Date.UTC(2024, 2, 1));
  });
});

describe('gael-2026', () => {
  it('takes 5.8 million persons from Friday 9 to Monday 12 January, at most 94,000 an hour', () => {
    const { persons, readers, times } = takingsOf('gael-2026', ALONE);
    expect(persons).toBe(5_800_000);
    expect(readers.size).toBe(3);
    expect(paris(times[0]!)).toMatch(/^Fri 2026-01-09/);
    expect(paris(times.at(-1)!)).toMatch(/^Mon 2026-01-12/);
    expect(off(persons / ((times.at(-1)! - times[0]!) / HOUR), 94_000)).toBeLessThan(0.01);
  });

  it('reaches the smaller published figures by options: 5 million, two accounts, 80,000 an hour', () => {
    const options = { ...ALONE, records: '5_000_000', accomplices: 1 };
    const { persons, readers, times } = takingsOf('gael-2026', options);
    expect(persons).toBe(5_000_000);
    expect(readers.size).toBe(2);
    expect(off(persons / ((times.at(-1)! - times[0]!) / HOUR), 80_000)).toBeLessThan(0.01);
  });

  it('shows logins without a second factor', () => {
    const logins = [...linesOf('gael-2026', { ...ALONE, records: 5000 }, '"login"')];
    const opened = logins.filter(({ event }) => event.event!.outcome === 'success');
    expect(opened.length).toBeGreaterThan(0);
    for (const { event } of opened) expect(event.portal!.auth!.amr).toEqual(['pwd']);
  });
});

describe('ficoba-2026', () => {
  it('takes 1.2 million persons through one account in three weeks, 2,400 an hour', () => {
    const { persons, readers, times } = takingsOf('ficoba-2026', ALONE);
    expect(persons).toBe(1_200_000);
    expect(readers.size).toBe(1);
    expect(off(times.at(-1)! - times[0]!, 21 * DAY)).toBeLessThan(0.001);
    expect(off(persons / (21 * 24), 2400)).toBeLessThan(0.01);
    expect(paris(times[0]!)).toMatch(/2026-01/);
    expect(paris(times.at(-1)!)).toMatch(/2026-02/);
  });

  it('can be as slow as five an hour for four weeks', () => {
    const { persons, times } = takingsOf('ficoba-2026', { ...ALONE, pace: '5/h', window: '28d' });
    expect(persons).toBe(5 * 24 * 28);
    for (let i = 6; i < times.length; i++) expect(times[i]! - times[i - 6]!).toBeGreaterThan(HOUR * 0.99);
  });
});

describe('dgfip-2026', () => {
  const { persons, bytes, readers, times, labels } = takingsOf('dgfip-2026', ALONE);
  const second = times.findIndex((time) => time > times[0]! + 10 * DAY);

  it('reads 27,000 to 31,000 records of about 18 kB an hour for 22 hours, through dozens of logins', () => {
    const hours = (times[second - 1]! - times[0]!) / HOUR;
    expect(hours).toBeCloseTo(22, 1);
    expect(second / hours).toBeGreaterThan(27_000);
    expect(second / hours).toBeLessThan(31_000);
    expect(off(bytes / persons, 18_000)).toBeLessThan(0.01);
    expect(readers.size).toBeGreaterThanOrEqual(24);
    expect(readers.size).toBeLessThan(100);
    expect(labels.sources.length).toBeLessThan(readers.size / 5);
  });

  it('comes back a month later, for persons not read before', () => {
    expect(off(times[second]! - times[0]!, 28 * DAY)).toBeLessThan(0.01);
    expect(paris(times[0]!)).toMatch(/2026-06/);
    expect(paris(times.at(-1)!)).toMatch(/2026-07/);
    expect(persons).toBe(times.length);
    expect(labels).toMatchObject({ persons, records: persons, reads: persons });
  });
});

describe('jobseeker-infostealer-2025', () => {
  const persons = new Map<string, Set<string>>();
  const sessions = new Map<string, Set<string>>();
  const failed = new Set<string>();
  const sources = new Set<string>();
  const generated = generate('jobseeker-infostealer-2025', ALONE);
  for (const _ of generated.batches());
  const labels = generated.labels().incidents[0]!;
  const malicious = new Set([...labels.malicious.sessions, ...labels.malicious.eventIds]);
  let bytes = 0;
  let events = 0;
  const isMalicious = (event: AccessEvent): boolean =>
    malicious.has(event.portal!.session?.id ?? '') || malicious.has(event.event!.id!);
  for (const { event } of linesOf('jobseeker-infostealer-2025', ALONE)) {
    const session = event.portal!.session?.id;
    const user = event.user!.id!;
    if (session !== undefined) {
      const place = `${event.source!.ip} ${event.user_agent!.original}`;
      sessions.set(session, (sessions.get(session) ?? new Set()).add(place));
    }
    if (!isMalicious(event)) continue;
    events++;
    sources.add(event.source!.ip!);
    if (event.event!.outcome === 'failure') failed.add(user);
    for (const person of personsOf(event)) {
      persons.set(user, (persons.get(user) ?? new Set()).add(person));
      bytes += event.http!.response!.body!.bytes!;
    }
  }

  it('opens 31,000 accounts, each of which reads itself and nobody else', () => {
    expect(persons.size).toBe(31_000);
    expect([...persons.values()].every((read) => read.size === 1)).toBe(true);
    expect(new Set([...persons.values()].flatMap((read) => [...read])).size).toBe(31_000);
    expect(labels).toMatchObject({ persons: 31_000, events });
    expect([...labels.accounts].sort()).toEqual([...persons.keys()].sort());
  });

  it('takes 30 GB of documents, 0.95 MB an account', () => {
    expect(off(bytes, 30e9)).toBeLessThan(0.03);
    expect(off(bytes / persons.size, 0.95e6)).toBeLessThan(0.03);
  });

  it('tests more accounts than it opens, all from few addresses', () => {
    expect(failed.size).toBeGreaterThan(2 * persons.size);
    expect([...sources].sort()).toEqual([...labels.sources].sort());
    expect(sources.size).toBeLessThan(50);
  });

  it('goes on with owners’ sessions from another address', () => {
    const moved = [...sessions.values()].filter((places) => places.size === 2).length;
    expect(off(moved, 0.3 * 31_000)).toBeLessThan(0.05);
    expect([...sessions.values()].every((places) => places.size <= 2)).toBe(true);
  });

  it('happens in the last ten days of October 2025', () => {
    expect(labels.firstEvent!.time).toMatch(/^2025-10-2[2-9]/);
    expect(labels.lastEvent!.time).toMatch(/^2025-10-(2[2-9]|3)/);
  });
});

describe('ddos-rie-2024', () => {
  it('shows no session, nobody logged in, nothing read and nothing that succeeds', () => {
    let requests = 0;
    let denied = 0;
    for (const { event } of linesOf('ddos-rie-2024', { ...ALONE, window: '10m' })) {
      expect(event.event!.outcome).toBe('failure');
      if (event.user ?? event.portal ?? event.organization) expect.fail(JSON.stringify(event));
      if (event.event!.action === 'record-view') denied++;
      requests++;
    }
    expect(requests).toBe(60_000);
    expect(denied).toBeGreaterThan(0);
  });

  it('is labelled without reads, persons or accounts', () => {
    const generated = generate('ddos-rie-2024', { ...ALONE, window: '10m' });
    for (const _ of generated.batches());
    const [labels] = generated.labels().incidents;
    expect(labels).toMatchObject({ events: 60_000, reads: 0, persons: 0, records: 0, accounts: [] });
    expect(labels!.firstRead).toBeUndefined();
    expect(labels!.firstEvent!.time).toMatch(/^2024-03-/);
  });
});
