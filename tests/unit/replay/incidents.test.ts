import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { estimate, generate, SCENARIOS } from '../../../replay/index.ts';
import { AccessEvent } from '../../../src/event/access-event.ts';
import { linesOf, personsOf, timeOf } from './support.ts';

const ALONE = { accounts: 0 };

function digest(name: string, options: Readonly<Record<string, unknown>>): string {
  const hash = createHash('sha256');
  for (const chunk of generate(name, options).batches()) hash.update(chunk.bytes);
  return hash.digest('hex');
}

/** How often the next person read has the next id. */
function stepsOfOne(order: string): number {
  let steps = 0;
  let last = NaN;
  for (const { event } of linesOf('kairos-2025', { ...ALONE, records: 500, order })) {
    for (const person of personsOf(event)) {
      const n = Number(person.slice(2));
      if (n === last + 1) steps++;
      last = n;
    }
  }
  return steps;
}

describe('every scenario', () => {
  const small = { accounts: 60, duration: '3d', disorder: 0.05, duplicates: 0.01, ingested: true };
  const theft = { ...small, duration: '9d', records: 2000, window: '2d', recordsPerEvent: 1 };
  const options: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    benign: small,
    'cap-emploi-2024': theft,
    'ddos-rie-2024': { ...small, duration: '9d', window: '1m' },
    'dgfip-2026': { ...theft, secondWaveAfter: '2d' },
    'ficoba-2026': theft,
    'gael-2026': theft,
    'jobseeker-infostealer-2025': { ...small, duration: '9d', records: 200 },
    'kairos-2025': theft,
    'missions-locales-2025': theft,
    'viamedis-almerys-2024': theft,
  };

  it.each(Object.keys(SCENARIOS))(
    '%s has the same bytes for the same seed and others for another',
    (name) => {
      const first = digest(name, options[name]!);
      expect(digest(name, options[name]!)).toBe(first);
      expect(digest(name, { ...options[name]!, seed: 'other' })).not.toBe(first);
    },
  );

  it.each(Object.keys(SCENARIOS))('%s writes valid access events, with key and time beside them', (name) => {
    let n = 0;
    for (const { event, key, time, text } of linesOf(name, options[name]!)) {
      const result = AccessEvent.safeParse(event);
      expect(result.error?.issues, text).toBeUndefined();
      if ((event.user?.id ?? '') !== key || timeOf(event) !== time)
        expect.fail(`key ${key}, time ${time}: ${text}`);
      n++;
    }
    expect(n).toBeGreaterThan(1000);
  });

  it.each(Object.keys(SCENARIOS))('%s never uses an event id twice', (name) => {
    const seen = new Set<string>();
    let n = 0;
    for (const { event } of linesOf(name, { ...options[name]!, duplicates: 0 })) {
      seen.add(event.event!.id!);
      n++;
    }
    expect(seen.size).toBe(n);
  });

  it.each(Object.keys(SCENARIOS))('%s estimates its number of events', (name) => {
    let n = 0;
    for (const chunk of generate(name, options[name]).batches()) n += chunk.count;
    expect(Math.abs(estimate(name, options[name]).events / n - 1)).toBeLessThan(0.25);
  });
});

describe('kairos-2025', () => {
  it('reads 340,000 distinct persons through one account in two hours', () => {
    const generated = generate('kairos-2025', ALONE);
    const persons = new Set<string>();
    const readers = new Set<string>();
    let firstRead = Infinity;
    let lastRead = -Infinity;
    const pattern = /"action":"record-view".*"ids":\["(p-\d{8})"\]/;
    for (const chunk of generated.batches()) {
      const lines = Buffer.from(chunk.bytes).toString().split('\n');
      for (let i = 0; i < chunk.count; i++) {
        const person = pattern.exec(lines[i]!)?.[1];
        if (person === undefined) continue;
        persons.add(person);
        readers.add(chunk.keys[i]!);
        firstRead = Math.min(firstRead, chunk.times[i]!);
        lastRead = Math.max(lastRead, chunk.times[i]!);
      }
    }
    expect(persons.size).toBe(340_000);
    expect(readers.size).toBe(1);
    expect(Math.abs(lastRead - firstRead - 7_200_000)).toBeLessThan(100);
    const [labels] = generated.labels().incidents;
    expect(labels).toMatchObject({ persons: 340_000, records: 340_000, reads: 340_000 });
    expect(labels!.firstRead!.time).toBe(new Date(firstRead).toISOString());
    expect(labels!.lastRead!.time).toBe(new Date(lastRead).toISOString());
  });

  it('starts in the evening of Saturday 12 July 2025 and ends on the 13th, Paris time', () => {
    const generated = generate('kairos-2025', { ...ALONE, records: 100 });
    for (const _ of generated.batches());
    const [labels] = generated.labels().incidents;
    expect(labels!.firstRead!.time).toMatch(/^2025-07-12T21:0/);
    expect(labels!.lastRead!.time).toMatch(/^2025-07-12T22:5/);
  });

  it('moves to another Saturday with start', () => {
    const generated = generate('kairos-2025', { ...ALONE, records: 10, start: '2026-01-07T12:00:00Z' });
    for (const _ of generated.batches());
    expect(generated.labels().incidents[0]!.firstRead!.time).toMatch(/^2026-01-10T22:/);
  });

  it('shows pages of a list when asked to, and still every person once', () => {
    const persons: string[] = [];
    let pages = 0;
    for (const { event } of linesOf('kairos-2025', { ...ALONE, records: 1010, recordsPerEvent: 50 })) {
      persons.push(...personsOf(event));
      if (event.event!.action !== 'record-list') continue;
      pages++;
      expect(event.portal!.records!.count).toBe(personsOf(event).length);
    }
    expect(pages).toBe(21);
    expect(persons.length).toBe(1010);
    expect(new Set(persons).size).toBe(1010);
  });

  it('reads ids in a row only when the order is sequential', () => {
    expect(stepsOfOne('sequential')).toBe(499);
    expect(stepsOfOne('shuffled')).toBeLessThan(3);
  });

  it('is told apart from the owner of the account by its sessions alone', () => {
    const options = { accounts: 40, records: 300 };
    const generated = generate('kairos-2025', options);
    for (const _ of generated.batches());
    const labels = generated.labels().incidents[0]!;
    const sessions = new Set(labels.malicious.sessions);
    let malicious = 0;
    let own = 0;
    for (const { event } of linesOf('kairos-2025', options)) {
      if (event.user!.id !== labels.accounts[0]) continue;
      if (sessions.has(event.portal?.session?.id ?? '')) malicious++;
      else own++;
    }
    expect(malicious).toBe(labels.events);
    expect(own).toBeGreaterThan(0);
  });
});

describe('missions-locales-2025', () => {
  it('creates two accounts, grants them rights, and only then do they log in and read', () => {
    const created = new Map<string, number>();
    const granted = new Map<string, number[]>();
    const login = new Map<string, number>();
    const read = new Map<string, number>();
    for (const { event, time } of linesOf('missions-locales-2025', { ...ALONE, records: 1000 })) {
      const id = event.user!.id!;
      const target = event.user!.target?.id ?? '';
      const first = (map: Map<string, number>, key: string): void => {
        if (!map.has(key)) map.set(key, time);
      };
      switch (event.event!.action) {
        case 'account-create':
          first(created, target);
          expect(event.portal!.account!.created_by).toBe(id);
          break;
        case 'habilitation-grant':
          granted.set(target, [...(granted.get(target) ?? []), time]);
          break;
        case 'login':
          first(login, id);
          expect(event.portal!.auth).toMatchObject({ idp_id: 'proconnect', amr: ['pwd', 'totp'] });
          break;
        case 'record-view':
          first(read, id);
          break;
      }
    }
    expect(created.size).toBe(2);
    expect([...read.keys()].sort()).toEqual([...created.keys()].sort());
    for (const [account, createdAt] of created) {
      const grants = granted.get(account)!;
      expect(grants.length).toBeGreaterThanOrEqual(2);
      expect(Math.min(...grants)).toBeGreaterThan(createdAt);
      expect(login.get(account)!).toBeGreaterThan(Math.max(...grants));
      expect(read.get(account)!).toBeGreaterThan(login.get(account)!);
    }
  });

  it('takes its pace and window as options', () => {
    const generated = generate('missions-locales-2025', { ...ALONE, pace: 2, window: '1h' });
    for (const _ of generated.batches());
    expect(generated.labels().incidents[0]).toMatchObject({ records: 7200 });
  });
});
